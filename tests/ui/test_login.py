"""How people come in by name alone, and how a session is known again."""

from pathlib import Path

import pytest
from fastapi import Request
from fastapi.responses import Response
from fastapi.testclient import TestClient
from itsdangerous import URLSafeTimedSerializer

from feedback_loop.errors import UsageError
from tests.ui.app_parts import CSRF, app_of
from ui.login import COOKIE, MONTH, check_reach, open_door
from ui.site import open_site
from ui.throttle import FREE, LONGEST, MOST, Throttle


def request(cookie: str) -> Request:
    return Request({"type": "http", "headers": [(b"cookie", f"{COOKIE}={cookie}".encode())]})


@pytest.fixture
def client(tmp_path: Path) -> TestClient:
    return TestClient(app_of(tmp_path, [])[0], headers=CSRF)


@pytest.mark.parametrize("name", ["", "   ", "x" * 41, "an\x00na", "line\nbreak", "\u202eanna"])
def test_names_that_would_not_show_are_refused(client: TestClient, name: str):
    answer = client.post("/login", data={"name": name})
    assert answer.status_code == 401
    assert "Give a name" in answer.text


@pytest.mark.parametrize("name", ["Анна Ö.", "安娜", "o'hara & <b>"])
def test_names_of_any_script_may_enter_and_are_shown_as_text(client: TestClient, name: str):
    assert client.post("/login", data={"name": name}).status_code == 200
    assert client.get("/api/next").json()["user"] == name
    assert "<b>" not in client.get("/logout").text


def test_whoever_uses_this_machine_is_an_owner(client: TestClient):
    client.post("/login", data={"name": "anna"})
    assert client.get("/api/rounds").json()["role"] == "owner"
    assert client.post("/api/rounds/start").status_code == 200
    assert client.get("/api/users").status_code == 404
    assert client.get("/users").status_code == 404


def test_each_log_in_makes_a_new_session_whatever_the_browser_brings(client: TestClient):
    client.cookies.set(COOKIE, "chosen-by-somebody-else")
    first, second = (
        client.post("/login", data={"name": "anna"}, follow_redirects=False).cookies[COOKIE] for _ in range(2)
    )
    assert len({first, second, "chosen-by-somebody-else"}) == 3


def test_a_session_is_known_again_and_a_forged_old_or_foreign_one_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    door, other = open_door("name", "s", tmp_path), open_door("name", "another", tmp_path)
    cookie = str(door.sessions.dumps(["anna", 1, "x"]))
    assert door.visitor(request(cookie)).name == "anna"  # type: ignore[union-attr]
    for bad in (
        str(other.sessions.dumps(["anna", 1, "x"])),
        "anna",
        "",
        cookie[:-1],
        str(door.devices.dumps(["anna", 1, "x"])),
    ):
        assert door.visitor(request(bad)) is None
    for odd in ("anna", ["anna"], {"a": 1, "b": 2, "c": 3}, ["anna", "x", "y"], [1, None, 2], 5):
        assert door.visitor(request(str(door.sessions.dumps(odd)))) is None, odd
    assert open_door("accounts", "s", tmp_path).visitor(request(cookie)) is None, "a name is no account"
    monkeypatch.setattr("itsdangerous.timed.time.time", lambda: 1e9 + MONTH * 1e3)
    assert door.visitor(request(cookie)) is None, "it is too old"


def test_logging_out_takes_a_click_on_the_apps_own_page(client: TestClient):
    client.post("/login", data={"name": "anna"})
    assert '<form method="post" action="/logout">' in client.get("/logout").text
    assert client.get("/api/next").status_code == 200, "a link or a picture logs nobody out"
    assert client.post("/logout", headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert client.get("/api/next").status_code == 200
    assert client.post("/logout", follow_redirects=False).headers["location"] == "/login"
    assert client.get("/api/next").status_code == 401


def test_the_cookie_is_secure_behind_https_and_works_without(tmp_path: Path):
    for scheme, secure in (("http", False), ("https", True)):
        site = open_site("testserver", f"{scheme}://label.example.org")
        door = open_door("name", "s", tmp_path, site)
        headers = [(b"host", b"label.example.org")]
        answer = Response()
        door.admit(Request({"type": "http", "scheme": "http", "path": "/", "headers": headers}), answer, "anna", 1)
        cookie = answer.headers["set-cookie"].lower()
        assert ("secure" in cookie) == secure
        assert "httponly" in cookie
        assert "samesite=lax" in cookie


def test_a_forwarded_scheme_is_not_believed(client: TestClient):
    answer = client.post("/login", data={"name": "a"}, headers={"X-Forwarded-Proto": "https"}, follow_redirects=False)
    assert "secure" not in answer.headers["set-cookie"].lower()


def test_the_secret_is_kept_for_its_owner_only(tmp_path: Path):
    first = open_door("name", "", tmp_path).sessions.dumps(["anna", 1, "x"])
    assert open_door("name", "", tmp_path).session(request(str(first))).name == "anna"  # type: ignore[union-attr]
    kept = tmp_path / ".session-secret"
    assert kept.stat().st_mode & 0o777 == 0o600
    assert len(kept.read_text()) >= 32
    assert URLSafeTimedSerializer("", salt="session-name").dumps("x") != open_door("name", "", tmp_path).sessions.dumps(
        "x"
    )


@pytest.mark.parametrize(
    ("host", "url"),
    [("0.0.0.0", ""), ("::", ""), ("10.0.0.5", ""), ("box.lan", ""), ("127.0.0.1", "https://label.example.org")],
)
def test_a_name_alone_is_refused_where_others_could_come_in(host: str, url: str, tmp_path: Path):
    with pytest.raises(UsageError, match=r'login = "accounts"') as refusal:
        check_reach("name", host, url, tmp_path / "recipe.toml")
    assert "\n" not in str(refusal.value)
    check_reach("accounts", host, url, tmp_path / "recipe.toml")


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "localhost"])
def test_a_name_is_enough_on_ones_own_machine(host: str, tmp_path: Path):
    check_reach("name", host, "", tmp_path)
    check_reach("name", host, "http://localhost:8080", tmp_path)


# Throttling


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def wait_of(throttle: Throttle, *keys: tuple[str, str]) -> float:
    return throttle.attempt(keys)


def test_after_the_free_attempts_each_further_one_waits_longer_up_to_a_limit():
    clock = Clock()
    throttle, anna = Throttle(clock), ("name", "anna")
    assert [wait_of(throttle, anna) for _ in range(FREE["name"])] == [0.0] * FREE["name"]
    waits = []
    for _ in range(9):
        waits.append(wait_of(throttle, anna))
        assert wait_of(throttle, anna) == waits[-1], "a refused attempt costs nothing further"
        clock.now += waits[-1]
        assert wait_of(throttle, anna) == 0.0
    assert waits == sorted(waits)
    assert waits[0] <= 2
    assert waits[-1] == LONGEST, "nobody is kept out for good"


def test_many_attempts_at_once_are_no_way_around_it():
    throttle = Throttle(Clock())
    begun = [wait_of(throttle, ("name", "anna"), ("address", "a")) == 0.0 for _ in range(100)]
    assert sum(begun) == FREE["name"]


def test_an_address_is_slowed_down_over_all_names_and_success_with_one_does_not_clear_it():
    throttle = Throttle(Clock())
    for n in range(FREE["address"] - 1):
        assert wait_of(throttle, ("name", f"n{n}"), ("address", "a")) == 0.0
    keys = (("name", "own"), ("address", "a"))
    assert throttle.attempt(keys) == 0.0
    throttle.succeeded(keys)
    assert wait_of(throttle, ("name", "x"), ("address", "a")) == 0.0
    assert wait_of(throttle, ("name", "y"), ("address", "a")) > 0
    assert wait_of(throttle, ("name", "y"), ("address", "b")) == 0.0


def test_success_clears_a_name_and_time_forgets():
    clock = Clock()
    throttle, keys = Throttle(clock), (("name", "anna"),)
    for _ in range(3):
        for _ in range(FREE["name"]):
            assert throttle.attempt(keys) == 0.0
        throttle.succeeded(keys)
    for _ in range(FREE["name"]):
        throttle.attempt(keys)
    assert throttle.attempt(keys) > 0
    clock.now += 2 * 3600
    assert [throttle.attempt(keys) for _ in range(FREE["name"])] == [0.0] * FREE["name"]


def test_what_is_remembered_is_bounded():
    throttle = Throttle(Clock())
    for n in range(MOST + 500):
        wait_of(throttle, ("name", str(n)))
    assert len(throttle._records) == MOST
