"""Hostile requests: wrong names, other sites, bodies that are too much, and Gradio's own routes."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import gradio as gr
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from starlette.routing import Mount

from feedback_loop.errors import UsageError
from feedback_loop.store.journal import Journal
from tests.ui.app_parts import CSRF, app_of, comparison, in_a_loop_of_its_own
from ui import bodies
from ui.site import Site, open_site

JSON = {"Content-Type": "application/json"}
VOTE = {"comparison_id": "c0", "choice": "first"}


@pytest.fixture
def parts(tmp_path: Path) -> Iterator[tuple[FastAPI, Journal]]:
    app, journal = app_of(tmp_path, [comparison(n) for n in range(3)])
    yield app, journal
    journal.close()


@pytest.fixture
def anna(parts: tuple[FastAPI, Journal]) -> TestClient:
    client = TestClient(parts[0], headers=CSRF)
    client.post("/login", data={"name": "anna"})
    return client


def refused(answer, status: int, said: str = "") -> None:
    assert answer.status_code == status, answer.text
    assert said in answer.json()["error"]


# From where


@pytest.mark.parametrize(
    "host", ["localhost:7860", "127.0.0.1", "[::1]:80", "10.1.2.3:7860", "testserver", "LOCALHOST."]
)
def test_names_and_addresses_of_this_app_are_known(anna: TestClient, host: str):
    anna.cookies.jar.clear()
    assert anna.get("/login", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:7860", "localhost.evil.example", "127.0.0.1.nip.io", "", "[::1", "a@b"]
)
def test_a_name_that_was_pointed_at_this_machine_is_refused(anna: TestClient, host: str):
    for path in ("/", "/login", "/page/app.css", "/api/next"):
        refused(anna.get(path, headers={"Host": host}), 421, "--url")


def test_the_address_that_was_given_is_known_and_makes_cookies_secure(tmp_path: Path):
    site = open_site("127.0.0.1", "https://label.example.org/")
    assert site.url == "https://label.example.org"
    assert site.knows("label.example.org")
    assert site.knows("Label.Example.org:443")
    assert not site.knows("example.org")
    assert open_site("box.lan", "").knows("box.lan:7860")
    assert not Site().knows("box.lan")
    for bad in ("label.example.org", "ftp://x", "https://", "https://x/path", "https://x?q"):
        with pytest.raises(UsageError, match="--url"):
            open_site("127.0.0.1", bad)


FOREIGN = (
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Origin": "http://testserver:8000"},
)


@pytest.mark.parametrize("headers", FOREIGN)
@pytest.mark.parametrize(
    "path", ["/api/vote", "/api/undo", "/api/rounds/start", "/login", "/logout", "/gradio_api/queue/join"]
)
def test_another_site_can_send_nothing_even_with_the_apps_own_header(
    anna: TestClient, parts: tuple[FastAPI, Journal], path: str, headers: dict[str, str]
):
    refused(anna.post(path, json=VOTE, headers=headers), 403, "own page")
    assert parts[1].rankings(0) == []


@pytest.mark.parametrize("headers", [{"Sec-Fetch-Site": "same-origin"}, {"Origin": "http://testserver"}, {}])
def test_the_apps_own_page_can(anna: TestClient, headers: dict[str, str]):
    assert anna.post("/api/vote", json=VOTE, headers=headers).status_code == 200


# Bodies


def test_a_body_that_declares_too_much_is_not_read(anna: TestClient):
    refused(anna.post("/api/vote", content=b"{}", headers={"Content-Length": str(bodies.LONGEST + 1)}), 413)
    for declared in ("-1", "9" * 5000, "1e9", "٣"):
        with pytest.raises(bodies.Refused) as refusal:
            in_a_loop_of_its_own(bodies.read(lambda: pytest.fail("read it"), declared, 1000))  # type: ignore[arg-type, return-value]
        assert refusal.value.status in (400, 413)


def test_a_body_that_declares_nothing_is_stopped_as_soon_as_it_is_too_long(anna: TestClient):
    sent = 0

    async def endless() -> dict[str, object]:
        nonlocal sent
        sent += 1
        return {"type": "http.request", "body": b"x" * 65536, "more_body": True}

    with pytest.raises(bodies.Refused, match="Shorten"):
        in_a_loop_of_its_own(bodies.read(endless, "", 1_000_000))
    assert sent == 16
    refused(anna.post("/api/vote", content=iter([b"x" * 100_000] * 11)), 413)
    assert anna.post("/login", content=iter([b"name=" + b"x" * 10_000] * 2)).status_code == 413


def test_the_longest_vote_fits_in_any_script(anna: TestClient):
    body = {**VOTE, "comment": "\U0001f600" * 20_000, "edit": "长" * 200_000, "edit_of": "first"}
    assert len(json.dumps(body, ensure_ascii=False).encode()) > 600_000
    answer = anna.post("/api/vote", content=json.dumps(body, ensure_ascii=False).encode(), headers=JSON)
    assert answer.status_code == 200, answer.text


UNSOUND = {
    "no JSON": b"{",
    "no UTF-8": b'{"comparison_id": "\xff\xfe", "choice": "tie"}',
    "deep": b"[" * 100_000,
    "deep and closed": b'{"comment":' * 5000 + b"1" + b"}" * 5000,
    "NUL": json.dumps({**VOTE, "comment": "a\0b"}).encode(),
    "a NUL in a name": json.dumps({**VOTE, "a\0b": 1}).encode(),
    "half a pair": json.dumps({**VOTE, "comment": "\ud83d"}).encode(),
    "half a pair as an id": b'{"comparison_id": "\\udfff", "choice": "tie"}',
    "a number of too many figures": b'{"comparison_id": "c0", "choice": ' + b"9" * 5000 + b"}",
    "not a number": b'{"comparison_id": "c0", "choice": "tie", "strength": NaN}',
    "a list": b"[1]",
    "a text": b'"c0"',
    "wrong types": b'{"comparison_id": {"a": []}, "choice": ["first"]}',
    "null": b"null",
    "nothing": b"",
}


@pytest.mark.parametrize("body", UNSOUND.values(), ids=UNSOUND)
def test_an_unsound_body_is_refused_in_one_line(anna: TestClient, parts: tuple[FastAPI, Journal], body: bytes):
    answer = anna.post("/api/vote", content=body, headers=JSON)
    refused(answer, 422)
    assert "\n" not in answer.json()["error"]
    assert parts[1].rankings(0) == []


def test_brackets_in_a_comment_are_not_depth(anna: TestClient):
    body = {**VOTE, "comment": '[{"' * 200 + "\\"}
    assert anna.post("/api/vote", json=body).status_code == 200


ODD = (
    *("/page/%00", "/assets/%00", "/%00", "/invite/%00", "/page/%ed%a0%80", "/api/%ff"),
    *("/page/..%2f..%2fapp.py", "/page/../app.py", "/assets/..%2f..%2f..%2froutes.py"),
)


@pytest.mark.parametrize("path", ODD)
def test_odd_paths_find_nothing(anna: TestClient, path: str):
    assert 400 <= anna.get(path).status_code < 500


@pytest.mark.parametrize("query", ["?page=nowhere", "?deep_link=../../x", "?skip=%00%ff", "?__theme=dark"])
def test_queries_cannot_break_a_page(anna: TestClient, query: str):
    for path in ("/", "/rounds", "/api/next"):
        assert anna.get(path + query).status_code == 200, path


# Votes


def test_a_replayed_vote_is_refused_and_votes_may_come_in_any_order(anna: TestClient, parts: tuple[FastAPI, Journal]):
    for number in (2, 0, 1):
        assert anna.post("/api/vote", json={"comparison_id": f"c{number}", "choice": "tie"}).status_code == 200
    refused(anna.post("/api/vote", json={"comparison_id": "c2", "choice": "first"}), 409)
    assert [r.choice for r in parts[1].rankings(0)] == ["tie"] * 3


@pytest.mark.parametrize("name", ["c99", "r001-c0", "../c0", "c0 ", "C0", "' OR 1=1 --", "x" * 201])
def test_an_id_that_is_not_asked_counts_for_nothing(anna: TestClient, parts: tuple[FastAPI, Journal], name: str):
    assert anna.post("/api/vote", json={**VOTE, "comparison_id": name}).status_code in (404, 422)
    assert parts[1].rankings(0) == []


def test_one_person_cannot_undo_or_answer_as_another(anna: TestClient, parts: tuple[FastAPI, Journal]):
    app, journal = parts
    boris = TestClient(app, headers=CSRF)
    boris.post("/login", data={"name": "boris"})
    anna.post("/api/vote", json=VOTE)
    refused(boris.post("/api/undo"), 404)
    refused(boris.post("/api/vote", json={**VOTE, "user": "anna"}), 422)
    refused(boris.post("/api/vote", json={**VOTE, "user_id": "anna"}), 422)
    assert boris.get("/api/next?user=anna", headers={"X-User": "anna"}).json()["user"] == "boris"
    assert [r.user_id for r in journal.rankings(0)] == ["anna"]


def test_one_person_never_sees_what_another_answered(anna: TestClient, parts: tuple[FastAPI, Journal]):
    boris = TestClient(parts[0], headers=CSRF)
    boris.post("/login", data={"name": "boris"})
    anna.post("/api/vote", json={**VOTE, "comment": "a note of anna's"})
    assert "anna's" in anna.get("/api/history/c0").text
    assert "anna's" not in boris.get("/api/history", params={"user": "anna"}).text
    refused(boris.get("/api/history/c0"), 404)
    refused(boris.post("/api/vote", json={**VOTE, "choice": "second", "revise": True}), 409)
    assert [r.choice for r in parts[1].rankings(0)] == ["secret-0-0"]


# Gradio


def gradio_paths(app: FastAPI) -> set[tuple[str, str]]:
    """Every path of Gradio's, filled in, with its methods."""
    inner = next(r.app for r in app.routes if isinstance(r, Mount) and isinstance(r.app, gr.routes.App))
    routes = [*inner.routes]
    found = set()
    for route in routes:
        routes += getattr(getattr(route, "original_router", None), "routes", ())
        path = getattr(route, "path", "")
        for name in ("{path:path}", "{path_or_url:path}", "{url_path:path}"):
            path = path.replace(name, "etc/passwd")
        path = "/".join("x" if part.startswith("{") else part for part in path.split("/"))
        found |= {(method, path or "/") for method in getattr(route, "methods", None) or ("GET",)}
    return found


NEEDED = {"/", "/chat", "/rounds", "/soup", "/intent", "/help", "/users", "/team", "/theme.css", "/favicon.ico"}


def test_of_gradios_routes_only_what_the_pages_need_is_open(anna: TestClient, parts: tuple[FastAPI, Journal]):
    paths = gradio_paths(parts[0])
    assert {("POST", "/gradio_api/upload"), ("POST", "/gradio_api/queue/join"), ("GET", "/config")} <= paths
    for method, path in paths:
        ours = path.rstrip("/") in ("/login", "/logout")
        needed = method in ("GET", "HEAD") and (path in NEEDED or path.startswith(("/assets/", "/static/")))
        if not ours and not needed:
            answer = anna.request(method, path, follow_redirects=False)
            assert answer.status_code in (404, 405), (method, path, answer.status_code)


def test_a_stranger_gets_nothing_of_gradios(parts: tuple[FastAPI, Journal]):
    stranger = TestClient(parts[0])
    for method, path in gradio_paths(parts[0]):
        if path not in ("/login", "/login/", "/favicon.ico"):
            assert stranger.request(method, path, follow_redirects=False).status_code == 401, (method, path)


def test_an_upload_leaves_no_file(anna: TestClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "uploads"))
    refused(anna.post("/gradio_api/upload", files={"files": ("x.html", b"<script>1</script>")}), 404)
    assert not (tmp_path / "uploads").exists()


def test_web_sockets_are_closed(parts: tuple[FastAPI, Journal]):
    from starlette.websockets import WebSocketDisconnect

    with pytest.raises(WebSocketDisconnect), TestClient(parts[0]).websocket_connect("/gradio_api/queue/join"):
        pass


# What every answer carries


def test_a_pages_policy_names_a_fresh_nonce_and_nothing_unsafe(anna: TestClient):
    seen = set()
    for path in ("/", "/rounds", "/help", "/"):
        answer = anna.get(path, headers={"Accept-Encoding": "br, gzip"})
        policy = answer.headers["content-security-policy"]
        assert "unsafe-inline" not in policy
        assert "unsafe-eval" not in policy
        assert "http" not in policy
        nonce = policy.split("'nonce-")[1].split("'")[0]
        scripts = re.findall(r"<script[^>]*>", answer.text)
        assert all(f'nonce="{nonce}"' in script or 'src="/page/' in script for script in scripts)
        assert len(scripts) > 8
        seen.add(nonce)
    assert len(seen) == 4


@pytest.mark.parametrize("path", ["/", "/login", "/page/label.js", "/api/next", "/nowhere"])
def test_every_answer_says_how_it_may_be_used(anna: TestClient, path: str):
    headers = anna.get(path).headers
    directives = dict(part.strip().split(" ", 1) for part in headers["content-security-policy"].split(";"))
    for name in ("default-src", "object-src", "frame-ancestors"):
        assert directives[name] == "'none'"
    assert directives["base-uri"] == directives["form-action"] == directives["connect-src"] == "'self'"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert "camera=()" in headers["permissions-policy"]
    assert headers["cache-control"] == ("no-cache" if path.startswith("/page/") else "no-store")


def test_what_a_run_is_called_cannot_become_part_of_a_page(tmp_path: Path):
    title = "</script></title><script>alert(1)</script><style>"
    app, journal = app_of(tmp_path, [], title=title)
    client = TestClient(app)
    client.post("/login", data={"name": "anna"})
    for path in ("/", "/login", "/logout"):
        assert "<script>alert" not in client.get(path).text
        assert "alert(1)</script>" not in client.get(path).text
    journal.close()
