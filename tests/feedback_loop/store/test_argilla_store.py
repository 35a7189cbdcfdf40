"""A real Argilla keeps comparisons and each person's words, and gives them back as they were."""

import socket
import warnings
from pathlib import Path

import pytest
from playwright.sync_api import Page

from feedback_loop.argilla_local import Connection
from feedback_loop.errors import LoopError
from feedback_loop.records import Ranking
from feedback_loop.store import argilla_store
from feedback_loop.store.argilla_store import ArgillaStore, open_store, user_name
from feedback_loop.store.courier import reconcile
from feedback_loop.store.journal import Journal
from tests.argilla_fixture import annotate_in_argilla, owner_login
from tests.feedback_loop.store.samples import comparison, ranking, settings_without_strength

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
        before.setattr(argilla_store, "_settings", settings_without_strength)
        open_store(argilla.api_url, argilla.api_key, request.node.name, "old")
    store = open_store(argilla.api_url, argilla.api_key, request.node.name, "old")
    store.publish([comparison()])
    return store


def words(rankings: list[Ranking]) -> list[tuple[str | None, ...]]:
    return sorted(
        ((r.user_id, r.comparison_id, r.status, r.choice, r.strength, r.comment, r.edit) for r in rankings),
        key=lambda r: r[:2],
    )


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
        ranking(0, choice="tie", edit="  leading, trailing and\n\n\nempty lines  \n"),
        ranking(0, choice="neither", comment=LONG, edit=LONG),
        ranking(0, choice=None),
        ranking(0, choice=None, comment="I cannot judge this"),
    ],
    ids=["first", "second", "slight", "much", "tie", "neither", "skip", "skip-comment"],
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
    assert words(store.rankings(0)) == [("anna", "c0", "submitted", "c0-b", None, None, None)]


def test_a_strength_said_in_argilla_of_no_chosen_answer_is_left_out(store: ArgillaStore):
    record = store.ask("GET", f"/datasets/{store.dataset}/records")["items"][0]
    values = {"choice": {"value": "tie"}, "strength": {"value": "much"}}
    item = {"record_id": record["id"], "status": "submitted", "values": values}
    store.ask("POST", "/me/responses/bulk", json={"items": [item]})
    (found,) = store.rankings(0)
    assert (found.choice, found.strength) == ("tie", None)


def test_a_dataset_made_before_strength_was_asked_takes_all_else(old_store: ArgillaStore, store: ArgillaStore):
    old_store.submit("anna", ranking(strength="much", comment="shorter", edit="Short."))
    assert words(old_store.rankings(0)) == [("anna", "c0", "submitted", "c0-a", None, "shorter", "Short.")]
    assert (old_store.keeps_strength, store.keeps_strength) == (False, True)


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
    monkeypatch.setattr(argilla_store, "MAKING_SECONDS", 0.2)
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
