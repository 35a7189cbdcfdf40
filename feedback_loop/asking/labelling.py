"""The desk of a run: the one door through which people and personas answer the open round."""

from collections.abc import Callable, Mapping, Sequence

from feedback_loop.asking import asked
from feedback_loop.records import Comparison
from feedback_loop.repair import discards
from feedback_loop.run import Run
from feedback_loop.store.desk import Desk
from feedback_loop.store.journal import Journal


def open_desk(run: Run, journal: Journal, priorities: Callable[[], Mapping[str, float]] = dict) -> Desk:
    """The desk of the run's open round; `priorities` as in `refitting`."""
    return Desk(
        comparisons_of(run),
        journal,
        needed=asked.remembered(run, asked.needed_now),
        per_comparison=run.recipe.rankings.per_comparison,
        priorities=priorities,
        discarded=lambda: discards.left_out(run),
        closed=asked.remembered(run, asked.closed),
    )


def comparisons_of(run: Run) -> Callable[[], Sequence[Comparison]]:
    """A function that gives what the open round asks now, the same list until more or others are made; none while closed."""
    return asked.remembered(run, asked.open_now)
