"""Who may use a run's app: accounts and invites, in one SQLite file that only its owner on this machine can read."""

import hashlib
import os
import secrets
import sqlite3
import time
import unicodedata
from dataclasses import dataclass
from pathlib import Path

from feedback_loop.errors import LoopError, UsageError
from feedback_loop.records import now
from feedback_loop.store.database import Database
from ui.visitors import Role

FILE = "accounts.sqlite"
LONGEST_NAME = 40
DAY = 24 * 3600
SCHEMA = """
CREATE TABLE IF NOT EXISTS accounts (
  key TEXT PRIMARY KEY, name TEXT NOT NULL, role TEXT NOT NULL CHECK (role IN ('owner', 'annotator')), hash TEXT NOT NULL,
  version INTEGER NOT NULL DEFAULT 1, created_at TEXT NOT NULL, disabled INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE IF NOT EXISTS invites (
  hash TEXT PRIMARY KEY, role TEXT NOT NULL CHECK (role IN ('owner', 'annotator')), name TEXT NOT NULL, made_by TEXT NOT NULL,
  expires REAL NOT NULL, used INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE IF NOT EXISTS left_sessions (id TEXT PRIMARY KEY, expires REAL NOT NULL);
"""


@dataclass(frozen=True)
class Account:
    """Somebody who may log in."""

    name: str
    role: Role
    hash: str
    """Of the password, argon2id."""
    version: int
    """Sessions of another version are no longer good."""
    created_at: str
    disabled: bool


@dataclass(frozen=True)
class Invite:
    """A link that is good once, until it expires."""

    role: Role
    name: str
    """Whom it is for; empty where they choose a name. Somebody who has an account chooses a new password by it."""
    expires: float


class Accounts:
    """A run's accounts. Threads may share one object; processes open the same folder. LoopError if it cannot be read."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILE
        _closed_to_others(self.path)
        self._database = Database(self.path, SCHEMA, "accounts", "Free the disk, or put back a copy of the file")

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def find(self, name: str) -> Account | None:
        """An account by name, however its letters were typed."""
        with self._database.reading() as database:
            row = database.execute("SELECT * FROM accounts WHERE key = ?", (key_of(name),)).fetchone()
        return None if row is None else _account(row)

    def all(self) -> list[Account]:
        """Everybody, in the order in which they came."""
        with self._database.reading() as database:
            return [_account(row) for row in database.execute("SELECT * FROM accounts ORDER BY rowid")]

    def has_owner(self) -> bool:
        """Whether an owner can log in."""
        return any(a.role == "owner" and not a.disabled for a in self.all())

    def invite(self, role: Role, days: float, made_by: str = "", name: str = "") -> str:
        """A new invite's secret, of which only the hash is kept."""
        if name and not is_name(name):
            raise UsageError(f"Give a name of 1 to {LONGEST_NAME} letters.")
        token = secrets.token_urlsafe(32)
        values = (_digest(token), role, name, key_of(made_by), time.time() + days * DAY)
        with self._database.transaction() as database:
            database.execute("DELETE FROM invites WHERE used OR expires < ?", (time.time() - 30 * DAY,))
            database.execute("INSERT INTO invites (hash, role, name, made_by, expires) VALUES (?, ?, ?, ?, ?)", values)
        return token

    def invitation(self, token: str) -> Invite | None:
        """The invite of this secret, where it is still good."""
        with self._database.reading() as database:
            return _invitation(database, token)

    def accept(self, token: str, name: str, hash_: str) -> Account | None:
        """Use up an invite: a new account, or a new password where it was made for somebody who has one.

        None where it is no longer good; UsageError where the name is taken, and the invite stays good then.
        """
        with self._database.transaction() as database:
            invite = _invitation(database, token)
            if invite is None:
                return None
            if invite.name:
                name = invite.name
            key = key_of(name)
            known = database.execute("SELECT disabled FROM accounts WHERE key = ?", (key,)).fetchone()
            if known is not None and (not invite.name or known["disabled"]):
                raise UsageError(f"The name {name} is taken. Choose another.")
            database.execute("UPDATE invites SET used = 1 WHERE hash = ?", (_digest(token),))
            if known is not None:
                database.execute("UPDATE accounts SET hash = ?, version = version + 1 WHERE key = ?", (hash_, key))
            else:
                database.execute(
                    "INSERT INTO accounts (key, name, role, hash, created_at) VALUES (?, ?, ?, ?, ?)",
                    (key, unicodedata.normalize("NFC", name), invite.role, hash_, now()),
                )
            return _account(database.execute("SELECT * FROM accounts WHERE key = ?", (key,)).fetchone())

    def set_password(self, name: str, hash_: str) -> None:
        """Another password; all sessions end."""
        self._change(name, "hash = ?, version = version + 1", hash_)

    def rehash(self, name: str, before: str, after: str) -> None:
        """The same password, hashed anew; nothing where it was changed meanwhile."""
        with self._database.transaction() as database:
            database.execute("UPDATE accounts SET hash = ? WHERE key = ? AND hash = ?", (after, key_of(name), before))

    def set_role(self, name: str, role: Role) -> None:
        """What somebody may do, from now on; UsageError for the last owner."""
        self._change(name, "role = ?", role)

    def disable(self, name: str) -> None:
        """Keep somebody out from now on; their answers stay. UsageError for the last owner."""
        self._change(name, "disabled = ?, version = version + 1", 1)

    def enable(self, name: str) -> None:
        """Let somebody in again; their sessions of before stay ended."""
        self._change(name, "disabled = ?", 0)

    def sign_out(self, name: str) -> None:
        """End all of somebody's sessions."""
        self._change(name, "version = version + ?", 1)

    def leave(self, session: str, expires: float) -> None:
        """End one session, by its id, until it would have expired by itself."""
        with self._database.transaction() as database:
            database.execute("DELETE FROM left_sessions WHERE expires < ?", (time.time(),))
            database.execute("INSERT OR IGNORE INTO left_sessions VALUES (?, ?)", (session, expires))

    def has_left(self, session: str) -> bool:
        """Whether this session was ended."""
        with self._database.reading() as database:
            found = database.execute("SELECT 1 FROM left_sessions WHERE id = ?", (session,)).fetchone()
        return found is not None

    def _change(self, name: str, what: str, value: object) -> None:
        """Change one account; the invites of somebody who is no longer an owner are void."""
        with self._database.transaction() as database:
            before = _owners(database)
            query = f"UPDATE accounts SET {what} WHERE key = ?"  # noqa: S608 - our own words
            if not database.execute(query, (value, key_of(name))).rowcount:
                raise UsageError(f"There is nobody called {name}. See them all: feedback-loop users {self.path.parent}")
            after = _owners(database)
            if before and not after:
                raise UsageError(
                    f"{name} is the last owner. Make somebody else one first: feedback-loop users RUN --role NAME=owner"
                )
            if key_of(name) not in after:
                database.execute("DELETE FROM invites WHERE made_by = ? AND NOT used", (key_of(name),))


def is_name(name: str) -> bool:
    """Whether it can be somebody's name: short, visible, and without spaces at its ends."""
    return 0 < len(name) <= LONGEST_NAME and name.isprintable() and name == name.strip()


def _closed_to_others(path: Path) -> None:
    """Make the file for its owner on this machine alone, before anything is in it."""
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        path.chmod(0o600)
    except OSError as error:
        raise LoopError(
            f"{path}: cannot be made ({error.strerror}). Free the disk, or correct the folder's rights"
        ) from error


def key_of(name: str) -> str:
    """The same for names that look the same in another case or width: one person cannot pass for another."""
    return " ".join(unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold()).split())


def _owners(database: sqlite3.Connection) -> set[str]:
    return {row["key"] for row in database.execute("SELECT key FROM accounts WHERE role = 'owner' AND NOT disabled")}


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


def _invitation(database: sqlite3.Connection, token: str) -> Invite | None:
    query = "SELECT * FROM invites WHERE hash = ? AND NOT used AND expires > ?"
    row = database.execute(query, (_digest(token), time.time())).fetchone()
    return None if row is None else Invite(row["role"], row["name"], row["expires"])


def _account(row: sqlite3.Row) -> Account:
    return Account(
        row["name"], row["role"], row["hash"], row["version"], row["created_at"], disabled=bool(row["disabled"])
    )
