"""What people said: every reader of labels for training goes through here, so that all count the same ones.

A round learns from its own labels, those of every round before, those of the duels of rounds before, and those carried over
from rounds that were set aside by a discard; less what was discarded. A label counts once, wherever it is found.
"""

import contextlib
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol, TypeVar

from feedback_loop.asking import asked
from feedback_loop.damage import written
from feedback_loop.records import Comparison, Ranking, Record
from feedback_loop.repair import discards
from feedback_loop.repair.discards import Carried
from feedback_loop.run import Run, read_jsonl
from feedback_loop.store.journal import Journal

R = TypeVar("R", bound=Record)


class Read(Protocol):
    """How files are read: `read_jsonl`, or `Draft.read`, which notes them among a stage's inputs."""

    def __call__(self, file: Path, kind: type[R], /) -> list[R]:
        """The records of a file."""


@dataclass(frozen=True)
class Source:
    """Where what people said in a round lies."""

    round: int
    kind: Literal["round", "duels"]
    comparisons: Sequence[Path]
    rankings: Path | None
    """The snapshot; None before there is one: the journal says it then."""
    into: int
    """The first round that learns from it."""
    carried: bool = False


@dataclass(frozen=True)
class Said:
    """What people said in a round, as far as it counts."""

    source: Source
    comparisons: list[Comparison]
    rankings: list[Ranking]
    """Skips included."""


def sources(run: Run) -> list[Source]:
    """Where all labels of a run lie: its rounds in order, the duels of each behind it, then what was carried over."""
    found = []
    for n in run.rounds():
        if files := asked.files(run, n):
            found.append(Source(n, "round", files, _snapshot(run, n, "rankings"), into=n))
        if (duels := duels_file(run, n)) is not None:
            found.append(Source(n, "duels", [duels], _snapshot(run, n, "promotion"), into=n + 1))
    carried = [source for record in discards.records(run) for source in record.carried]
    return [*found, *(_carried(run, source) for source in carried)]


def learned(run: Run, number: int, read: Read = read_jsonl) -> list[Said]:
    """What the round learns from; its own labels among it where their snapshot is taken."""
    known = [s for s in sources(run) if s.into <= number and s.rankings is not None]
    return _said(run, known, discards.left_out(run), read)


def earlier(run: Run, number: int) -> list[Said]:
    """What the round learns from beside its own labels."""
    known = [s for s in sources(run) if s.into <= number and s.rankings is not None and not _is_own(s, number)]
    return _said(run, known, discards.left_out(run), read_jsonl)


def everything(run: Run, out: Collection[str] | None = None) -> list[Said]:
    """All that people said so far, also in what is still asked; `out` are the labels left out, the discarded by default."""
    return _said(run, sources(run), discards.left_out(run) if out is None else out, read_jsonl)


def anywhere(run: Run) -> list[Said]:
    """All that people said, also what was discarded; a label is there as often as it lies somewhere."""
    return [said_in(run, source) for source in sources(run)]


def said_in(run: Run, source: Source) -> Said:
    """All that people said there, also what was discarded."""
    return _said(run, [source], (), read_jsonl)[0]


def rankings(run: Run, number: int) -> list[Ranking]:
    """A round's rankings that count, skips included: those of the snapshot where it is made, else the journal's."""
    file = _snapshot(run, number, "rankings")
    if file is not None:
        given = read_jsonl(file, Ranking)
    else:
        given = _in_journal(run, number, asked.asked(run, number))
    return discards.kept(given, discards.left_out(run))


def counting(said: Iterable[Said]) -> list[Ranking]:
    """The answers among it that are rankings: skips are none, and repeats and checks stand beside them."""
    found = []
    for one in said:
        labels = {c.id for c in one.comparisons if c.counts}
        found += [r for r in one.rankings if r.status == "submitted" and r.comparison_id in labels]
    return found


def duels_file(run: Run, number: int) -> Path | None:
    """The comparisons of a round's duels; None where it has none."""
    file = run.stage_folder(number, "duels") / "comparisons.jsonl"
    return file if written(file) else None


def _said(run: Run, known: Sequence[Source], out: Collection[str], read: Read) -> list[Said]:
    """In the sources' order; of a label that several hold, the first."""
    seen, found = set(out), []
    for source in known:
        comparisons = [c for file in source.comparisons for c in read(file, Comparison)]
        file = source.rankings
        given = read(file, Ranking) if file is not None else _in_journal(run, source.round, comparisons)
        counts = [r for r in given if r.label not in seen]
        seen |= {r.label for r in counts}
        found.append(Said(source, comparisons, counts))
    return found


def _in_journal(run: Run, number: int, comparisons: Sequence[Comparison]) -> list[Ranking]:
    if not comparisons or not (run.path / "journal.sqlite").exists():
        return []
    with contextlib.closing(Journal(run.path / "journal.sqlite")) as journal:
        return journal.rankings(number, {c.id for c in comparisons})


def _snapshot(run: Run, number: int, stage: str) -> Path | None:
    file = run.stage_folder(number, stage) / "rankings.jsonl"
    return file if written(file) else None


def _carried(run: Run, source: Carried) -> Source:
    files = [run.path / name for name in source.comparisons]
    return Source(source.round, source.kind, files, run.path / source.rankings, source.into, carried=True)


def _is_own(source: Source, number: int) -> bool:
    return (source.round, source.kind, source.carried) == (number, "round", False)
