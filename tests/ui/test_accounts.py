"""Accounts: invites, passwords, roles, and everything that ends a session."""

import asyncio
import contextlib
import sqlite3
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from fastapi import FastAPI
from fastapi.testclient import TestClient

from feedback_loop.errors import LoopError, UsageError
from tests.ui.app_parts import CSRF, app_of, comparison, in_a_loop_of_its_own
from ui import passwords
from ui.accounts import Accounts
from ui.login import COOKIE, DEVICE
from ui.passwords import Busy, Passwords
from ui.throttle import FREE

PASSWORD = "correct horse battery"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same algorithm, with less memory."""
    monkeypatch.setattr(passwords, "HASHER", PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1))


@pytest.fixture
def accounts(tmp_path: Path) -> Iterator[Accounts]:
    with contextlib.closing(Accounts(tmp_path)) as kept:
        yield kept


@pytest.fixture
def app(tmp_path: Path, accounts: Accounts) -> Iterator[FastAPI]:
    built, journal = app_of(tmp_path, [comparison(n) for n in range(3)], login="accounts")
    yield built
    journal.close()


def join(app: FastAPI, accounts: Accounts, name: str, role="annotator", password: str = PASSWORD) -> TestClient:
    """A browser in which somebody has just accepted an invite."""
    browser = TestClient(app, headers=CSRF)
    link = f"/invite/{accounts.invite(role, 7)}"
    answer = browser.post(link, data={"name": name, "password": password}, follow_redirects=False)
    assert (answer.status_code, answer.headers.get("location")) == (303, "/"), answer.text
    return browser


def log_in(app: FastAPI, name: str, password: str = PASSWORD, browser: TestClient | None = None):
    browser = browser or TestClient(app, headers=CSRF)
    return browser.post("/login", data={"name": name, "password": password}, follow_redirects=False)


def inside(browser: TestClient) -> bool:
    return browser.get("/api/next").status_code == 200


# Invites


def test_an_invite_makes_one_account_and_is_then_used_up(app: FastAPI, accounts: Accounts):
    stranger, link = TestClient(app), f"/invite/{accounts.invite('annotator', 7)}"
    for _ in range(2):
        assert "name=password" in stranger.get(link).text.replace('"', "").replace("type=password ", ""), (
            "looking is free"
        )
    assert stranger.post(link, data={"name": "anna", "password": PASSWORD}).status_code == 200
    assert stranger.get("/api/next").json()["user"] == "anna"
    other = TestClient(app)
    assert other.get(link).status_code == 410
    assert other.post(link, data={"name": "boris", "password": PASSWORD}).status_code == 410
    assert [a.name for a in accounts.all()] == ["anna"]


def test_an_invite_is_used_once_by_many_at_the_same_time(accounts: Accounts):
    token, made = accounts.invite("owner", 1), []
    threads = [
        threading.Thread(target=lambda n=n: made.append(accounts.accept(token, f"n{n}", "h"))) for n in range(12)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(account is not None for account in made) == len(accounts.all()) == 1


def test_an_invite_expires(app: FastAPI, accounts: Accounts, monkeypatch: pytest.MonkeyPatch):
    link, now = f"/invite/{accounts.invite('annotator', 7)}", time.time()
    monkeypatch.setattr("ui.accounts.time.time", lambda: now + 7 * 24 * 3600 - 1)
    assert TestClient(app).get(link).status_code == 200
    monkeypatch.setattr("ui.accounts.time.time", lambda: now + 7 * 24 * 3600 + 1)
    assert TestClient(app).get(link).status_code == 410
    assert TestClient(app).post(link, data={"name": "anna", "password": PASSWORD}).status_code == 410


def test_neither_a_link_nor_a_password_can_be_read_from_the_files(app: FastAPI, accounts: Accounts):
    token = accounts.invite("owner", 7)
    join(app, accounts, "anna")
    files = list(accounts.path.parent.glob(f"{accounts.path.name}*"))
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}
    kept = b"".join(file.read_bytes() for file in files)
    assert token.encode() not in kept
    assert PASSWORD.encode() not in kept
    assert b"$argon2id$" in kept


@pytest.mark.parametrize("taken", ["anna", "ANNA", " Anna ", "ａｎｎａ"])
def test_a_name_that_somebody_has_is_taken_however_it_is_written(app: FastAPI, accounts: Accounts, taken: str):
    join(app, accounts, "Anna")
    link = f"/invite/{accounts.invite('owner', 7)}"
    answer = TestClient(app).post(link, data={"name": taken, "password": "another password"})
    assert answer.status_code == 400
    assert "taken" in answer.text
    assert log_in(app, "Anna").status_code == 303
    assert TestClient(app).get(link).status_code == 200, "it can be used with another name"


@pytest.mark.parametrize("password", ["", "short", "x" * 201, "a" * 12, "somebody's", "SOMEBODY'S"])
def test_passwords_that_are_easily_guessed_are_refused(app: FastAPI, accounts: Accounts, password: str):
    link = f"/invite/{accounts.invite('annotator', 7)}"
    answer = TestClient(app).post(link, data={"name": "somebody's", "password": password})
    assert answer.status_code == 400
    assert accounts.all() == []


def test_a_link_for_somebody_sets_their_password_and_ends_their_sessions(app: FastAPI, accounts: Accounts):
    anna = join(app, accounts, "anna")
    link = f"/invite/{accounts.invite('owner', 1, '', 'Anna')}"
    assert "Anna" in TestClient(app).get(link).text
    again = TestClient(app)
    again.post(link, data={"name": "mallory", "password": "a new password"})
    assert again.get("/api/next").json()["user"] == "anna"
    assert not inside(anna)
    assert log_in(app, "anna").status_code == 401
    assert log_in(app, "anna", "a new password").status_code == 303
    assert accounts.find("anna").role == "annotator", "it is no way to become an owner"  # type: ignore[union-attr]


def test_a_disabled_person_gets_no_new_password(app: FastAPI, accounts: Accounts):
    join(app, accounts, "olga", "owner")
    join(app, accounts, "anna")
    link = f"/invite/{accounts.invite('annotator', 1, 'olga', 'anna')}"
    accounts.disable("anna")
    assert TestClient(app).post(link, data={"password": "a new password"}).status_code == 400
    assert log_in(app, "anna", "a new password").status_code == 401


@pytest.mark.parametrize("end", ["disable", "demote"])
def test_the_invites_of_somebody_who_is_no_longer_an_owner_are_void(accounts: Accounts, end: str):
    for name in ("olga", "boris"):
        accounts.accept(accounts.invite("owner", 1), name, "h")
    kept, gone = accounts.invite("owner", 1, "boris"), accounts.invite("owner", 1, "olga")
    accounts.disable("olga") if end == "disable" else accounts.set_role("olga", "annotator")
    assert accounts.invitation(kept)
    assert accounts.invitation(gone) is None


# Log-in


def test_a_wrong_password_an_unknown_name_and_a_disabled_person_get_the_same_answer(app: FastAPI, accounts: Accounts):
    join(app, accounts, "olga", "owner")
    for name in ("anna", "carla"):
        join(app, accounts, name)
    accounts.disable("carla")
    said = {log_in(app, *given).text for given in (("anna", "wrong password"), ("nobody",), ("carla",), ("anna", ""))}
    assert len(said) == 1
    assert "do not go together" in said.pop()


def test_an_unknown_name_takes_as_long_as_a_known_one(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(passwords, "HASHER", PasswordHasher())
    passwords._nobodys.cache_clear()
    kept = passwords.hashed(PASSWORD)
    passwords.matches(None, "x")

    def seconds(hash_: str | None) -> float:
        return min(_timed(lambda: passwords.matches(hash_, "wrong password")) for _ in range(5))

    known, unknown = seconds(kept), seconds(None)
    passwords._nobodys.cache_clear()
    assert 0.5 < unknown / known < 2
    assert not passwords.matches(None, "nobody's")


def _timed(work) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def test_a_hash_of_other_parameters_is_made_anew_at_log_in(
    app: FastAPI, accounts: Accounts, monkeypatch: pytest.MonkeyPatch
):
    anna = join(app, accounts, "anna")
    before = accounts.find("anna").hash  # type: ignore[union-attr]
    monkeypatch.setattr(passwords, "HASHER", PasswordHasher(time_cost=2, memory_cost=2048, parallelism=1))
    assert log_in(app, "anna", "wrong password").status_code == 401
    assert accounts.find("anna").hash == before  # type: ignore[union-attr]
    assert log_in(app, "anna").status_code == 303
    assert "m=2048,t=2" in accounts.find("anna").hash  # type: ignore[union-attr]
    assert inside(anna), "the password is the same, so sessions go on"


def test_the_shipped_parameters_are_those_of_rfc_9106():
    assert "$argon2id$v=19$m=65536,t=3,p=4$" in PasswordHasher().hash("x")


def test_guessing_is_slowed_down_and_says_how_long(app: FastAPI, accounts: Accounts):
    join(app, accounts, "anna")
    statuses = [log_in(app, "anna", f"guess number {n}").status_code for n in range(FREE["name"] + 2)]
    assert statuses == [401] * FREE["name"] + [429] * 2
    answer = log_in(app, "anna")
    assert answer.status_code == 429, "the right password too, or guessing would go on"
    assert 1 <= int(answer.headers["retry-after"]) <= 60
    assert log_in(app, "boris").status_code == 401, "another name is not slowed down"


def test_guesses_elsewhere_do_not_keep_somebody_out_of_a_browser_they_have_used(app: FastAPI, accounts: Accounts):
    anna, boris = join(app, accounts, "anna"), join(app, accounts, "boris")
    for browser in (anna, boris):
        browser.post("/logout")
    for n in range(FREE["name"] + 1):
        log_in(app, "anna", f"guess number {n}")
    assert log_in(app, "anna").status_code == 429
    assert log_in(app, "anna", browser=boris).status_code == 429, "it counts for its own person only"
    assert log_in(app, "anna", browser=anna).status_code == 303
    anna.cookies.set(DEVICE, "forged")
    assert log_in(app, "anna", browser=anna).status_code in (303, 429)


def test_hashing_is_bounded_in_number_and_leaves_the_loop_free():
    async def crowd() -> tuple[int, int, int]:
        work, running, most = Passwords(), 0, 0
        lock, go = threading.Lock(), threading.Event()

        def slow() -> None:
            nonlocal running, most
            with lock:
                running += 1
                most = max(most, running)
            go.wait(5)
            with lock:
                running -= 1

        jobs = [asyncio.ensure_future(work.do(slow)) for _ in range(100)]
        await asyncio.sleep(0.2)  # the loop goes on while they hash
        go.set()
        ended = await asyncio.gather(*jobs, return_exceptions=True)
        return most, sum(e is None for e in ended), sum(isinstance(e, Busy) for e in ended)

    assert in_a_loop_of_its_own(crowd()) == (passwords.WORKERS, passwords.WORKERS + passwords.WAITING, 66)


# Sessions


@pytest.mark.parametrize("how", ["disable", "sign_out", "set_password"])
def test_what_ends_all_sessions(app: FastAPI, accounts: Accounts, how: str):
    join(app, accounts, "olga", "owner")
    anna = join(app, accounts, "anna")
    elsewhere = TestClient(app, headers=CSRF)
    log_in(app, "anna", browser=elsewhere)
    assert inside(anna)
    assert inside(elsewhere)
    more = (passwords.hashed("a new password"),) if how == "set_password" else ()
    getattr(accounts, how)("anna", *more)
    assert not inside(anna)
    assert not inside(elsewhere)
    if how == "disable":
        accounts.enable("anna")
        assert not inside(anna), "they stay ended"


def test_logging_out_ends_this_session_even_for_a_copy_of_its_cookie(app: FastAPI, accounts: Accounts):
    anna, elsewhere, thief = join(app, accounts, "anna"), TestClient(app, headers=CSRF), TestClient(app)
    log_in(app, "anna", browser=elsewhere)
    thief.cookies.set(COOKIE, anna.cookies[COOKIE])
    assert inside(thief)
    anna.post("/logout")
    assert not inside(thief)
    assert inside(elsewhere)


def test_a_new_password_needs_the_old_one_and_ends_all_other_sessions(app: FastAPI, accounts: Accounts):
    anna, elsewhere = join(app, accounts, "anna"), TestClient(app, headers=CSRF)
    log_in(app, "anna", browser=elsewhere)
    assert anna.post("/password", data={"old": "wrong password", "new": "a new password"}).status_code == 401
    assert anna.post("/password", data={"old": PASSWORD, "new": "short"}).status_code == 400
    assert inside(elsewhere)
    assert anna.post("/password", data={"old": PASSWORD, "new": "a new password"}).status_code == 200
    assert inside(anna)
    assert not inside(elsewhere)
    assert TestClient(app).post("/password", data={"old": "x", "new": "y"}).status_code == 401
    assert log_in(app, "anna", "a new password").status_code == 303


# Roles


def test_annotators_rank_and_do_nothing_else(app: FastAPI, accounts: Accounts):
    anna = join(app, accounts, "anna")
    assert anna.post("/api/vote", json={"comparison_id": "c0", "choice": "first"}).status_code == 200
    assert anna.get("/api/rounds").json()["role"] == "annotator"
    refused = [
        anna.post("/api/rounds/start"), anna.post("/api/rounds/rollback", json={"to": "base"}),
        anna.post("/api/rounds/decide", json={"verdict": "keep", "reason": "so"}),
        anna.get("/api/users"), anna.post("/api/users/invite", json={}), anna.get("/api/team"),
        anna.post("/api/users/change", json={"name": "anna", "to": "owner"}), anna.get("/users"), anna.get("/team"),
    ]  # fmt: skip
    assert [answer.status_code for answer in refused] == [403] * len(refused)
    assert 'data-role="annotator"' in anna.get("/rounds").text
    assert accounts.find("anna").role == "annotator"  # type: ignore[union-attr]


def test_owners_do_and_what_they_may_changes_at_once(app: FastAPI, accounts: Accounts):
    olga, boris = join(app, accounts, "olga", "owner"), join(app, accounts, "boris")
    assert olga.post("/api/rounds/start").status_code == 200
    assert 'data-role="owner"' in olga.get("/users").text
    assert olga.post("/api/users/change", json={"name": "boris", "to": "owner"}).status_code == 200
    assert boris.post("/api/rounds/start").status_code == 200
    assert boris.post("/api/users/change", json={"name": "olga", "to": "annotator"}).status_code == 200
    assert olga.post("/api/rounds/start").status_code == 403


def test_an_owner_invites_from_the_app_and_sees_no_secret(app: FastAPI, accounts: Accounts):
    olga = join(app, accounts, "olga", "owner")
    made = olga.post("/api/users/invite", json={"role": "annotator", "days": 3}).json()
    assert made["url"].startswith("http://testserver/invite/")
    guest = TestClient(app)
    assert guest.post(made["url"], data={"name": "guest", "password": PASSWORD}).status_code == 200
    said = olga.get("/api/users")
    assert [u["name"] for u in said.json()["users"]] == ["olga", "guest"]
    assert "argon2" not in said.text
    for bad in ({"role": "god"}, {"days": 0}, {"days": 400}, {"name": "x" * 41}, {"days": "x"}, {"more": 1}):
        assert olga.post("/api/users/invite", json=bad).status_code == 422, bad
    for bad in (
        {"name": "nobody", "to": "disabled"},
        {"name": "olga", "to": "disabled"},
        {"name": "olga", "to": "annotator"},
    ):
        assert olga.post("/api/users/change", json=bad).status_code == 400, bad


def test_the_last_owner_stays_one(accounts: Accounts):
    accounts.accept(accounts.invite("owner", 1), "olga", "h")
    accounts.accept(accounts.invite("annotator", 1), "anna", "h")
    for refused in (lambda: accounts.disable("olga"), lambda: accounts.set_role("olga", "annotator")):
        with pytest.raises(UsageError, match="last owner"):
            refused()
    assert accounts.has_owner()
    accounts.disable("anna")
    assert [a.disabled for a in accounts.all()] == [False, True]


def test_the_file_is_shared_by_the_app_and_the_command_line(tmp_path: Path, app: FastAPI, accounts: Accounts):
    join(app, accounts, "olga", "owner")
    anna = join(app, accounts, "anna")
    with contextlib.closing(Accounts(tmp_path)) as elsewhere:
        elsewhere.disable("anna")
    assert not inside(anna)


def test_a_file_that_is_no_database_is_one_line(tmp_path: Path):
    (tmp_path / "accounts.sqlite").write_text("not a database, but long enough to be looked at" * 10)
    with pytest.raises(LoopError, match=r"accounts\.sqlite") as refusal:
        Accounts(tmp_path)
    assert "\n" not in str(refusal.value)
    assert not isinstance(refusal.value, sqlite3.Error)
