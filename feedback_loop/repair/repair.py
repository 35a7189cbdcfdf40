"""Unlearn a mistake: discard labels, or let them count again, and set aside all that was made from them; or do a stage again.

The next `advance` makes it again. What rounds behind the first one touched have asked is set aside with them; what people said
there is copied beside the record and carried into what is made again, so that only the discarded labels are lost to it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from feedback_loop import labels, lineage, loop
from feedback_loop.durable import make_folder
from feedback_loop.errors import UsageError
from feedback_loop.labels import Said, Source
from feedback_loop.records import Ranking, now
from feedback_loop.repair import aside, discards
from feedback_loop.repair.discards import Carried, Discard, Place
from feedback_loop.run import STAGES, Run, free_name, set_aside, write_jsonl


@dataclass(frozen=True)
class Wish:
    """Which labels are to be discarded: one of `label`, `annotator` and `round` says it."""

    label: str = ""
    """A comparison's id, or `COMPARISON@USER`."""
    annotator: str = ""
    since: str = ""
    until: str = ""
    """ISO 8601, for `annotator`; without a zone, the time of this machine, as the app shows it."""
    round: int | None = None

    @property
    def words(self) -> str:
        """What is asked, for the record."""
        if self.round is not None:
            return f"round {self.round:03d}"
        given = (("since", self.since), ("until", self.until))
        times = [f" {name} {_time(text).isoformat()}" for name, text in given if text]
        return f"label {self.label}" if self.label else f"annotator {self.annotator}{''.join(times)}"


@dataclass(frozen=True)
class Found:
    """A label, and the first stage that learned from it or was decided by it."""

    ranking: Ranking
    round: int
    """In which it was given."""
    place: Place


def discard(run: Run, wish: Wish, reason: str, who: str, *, dry: bool = False) -> tuple[Discard, list[str]]:
    """Discard labels; the record, and what was set aside (with `dry`, what would be, and nothing is done).

    UsageError where there is no such label, no reason, or a time that is none. To discard again what is discarded gives the
    record that says so.
    """
    _check(wish, reason)
    with loop.alone(run):
        wanted = [one for one in known(run) if _is_meant(one, wish)]
        if not wanted:
            raise UsageError(f"{run.path}: no label matches {wish.words}. Look: feedback-loop team {run.path}")
        done = discards.by_label(discards.records(run))
        fresh = [one for one in wanted if one.ranking.label not in done]
        if not fresh:
            return done[wanted[0].ranking.label], []
        record = Discard(
            number=_next_number(run),
            asked=wish.words,
            labels=tuple(sorted({one.ranking.label for one in fresh})),
            reason=reason.strip(),
            by=who,
            at=now(),
        )
        return _put(run, record, _first(run, record, fresh), dry=dry)


def restore(run: Run, number: int, reason: str, who: str, *, dry: bool = False) -> tuple[Discard, list[str]]:
    """Let the labels of a discard count again; as `discard`. UsageError where there is none that stands by that number."""
    if not reason.strip():
        raise UsageError("To restore labels needs a reason, which stays on record: --reason 'why'.")
    with loop.alone(run):
        standing = {record.number: record for record in discards.standing(discards.records(run))}
        if number not in standing:
            some = ", ".join(map(str, sorted(standing))) or "none"
            raise UsageError(f"{run.path}: no discard {number} stands. There are: {some}.")
        labels_ = standing[number].labels
        record = Discard(
            number=_next_number(run),
            kind="restore",
            restores=number,
            asked=f"restore {number}",
            labels=labels_,
            reason=reason.strip(),
            by=who,
            at=now(),
        )
        touched = [one for one in known(run) if one.ranking.label in set(labels_)]
        return _put(run, record, _first(run, record, touched), dry=dry)


def known(run: Run) -> list[Found]:
    """Every label of a run, discarded ones too, once for each place where it lies. A skip is none: nothing is learned from it."""
    return [
        Found(ranking, one.source.round, _place(one.source))
        for one in labels.anywhere(run)
        for ranking in one.rankings
        if ranking.status == "submitted"
    ]


def redo(run: Run, stage: str, number: int, who: str) -> list[str]:
    """Set a stage aside, with all that was made from it; the names of what was set aside. Nothing is deleted.

    Where people said something in what is set aside, that is on record like a discard, of no label.
    """
    if stage not in STAGES:
        raise UsageError(f"{stage}: no such stage. There are: {', '.join(STAGES)}.")
    with loop.alone(run):
        if not run.stage_folder(number, stage).exists():
            raise UsageError(f"Round {number:03d} has no {stage} yet. Make it: feedback-loop advance {run.path}")
        first = Place(round=number, stage=stage)
        return _again(run, first, f"redo {stage} of round {number:03d}", "", who)


def roll_back(run: Run, to: str, who: str, why: str = "") -> None:
    """Put an earlier policy in force; what the open round has made of the one before is set aside, as by `redo`.

    UsageError where there is no such policy, LoopError where a round is being worked on. The decision is written last: cut
    off before it, the round makes a policy anew from the one that is still in force, and nobody was told otherwise.
    """
    with loop.alone(run):
        lineage.check_rollback(run, to, why)
        _again(run, Place(round=lineage.open_round(run), stage="policy"), f"rollback to {to}", why, who)
        lineage.roll_back(run, to, who=who, when=now(), why=why)


def _again(run: Run, first: Place, asked: str, reason: str, who: str) -> list[str]:
    """Set aside what hangs on a stage that is done again; on record where people said something in it."""
    if not _said_behind(run, first, again=True):
        moved = [set_aside(path) for path in aside.made_from(run, first.round, first.stage)]
        return [str(path.relative_to(run.path)) for path in moved if path is not None]
    record = Discard(number=_next_number(run), kind="redo", asked=asked, labels=(), reason=reason, by=who, at=now())
    return _put(run, record, first, dry=False)[1]


def _put(run: Run, record: Discard, first: Place | None, *, dry: bool) -> tuple[Discard, list[str]]:
    """Write the record, with all that is to be set aside, then set it aside: a kill in between is healed by `finish`."""
    paths = aside.made_from(run, first.round, first.stage) if first else []
    moves = tuple((str(p.relative_to(run.path)), str(free_name(p).relative_to(run.path))) for p in paths)
    record = record.model_copy(update={"first": first, "moves": moves})
    if dry:
        return record, [source for source, _ in moves]
    if first is not None and moves:
        record = record.model_copy(update={"carried": _carry(run, record, first)})
    discards.write(run, record)
    moved = discards.carry_out(run, record)
    if moved and first is not None and record.kind != "redo":
        loop.note(run, "done", f"Labels were discarded or restored. Make round {first.round:03d} again: {_go_on(run)}")
    return record, moved


def _first(run: Run, record: Discard, touched: Iterable[Found]) -> Place | None:
    """The first stage that these labels reached; their round's rankings, where nothing would be left to learn from.

    The round asks for more then; else it learns from what is left, however few.
    """
    places = sorted((one.place for one in touched), key=lambda p: (p.round, STAGES.index(p.stage)))
    if not places:
        return None
    first = places[0]
    if record.kind == "discard" and first.stage == "preferences" and run.done(first.round, "rankings"):
        found = [one for one in labels.everything(run) if not one.source.late]  # those that wait go into later rounds
        rest = [one for one in found if (one.source.round, one.source.kind) != (first.round, "duels")]
        if sum(loop.prefers(r) for r in labels.counting(rest) if r.label not in set(record.labels)) < 2:
            return Place(round=first.round, stage="rankings")
    return first


def _carry(run: Run, record: Discard, first: Place) -> tuple[Carried, ...]:
    """Copies of what people said in what is about to be set aside: into the first round that learns anew, duels into the next."""
    into = first.round if _before(first, "reward") else first.round + 1
    return tuple(
        _copy(
            run,
            record.number,
            said,
            first.round + 1 if said.source.kind == "duels" and said.source.round == first.round else into,
        )
        for said in _said_behind(run, first, again=record.kind == "redo")
    )


def _said_behind(run: Run, first: Place, *, again: bool) -> list[Said]:
    """What people said in what hangs on a stage: later rounds, its round's own duels, and what it asked where it asks anew.

    Where a stage is done `again`, what was asked up to its round may be damaged, and so why: that is left out, and still in
    the journal.
    """
    found = labels.anywhere(run, forgiven=first.round if again else -1)
    return [said for said in found if said.rankings and not said.source.carried and _is_set_aside(said.source, first)]


def _is_set_aside(source: Source, first: Place) -> bool:
    """Whether what was asked goes; or, of what came late to an earlier round, the snapshot that took it in."""
    if source.late and source.rankings is not None and _hangs(source.into, "rankings", first):
        return True
    return _hangs(source.round, "rankings" if source.kind == "round" else "promotion", first)


def _hangs(number: int, stage: str, first: Place) -> bool:
    return number > first.round or (number == first.round and _before(first, stage))


def _before(place: Place, stage: str) -> bool:
    return STAGES.index(place.stage) < STAGES.index(stage)


def _copy(run: Run, number: int, said: Said, into: int) -> Carried:
    name = f"{said.source.kind}-{said.source.round:03d}{f'-late-{said.source.into:03d}' if said.source.late else ''}"
    folder = run.path / "discards" / f"{number:03d}" / name
    for part in (run.path / "discards", folder.parent, folder):
        make_folder(part)
    answered = {r.comparison_id for r in said.rankings}
    write_jsonl(folder / "comparisons.jsonl", (c for c in said.comparisons if c.id in answered))
    write_jsonl(folder / "rankings.jsonl", said.rankings)
    here = folder.relative_to(run.path)
    return Carried(
        round=said.source.round,
        kind=said.source.kind,
        comparisons=(str(here / "comparisons.jsonl"),),
        rankings=str(here / "rankings.jsonl"),
        into=into,
    )


def _place(source: Source) -> Place:
    """Duels decide on their own round's policy, unless they came late, and are learned from in the next."""
    decides = source.kind == "duels" and not (source.carried or source.late)
    return Place(round=source.round, stage="promotion") if decides else Place(round=source.into, stage="preferences")


def _is_meant(found: Found, wish: Wish) -> bool:
    ranking = found.ranking
    if wish.round is not None:
        return found.round == wish.round
    if wish.label:
        return wish.label in (ranking.label, ranking.comparison_id)
    given = _time(ranking.created_at)
    after = not wish.since or given >= _time(wish.since)
    return ranking.user_id == wish.annotator and after and (not wish.until or given <= _time(wish.until))


def _check(wish: Wish, reason: str) -> None:
    if sum((bool(wish.label), bool(wish.annotator), wish.round is not None)) != 1:
        raise UsageError("Say what to discard by one of --label, --annotator and --round.")
    if (wish.since or wish.until) and not wish.annotator:
        raise UsageError("--since and --until go with --annotator.")
    if not reason.strip():
        raise UsageError("To discard labels needs a reason, which stays on record: --reason 'why'.")
    for text in (wish.since, wish.until):
        if text:
            _time(text)


def _time(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise UsageError(f"{text}: no time. Write it like 2026-11-25 or 2026-11-25T14:30+01:00.") from error
    return found.astimezone()


def _next_number(run: Run) -> int:
    return max((int(file.stem) for file in discards.files(run)), default=-1) + 1


def _go_on(run: Run) -> str:
    return f"feedback-loop advance {run.path}"
