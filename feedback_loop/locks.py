"""Who works on a run. One process at a time has models in memory: a round goes before a chat, a chat before the sampler.

All locks are flocks: a killed process leaves none behind.
"""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from feedback_loop.errors import LoopError
from feedback_loop.run import Run

GLANCE = 0.3
"""Seconds for which a lock is tried: somebody may be looking whether it is held."""
LEAVING = 30.0
"""Seconds that the sampler or the chat gets to leave. They look five times a second."""


@contextmanager
def lock(run: Run) -> Iterator[int]:
    """Hold the run's lock, and see sampler and chat off; yields the locked descriptor, which a child may inherit to keep it held.

    While it is held nobody else commits anything in the run. LoopError where another process holds it.
    """
    with _held(run.path / ".lock", GLANCE) as (descriptor, holder):
        if descriptor is None:
            raise LoopError(
                f"{run.path}: another process ({holder}) is working on this run. "
                f"Wait for it, or look: feedback-loop status {run.path}"
            )
        with _held(run.path / ".sampler.lock", LEAVING) as (left, sampler):
            if left is None:
                raise LoopError(
                    f"{run.path}: the process that samples answers or chats ({sampler}) does not end. Stop it: kill {sampler}"
                )
        yield descriptor


def locked(run: Run) -> bool:
    """Whether some process is working on the run now."""
    return _is_held(run.path / ".lock")


@contextmanager
def sampler_lock(run: Run) -> Iterator[bool]:
    """Hold the sampler's lock; yields whether it may sample: no other one does, nobody works on the run, and nobody chats.

    Whoever holds it must look at `locked` and `chatting` again and again, and end at once where one of them is so.
    """
    with _held(run.path / ".sampler.lock", GLANCE) as (descriptor, _):
        yield descriptor is not None and not locked(run) and not chatting(run)


@contextmanager
def chat_lock(run: Run) -> Iterator[Literal["busy", "elsewhere"] | None]:
    """Hold the chat's lock, and see the sampler off; yields None where one may chat.

    `busy`: somebody works on the run; `elsewhere`: another process chats. It holds the sampler's lock too, as whoever has
    models does, and must look at `locked` as the sampler does.
    """
    with _held(run.path / ".chat.lock", GLANCE) as (descriptor, _):
        if descriptor is None or locked(run):
            yield "elsewhere" if descriptor is None else "busy"
            return
        with _held(run.path / ".sampler.lock", LEAVING) as (left, _):
            yield "busy" if left is None or locked(run) else None


@contextmanager
def standing_by(run: Run) -> Iterator[bool]:
    """Keep anybody from beginning to work on the run, for a moment; yields whether nobody does. Sampler and chat go on."""
    descriptor = os.open(run.path / ".lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        yield _try(descriptor, fcntl.LOCK_SH)
    finally:
        os.close(descriptor)


def sampling(run: Run) -> bool:
    """Whether a sampler lives now."""
    return _is_held(run.path / ".sampler.lock") and not chatting(run)


def chatting(run: Run) -> bool:
    """Whether a chat has the model now."""
    return _is_held(run.path / ".chat.lock")


@contextmanager
def soup_lock(run: Run) -> Iterator[None]:
    """Say for as long as this is held that it is a soup that works on the run; for whoever holds the run's lock."""
    with _held(run.path / ".soup.lock", GLANCE):
        yield


def cooking_since(run: Run) -> str | None:
    """Since when a soup is being cooked, in ISO 8601; None while none is."""
    file = run.path / ".soup.lock"
    return datetime.fromtimestamp(file.stat().st_mtime, UTC).isoformat() if _is_held(file) else None


@contextmanager
def _held(file: Path, seconds: float) -> Iterator[tuple[int | None, str]]:
    """(descriptor of the locked file, or None where it was not to be had in time; who holds it)."""
    descriptor, ends = os.open(file, os.O_RDWR | os.O_CREAT, 0o600), time.monotonic() + seconds
    try:
        while not _try(descriptor, fcntl.LOCK_EX):
            if time.monotonic() > ends:
                yield None, os.pread(descriptor, 32, 0).decode(errors="replace").strip() or "unknown"
                return
            time.sleep(0.005)
        os.truncate(descriptor, 0)
        os.write(descriptor, f"{os.getpid()}\n".encode())
        yield descriptor, str(os.getpid())
    finally:
        os.close(descriptor)


def _is_held(file: Path) -> bool:
    """Looked at by a shared lock: two who look do not take each other for the holder."""
    try:
        descriptor = os.open(file, os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        return not _try(descriptor, fcntl.LOCK_SH)
    finally:
        os.close(descriptor)


def _try(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
