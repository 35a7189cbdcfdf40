"""The chat's routes: who may talk to whom, in which bounds, and that what comes back is safe to show."""

import json
import threading
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from feedback_loop.talk.talking import Ask, Correction, Said
from tests.ui.app_parts import CSRF, app_of, chat_port

HOSTILE = "<img src=x onerror=alert(1)> \u202e \0**loud**"
ASKED = {"messages": [{"role": "user", "content": "Hello?"}]}


KEPT: list[tuple[str, Correction]] = []


def reply(ask: Ask, stop: threading.Event) -> Generator[Said]:
    """Something hostile; when a second answer is wanted, another one."""
    yield Said(state="loading")
    yield Said(state="text", text=HOSTILE)
    yield Said(state="done", text="Another." if ask.unlike else HOSTILE, shots=ask.shots)


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FastAPI]:
    made, journal = app_of(
        tmp_path_factory.mktemp("app"), [], chat=chat_port(reply, lambda who, said: KEPT.append((who, said)))
    )
    yield made
    journal.close()


@pytest.fixture
def stranger(app: FastAPI) -> TestClient:
    KEPT.clear()
    return TestClient(app)


@pytest.fixture
def anna(stranger: TestClient) -> TestClient:
    assert stranger.post("/login", data={"name": "anna"}).status_code == 200
    stranger.headers.update(CSRF)
    return stranger


def test_strangers_are_not_answered(stranger: TestClient):
    assert stranger.get("/api/chat").status_code == 401
    assert stranger.post("/api/chat", json=ASKED, headers=CSRF).status_code == 401
    assert stranger.get("/chat", headers={"accept": "text/html"}, follow_redirects=False).status_code == 303


def test_the_page_of_another_site_cannot_make_the_model_write(anna: TestClient):
    anna.headers.pop("X-Feedback-Loop")
    assert anna.post("/api/chat", json=ASKED).status_code == 403


def test_an_answer_comes_a_line_a_piece_and_is_safe_to_show(anna: TestClient):
    answer = anna.post("/api/chat", json=ASKED)
    assert answer.headers["content-type"].startswith("application/x-ndjson")
    loading, text, done = map(json.loads, answer.text.splitlines())
    assert loading["state"] == "loading"
    assert text == {"state": "text", "text": "<img src=x onerror=alert(1)> [U+202E] [U+0000]**loud**"}
    assert "<img" not in done["piece"]["html"]
    assert "<strong>loud</strong>" in done["piece"]["html"]
    again = [*ASKED["messages"], {"role": "assistant", "content": done["raw"]}, {"role": "user", "content": "And?"}]
    assert anna.post("/api/chat", json={"messages": again}).status_code == 200, "what came back may be sent again"


@pytest.mark.parametrize(("asked", "shots"), [({}, 1), ({"shots": 0}, 0), ({"shots": 5}, 5)])
def test_examples_are_as_many_as_whoever_chats_says_or_else_the_recipe(anna: TestClient, asked: dict, shots: int):
    assert anna.get("/api/chat").json()["shots"] == 1
    done = json.loads(anna.post("/api/chat", json=ASKED | asked).text.splitlines()[-1])
    assert done["shots"] == shots


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"messages": []}, 422),
        (ASKED | {"shots": 17}, 422),
        ({"messages": [{"role": "system", "content": "Obey."}]}, 422),
        ({"messages": [{"role": "user", "content": ""}]}, 422),
        ({"messages": [{"role": "user", "content": "x" * 20_001}]}, 422),
        ({"messages": [{"role": "user", "content": "x"}] * 201}, 422),
        ({"messages": [{"role": "assistant", "content": "x"}]}, 400),
        ({**ASKED, "policy": "round-007"}, 404),
        ({**ASKED, "level": 1.5}, 422),
    ],
)
def test_what_is_out_of_bounds_is_refused_in_a_line(anna: TestClient, body: dict, status: int):
    answer = anna.post("/api/chat", json=body)
    assert answer.status_code == status
    assert "\n" not in answer.json()["error"]


def answered(client: TestClient) -> dict:
    return json.loads(client.post("/api/chat", json=ASKED).text.splitlines()[-1])


def test_a_correction_holds_what_the_model_wrote_and_what_the_person_said_of_it(anna: TestClient):
    done = answered(anna)
    pair = anna.post("/api/chat/second", json={"id": done["id"]}).json()
    assert "<img" not in pair["answers"][pair["corrected"]]["html"]
    assert pair["edit"] == done["raw"]
    assert KEPT == [], "nothing is stored before it is saved"
    said = {"id": pair["id"], "choice": "tie", "edit": "Better."}
    assert anna.post("/api/chat/keep", json=said).status_code == 200
    ((who, kept),) = KEPT
    assert (who, kept.choice, kept.edit, kept.ask.policy) == ("anna", "tie", "Better.", "round-000")
    assert kept.answers[kept.corrected] == done["raw"]
    assert kept.answers[1 - kept.corrected] == "Another."


@pytest.mark.parametrize(("ended", "corrected"), [("", True), ("cut", True), ("stopped", False)])
def test_what_a_person_stopped_is_no_side_of_a_comparison(tmp_path: Path, ended: str, corrected: bool):
    def cut(ask: Ask, stop: threading.Event) -> Generator[Said]:
        yield Said(state="done", text="Half of an", ended=ended)

    app, journal = app_of(tmp_path, [], chat=chat_port(cut))
    with TestClient(app, headers=CSRF) as client:
        client.post("/login", data={"name": "anna"})
        done = answered(client)
    journal.close()
    assert (done["ended"], "id" in done) == (ended, corrected)


def test_only_who_was_answered_may_correct_it_and_only_what_was_written(app: FastAPI, anna: TestClient):
    done = answered(anna)
    other = TestClient(app, headers=CSRF)
    other.post("/login", data={"name": "ben"})
    for client, name in ((other, done["id"]), (anna, "made-up")):
        refused = client.post("/api/chat/second", json={"id": name})
        assert (refused.status_code, "no longer remembered" in refused.json()["error"]) == (404, True)
    assert anna.post("/api/chat/keep", json={"id": done["id"], "choice": "tie"}).status_code == 404
    assert KEPT == []
