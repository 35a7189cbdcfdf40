from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from feedback_loop.errors import LoopError
from feedback_loop.records import Comparison
from feedback_loop.store.desk import Desk
from feedback_loop.store.journal import Journal
from tests.ui.app_parts import CSRF, comparison, rounds_port, team_port
from ui.app import build_app

OPEN: list[Comparison] = [comparison(n) for n in range(3)]


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    kept = Journal(tmp_path / "journal.sqlite")
    yield kept
    kept.close()


@pytest.fixture
def comparisons() -> list[Comparison]:
    return list(OPEN)


@pytest.fixture
def stranger(tmp_path: Path, journal: Journal, comparisons: list[Comparison]) -> TestClient:
    def cannot() -> None:
        raise LoopError("Round 000 has 0 of 4 rankings.")

    desk = Desk(lambda: comparisons, journal, lambda: 4, 1)
    return TestClient(
        build_app(
            desk,
            rounds_port(cannot),
            team_port(comparisons, journal),
            title="Test",
            login="name",
            secret="s",
            state_folder=tmp_path,
        )
    )


@pytest.fixture
def anna(stranger: TestClient) -> TestClient:
    assert stranger.post("/login", data={"name": " anna "}).status_code == 200
    stranger.headers.update(CSRF)
    return stranger


def refused(answer, status: int, said: str = "") -> None:
    assert answer.status_code == status, answer.text
    error = answer.json()["error"]
    assert "\n" not in error
    assert said in error


@pytest.mark.parametrize("path", ["/api/next", "/api/rounds", "/config", "/gradio_api/info"])
def test_a_stranger_is_told_to_log_in(stranger: TestClient, path: str):
    refused(stranger.get(path), 401, "Log in")


def test_a_stranger_cannot_vote_and_is_led_to_the_log_in(stranger: TestClient):
    refused(stranger.post("/api/vote", json={"comparison_id": "c0", "choice": "first"}, headers=CSRF), 401)
    page = stranger.get("/", headers={"accept": "text/html"}, follow_redirects=False)
    assert (page.status_code, page.headers["location"]) == (303, "/login")


def test_the_session_cookie_is_out_of_reach_of_scripts_and_other_sites(stranger: TestClient):
    cookie = stranger.post("/login", data={"name": "anna"}, follow_redirects=False).headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie


@pytest.mark.parametrize("path", ["/api/vote", "/api/undo", "/api/rounds/start", "/api/rounds/rollback"])
def test_another_site_can_change_nothing(anna: TestClient, path: str):
    del anna.headers["X-Feedback-Loop"]
    refused(anna.post(path, json={"comparison_id": "c0", "choice": "first"}), 403)


def test_two_comparisons_come_at_once_and_nothing_tells_who_wrote_what(anna: TestClient):
    answer = anna.get("/api/next")
    assert len(answer.json()["items"]) == 2
    assert set(answer.json()["items"][0]) == {"id", "prompt", "answers"}
    assert "secret" not in answer.text
    assert "round-007" not in answer.text


def test_a_vote_by_side_is_kept_as_the_completion_that_stood_there(anna: TestClient, journal: Journal):
    body = {"comparison_id": "c1", "choice": "second", "comment": " clearer "}
    assert anna.post("/api/vote", json=body).json()["progress"] == {"answered": 1, "mine": 1, "needed": 4, "left": 2}
    (kept,) = journal.rankings(0)
    assert (kept.user_id, kept.choice, kept.comment) == ("anna", "secret-1-1", "clearer")


@pytest.mark.parametrize(("choice", "kept"), [("tie", "tie"), ("neither", "neither"), ("skip", None)])
def test_other_answers(anna: TestClient, journal: Journal, choice: str, kept: str | None):
    assert anna.post("/api/vote", json={"comparison_id": "c0", "choice": choice}).status_code == 200
    assert journal.rankings(0)[0].choice == kept


@pytest.mark.parametrize("strength", ["slight", "much", None])
def test_how_much_better(anna: TestClient, journal: Journal, strength: str | None):
    body = {"comparison_id": "c0", "choice": "first", "strength": strength}
    assert anna.post("/api/vote", json=body).status_code == 200
    assert (journal.rankings(0)[0].choice, journal.rankings(0)[0].strength) == ("secret-0-0", strength)


@pytest.mark.parametrize("choice", ["tie", "neither", "skip"])
def test_how_much_better_is_said_of_a_chosen_answer_only(anna: TestClient, journal: Journal, choice: str):
    refused(anna.post("/api/vote", json={"comparison_id": "c0", "choice": choice, "strength": "much"}), 400, "strength")
    assert journal.rankings(0) == []


def test_an_answer_that_stands_is_not_counted_again(anna: TestClient, journal: Journal):
    for status in (200, 409):
        answer = anna.post("/api/vote", json={"comparison_id": "c0", "choice": "first"})
        assert answer.status_code == status
    refused(answer, 409, "already")
    assert len(journal.rankings(0)) == 1


def test_an_unknown_comparison(anna: TestClient):
    refused(anna.post("/api/vote", json={"comparison_id": "c99", "choice": "first"}), 404, "c99")


def test_a_closed_round(anna: TestClient, comparisons: list[Comparison]):
    comparisons.clear()
    refused(anna.post("/api/vote", json={"comparison_id": "c0", "choice": "first"}), 410, "closed")
    assert anna.get("/api/next").json()["items"] == []


@pytest.mark.parametrize(
    "body",
    [{}, [], {"comparison_id": "c0"}, {"comparison_id": "c0", "choice": "best"}, {"comparison_id": 5, "choice": "tie"},
     {"comparison_id": "c0", "choice": "tie", "user": "boris"},
     {"comparison_id": "c0", "choice": "first", "strength": "hugely"},
     {"comparison_id": "c0", "choice": "tie", "comment": "x" * 20_001}],
)  # fmt: skip
def test_a_malformed_vote(anna: TestClient, journal: Journal, body: object):
    refused(anna.post("/api/vote", json=body), 422)
    assert journal.rankings(0) == []


def test_undo_takes_the_last_answer_back_and_shows_it(anna: TestClient, journal: Journal):
    refused(anna.post("/api/undo"), 404, "nothing to undo")
    anna.post("/api/vote", json={"comparison_id": "c2", "choice": "tie"})
    assert [item["id"] for item in anna.post("/api/undo").json()["items"]] == ["c2"]
    assert journal.rankings(0) == []


def test_rounds_without_a_round_and_why_one_cannot_start(anna: TestClient):
    assert anna.get("/api/rounds").json()["overview"]["rounds"] == []
    refused(anna.post("/api/rounds/start"), 400, "0 of 4")


def test_every_answer_carries_the_content_policy(anna: TestClient):
    for path in ("/", "/rounds", "/help", "/login", "/page/label.js"):
        answer = anna.get(path)
        assert answer.status_code == 200, path
        assert "connect-src 'self'" in answer.headers["content-security-policy"]
