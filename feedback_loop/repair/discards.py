"""Labels that no longer count: `RUN/discards/000.json`, ..., each with who discarded what, when and why; and stages done again.

A discarded label stays in the journal, in Argilla and in its round's snapshot; whoever reads labels leaves it out
(`left_out`). The record is written before anything is set aside and says so until all is: a discard that was cut off is
ended by whoever next works on the run (`finish`).
"""

from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import Literal

from feedback_loop.durable import make_folder, write_text
from feedback_loop.records import Ranking, Record
from feedback_loop.repair import aside
from feedback_loop.run import Run, read_record, set_aside


class Place(Record):
    """A stage of a round."""

    round: int
    stage: str


class Carried(Record):
    """What people said in a round that was set aside, copied beside the record; paths are below the run's folder."""

    round: int
    kind: Literal["round", "duels"] = "round"
    comparisons: tuple[str, ...]
    rankings: str
    into: int
    """The first round that learns from it."""


class Discard(Record):
    """One decision that labels do not count, or count again; or that a stage is done again, on which what people said hung."""

    number: int
    kind: Literal["discard", "restore", "redo"] = "discard"
    restores: int | None = None
    """Of a `restore`: the number of the discard that it undoes."""
    asked: str
    """What was asked to be discarded, in words."""
    labels: tuple[str, ...]
    """`COMPARISON@USER` of each."""
    reason: str
    by: str
    at: str
    first: Place | None = None
    """The first stage that these labels had reached; None where there is none."""
    carried: tuple[Carried, ...] = ()
    moves: tuple[tuple[str, str], ...] = ()
    """What was set aside, and its name since; paths are below the run's folder."""
    complete: bool = False
    """Whether all of that was done."""


def files(run: Run) -> list[Path]:
    """The records, in the order in which they were made."""
    return sorted((run.path / "discards").glob("*.json"))


def records(run: Run) -> list[Discard]:
    """All discards and restores, in order."""
    return [read_record(file, Discard) for file in files(run)]


def standing(found: Sequence[Discard]) -> list[Discard]:
    """The discards that were not undone, in order."""
    undone = {record.restores for record in found if record.kind == "restore"}
    return [record for record in found if record.kind == "discard" and record.number not in undone]


def by_label(found: Sequence[Discard]) -> dict[str, Discard]:
    """Each label that does not count, and the discard by which it does not."""
    return {name: record for record in standing(found) for name in record.labels}


def left_out(run: Run) -> frozenset[str]:
    """Names of the labels that do not count."""
    return frozenset(by_label(records(run)))


def kept(rankings: Iterable[Ranking], out: Collection[str]) -> list[Ranking]:
    """The rankings that count."""
    return [r for r in rankings if r.label not in out]


def write(run: Run, record: Discard) -> None:
    """Put a record where the readers find it."""
    folder = run.path / "discards"
    make_folder(folder)
    write_text(folder / f"{record.number:03d}.json", record.model_dump_json(indent=2) + "\n")


def finish(run: Run) -> list[str]:
    """Set aside what the records say is to be and is not yet; what was. The run's lock must be held."""
    return [path for record in records(run) if not record.complete for path in carry_out(run, record)]


def carry_out(run: Run, record: Discard) -> list[str]:
    """Set aside all that was made from a record's labels, and note that this is done; what was, by its new name.

    Whatever hangs on them is moved, also what was made since the record was written: until it is complete, nothing made
    after the first stage that the labels reached can be right.
    """
    moved = [set_aside(run.path / source, run.path / to) for source, to in record.moves]
    if record.first is not None:
        moved += [set_aside(path) for path in aside.made_from(run, record.first.round, record.first.stage)]
    write(run, record.model_copy(update={"complete": True}))
    return [str(path.relative_to(run.path)) for path in moved if path is not None]
