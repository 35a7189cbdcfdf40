"""What people said: every reader of labels for training goes through here, so that all count the same ones.

A round learns from its own labels, those of every round before, those of the duels of rounds before, and those carried over
from rounds that were set aside by a discard; less what was discarded. A label counts once, wherever it is found.

An answer is *late* where it came after the snapshot of what it answers: while that was taken, or from a page that had been
offline. The next round's snapshot takes it in, in a file of its own, and that round is the first to learn from it. Where the
person had answered before, the late answer takes that one's place: people's last word counts.
"""

import contextlib
import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, Protocol, TypeVar

from feedback_loop.asking import asked
from feedback_loop.damage import written
from feedback_loop.errors import LoopError
from feedback_loop.lineage import open_round
from feedback_loop.records import Comparison, Ranking, Record
from feedback_loop.repair import discards
from feedback_loop.repair.discards import Carried
from feedback_loop.run import Draft, Run, read_jsonl, write_jsonl
from feedback_loop.store.journal import looked_into, said

R = TypeVar("R", bound=Record)
LATE = re.compile(r"late-(round|duels)-(\d{3,})\.jsonl")
"""In a snapshot of rankings: late answers to what was asked in the round of that number, or in its duels."""


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
    late: bool = False
    """Whether it came after the round's own snapshot: it lies in that of the round `into`, or will."""


@dataclass(frozen=True)
class Said:
    """What people said in a round, as far as it counts."""

    source: Source
    comparisons: list[Comparison]
    rankings: list[Ranking]
    """Skips included."""


def sources(run: Run) -> list[Source]:
    """Where all labels of a run lie: its rounds in order, the duels of each behind it, then what was carried over.

    Late answers stand before the round whose snapshot took them in; those that none has taken are no source yet (`late`).
    """
    found = []
    for n in run.rounds():
        found += _taken_late(run, n)
        if files := asked.files(run, n):
            found.append(Source(n, "round", files, _snapshot(run, n, "rankings"), into=n))
        if (duels := duels_file(run, n)) is not None:
            found.append(Source(n, "duels", [duels], _snapshot(run, n, "promotion"), into=n + 1))
    carried = [source for record in discards.records(run) for source in record.carried]
    return [*found, *(_carried(run, source) for source in carried)]


def learned(run: Run, number: int, read: Read = read_jsonl) -> list[Said]:
    """What the round learns from; its own labels among it where their snapshot is taken."""
    known = [s for s in sources(run) if s.into <= number and s.rankings is not None]
    return _once([_read(run, s, read) for s in known], discards.left_out(run))


def earlier(run: Run, number: int) -> list[Said]:
    """What the round learns from beside its own labels."""
    known = [s for s in sources(run) if s.into <= number and s.rankings is not None and not _is_own(s, number)]
    return _once([said_in(run, s) for s in known], discards.left_out(run))


def everything(run: Run, out: Collection[str] | None = None) -> list[Said]:
    """All that people said so far, also in what is still asked; `out` are the labels left out, the discarded by default."""
    return _once(anywhere(run), discards.left_out(run) if out is None else out)


def anywhere(run: Run, forgiven: int = -1) -> list[Said]:
    """All that people said, also what was discarded; a label is there as often as it lies somewhere.

    What cannot be read of the rounds up to `forgiven` is left out.
    """
    found = []
    for source in sources(run):
        with contextlib.suppress(LoopError) if source.round <= forgiven else contextlib.nullcontext():
            found.append(said_in(run, source))
    return [*found, *_waiting(run, found)]


def said_in(run: Run, source: Source) -> Said:
    """All that people said there, also what was discarded."""
    return _read(run, source, read_jsonl)


def late(run: Run) -> list[Said]:
    """What came late and is in no snapshot yet, by what it answers: the next one takes it in."""
    return [one for one in anywhere(run) if one.source.late and one.source.rankings is None]


def write_late(run: Run, draft: Draft) -> None:
    """Into a snapshot that is taken: a file for each round, and each round's duels, that was answered late."""
    found = late(run)
    for one in found:
        write_jsonl(draft.path / f"late-{one.source.kind}-{one.source.round:03d}.jsonl", one.rankings)
    draft.facts["late"] = len(counting(found))


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


def _read(run: Run, source: Source, read: Read) -> Said:
    comparisons = [c for file in source.comparisons for c in read(file, Comparison)]
    file = source.rankings
    given = read(file, Ranking) if file is not None else _in_journal(run, source.round, comparisons)
    return _answered(source, comparisons, given) if source.late else Said(source, comparisons, given)


def _once(found: Sequence[Said], out: Collection[str]) -> list[Said]:
    """Each label where it counts, less those left out: the last that came late, else the first."""
    places: dict[str, int] = {}
    for place, one in enumerate(found):
        for ranking in one.rankings:
            if one.source.late or ranking.label not in places:
                places[ranking.label] = place
    return [
        replace(one, rankings=[r for r in one.rankings if places[r.label] == place and r.label not in out])
        for place, one in enumerate(found)
    ]


def _waiting(run: Run, found: Sequence[Said]) -> list[Said]:
    """What the journal says of what these hold the snapshots of, and they do not: new answers, and other ones."""
    closed = [one for one in found if not (one.source.carried or one.source.late) and one.source.rankings is not None]
    if not closed or not (run.path / "journal.sqlite").exists():
        return []
    stands = {r.label: said(r) for one in _once(found, ()) for r in one.rankings}
    number, waiting = open_round(run), list[Said]()
    into = number + 1 if run.done(number, "rankings") else number
    with looked_into(run.path / "journal.sqlite") as journal:
        for one in closed:
            given = journal.rankings(one.source.round, {c.id for c in one.comparisons})
            news = [r for r in given if stands.get(r.label) != said(r)]
            source = replace(one.source, rankings=None, into=into, late=True)
            waiting += [_answered(source, one.comparisons, news)] if news else []
    return waiting


def _answered(source: Source, comparisons: Sequence[Comparison], given: list[Ranking]) -> Said:
    """With the comparisons that were answered; the others stand where the round itself does."""
    names = {r.comparison_id for r in given}
    return Said(source, [c for c in comparisons if c.id in names], given)


def _in_journal(run: Run, number: int, comparisons: Sequence[Comparison]) -> list[Ranking]:
    if not comparisons or not (run.path / "journal.sqlite").exists():
        return []
    with looked_into(run.path / "journal.sqlite") as journal:
        return journal.rankings(number, {c.id for c in comparisons})


def _snapshot(run: Run, number: int, stage: str) -> Path | None:
    file = run.stage_folder(number, stage) / "rankings.jsonl"
    return file if written(file) else None


def _taken_late(run: Run, number: int) -> list[Source]:
    """The late answers that a round's snapshot took in."""
    if not run.done(number, "rankings"):
        return []
    found, folder = [], run.stage_folder(number, "rankings")
    for match in filter(None, map(LATE.fullmatch, sorted(run.manifest(number, "rankings").outputs))):
        name, of = match.group(), int(match[2])
        kind: Literal["round", "duels"] = "duels" if match[1] == "duels" else "round"
        files = asked.files(run, of) if kind == "round" else [run.stage_folder(of, "duels") / "comparisons.jsonl"]
        found.append(Source(of, kind, files, folder / name, into=number, late=True))
    return found


def _carried(run: Run, source: Carried) -> Source:
    files = [run.path / name for name in source.comparisons]
    return Source(source.round, source.kind, files, run.path / source.rankings, source.into, carried=True)


def _is_own(source: Source, number: int) -> bool:
    return (source.round, source.kind, source.carried) == (number, "round", False)
