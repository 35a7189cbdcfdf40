"""The Rounds page's samples, searched, filtered and turned over, as safe HTML; and what labels taught."""

from contextlib import closing
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from feedback_loop.report.overview import Gate, Overview, Sample, StageView
from tests.ui.app_parts import CSRF, EMPTY, app_of, comparison, rounds_port
from tests.ui.rounds_parts import alarmed, lessons
from tests.ui.test_accounts import join
from ui.accounts import Accounts
from ui.rounds_routes import PAGE, as_told
from ui.visitors import Role


def sample(number: int, before: str = "Same.", after: str = "Same.", gain: float = 0.0) -> Sample:
    return Sample(prompt=f"Question {number}?", before=before, after=after, reward_before=1.0, reward_after=1.0 + gain)


SAMPLES = (
    sample(0, "No.", "**Yes**, of course.", 0.5),
    sample(1, "Да.", "Ёлка <img src=x onerror=alert(1)> [link](http://evil.example)", -0.5),
    sample(2, "好。", "很好。", 0.25),
    *(sample(n) for n in range(3, 40)),
)


@pytest.fixture
def client(tmp_path: Path):
    last = alarmed().rounds[-1].model_copy(update={"samples": SAMPLES})
    overview = alarmed().model_copy(update={"rounds": (*alarmed().rounds[:-1], last)})
    app, journal = app_of(tmp_path, [], rounds=rounds_port(overview=overview, taught=lessons(2)))
    with TestClient(app, headers=CSRF) as made:
        made.post("/login", data={"name": "anna"})
        yield made
    journal.close()


def waiting_for(stage: str) -> Overview:
    """A decided round, and one that waits for people: one of four answers is there."""
    done, *_, last = alarmed().rounds
    stages = (StageView(name=stage, state="waiting", done=1, total=4),)
    gate = Gate(
        verdict="ask",
        votes=1,
        told=1,
        most=4,
        win_rate=1,
        estimate=0.9,
        low=0.4,
        high=1,
        model_weight=0,
        reason="1 of 1",
    )
    waits = last.model_copy(
        update={
            "stages": stages,
            "labels": 1,
            "needed": 4,
            "decision": None,
            "gate": gate if stage == "promotion" else None,
        }
    )
    message = "Round 002 has 1 of 4."
    return alarmed().model_copy(update={"rounds": (done, waits), "labels": 33, "message": message})


@pytest.mark.parametrize("role", ["owner", "annotator"])
def test_the_open_round_counts_as_the_label_page_says(role: Role):
    shown = as_told(waiting_for("rankings"), 3, role)
    assert (shown.rounds[0].labels, shown.rounds[1].labels, shown.rounds[1].stages[0].done) == (32, 3, 3)
    assert (shown.labels, shown.message) == (35, "")
    assert as_told(alarmed(), 3, role) == alarmed()


def test_how_duels_stand_is_for_owners_until_they_are_decided():
    asked = waiting_for("promotion")
    assert as_told(asked, 3, "owner") == asked
    shown = as_told(asked, 3, "annotator")
    assert (shown.rounds[1].gate, shown.rounds[1].stages[0].done, shown.labels, shown.message) == (None, 3, 33, "")


def test_the_rounds_page_is_sent_the_count_that_the_label_page_is_sent(tmp_path: Path):
    asked = [comparison(n) for n in range(3)]
    asked += [comparison(9).model_copy(update={"purpose": "check", "expected": "secret-9-0"})]
    app, journal = app_of(tmp_path, asked, rounds=rounds_port(overview=waiting_for("rankings")))
    with TestClient(app, headers=CSRF) as client:
        client.post("/login", data={"name": "anna"})
        client.post("/api/vote", json={"comparison_id": "c9", "choice": "first"})
        answer = client.get("/api/rounds").json()
    journal.close()
    assert answer["progress"]["answered"] == answer["overview"]["rounds"][1]["labels"] == 1


def of(client: TestClient, **asked: object) -> dict:
    answer = client.get("/api/rounds/2/samples", params=asked)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_samples_come_a_page_at_a_time_and_a_page_too_far_is_the_last(client: TestClient):
    first, last = of(client), of(client, page=99)
    assert (first["total"], first["pages"], len(first["items"])) == (40, 4, PAGE)
    assert (last["page"], last["items"][-1]["prompt"]) == (3, "Question 39?")
    assert of(client, page=1)["items"][0]["prompt"] == "Question 10?"


def test_filters_count_what_differs_and_what_the_reward_model_likes_better_or_less(client: TestClient):
    assert of(client)["counts"] == {"all": 40, "changed": 3, "better": 2, "worse": 1}
    assert [i["prompt"] for i in of(client, show="better")["items"]] == ["Question 0?", "Question 2?"]
    assert [i["prompt"] for i in of(client, show="worse")["items"]] == ["Question 1?"]


@pytest.mark.parametrize(
    ("search", "found"),
    [("YES course", ["Question 0?"]), ("ёлка", ["Question 1?"]), ("很好", ["Question 2?"]), ("question 39", ["Question 39?"]),
     ("nowhere", [])],
)  # fmt: skip
def test_search_finds_each_word_in_request_or_answers(client: TestClient, search: str, found: list[str]):
    said = of(client, search=search)
    assert [i["prompt"] for i in said["items"]] == found
    assert said["counts"]["all"] == len(found)


def test_an_answer_is_safe_html_with_its_words_counted(client: TestClient):
    yes, hostile, chinese = of(client)["items"][:3]
    assert yes["after"] == {"html": "<p><strong>Yes</strong>, of course.</p>\n", "words": 3, "reward": 1.5}
    assert "<img" not in hostile["after"]["html"]
    assert "<a" not in hostile["after"]["html"]
    assert chinese["after"]["words"] == 2


@pytest.mark.parametrize("asked", [{"page": -1}, {"show": "secret"}, {"search": "x" * 201}])
def test_what_makes_no_sense_is_refused(client: TestClient, asked: dict):
    assert client.get("/api/rounds/2/samples", params=asked).status_code == 422


def test_a_round_without_samples_has_none(client: TestClient):
    assert client.get("/api/rounds/77/samples").json()["total"] == 0


def test_the_overview_leaves_samples_out_since_it_is_asked_each_second(client: TestClient):
    rounds = client.get("/api/rounds").json()["overview"]["rounds"]
    assert rounds
    assert all("samples" not in r for r in rounds)


def test_what_labels_taught_comes_with_the_heads_it_is_shown_under(client: TestClient):
    said = client.get("/api/rounds/2/taught").json()
    heads = {x["trait"]: x["head"] for x in said["lessons"] if not x["phrase"]}
    assert (heads["emoji"], heads["digits"]) == ("wanted", "unseen")
    refused = client.get("/api/rounds/0/taught")
    assert refused.status_code == 400
    assert "no preferences yet" in refused.json()["error"]


def test_strangers_see_neither(tmp_path: Path):
    app, journal = app_of(tmp_path, [], rounds=rounds_port(overview=EMPTY))
    for path in ("/api/rounds/0/samples", "/api/rounds/0/taught"):
        assert TestClient(app).get(path).status_code == 401
    journal.close()


def undecided() -> Overview:
    """Three rounds, the last of which has a new policy that people still judge."""
    last = alarmed().rounds[-1].model_copy(update={"decision": None, "samples": SAMPLES})
    return alarmed().model_copy(update={"rounds": (*alarmed().rounds[:-1], last)})


def test_how_a_policy_writes_is_hidden_from_annotators_until_it_is_decided_on():
    shown = as_told(undecided(), 0, "annotator")
    hidden = shown.rounds[-1]
    assert (hidden.metrics, hidden.checks) == ({}, ())
    assert not any(curve.name.startswith("policy/") for curve in hidden.curves)
    assert shown.curves
    assert not any(hidden.round in curve.x for curve in shown.curves)
    assert shown.rounds[:-1] == undecided().rounds[:-1]
    assert as_told(undecided(), 0, "owner") == undecided()
    assert as_told(alarmed(), 0, "annotator") == alarmed()


@pytest.mark.parametrize("overview", [undecided(), alarmed()])
def test_annotators_see_what_a_policy_writes_once_it_is_decided_on(tmp_path: Path, overview: Overview):
    app, journal = app_of(tmp_path, [], rounds=rounds_port(overview=overview, taught=lessons(2)), login="accounts")
    open_ = overview.rounds[-1].decision is None
    with closing(Accounts(tmp_path)) as accounts:
        owner, annotator = (join(app, accounts, role, role) for role in ("owner", "annotator"))
    for path in ("samples", "taught"):
        assert owner.get(f"/api/rounds/2/{path}").status_code == 200
        answer = annotator.get(f"/api/rounds/2/{path}")
        assert answer.status_code == (403 if open_ else 200)
        assert ("once its round is decided" in answer.text) is open_
    assert annotator.get("/api/rounds/1/samples").status_code == 200, "that one was decided"
    journal.close()
