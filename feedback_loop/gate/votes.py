"""The answers to a round's duels as the gate hears them: what was counted once stays as it was counted."""

from collections.abc import Collection, Iterable

from feedback_loop.asking import asked
from feedback_loop.records import Ranking, Record
from feedback_loop.repair import discards
from feedback_loop.run import Run, read_jsonl
from feedback_loop.store.journal import Event, Journal, looked_into

SNAPSHOT, COUNTED = "rankings.jsonl", "counted.jsonl"


class Votes(Record):
    """What people said of a round's duels, at one moment."""

    standing: tuple[Ranking, ...] = ()
    """The answers that stand, skips, repeats and checks among them: labels like others."""
    counted: tuple[Ranking, ...] = ()
    """The answers by which duels are counted, each as it was then, in the order in which the duels had enough of them."""
    people: frozenset[str] = frozenset()
    """Who ranks in this round: whose answers and skips stand in it, in its duels or before them."""


def votes(run: Run, number: int) -> Votes:
    """Those that the round was decided on, else the journal's."""
    if not run.done(number, "promotion"):
        if not (run.path / "journal.sqlite").exists():
            return Votes()
        with looked_into(run.path / "journal.sqlite") as journal:
            return in_journal(run, number, journal)
    folder = run.stage_folder(number, "promotion")
    standing = read_jsonl(folder / SNAPSHOT, Ranking)
    # A round of an older version has no other record than the answers that stood.
    counted = read_jsonl(folder / COUNTED, Ranking) if (folder / COUNTED).exists() else standing
    counted = discards.kept(counted, discards.left_out(run))
    return Votes(standing=tuple(standing), counted=tuple(counted), people=frozenset(r.user_id for r in standing))


def in_journal(run: Run, number: int, journal: Journal) -> Votes:
    """What the journal holds by now."""
    shown, out = {c.id: c for c in asked.duels(run, number)}, discards.left_out(run)
    events = sorted((e for events in journal.events(number).values() for e in events), key=lambda e: e.sequence)
    stands = _standing(events)
    kept = {r.user_id for r in discards.kept(stands, out)}
    return Votes(
        standing=tuple(r for r in stands if r.comparison_id in shown),
        counted=tuple(
            as_counted(
                (e for e in events if e.comparison_id in shown and shown[e.comparison_id].purpose == "duel"),
                run.recipe.rankings.per_comparison,
                out,
            )
        ),
        people=frozenset(kept or {r.user_id for r in stands}),
    )


def as_counted(events: Iterable[Event], per_comparison: int, out: Collection[str] = ()) -> list[Ranking]:
    """The answers by which each duel is counted: the first `per_comparison` people's that stood at once.

    Until then an answer may be changed or taken back; later changes are labels, but the stakes of the next duels hang on what
    was counted, so that stays. Answers in `out` do not count.
    """
    waiting: dict[str, dict[str, Ranking]] = {}
    counted: dict[str, list[Ranking]] = {}
    for event in events:
        given = waiting.setdefault(event.comparison_id, {})
        given.pop(event.user_id, None)
        ranking = event.ranking
        if ranking is None or ranking.status != "submitted" or ranking.label in out:
            continue
        given[event.user_id] = ranking
        if event.comparison_id not in counted and len(given) == per_comparison:
            counted[event.comparison_id] = list(given.values())
    return [ranking for given in counted.values() for ranking in given]


def _standing(events: Iterable[Event]) -> list[Ranking]:
    """As `Journal.rankings` gives them."""
    found: dict[tuple[str, str], Ranking] = {}
    for event in events:
        found.pop((event.user_id, event.comparison_id), None)
        if event.ranking is not None:
            found[event.user_id, event.comparison_id] = event.ranking
    return list(found.values())
