"""The Team page's routes: all figures for owners, for anybody their own."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from starlette.types import Receive, Scope, Send

from feedback_loop.store.journal import Journal
from feedback_loop.team.team import me_of
from tests.feedback_loop.team_samples import check, comparison, repeat, said
from tests.ui.app_parts import app_of, team_port
from ui.team_routes import build_team_routes
from ui.visitors import Visitor, announce, owner, user

ASKED = [
    *(comparison(n) for n in range(14)),
    *(repeat(n) for n in range(6)),
    *(comparison(n) for n in range(14, 26)),
    check(30),
]


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[FastAPI, Journal]]:
    app, journal = app_of(tmp_path, ASKED)
    for c in ASKED:
        journal.record(said(c, "a", "anna", seconds=3.0), 0)
        journal.record(said(c, c.completions[0].id[-1], "ben"), 0)
    yield app, journal
    journal.close()


def as_user(app: FastAPI, name: str) -> TestClient:
    client = TestClient(app)
    client.post("/login", data={"name": name})
    return client


def test_an_owner_sees_everybody(served: tuple[FastAPI, Journal]):
    seen = as_user(served[0], "anna").get("/api/team").json()
    assert [(p["name"], p["self_agreement"]["share"]) for p in seen["people"]] == [("anna", 1.0), ("ben", 0.0)]
    assert seen["between"][0]["same"]["count"] == 26


def test_a_stranger_sees_nothing(served: tuple[FastAPI, Journal]):
    for path in ("/api/team", "/api/team/flags", "/api/team/flags/0/c0", "/api/me"):
        assert TestClient(served[0]).get(path).status_code == 401


def test_an_annotator_sees_themselves_alone(served: tuple[FastAPI, Journal]):
    app = FastAPI()
    app.include_router(build_team_routes(team_port(ASKED, served[1]), user, owner))

    async def as_annotator(scope: Scope, receive: Receive, send: Send) -> None:
        announce(scope, Visitor("ben", "annotator"))
        await app(scope, receive, send)

    client = TestClient(as_annotator)
    for path in ("/api/team", "/api/team/flags", "/api/team/flags/0/c0"):
        assert client.get(path).status_code == 403
    assert client.get("/api/me").json()["same"]["share"] == 0.0


def test_an_owner_sees_what_was_flagged_and_the_answers_when_asked_for(tmp_path: Path):
    app, journal = app_of(tmp_path, ASKED)
    journal.record(said(ASKED[0], "b", "ben", flagged=True, comment="rude\u202e"), 0)
    journal.record(said(ASKED[1], None, "cara", flagged=True, reason="unsafe"), 0)
    journal.record(said(ASKED[2], "a", "cara"), 0)
    client = as_user(app, "anna")
    found = client.get("/api/team/flags").json()
    assert found["found"] == 2
    kept = [(f["comparison_id"], f["user_id"], f["choice"], f["reason"], f["comment"]) for f in found["items"]]
    assert kept == [("c1", "cara", None, "unsafe", ""), ("c0", "ben", "second", None, "rude[U+202E]")]
    shown = client.get("/api/team/flags/0/c0").json()["answers"]
    assert [a["text"] for a in shown] == [c.completion for c in ASKED[0].completions]
    assert client.get("/api/team/flags/0/c2").status_code == 404
    journal.close()


def test_what_a_person_hears_of_themselves_names_no_comparison_and_no_check(served: tuple[FastAPI, Journal]):
    answer = as_user(served[0], "anna").get("/api/me")
    assert answer.json() == json.loads(me_of(ASKED, served[1].rankings(0), "anna").model_dump_json())
    assert set(answer.json()) == {"answers", "seconds", "same"}
    assert answer.json()["same"]["count"] == 6
    assert as_user(served[0], "cara").get("/api/me").json() == {"answers": 0, "seconds": None, "same": None}
