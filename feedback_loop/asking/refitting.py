"""The order of the open round's comparisons follows the votes: a reward head is refitted after every few of them."""

import contextlib
import logging
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from feedback_loop.asking.asked import candidate_features
from feedback_loop.asking.labelling import comparisons_of
from feedback_loop.labels import earlier
from feedback_loop.preferences import disliked, faded, preferences
from feedback_loop.records import Comparison, Disliked, Preference, Ranking
from feedback_loop.run import Run
from feedback_loop.store.journal import Journal
from feedback_loop.team.consistency import consistent, evidence, weighed, weighed_disliked

if TYPE_CHECKING:
    from reward.order import Known

log = logging.getLogger(__name__)
EVERY = 4
"""Votes from one refit to the next."""
POLL_SECONDS = 1.0
Priorities = Mapping[str, float]
"""Comparison id -> how much an answer would teach."""


@dataclass(frozen=True)
class Material:
    """What a refit needs of a round, beside its votes."""

    comparisons: Sequence[Comparison]
    earlier: Sequence[Preference]
    """Pairs of the rounds before."""
    poor: Sequence[Disliked]
    """Answers that were called no good in the rounds before."""
    features: "Known"
    consistency: Mapping[str, float]
    """What people's choices weigh, by the evidence of the rounds before."""


class Refit:
    """The order of the open round so far. `step` may take a second; `order` answers at once, from any thread."""

    def __init__(self, run: Run, journal: Journal) -> None:
        self._run, self._journal = run, journal
        self._comparisons = comparisons_of(run)
        self._material: Material | None = None
        self._fitted: list[Ranking] | None = None
        self._order: Priorities = {}

    def order(self) -> Priorities:
        """By the last refit; empty before the first one, and where no earlier round has labels."""
        return self._order

    def step(self) -> None:
        """Fit on the earlier rounds when the round's comparisons are there or made again; refit after enough new votes.

        Votes count by the first multiple of EVERY, so the order hangs on them alone and not on when this was called.
        """
        asked = self._comparisons()
        if not reorders(self._run) or not asked:
            return
        if self._material is None or self._material.comparisons is not asked:
            if self._material is None or not _continues(asked, self._material.comparisons):
                self._order = {}
            self._material, self._fitted = material(self._run, asked), None
        given = self._journal.rankings(asked[0].round, {c.id for c in asked})
        settled = given[: len(given) // EVERY * EVERY]
        if settled != self._fitted:
            self._fitted = settled
            self._order = order_after(self._run, self._material, settled)


def _continues(asked: Sequence[Comparison], before: Sequence[Comparison]) -> bool:
    """Whether more comparisons were added to those before: the order so far holds until it is refitted."""
    return [c.id for c in asked[: len(before)]] == [c.id for c in before]


def reorders(run: Run) -> bool:
    """Whether the recipe has anything asked by what was learned, and a reward model that is refitted in a second."""
    return run.recipe.reward.form == "head" and run.recipe.asking.strategy != "random"


def material(run: Run, asked: Sequence[Comparison]) -> Material:
    """Read what the refits of the round of these comparisons need."""
    from reward.order import known

    number, table = asked[0].round, run.recipe.preferences
    said = earlier(run, number)
    comparisons, rankings = [c for one in said for c in one.comparisons], [r for one in said for r in one.rankings]
    consistency = consistent(table, evidence(comparisons, rankings))
    pairs = weighed(faded(preferences(comparisons, rankings, table.weights), table.decay, number), consistency)
    poor = weighed_disliked(faded(disliked(comparisons, rankings, table.weights), table.decay, number), consistency)
    features = known([candidate_features(run, n) for n in range(number + 1)])
    return Material(asked, pairs, poor, features, consistency)


def order_after(run: Run, given: Material, votes: Sequence[Ranking]) -> Priorities:
    """Priorities of the comparisons that were picked by a strategy; empty without votes now or earlier, or features."""
    from reward.order import priorities

    chosen = [c for c in given.comparisons if c.selection not in ("random", "chat") and c.purpose == "label"]
    if not chosen:
        return {}
    weights = run.recipe.preferences.weights
    pairs = weighed(preferences(given.comparisons, votes, weights), given.consistency)
    poor = weighed_disliked(disliked(given.comparisons, votes, weights), given.consistency)
    return priorities(chosen, [*given.earlier, *pairs], [*given.poor, *poor], given.features)


@contextlib.contextmanager
def in_background(run: Run) -> Iterator[Callable[[], Priorities]]:
    """A function that gives the order of the moment, kept up to date by a thread of its own while this is entered.

    Whatever goes wrong there is logged once, and the last order stays.
    """
    if not reorders(run):
        yield dict
        return
    stopping = threading.Event()
    with contextlib.closing(Journal(run.path / "journal.sqlite")) as journal:
        refit = Refit(run, journal)
        thread = threading.Thread(target=_keep_up, args=(refit, stopping), name="refitting", daemon=True)
        thread.start()
        try:
            yield refit.order
        finally:
            stopping.set()
            thread.join(timeout=5)


def _keep_up(refit: Refit, stopping: threading.Event) -> None:
    told = False
    while not stopping.wait(POLL_SECONDS):
        try:
            refit.step()
        except Exception:
            if not told:
                log.exception("The order of the comparisons was not refitted; labelling goes on in the last one")
            told = True
