"""The durable journal: a ranking is acknowledged once it is here, whatever Argilla does.

One SQLite file of append-only events. An answer's present state is the last event of its user and comparison.
"""

import contextlib
import os
import shutil
import sqlite3
import tempfile
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from feedback_loop.records import Ranking, now
from feedback_loop.store.database import Database

SCHEMA = """
CREATE TABLE IF NOT EXISTS events (
  sequence INTEGER PRIMARY KEY AUTOINCREMENT,
  kind TEXT NOT NULL CHECK (kind IN ('vote', 'undo')),
  round INTEGER NOT NULL,
  user_id TEXT NOT NULL,
  comparison_id TEXT NOT NULL,
  ranking TEXT,
  created_at TEXT NOT NULL,
  delivered INTEGER NOT NULL DEFAULT 0,
  acknowledged TEXT
);
CREATE INDEX IF NOT EXISTS of_answer ON events (round, user_id, comparison_id, sequence);
CREATE INDEX IF NOT EXISTS waiting ON events (sequence) WHERE delivered = 0;
"""


@dataclass(frozen=True)
class Event:
    """Something a person did, in the order in which it was acknowledged."""

    sequence: int
    kind: Literal["vote", "undo"]
    round: int
    user_id: str
    comparison_id: str
    ranking: Ranking | None
    """The answer that stands since; None where an undo left none."""
    delivered: bool
    acknowledged: str | None = None
    """When Argilla took it, by Argilla's own clock: whether what is there later is still this one."""
    at: str = ""
    """When it was acknowledged."""


@dataclass
class _Standing:
    """The answers of a round that stand, by user and comparison, in the order in which they were given."""

    answers: dict[tuple[str, str], Ranking] = field(default_factory=dict)
    seen: int = 0
    """Sequence of the last event that is in them."""


@contextlib.contextmanager
def looked_into(path: Path) -> Iterator["Journal"]:
    """A journal for whoever only reads it; of a run that may not be written a copy, as SQLite writes beside what it reads."""
    with contextlib.ExitStack() as closing:
        if not os.access(path.parent, os.W_OK):
            place = Path(closing.enter_context(tempfile.TemporaryDirectory()))
            for file in (path, path.with_name(f"{path.name}-wal")):
                if file.exists():
                    shutil.copy(file, place)
            path = place / path.name
        yield closing.enter_context(contextlib.closing(Journal(path)))


class Journal:
    """A run's journal. Threads may share one object; processes open the same path. LoopError if it cannot be read."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._standing: dict[int, _Standing] = {}
        advice = "Free the disk, or put back a copy of the file; Argilla holds what was delivered"
        self._database = Database(path, SCHEMA, "rankings", advice)
        with self._database.transaction() as database:
            if "acknowledged" not in {row["name"] for row in database.execute("PRAGMA table_info(events)")}:
                database.execute("ALTER TABLE events ADD COLUMN acknowledged TEXT")  # an older version made the file

    def close(self) -> None:
        """Close the file; what was recorded stays."""
        self._database.close()

    def record(self, ranking: Ranking, round: int, *, delivered: bool = False) -> bool:  # noqa: A002
        """Store an answer durably. False, and nothing stored, where that user's answer already stands.

        With `delivered`, an answer that was given in Argilla is taken in: it replaces the one that stands.
        """
        with self._database.transaction() as database:
            last = self._last(database, round, ranking.user_id, ranking.comparison_id)
            if not delivered and last is not None and last.ranking is not None:
                return False
            _insert(database, ranking, round, delivered=delivered)
        return True

    def revise(self, ranking: Ranking, round: int) -> Ranking | None:  # noqa: A002
        """Store an answer in place of that user's standing one, which stays on record; the one that stands then.

        None, and nothing stored, where none stands; nothing is stored either where the standing one says the same.
        """
        with self._database.transaction() as database:
            last = self._last(database, round, ranking.user_id, ranking.comparison_id)
            if last is None or last.ranking is None:
                return None
            if said(last.ranking) == said(ranking):
                return last.ranking
            _insert(database, ranking, round, delivered=False)
        return ranking

    def undo(self, user_id: str, round: int, asked: Collection[str] | None = None) -> str | None:  # noqa: A002
        """Take back what that user said last in the round; its comparison's id, or None if there is nothing.

        Where that changed an answer, the one before stands again. `asked` as in `rankings`: answers to other comparisons stand.
        """
        query = "SELECT sequence, kind, comparison_id, ranking FROM events WHERE round = ? AND user_id = ? ORDER BY sequence"
        with self._database.transaction() as database:
            said = _not_taken_back(database.execute(query, (round, user_id)))
            standing = {votes[-1]["sequence"]: name for name, votes in said.items() if asked is None or name in asked}
            if not standing:
                return None
            last = standing[max(standing)]
            before = said[last][-2]["ranking"] if len(said[last]) > 1 else None
            database.execute(
                "INSERT INTO events (kind, round, user_id, comparison_id, ranking, created_at)"
                " VALUES ('undo', ?, ?, ?, ?, ?)",
                (round, user_id, last, before, now()),
            )
        return last

    def rankings(self, round: int, asked: Collection[str] | None = None) -> list[Ranking]:  # noqa: A002
        """The answers of a round that stand, in the order in which they were given; with `asked`, to these comparisons alone.

        A round whose comparisons were done again has answers to others too.
        """
        with self._database.reading() as database:
            given = list(self._catch_up(database, round).answers.values())
        return given if asked is None else [r for r in given if r.comparison_id in asked]

    def events(self, round: int) -> dict[tuple[str, str], list[Event]]:  # noqa: A002
        """All that ever happened to each answer of a round, in order, by user and comparison."""
        found: dict[tuple[str, str], list[Event]] = {}
        for event in self._read("SELECT * FROM events WHERE round = ? ORDER BY sequence", (round,)):
            found.setdefault((event.user_id, event.comparison_id), []).append(event)
        return found

    def votes(self, user_id: str, asked: Collection[str]) -> Counter[str]:
        """How many answers of that user to each of these comparisons are on record: the standing one, and those before it."""
        query = "SELECT comparison_id, count(*) AS votes FROM events WHERE kind = 'vote' AND user_id = ? GROUP BY 1"
        with self._database.reading() as database:
            found = {row["comparison_id"]: row["votes"] for row in database.execute(query, (user_id,))}
        return Counter({name: found[name] for name in asked if name in found})

    def undelivered(self) -> list[Event]:
        """What Argilla has not acknowledged yet, oldest first."""
        return self._read("SELECT * FROM events WHERE delivered = 0 ORDER BY sequence", ())

    def last(self) -> int:
        """A number that grows with every event; 0 before the first."""
        with self._database.reading() as database:
            return int(database.execute("SELECT coalesce(max(sequence), 0) FROM events").fetchone()[0])

    def waiting(self) -> int:
        """How many events Argilla has not acknowledged yet."""
        with self._database.reading() as database:
            return int(database.execute("SELECT count(*) FROM events WHERE delivered = 0").fetchone()[0])

    def mark_delivered(self, event: Event, acknowledged: str | None = None) -> None:
        """Note that Argilla has this event, and when it took it by its own clock."""
        query = "UPDATE events SET delivered = 1, acknowledged = ? WHERE sequence = ?"
        with self._database.transaction() as database:
            database.execute(query, (acknowledged, event.sequence))

    def history(self, comparison_id: str) -> list[Event]:
        """All that anybody ever said of a comparison, what was changed or taken back too."""
        return self._read("SELECT * FROM events WHERE comparison_id = ? ORDER BY sequence", (comparison_id,))

    def knows(self, comparison_id: str) -> bool:
        """Whether anybody ever answered this comparison, in any round."""
        return bool(self._read("SELECT * FROM events WHERE comparison_id = ? LIMIT 1", (comparison_id,)))

    def _read(self, query: str, values: Sequence[object]) -> list[Event]:
        with self._database.reading() as database:
            return [_event(row) for row in database.execute(query, tuple(values))]

    def _catch_up(self, database: sqlite3.Connection, round: int) -> _Standing:  # noqa: A002
        """What stands by now, of whichever process; only new events are read, since every request asks for this."""
        kept = self._standing.setdefault(round, _Standing())
        query = "SELECT * FROM events WHERE sequence > ? AND +round = ? ORDER BY sequence"  # + keeps it off the round's index
        for event in map(_event, database.execute(query, (kept.seen, round))):
            kept.answers.pop((event.user_id, event.comparison_id), None)
            if event.ranking is not None:
                kept.answers[event.user_id, event.comparison_id] = event.ranking
            kept.seen = event.sequence
        return kept

    def _last(self, database: sqlite3.Connection, *answer: object) -> Event | None:
        query = "SELECT * FROM events WHERE round = ? AND user_id = ? AND comparison_id = ?"
        last = database.execute(query + " ORDER BY sequence DESC LIMIT 1", answer).fetchone()
        return None if last is None else _event(last)


def copy_votes(path: Path, to: Path, last: int) -> None:
    """A journal of its own with the votes up to round `last`; none of them waits for Argilla."""
    with contextlib.closing(sqlite3.connect(path)) as source, contextlib.closing(sqlite3.connect(to)) as copy:
        source.backup(copy)
        copy.execute("DELETE FROM events WHERE round > ?", (last,))
        copy.execute("UPDATE events SET delivered = 1")
        copy.commit()


def said(ranking: Ranking) -> dict[str, object]:
    """What a person said, less when and how quickly; an empty text is none, and those that share a place have no order."""
    words: dict[str, object] = {"comment": ranking.comment or None, "edit": ranking.edit or None}
    words["order"] = ranking.order and tuple(tuple(sorted(group)) for group in ranking.order)
    return ranking.model_dump(exclude={"created_at", "seconds"}) | words


def _not_taken_back(events: Iterable[sqlite3.Row]) -> dict[str, list[sqlite3.Row]]:
    """By comparison, the votes of one person that no undo took back, in order: the last stands, the others were changed."""
    found: dict[str, list[sqlite3.Row]] = {}
    for event in events:
        name = str(event["comparison_id"])
        if event["kind"] == "vote":
            found.setdefault(name, []).append(event)
        elif event["ranking"] is None:  # an older version took back what was said before the change too
            found.pop(name, None)
        else:
            found[name].pop()
    return found


def _insert(database: sqlite3.Connection, ranking: Ranking, round: int, *, delivered: bool) -> None:  # noqa: A002
    database.execute(
        "INSERT INTO events (kind, round, user_id, comparison_id, ranking, created_at, delivered, acknowledged)"
        " VALUES ('vote', ?, ?, ?, ?, ?, ?, ?)",
        (
            round,
            ranking.user_id,
            ranking.comparison_id,
            ranking.model_dump_json(),
            now(),
            delivered,
            ranking.created_at if delivered else None,
        ),
    )


def _event(row: sqlite3.Row) -> Event:
    ranking = None if row["ranking"] is None else Ranking.model_validate_json(row["ranking"])
    return Event(
        sequence=row["sequence"],
        kind=row["kind"],
        round=row["round"],
        user_id=row["user_id"],
        comparison_id=row["comparison_id"],
        ranking=ranking,
        delivered=bool(row["delivered"]),
        acknowledged=row["acknowledged"],
        at=row["created_at"],
    )
