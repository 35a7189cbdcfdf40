"""A real Argilla keeps comparisons and each person's words, and gives them back as they were."""

import socket
import warnings
from pathlib import Path

import pytest
from playwright.sync_api import Page

from feedback_loop.argilla_local import Connection
from feedback_loop.errors import LoopError
from feedback_loop.records import Ranking
from feedback_loop.store import argilla_dataset
from feedback_loop.store.argilla_store import ArgillaStore, open_store, user_name
from feedback_loop.store.courier import reconcile
from feedback_loop.store.journal import Journal, said
from feedback_loop.store.validity import check_answer
from tests.argilla_fixture import annotate_in_argilla, owner_login
from tests.feedback_loop.store.samples import comparison, first_settings, ranking

pytestmark = [pytest.mark.argilla]


@pytest.fixture
def store(argilla: Connection, request: pytest.FixtureRequest) -> ArgillaStore:
    """A dataset of the test's own with four comparisons of round 0."""
    store = open_store(argilla.api_url, argilla.api_key, request.node.name, "store")
    store.publish([comparison(n) for n in range(4)])
    return store


@pytest.fixture
def old_store(argilla: Connection, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> ArgillaStore:
    """A dataset with one comparison, made before one was asked how much better a choice is."""
    with monkeypatch.context() as before:
        before.setattr(argilla_dataset, "settings", first_settings)
        open_store(argilla.api_url, argilla.api_key, request.node.name, "old")
    store = open_store(argilla.api_url, argilla.api_key, request.node.name, "old")
    store.publish([comparison()])
    return store


@pytest.fixture
def store_of_three(argilla: Connection, request: pytest.FixtureRequest) -> ArgillaStore:
    """The same for comparisons of three answers, one of which has but two."""
    store = open_store(argilla.api_url, argilla.api_key, request.node.name, "three", answers=3)
    store.publish([comparison(0, answers=3), comparison(1, answers=2)])
    return store


def words(rankings: list[Ranking]) -> list[dict[str, object]]:
    """All that was said, less when."""
    return sorted((said(r) for r in rankings), key=lambda r: (r["user_id"], r["comparison_id"]))


def count(store: ArgillaStore) -> int:
    return len(store.ask("GET", f"/datasets/{store.dataset}/records", params={"limit": 500})["items"])


def test_publishing_again_changes_nothing(store: ArgillaStore, argilla: Connection):
    store.submit("anna", ranking())
    store.publish([comparison(n) for n in range(6)])
    again = open_store(argilla.api_url, argilla.api_key, "test_publishing_again_changes_nothing", "store")
    again.publish([comparison(n) for n in range(6)])
    assert again.dataset == store.dataset
    assert count(again) == 6
    assert len(again.rankings(0)) == 1


def test_people_see_the_request_and_both_answers(store: ArgillaStore):
    items = store.ask("GET", f"/datasets/{store.dataset}/records", params={"limit": 500})["items"]
    shown = {item["external_id"]: item["fields"] for item in items}
    assert shown["c2"] == {"prompt": "Question 2?", "first": "Answer a to 2", "second": "Answer b to 2"}


LONG = "# Заголовок\n\n**жирный** `code` <b>&amp;</b> 🙂 \u200f\n" * 500


@pytest.mark.parametrize(
    "given",
    [
        ranking(0, choice="c0-a"),
        ranking(0, choice="c0-b", comment="Короче и по делу"),
        ranking(0, choice="c0-a", strength="slight"),
        ranking(0, choice="c0-b", strength="much", comment="Much", edit="As I would write it"),
        ranking(0, choice="c0-b", edit="Second, mended", edit_of="c0-b", flagged=True, comment="flagged"),
        ranking(0, choice="c0-a", edit="From the other one", edit_of="c0-b"),
        ranking(0, choice="tie", edit="  leading, trailing and\n\n\nempty lines  \n"),
        ranking(0, choice="neither", comment=LONG, edit=LONG),
        ranking(0, choice=None),
        ranking(0, choice=None, comment="I cannot judge this"),
        ranking(0, choice=None, reason="unsafe", flagged=True),
        ranking(0, choice=None, reason="unclear"),
        ranking(0, choice=None, reason="unknown"),
    ],
    ids=(
        [
            "first",
            "second",
            "slight",
            "much",
            "edit",
            "edit-of-other",
            "tie",
            "neither",
            "skip",
            "skip-comment",
            "unsafe",
            "unclear",
            "unknown",
        ]
    ),
)
def test_an_answer_comes_back_word_for_word(store: ArgillaStore, given: Ranking):
    store.submit("anna", given)
    assert words(store.rankings(0)) == words([given])
    assert store.rankings(1) == []


def test_each_user_answers_in_their_own_name(store: ArgillaStore):
    given = [ranking(1, user, f"c1-{side}") for user, side in (("Ольга", "a"), ("李 小龙", "b"), ("anna", "a"))]
    for one in given:
        store.submit(one.user_id, one)
    assert words(store.rankings(0)) == words(given)


def test_submitting_again_replaces_the_answer(store: ArgillaStore):
    store.submit("anna", ranking(choice="c0-a", strength="much", comment="first"))
    store.submit("anna", ranking(choice="c0-b"))
    store.submit("anna", ranking(choice="c0-b"))
    assert words(store.rankings(0)) == [said(ranking(choice="c0-b"))]


def test_a_strength_said_in_argilla_of_no_chosen_answer_is_left_out(store: ArgillaStore):
    record = store.ask("GET", f"/datasets/{store.dataset}/records")["items"][0]
    values = {"choice": {"value": "tie"}, "strength": {"value": "much"}}
    item = {"record_id": record["id"], "status": "submitted", "values": values}
    store.ask("POST", "/me/responses/bulk", json={"items": [item]})
    (found,) = store.rankings(0)
    assert (found.choice, found.strength) == ("tie", None)


def test_a_dataset_made_before_all_this_was_asked_takes_the_rest(old_store: ArgillaStore, store: ArgillaStore):
    more = {"strength": "much", "edit_of": "c0-a", "flagged": True}
    old_store.submit("anna", ranking(comment="shorter", edit="Short.", **more))
    assert words(old_store.rankings(0)) == [said(ranking(comment="shorter", edit="Short."))]
    assert {"strength", "order", "edit_of", "flagged", "reason"} & set(old_store.keeps) == set()
    assert {"strength", "edit_of", "flagged", "reason", "comment", "edit"} <= set(store.keeps)


A, B, C = "c0-a", "c0-b", "c0-c"


@pytest.mark.parametrize(
    "given",
    [
        ranking(0, choice=C, order=((C,), (A,), (B,)), strength="slight"),
        ranking(0, choice=B, order=((B,), (A, C))),
        ranking(0, choice="tie", order=((A, C), (B,)), comment="both"),
        ranking(0, choice="tie", order=((A, B, C),)),
        ranking(0, choice=C, strength="much", edit="Third, mended", edit_of=C),
        ranking(0, choice="tie"),
        ranking(0, choice="neither", edit="My own"),
        ranking(1, choice="c1-b", order=(("c1-b",), ("c1-a",))),
        ranking(1, choice="tie", order=(("c1-a", "c1-b"),)),
    ],
    ids=["order", "tie-below", "tie-above", "all-tied", "choice", "tie", "neither", "two-of-three", "two-tied"],
)
def test_an_order_comes_back_with_its_ties(store_of_three: ArgillaStore, given: Ranking):
    store_of_three.submit("anna", given)
    (found,) = store_of_three.rankings(0)
    placed = given.order and tuple(tuple(sorted(group)) for group in given.order)
    assert (found.order, found.choice) == (placed, given.choice)
    assert words([found]) == words([given.model_copy(update={"order": found.order})])


def test_a_run_that_shows_another_number_of_answers_has_another_dataset(argilla: Connection, store: ArgillaStore):
    wider = open_store(argilla.api_url, argilla.api_key, "wider", "store", answers=4)
    wider.publish([comparison(0, answers=4)])
    (record,) = wider.ask("GET", f"/datasets/{wider.dataset}/records")["items"]
    assert record["fields"]["fourth"] == "Answer d to 0"
    narrow = open_store(argilla.api_url, argilla.api_key, "wider", "store")
    assert narrow.dataset != wider.dataset
    assert "order" not in narrow.keeps


def answered_in_argilla(store: ArgillaStore, **values: object) -> list[Ranking]:
    """What comes of an answer that the owner gives to c0 in Argilla's own pages."""
    items = store.ask("GET", f"/datasets/{store.dataset}/records")["items"]
    record = next(item for item in items if item["external_id"] == "c0")
    given = {name: {"value": value} for name, value in values.items()}
    item = {"record_id": record["id"], "status": "submitted", "values": given}
    answer = store.ask("POST", "/me/responses/bulk", json={"items": [item]})
    assert answer["items"][0].get("error") is None
    return store.rankings(0)


def test_an_order_given_in_argilla_that_contradicts_the_choice_is_left_out(store_of_three: ArgillaStore):
    ranks = [{"value": side, "rank": rank} for side, rank in (("first", 1), ("second", 3), ("third", 3))]
    (found,) = answered_in_argilla(store_of_three, choice="third", order=ranks)
    assert (found.choice, found.order) == (C, None)
    (found,) = answered_in_argilla(store_of_three, choice="first", order=ranks)
    assert (found.choice, found.order) == (A, ((A,), (B, C)))


def test_parts_that_do_not_go_with_the_rest_are_left_out(store: ArgillaStore):
    (found,) = answered_in_argilla(store, choice="first", reason="unsafe", edit_of="first", edit=" ", flagged="no")
    check_answer(comparison(), found)
    assert said(found) == said(ranking(user=found.user_id))


def test_an_undo_takes_back_one_users_answer(store: ArgillaStore):
    store.submit("anna", ranking())
    store.submit("Ольга", ranking(user="Ольга"))
    store.withdraw("Ольга", "c0")
    store.withdraw("Ольга", "c0")
    store.withdraw("nobody-yet", "c1")
    assert [r.user_id for r in store.rankings(0)] == ["anna"]


def test_times_are_utc(store: ArgillaStore):
    given = ranking()
    store.submit("anna", given)
    (found,) = store.rankings(0)
    assert found.created_at.endswith("+00:00")
    assert given.created_at <= found.created_at < "9"


def test_answers_are_found_on_every_page_of_records(store: ArgillaStore):
    store.publish([comparison(n) for n in range(300)])
    for n in range(100):
        store.submit("anna", ranking(n))
    assert len(store.rankings(0)) == 100


def test_a_wrong_key_is_said_in_one_line(argilla: Connection):
    with pytest.raises(LoopError, match=r"refuses the key.*ARGILLA_API_KEY") as raised:
        open_store(argilla.api_url, "wrong", "run", "store")
    assert "\n" not in str(raised.value)


def test_a_server_that_is_gone_is_said_in_one_line():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
        with pytest.raises(LoopError, match=f"Argilla at {url} does not answer") as raised:
            open_store(url, "key", "run", "store")
    assert "\n" not in str(raised.value)


def test_a_new_dataset_is_made_without_noise(argilla: Connection, capfd: pytest.CaptureFixture[str]):
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        open_store(argilla.api_url, argilla.api_key, "quiet", "Мой run")
    assert [str(w.message) for w in said if w.category is UserWarning] == []
    assert capfd.readouterr() == ("", "")


def test_a_dataset_whose_maker_was_killed_is_made_anew(
    store: ArgillaStore, argilla: Connection, monkeypatch: pytest.MonkeyPatch
):
    workspace = store.ask("GET", f"/datasets/{store.dataset}")["workspace_id"]
    half = store.ask("POST", "/datasets", json={"name": "store-half-made", "workspace_id": workspace})
    monkeypatch.setattr(argilla_dataset, "MAKING_SECONDS", 0.2)
    whole = open_store(argilla.api_url, argilla.api_key, "half-made", "store")
    assert whole.dataset != half["id"]
    whole.publish([comparison()])
    whole.submit("anna", ranking())
    assert len(whole.rankings(0)) == 1


def test_different_users_never_share_an_argilla_name():
    users = ["anna", "Anna", "u-anna", "анна", "an na", "x" * 200, "-anna", "anna@example.org"]
    names = [user_name(user) for user in users]
    assert len(set(names)) == len(users)
    assert names[0] == "anna"
    assert all(name.isascii() and len(name) <= 40 for name in names)


@pytest.mark.browser
def test_an_answer_given_in_argillas_own_pages_counts(
    store: ArgillaStore, argilla: Connection, argilla_places: Path, page: Page, tmp_path: Path
):
    login = owner_login(argilla_places)
    annotate_in_argilla(page, argilla, store.dataset, "Second", login)
    journal = Journal(tmp_path / "journal.sqlite")
    reconcile(journal, store, 0)
    (found,) = journal.rankings(0)
    journal.close()
    assert found.user_id == login[0]
    assert found.choice == f"{found.comparison_id}-b"


@pytest.mark.browser
def test_an_order_dragged_in_argillas_own_pages_counts_with_its_ties(
    argilla: Connection, argilla_places: Path, page: Page, tmp_path: Path
):
    store = open_store(argilla.api_url, argilla.api_key, "dragged", "store", answers=3)
    store.publish([comparison(0, answers=3)])
    order = [("second", 1), ("first", 2), ("third", 2)]
    annotate_in_argilla(page, argilla, store.dataset, "Second", owner_login(argilla_places), order)
    journal = Journal(tmp_path / "journal.sqlite")
    reconcile(journal, store, 0)
    (found,) = journal.rankings(0)
    journal.close()
    assert (found.choice, found.order) == (B, ((B,), (A, C)))
