"""The desk of a run: the one door through which people and personas answer the open round."""

from collections.abc import Callable, Mapping, Sequence

from feedback_loop.lineage import open_round
from feedback_loop.records import Comparison
from feedback_loop.report import needed
from feedback_loop.run import Run, read_jsonl
from feedback_loop.store.desk import Desk
from feedback_loop.store.journal import Journal


def open_desk(run: Run, journal: Journal, priorities: Callable[[], Mapping[str, float]] = dict) -> Desk:
    """The desk of the run's open round; `priorities` as in `refitting`."""
    return Desk(
        comparisons_of(run),
        journal,
        needed=lambda: needed(run, open_round(run)),
        per_comparison=run.recipe.rankings.per_comparison,
        priorities=priorities,
    )


def comparisons_of(run: Run) -> Callable[[], Sequence[Comparison]]:
    """A function that gives the open round's comparisons, the same list until they are made again; none while closed.

    It is cheap: the file is read once each time that they are made.
    """
    read: dict[tuple[int, int], list[Comparison]] = {}

    def comparisons() -> Sequence[Comparison]:
        number = open_round(run)
        if not run.done(number, "comparisons") or run.done(number, "rankings"):
            return ()
        folder = run.stage_folder(number, "comparisons")
        made = (number, (folder / "manifest.json").stat().st_mtime_ns)
        if made not in read:
            read[made] = read_jsonl(folder / "comparisons.jsonl", Comparison)
        return read[made]

    return comparisons
