"""Start, find and stop the embedded server.

The server holds a lock on `server.lock` as long as any process of it lives, so "is it running" and "is this process
id still ours" have one answer that neither a crash nor a reused process id can make wrong. It inherits a socket
that already listens, so no other program can take the port in between, and a request sent early waits.
"""

import contextlib
import json
import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import httpx

from feedback_loop.argilla_local import credentials, environment, places
from feedback_loop.errors import LoopError, UsageError

PORT = 6900
START_SECONDS = 180.0
STOP_SECONDS = 10.0
LAUNCH = Path(__file__).with_name("launch.py")


@dataclass(frozen=True)
class Connection:
    """Where an Argilla answers, and the key to it."""

    api_url: str
    api_key: str


@dataclass(frozen=True)
class Status:
    """What is known of the embedded server; url, key and pid are empty where it does not run."""

    running: bool
    api_url: str
    api_key: str
    pid: int | None
    home: Path
    log: Path


def _silent(_line: str) -> None:
    pass


def start(*, report: Callable[[str], None] = _silent) -> Connection:
    """Make sure that the server runs and answers; LoopError names the log where it cannot be started."""
    home = places.home()
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise LoopError(f"{home}: {error.strerror}. Name another folder in FEEDBACK_LOOP_HOME.") from error
    with places.locked(home / "start.lock"):
        found = status()
        if found.running and _answers(found):
            return Connection(found.api_url, found.api_key)
        _end(home)
        environment.ensure(places.environment(), home / "install.log", report)
        credentials.ensure(home)
        report("Starting Argilla")
        return _launch(home)


def stop() -> bool:
    """Stop the server and all its processes; False where none ran."""
    home = places.home()
    if not home.exists():
        return False
    with places.locked(home / "start.lock"):
        return _end(home)


def status() -> Status:
    """Whether the server runs, and where its things are."""
    home = places.home()
    state = _state(home) if places.held(home / "server.lock") else None
    kept = credentials.load(home)
    if state is None or kept is None:
        return Status(running=False, api_url="", api_key="", pid=None, home=home, log=home / "server.log")
    url = f"http://127.0.0.1:{state['port']}"
    return Status(running=True, api_url=url, api_key=kept.api_key, pid=state["pid"], home=home, log=home / "server.log")


def connection() -> Connection | None:
    """The Argilla to use: the one named in the environment, else the embedded one where it runs, else None."""
    url, key = os.environ.get("ARGILLA_API_URL"), os.environ.get("ARGILLA_API_KEY")
    if url and key:
        return Connection(url.rstrip("/"), key)
    if url or key:
        given, missing = ("ARGILLA_API_URL", "ARGILLA_API_KEY") if url else ("ARGILLA_API_KEY", "ARGILLA_API_URL")
        raise UsageError(f"{given} is set but {missing} is not. Set both, or neither for the embedded Argilla.")
    found = status()
    return Connection(found.api_url, found.api_key) if found.running else None


def _state(home: Path) -> dict[str, int] | None:
    """Process id and port, as the server itself wrote them when it began; None before that."""
    try:
        state: dict[str, int] = json.loads((home / "server.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return state


def _answers(found: Status, seconds: float = START_SECONDS) -> bool:
    """Whether the server there knows our key, so is ours; a server still starting lets the request wait."""
    try:
        reply = httpx.get(
            f"{found.api_url}/api/v1/me", headers={"X-Argilla-Api-Key": found.api_key}, timeout=seconds, trust_env=False
        )
    except httpx.HTTPError:
        return False
    return reply.status_code == httpx.codes.OK


def _launch(home: Path) -> Connection:
    log = home / "server.log"
    lock = places.try_lock(home / "server.lock")
    if lock is None:
        raise LoopError(f"{home}: a process of an earlier Argilla does not end. Stop it by hand, see {log}")
    (home / "server.json").unlink(missing_ok=True)
    with _listen() as listener, log.open("ab") as out:
        os.set_inheritable(lock, True)  # Valkey, the server's child, keeps it too
        process = subprocess.Popen(
            [environment.python(places.environment()), "-s", LAUNCH, home, str(listener.fileno()), str(lock)],
            cwd=home,
            env=_variables(),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            pass_fds=(listener.fileno(), lock),
        )
        port = listener.getsockname()[1]
        os.close(lock)
    # The child's end must be collected, or it would stay as a zombie of a long-lived app.
    threading.Thread(target=process.wait, daemon=True).start()
    kept = credentials.ensure(home)
    url = f"http://127.0.0.1:{port}"
    begun = Status(running=True, api_url=url, api_key=kept.api_key, pid=process.pid, home=home, log=log)
    if not _answers(begun):
        _end(home)
        raise LoopError(f"Argilla did not start: {_last_line(log)} The whole log: {log}")
    return Connection(url, kept.api_key)


def _listen() -> socket.socket:
    """A listening socket on the usual port, or on a free one where somebody else has that."""
    for port in (PORT, 0):
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
            listener.listen(128)
        except OSError:
            listener.close()
        else:
            return listener
    raise LoopError("No free port on 127.0.0.1 for Argilla. Close some programs, then: feedback-loop argilla start")


def _variables() -> dict[str, str]:
    """This process's environment less what would reach into the server's own Python or settings."""
    foreign = ("ARGILLA_", "PYTHON", "VIRTUAL_ENV")
    return {name: value for name, value in os.environ.items() if not name.startswith(foreign)}


def _end(home: Path) -> bool:
    """Stop whatever holds the server's lock; False where nothing does."""
    lock = home / "server.lock"
    if not places.held(lock):
        (home / "server.json").unlink(missing_ok=True)
        return False
    deadline = time.monotonic() + STOP_SECONDS
    while (state := _state(home)) is None and places.held(lock) and time.monotonic() < deadline:
        time.sleep(0.05)  # it has only just begun and not yet written who it is
    for send, number in ((os.kill, signal.SIGTERM), (os.killpg, signal.SIGKILL)):
        if state is not None:
            with contextlib.suppress(ProcessLookupError):
                send(state["pid"], number)
        if _gone(lock):
            (home / "server.json").unlink(missing_ok=True)
            return True
    raise LoopError(f"{home}: Argilla does not end. Stop its processes by hand; its log is {home / 'server.log'}")


def _gone(lock: Path) -> bool:
    deadline = time.monotonic() + STOP_SECONDS
    while time.monotonic() < deadline:
        if not places.held(lock):
            return True
        time.sleep(0.05)
    return False


def _last_line(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return lines[-1].strip() if lines else "it said nothing."
