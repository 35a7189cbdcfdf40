from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from feedback_loop.errors import LoopError
from feedback_loop.records import Comparison
from feedback_loop.store.desk import Desk
from feedback_loop.store.journal import Journal
from tests.ui.app_parts import CSRF, NO_SOUP, SITE, chat_port, comparison, intent_port, rounds_port, team_port
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
def late() -> dict[str, Comparison]:
    """What was asked before; a test adds to it."""
    return {}


@pytest.fixture
def stranger(
    tmp_path: Path, journal: Journal, comparisons: list[Comparison], late: dict[str, Comparison]
) -> TestClient:
    def cannot() -> None:
        raise LoopError("Round 000 has 0 of 4 rankings.")

    desk = Desk(lambda: comparisons, journal, lambda: 4, 1, closed=lambda: late)
    return TestClient(
        build_app(
            desk,
            rounds_port(cannot),
            team_port(comparisons, journal),
            chat_port(),
            NO_SOUP,
            intent_port(),
            title="Test",
            login="name",
            secret="s",
            state_folder=tmp_path,
            site=SITE,
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


@pytest.mark.parametrize(
    "path", ["/api/vote", "/api/undo", "/api/rounds/start", "/api/rounds/rollback", "/api/rounds/decide"]
)
def test_another_site_can_change_nothing(anna: TestClient, path: str):
    del anna.headers["X-Feedback-Loop"]
    refused(anna.post(path, json={"comparison_id": "c0", "choice": "first"}), 403)


@pytest.mark.parametrize(
    ("whose", "status"), [("anna", 200), ("ann%61", 200), ("boris", 412), ("%D0%AF", 412), ("", 412)]
)
def test_a_page_that_somebody_else_left_open_can_neither_answer_nor_ask(anna: TestClient, whose: str, status: int):
    headers = {"X-Feedback-Loop-User": whose}
    assert anna.get("/api/next", headers=headers).status_code == status
    assert anna.post("/api/vote", json={"comparison_id": "c0", "choice": "tie"}, headers=headers).status_code == status
    assert anna.post("/api/undo", headers=headers).status_code == status


def test_two_comparisons_come_at_once_and_nothing_tells_who_wrote_what(anna: TestClient):
    answer = anna.get("/api/next")
    assert len(answer.json()["items"]) == 2
    assert set(answer.json()["items"][0]) == {"id", "prompt", "answers"}
    assert "secret" not in answer.text
    assert "round-007" not in answer.text


def test_a_vote_by_side_is_kept_as_the_completion_that_stood_there(anna: TestClient, journal: Journal):
    body = {"comparison_id": "c1", "choice": "second", "comment": " clearer "}
    assert anna.post("/api/vote", json=body).json()["progress"] == {"answered": 1, "mine": 1, "needed": 4}
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


def test_an_answer_from_a_page_that_was_offline_is_stored_after_its_round_is_closed(
    anna: TestClient, comparisons: list[Comparison], late: dict[str, Comparison], journal: Journal
):
    late |= {c.id: c for c in comparisons}
    comparisons.clear()
    body = {"comparison_id": "c0", "choice": "second", "comment": "written on a train"}
    assert anna.post("/api/vote", json=body).status_code == 200
    assert [(r.user_id, r.choice, r.comment) for r in journal.rankings(0)] == [
        ("anna", "secret-0-1", "written on a train")
    ]
    refused(anna.post("/api/vote", json=body), 409, "already")
    assert anna.get("/api/history/c0").json()["said"] == {"choice": "second", "comment": "written on a train"}
    refused(anna.get("/api/history/c1"), 404, "not answered")
    refused(anna.post("/api/vote", json={**body, "comparison_id": "c9"}), 410)
    assert len(journal.rankings(0)) == 1


def test_a_closed_round(anna: TestClient, comparisons: list[Comparison]):
    comparisons.clear()
    refused(anna.post("/api/vote", json={"comparison_id": "c0", "choice": "first"}), 410, "closed")
    assert anna.get("/api/next").json()["items"] == []


@pytest.mark.parametrize(
    "body",
    [{}, [], {"comparison_id": "c0"}, {"comparison_id": "c0", "choice": "best"}, {"comparison_id": 5, "choice": "tie"},
     {"comparison_id": "c0", "choice": "tie", "user": "boris"},
     {"comparison_id": "c0", "choice": "first", "strength": "hugely"},
     {"comparison_id": "c0", "choice": "tie", "comment": "x" * 20_001},
     {"comparison_id": "c0", "choice": "first", "edit": "x" * 200_001},
     {"comparison_id": "c0", "choice": "skip", "reason": "boring"},
     {"comparison_id": "c0", "choice": "fifth"},
     {"comparison_id": "c0", "order": [["first"], ["fifth"]]},
     {"comparison_id": "c0", "order": [["first"]] * 5}, {"comparison_id": "c0", "order": []},
     {"comparison_id": "c0", "choice": "first", "seconds": -1},
     {"comparison_id": "c0", "choice": "first", "seconds": 1e9}],
)  # fmt: skip
def test_a_malformed_vote(anna: TestClient, journal: Journal, body: object):
    refused(anna.post("/api/vote", json=body), 422)
    assert journal.rankings(0) == []


@pytest.mark.parametrize(
    ("said", "line"),
    [({"choice": "third"}, "shows 2 answers"), ({"choice": "first", "edit_of": "first"}, "edit"),
     ({"choice": "first", "edit": "x", "edit_of": "fourth"}, "shows 2 answers"),
     ({"order": [[]]}, "order"), ({"order": [["first"]]}, "order"),
     ({"choice": "second", "order": [["first"], ["second"]]}, "first"),
     ({"choice": "skip", "edit": "x"}, "edit"), ({"choice": "tie", "reason": "unsafe"}, "reason")],
)  # fmt: skip
def test_an_answer_that_does_not_hang_together(anna: TestClient, journal: Journal, said: dict, line: str):
    refused(anna.post("/api/vote", json={"comparison_id": "c0", **said}), 400, line)
    assert journal.rankings(0) == []


def test_an_order_an_edit_and_a_flag_are_kept_as_the_completions_that_stood_there(
    anna: TestClient, journal: Journal, comparisons: list[Comparison]
):
    comparisons.append(comparison(9, "Aa", "Bb", "Cc"))
    body = {"comparison_id": "c9", "order": [["third"], ["first", "second"]], "flagged": True, "seconds": 4.25}
    assert anna.post("/api/vote", json={**body, "edit": " Cc! ", "edit_of": "third"}).status_code == 200
    (kept,) = journal.rankings(0)
    assert (kept.choice, kept.order) == ("secret-9-2", (("secret-9-2",), ("secret-9-0", "secret-9-1")))
    assert (kept.flagged, kept.edit, kept.edit_of, kept.seconds) == (True, " Cc! ", "secret-9-2", 4.25)


def test_answers_that_are_best_together_are_a_tie(anna: TestClient, journal: Journal, comparisons: list[Comparison]):
    comparisons.append(comparison(9, "Aa", "Bb", "Cc"))
    anna.post("/api/vote", json={"comparison_id": "c9", "order": [["third", "first"], ["second"]]})
    assert journal.rankings(0)[0].choice == "tie"


def test_a_skip_keeps_its_reason(anna: TestClient, journal: Journal):
    anna.post("/api/vote", json={"comparison_id": "c0", "choice": "skip", "reason": "unsafe"})
    assert (journal.rankings(0)[0].status, journal.rankings(0)[0].reason) == ("discarded", "unsafe")


def test_what_is_revised_takes_the_place_of_what_stood(anna: TestClient, journal: Journal):
    body = {"comparison_id": "c0", "choice": "first"}
    refused(anna.post("/api/vote", json={**body, "revise": True}), 409, "no answer")
    anna.post("/api/vote", json=body)
    answer = anna.post("/api/vote", json={**body, "choice": "tie", "revise": True})
    assert answer.json()["progress"]["mine"] == 1
    assert [r.choice for r in journal.rankings(0)] == ["tie"]
    assert anna.get("/api/history").json()["items"][0]["revisions"] == 1


def test_history_has_ones_own_answers_by_sides_newest_first(anna: TestClient):
    anna.post("/api/vote", json={"comparison_id": "c1", "choice": "second", "comment": "clearer", "strength": "much"})
    anna.post("/api/vote", json={"comparison_id": "c0", "choice": "skip", "reason": "unclear"})
    answer = anna.get("/api/history")
    assert "secret" not in answer.text
    assert "round-007" not in answer.text
    assert [(i["id"], i["request"], i["said"], i["revisions"]) for i in answer.json()["items"]] == [
        ("c0", "Question 0?", {"choice": "skip", "reason": "unclear"}, 0),
        ("c1", "Question 1?", {"choice": "second", "comment": "clearer", "strength": "much"}, 0),
    ]
    anna.post("/login", data={"name": "boris"})
    assert anna.get("/api/history").json() == {"items": [], "found": 0}
    refused(anna.get("/api/history/c1"), 404, "not answered")


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("question 1", ["c1"]),
        ("TWO to", ["c1", "c0"]),
        ("clearer", ["c1"]),
        ("mine", ["c0"]),
        ("clearer 0", []),
        ("", ["c1", "c0"]),
    ],
)
def test_history_is_searched_by_words_of_request_answers_and_what_was_said(
    anna: TestClient, words: str, found: list[str]
):
    anna.post("/api/vote", json={"comparison_id": "c0", "choice": "first", "edit": "Mine", "edit_of": "first"})
    anna.post("/api/vote", json={"comparison_id": "c1", "choice": "first", "comment": "clearer"})
    answer = anna.get("/api/history", params={"q": words}).json()
    assert [item["id"] for item in answer["items"]] == found
    assert answer["found"] == len(found)


def test_an_answer_of_the_history_opens_with_its_comparison_and_what_was_said(anna: TestClient):
    anna.post(
        "/api/vote", json={"comparison_id": "c0", "choice": "first", "edit": "Mine", "edit_of": "first", "seconds": 3}
    )
    opened = anna.get("/api/history/c0").json()
    assert [shown["text"] for shown in opened["answers"]] == ["One to 0", "Two to 0"]
    assert opened["said"] == {"choice": "first", "edit": "Mine", "edit_of": "first", "seconds": 3.0}
    refused(anna.get("/api/history/c99"), 404, "c99")


def test_the_page_is_told_nothing_of_why_a_comparison_is_asked(anna: TestClient, comparisons: list[Comparison]):
    comparisons[:] = [
        comparisons[0],
        comparison(7).model_copy(update={"purpose": "repeat", "repeat_of": "c0"}),
        comparison(8).model_copy(update={"purpose": "check", "expected": "secret-8-0"}),
    ]
    anna.post("/api/vote", json={"comparison_id": "c8", "choice": "second"})
    for path in ("/api/next?count=4", "/api/history", "/api/history/c8"):
        text = anna.get(path).text
        assert not {word for word in ("purpose", "repeat", "check", "expected", "secret") if word in text}, path


@pytest.mark.parametrize("count", [0, 5, "many"])
def test_no_more_comparisons_at_once_than_the_page_holds(anna: TestClient, count: object):
    refused(anna.get(f"/api/next?count={count}"), 422)
    assert len(anna.get("/api/next?count=3").json()["items"]) == 3


def test_undo_takes_the_last_answer_back_and_shows_it(anna: TestClient, journal: Journal):
    refused(anna.post("/api/undo"), 404, "nothing to undo")
    anna.post("/api/vote", json={"comparison_id": "c2", "choice": "tie"})
    assert [item["id"] for item in anna.post("/api/undo").json()["items"]] == ["c2"]
    assert journal.rankings(0) == []


def test_undo_of_a_change_shows_what_stands_again(anna: TestClient, journal: Journal):
    anna.post("/api/vote", json={"comparison_id": "c1", "choice": "first", "comment": "hm"})
    anna.post("/api/vote", json={"comparison_id": "c1", "choice": "tie", "revise": True})
    (item,) = anna.post("/api/undo").json()["items"]
    assert (item["id"], item["restored"], item["said"]) == ("c1", True, {"choice": "first", "comment": "hm"})
    assert [r.choice for r in journal.rankings(0)] == ["secret-1-0"]
    assert anna.post("/api/vote", json={"comparison_id": "c1", "choice": "second", "revise": True}).status_code == 200


def test_undo_gives_back_what_was_said(anna: TestClient):
    anna.post("/api/vote", json={"comparison_id": "c2", "choice": "neither", "edit": "Mine", "comment": "both miss"})
    (item,) = anna.post("/api/undo").json()["items"]
    assert item["said"] == {"choice": "neither", "edit": "Mine", "comment": "both miss"}


def test_rounds_without_a_round_and_why_one_cannot_start(anna: TestClient):
    assert anna.get("/api/rounds").json()["overview"]["rounds"] == []
    refused(anna.post("/api/rounds/start"), 400, "0 of 4")


def test_every_answer_carries_the_content_policy(anna: TestClient):
    for path in ("/", "/rounds", "/help", "/login", "/page/label/page.js"):
        answer = anna.get(path)
        assert answer.status_code == 200, path
        assert "connect-src 'self'" in answer.headers["content-security-policy"]
