"""Passwords: argon2id, away from the event loop and few at a time, since each takes 64 MiB and a tenth of a second."""

import asyncio
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

SHORTEST, LONGEST = 10, 200
"""Characters. Length is what helps; rules about figures and signs do not (NIST SP 800-63B)."""
HASHER = PasswordHasher()
"""argon2id with the second recommended parameters of RFC 9106: 64 MiB, 3 passes, 4 lanes."""
WORKERS, WAITING = 2, 32
T = TypeVar("T")


class Busy(Exception):  # noqa: N818 - said as people read it
    """Too many passwords wait to be looked at."""


class Passwords:
    """A few threads that hash and verify; whoever comes when the queue is long is turned away with Busy."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(WORKERS, thread_name_prefix="passwords")
        self._under_way = 0

    async def do(self, work: Callable[[], T]) -> T:
        """The result of `work`, done in one of the threads."""
        if self._under_way >= WORKERS + WAITING:
            raise Busy
        self._under_way += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        finally:
            self._under_way -= 1


def fit(password: str, name: str) -> bool:
    """Whether it may be somebody's password."""
    plain = _normal(password)
    return SHORTEST <= len(plain) <= LONGEST and plain.casefold() != _normal(name).casefold() and len(set(plain)) > 2


def hashed(password: str) -> str:
    """Its argon2id hash, with a salt of its own."""
    return HASHER.hash(_normal(password))


def matches(kept: str | None, password: str) -> bool:
    """Whether it is the password; with no hash, no, after as long as it takes to say so of one."""
    try:
        return HASHER.verify(kept or _nobodys(), _normal(password)) and kept is not None
    except (VerificationError, InvalidHashError):
        return False


def outdated(kept: str) -> bool:
    """Whether it was hashed with other parameters than are used now."""
    return HASHER.check_needs_rehash(kept)


@cache
def _nobodys() -> str:
    return HASHER.hash("nobody's")


def _normal(password: str) -> str:
    """The same characters however a keyboard composed them, and no more of them than are looked at."""
    plain = unicodedata.normalize("NFKC", password[: 4 * LONGEST])
    return plain.encode("utf-8", "replace").decode()
