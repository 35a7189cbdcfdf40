"""Where the embedded Argilla lives, and the locks that keep two programs from treading on each other."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from platformdirs import user_data_path


def home() -> Path:
    """Folder of the server's data, credentials and log; `FEEDBACK_LOOP_HOME` moves it."""
    named = os.environ.get("FEEDBACK_LOOP_HOME")
    above = Path(named).expanduser().absolute() if named else user_data_path("feedback-loop")
    return above / "argilla"


def environment() -> Path:
    """Folder of the server's Python environment; `FEEDBACK_LOOP_ARGILLA_ENV` lets several homes share one."""
    named = os.environ.get("FEEDBACK_LOOP_ARGILLA_ENV")
    return Path(named).expanduser().absolute() if named else home() / "env"


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a lock file while the block runs, waiting for whoever holds it now."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def try_lock(path: Path) -> int | None:
    """Take a lock file; its descriptor, to be closed or inherited, or None where another process holds it."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


def held(path: Path) -> bool:
    """Whether some process holds the lock file now."""
    if not path.exists():
        return False
    descriptor = try_lock(path)
    if descriptor is None:
        return True
    os.close(descriptor)
    return False
