"""The Intent page's routes: everybody looks, annotators without names; owners decide."""

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from starlette.types import Receive, Scope, Send

from feedback_loop.errors import UsageError
from feedback_loop.intent.sentences import ONE, SENTENCES
from tests.ui.app_parts import CSRF, app_of, intent_port
from tests.ui.intent_parts import recording
from ui.intent_routes import build_intent_routes
from ui.languages import words
from ui.visitors import Role, Visitor, announce, owner, role, user

CALLS: list[tuple[str, ...]] = []


def client(as_: Role) -> TestClient:
    app = FastAPI()
    CALLS.clear()
    app.include_router(build_intent_routes(recording(CALLS), user, owner, role))

    async def known(scope: Scope, receive: Receive, send: Send) -> None:
        announce(scope, Visitor("ben", as_))
        await app(scope, receive, send)

    return TestClient(known)


def test_an_owner_sees_wishes_with_evidence_and_whose_labels_they_are():
    seen = client("owner").get("/api/intent").json()
    assert seen["owner"] is True
    assert [(p["key"], p["state"], p["confidence"]) for p in seen["proposals"][:4]] == [
        ("emoji.no", "proposed", "likely"),
        ("max_words", "proposed", "likely"),
        ("caveat.no", "proposed", "perhaps"),
        ("comment:too long", "proposed", "quoted"),
    ]
    first = seen["proposals"][0]
    assert first["evidence"]["labels"][:2] == ["c0@anna", "c1@anna"]
    assert (first["evidence"]["labelled"], len(first["evidence"]["labels"])) == (44, 40)
    assert seen["proposals"][4]["decided"]["by"] == "olga"


def test_an_annotator_sees_the_same_without_names_and_decides_nothing():
    asked = client("annotator")
    seen = asked.get("/api/intent")
    assert seen.json()["owner"] is False
    assert seen.json()["proposals"][0]["evidence"]["labels"][:2] == ["c0", "c1"]
    assert "anna" not in seen.text
    assert "olga" not in seen.text
    assert asked.post("/api/intent/accept", json={"key": "emoji.no", "text": "No emoji."}).status_code == 403
    assert asked.post("/api/intent/dismiss", json={"key": "emoji.no"}).status_code == 403
    assert CALLS == []


def test_an_owner_accepts_a_line_and_dismisses():
    asked = client("owner")
    assert asked.post("/api/intent/accept", json={"key": "emoji.no", "text": "No emoji, please."}).status_code == 200
    assert asked.post("/api/intent/dismiss", json={"key": "caveat.no"}).status_code == 200
    assert CALLS == [("accept", "emoji.no", "No emoji, please.", "ben"), ("dismiss", "caveat.no", "ben")]
    assert asked.post("/api/intent/accept", json={"key": "x", "text": "x" * 1001}).status_code == 422


def test_what_people_and_models_wrote_hides_nothing():
    seen = client("owner").get("/api/intent").json()["proposals"]
    assert seen[0]["example"]["request"] == "How?[U+202E]"
    assert "<b>" not in seen[0]["example"]["chosen"]["html"]
    assert seen[3]["quotes"][0] == "Too long![U+202E]"


def test_a_refusal_is_one_line_and_a_stranger_sees_nothing(tmp_path):
    def refuse(key: str, line: str, who: str) -> None:
        raise UsageError(f"{key}: accepted already. Change it in the brief.")

    app, journal = app_of(tmp_path, [], intent=intent_port(accept=refuse))
    asked = TestClient(app)
    assert asked.get("/api/intent").status_code == 401
    asked.post("/login", data={"name": "anna"})
    answer = asked.post("/api/intent/accept", json={"key": "emoji.no", "text": "No."}, headers=CSRF)
    assert (answer.status_code, answer.json()["error"]) == (400, "emoji.no: accepted already. Change it in the brief.")
    assert asked.get("/api/intent").json()["labels"] == 0
    journal.close()


@pytest.mark.parametrize("name", SENTENCES)
def test_the_page_says_a_wish_as_the_terminal_does(name: str):
    said = words("en")[f"intent.say.{name}"]
    assert SENTENCES[name] == (said if isinstance(said, str) else said["other"])
    if name == "sentences":
        assert said["one"] == ONE  # type: ignore[index]
