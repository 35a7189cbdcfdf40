from pathlib import Path

import pytest
from fastapi import Request

from feedback_loop.errors import UsageError
from ui.login import COOKIE, MONTH, open_door


def request(cookie: str) -> Request:
    return Request({"type": "http", "headers": [(b"cookie", f"{COOKIE}={cookie}".encode())]})


@pytest.mark.parametrize(
    ("kind", "variable"), [("password", "FEEDBACK_LOOP_PASSWORD"), ("token", "FEEDBACK_LOOP_TOKEN")]
)
def test_a_password_or_token_must_be_set(tmp_path: Path, kind, variable: str):
    with pytest.raises(UsageError, match=variable):
        open_door(kind, "s", tmp_path, {})
    door = open_door(kind, "s", tmp_path, {variable: "opensesame"})
    assert door.refusal("anna", "opensesame") is None
    assert door.refusal("anna", "guess") == f"That is not the {kind}."


@pytest.mark.parametrize("name", ["", "x" * 41, "an\x00na", "line\nbreak", "\u202eanna"])
def test_names_that_would_not_show_are_refused(tmp_path: Path, name: str):
    assert open_door("name", "s", tmp_path, {}).refusal(name, "")


def test_names_of_any_script_may_enter(tmp_path: Path):
    assert open_door("name", "s", tmp_path, {}).refusal("Анна Ö.", "") is None


def test_a_session_is_known_again_and_a_forged_one_is_not(tmp_path: Path):
    door, other = open_door("name", "s", tmp_path, {}), open_door("name", "another", tmp_path, {})
    assert MONTH > 0
    assert door.user(request(str(door.signer.dumps("anna")))) == "anna"
    assert door.user(request(str(other.signer.dumps("anna")))) is None
    assert door.user(request("anna")) is None


def test_the_secret_is_kept_for_its_owner_only(tmp_path: Path):
    first = open_door("name", "", tmp_path, {}).signer.dumps("anna")
    assert open_door("name", "", tmp_path, {}).user(request(str(first))) == "anna"
    kept = tmp_path / ".session-secret"
    assert kept.stat().st_mode & 0o777 == 0o600
    assert len(kept.read_text()) >= 32
