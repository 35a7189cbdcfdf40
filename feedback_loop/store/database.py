"""One SQLite file that threads share and processes open alike; what fails there is said in one line."""

import contextlib
import sqlite3
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from feedback_loop.errors import LoopError

OPENING_SECONDS = 10.0


class StorageError(LoopError):
    """A file cannot be read or written now; once the disk is free or the file is back, the same may go well."""


class Database:
    """An open file. StorageError, with what it holds and what to do, where it cannot be read or written."""

    def __init__(self, path: Path, schema: str, holds: str, advice: str) -> None:
        self.path, self._holds, self._advice = path, holds, advice
        self._lock = threading.Lock()
        with self._explained():
            self._connection = sqlite3.connect(path, timeout=30, isolation_level=None, check_same_thread=False)
            try:
                self._connection.row_factory = sqlite3.Row
                _write_ahead(self._connection)
                self._connection.execute("PRAGMA synchronous=FULL")
                self._connection.executescript(schema)
            except sqlite3.Error:
                self._connection.close()
                raise

    def close(self) -> None:
        """Close the file; what was committed stays."""
        with self._lock:
            self._connection.close()

    @contextlib.contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """The connection, for this thread alone."""
        with self._lock, self._explained():
            yield self._connection

    @contextlib.contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """The same, and all that is written is committed at the end, or nothing is."""
        with self.reading() as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, ValueError) as error:
            why = " ".join(str(error).split())[:200]
            raise StorageError(
                f"The {self._holds} in {self.path} cannot be read or written ({why}). {self._advice}"
            ) from error


def _write_ahead(connection: sqlite3.Connection) -> None:
    """Turn on the write-ahead log. For this SQLite waits for nobody, and a new file may be opened by several at once."""
    ends = time.monotonic() + OPENING_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError:
            if time.monotonic() > ends:
                raise
            time.sleep(0.05)
