"""Starting, stopping and finding the embedded server."""

import os
import signal
import socket
import stat
import time
from pathlib import Path

import argilla as rg
import httpx
import pytest

from feedback_loop import argilla_local
from feedback_loop.argilla_local import Connection, places, server
from feedback_loop.errors import LoopError, UsageError


def process_ids_in_group(group: int) -> list[int]:
    """Living processes of a process group."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                fields = (folder / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(fields[2]) == group and fields[0] != "Z":
                found.append(int(folder.name))
    return found


def me(connection: Connection) -> str:
    headers = {"X-Argilla-Api-Key": connection.api_key}
    return httpx.get(f"{connection.api_url}/api/v1/me", headers=headers, timeout=30).json()["username"]


def test_before_the_first_start_nothing_runs(fresh_home: Path):
    assert not argilla_local.status().running
    assert argilla_local.connection() is None
    assert argilla_local.stop() is False
    assert not fresh_home.exists()


@pytest.mark.parametrize("name", ["ARGILLA_API_URL", "ARGILLA_API_KEY"])
def test_half_an_address_is_a_usage_error(name: str, fresh_home: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(name, "something")
    with pytest.raises(UsageError, match="Set both"):
        argilla_local.connection()


def test_another_argilla_is_taken_from_the_environment(fresh_home: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("ARGILLA_API_URL", "http://elsewhere:1234/")
    monkeypatch.setenv("ARGILLA_API_KEY", "key")
    assert argilla_local.connection() == Connection("http://elsewhere:1234", "key")


def test_damaged_credentials_are_named(fresh_home: Path):
    (fresh_home / "argilla").mkdir(parents=True)
    (fresh_home / "argilla" / "credentials.json").write_text("{")
    with pytest.raises(LoopError, match=r"credentials\.json"):
        argilla_local.status()


def test_a_home_that_cannot_be_made_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("FEEDBACK_LOOP_HOME", str(tmp_path / "file"))
    with pytest.raises(LoopError, match="FEEDBACK_LOOP_HOME"):
        argilla_local.start()


@pytest.mark.argilla
def test_start_is_idempotent_private_and_local(fresh_home: Path):
    said: list[str] = []
    first = argilla_local.start(report=said.append)
    assert said[-1] == "Starting Argilla"
    assert argilla_local.start() == first == argilla_local.connection()
    assert me(first) == "owner"
    assert first.api_url.startswith("http://127.0.0.1:")
    found = argilla_local.status()
    assert found.running
    assert stat.S_IMODE((found.home / "credentials.json").stat().st_mode) == 0o600
    assert stat.S_IMODE(found.home.stat().st_mode) == 0o700
    assert first.api_key not in found.log.read_text()
    assert httpx.get(f"{first.api_url}/api/v1/me", headers={"X-Argilla-Api-Key": "wrong"}).status_code == 401


@pytest.mark.argilla
def test_stop_leaves_no_process_and_restart_keeps_data_and_key(fresh_home: Path):
    first = argilla_local.start()
    client = rg.Argilla(api_url=first.api_url, api_key=first.api_key)
    rg.Workspace(name="kept", client=client).create()
    pid = argilla_local.status().pid
    assert pid is not None
    assert len(process_ids_in_group(pid)) == 2, "the server and Valkey"
    assert argilla_local.stop() is True
    assert process_ids_in_group(pid) == []
    assert argilla_local.stop() is False
    assert argilla_local.connection() is None
    again = argilla_local.start()
    assert again.api_key == first.api_key
    client = rg.Argilla(api_url=again.api_url, api_key=again.api_key)
    assert client.workspaces("kept") is not None


@pytest.mark.argilla
def test_a_killed_server_is_seen_and_started_anew(fresh_home: Path):
    argilla_local.start()
    pid = argilla_local.status().pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)  # Valkey lives on and still holds the lock
    time.sleep(0.2)
    again = argilla_local.start()
    assert me(again) == "owner"
    assert process_ids_in_group(pid) == []


@pytest.mark.argilla
def test_a_taken_port_makes_room(fresh_home: Path, monkeypatch: pytest.MonkeyPatch):
    with socket.create_server(("127.0.0.1", 0)) as stranger:
        taken = stranger.getsockname()[1]
        monkeypatch.setattr(server, "PORT", taken)
        connection = argilla_local.start()
        assert not connection.api_url.endswith(f":{taken}")
        assert me(connection) == "owner"


def test_a_stale_process_id_of_a_stranger_is_left_alone(fresh_home: Path):
    home = places.home()
    home.mkdir(parents=True)
    (home / "server.json").write_text(f'{{"pid": {os.getpid()}, "port": 1}}')
    (home / "server.lock").touch()
    assert not argilla_local.status().running
    assert argilla_local.stop() is False


@pytest.mark.argilla
def test_a_start_that_fails_names_the_log(fresh_home: Path):
    home = places.home()
    home.mkdir(parents=True)
    (home / "argilla.db").write_text("this is no database")
    with pytest.raises(LoopError, match=r"not a database.*server\.log"):
        argilla_local.start()
    assert not argilla_local.status().running


def test_an_environment_that_cannot_be_installed_names_the_log_and_is_made_again(
    fresh_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    from feedback_loop.argilla_local import environment

    lock = tmp_path / "requirements.lock"
    lock.write_text("no-such-file @ file:///absent.whl\n")
    monkeypatch.setattr(environment, "LOCK", lock)
    log = tmp_path / "install.log"
    with pytest.raises(LoopError, match=r"install\.log"):
        environment.ensure(tmp_path / "env", log, lambda _: None)
    lock.write_text("")
    environment.ensure(tmp_path / "env", log, lambda _: None)
    said: list[str] = []
    environment.ensure(tmp_path / "env", log, said.append)
    assert said == []
