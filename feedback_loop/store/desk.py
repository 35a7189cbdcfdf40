"""The desk: the one door through which people and simulated annotators answer the open round."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from feedback_loop.errors import UsageError
from feedback_loop.records import Answer, Comparison, Ranking, now
from feedback_loop.store.journal import Journal
from feedback_loop.store.told import told
from feedback_loop.store.turns import next_for, still_to_show
from feedback_loop.store.validity import check_answer


class UnknownComparison(UsageError):  # noqa: N818 - said as people read it
    """No such comparison, or no such choice in it."""


class AlreadyAnswered(UsageError):  # noqa: N818 - said as people read it
    """This person's answer to the comparison stands already."""


class NotAnswered(UsageError):  # noqa: N818 - said as people read it
    """This person has no answer to the comparison that could be changed."""


class RoundClosed(UsageError):  # noqa: N818 - said as people read it
    """The comparison is no longer asked, nor part of any round."""


@dataclass(frozen=True)
class Progress:
    """How far the open round is; counts of answers, skips left out, except in `left`."""

    answered: int
    """By everybody, as far as they count towards `needed`: repeats and checks do not."""
    mine: int
    """By this user, repeats and checks among them: it goes up with every answer."""
    needed: int
    left: int
    """Comparisons that this user can still be shown."""
    told: int
    """`answered` as this user may hear of it: see `told.py`."""


class Desk:
    """Shows comparisons of the open round and takes answers; `vote` returns once the answer is durable.

    `run_comparisons` and `needed` are asked each time, so a round may open or close meanwhile. `per_comparison` is how
    many people's answers each comparison should get, `priorities` how much an answer to each would teach at the moment (by
    its id; empty where nobody knows), `discarded` the names of answers that do not count, `closed` what was asked before and
    is answered late where a page held it.
    """

    def __init__(
        self,
        run_comparisons: Callable[[], Sequence[Comparison]],
        journal: Journal,
        needed: Callable[[], int],
        per_comparison: int,
        priorities: Callable[[], Mapping[str, float]] = dict,
        discarded: Callable[[], Collection[str]] = frozenset,
        closed: Callable[[], Mapping[str, Comparison]] = dict,
    ) -> None:
        self._comparisons, self._journal = run_comparisons, journal
        self._needed, self._per_comparison, self._priorities = needed, per_comparison, priorities
        self._discarded, self._closed = discarded, closed

    def next(self, user_id: str, skip: Collection[str] = ()) -> Comparison | None:
        """What to show this user: among those not answered or in `skip`, one of those furthest from enough answers.

        Each user has an order of their own, so two at once seldom get the same comparison; see `turns.next_for`.
        """
        comparisons = self._comparisons()
        return next_for(
            user_id,
            comparisons,
            self._rankings(comparisons),
            skip=skip,
            per_comparison=self._per_comparison,
            priorities=self._priorities(),
        )

    def vote(self, user_id: str, comparison_id: str, answer: Answer, revise: bool = False) -> Ranking:
        """Store an answer; with `revise`, in place of the one that stands, which stays on record.

        UnknownComparison, RoundClosed, AlreadyAnswered or, to `revise`, NotAnswered where it cannot count, UsageError where
        it does not hang together (`validity.check_answer`); nothing is stored then. To say again what stands is no change.
        An answer to a round that is closed is stored like any other: the next one learns from it.
        """
        comparison = self.find(comparison_id)
        completions = {c.id for c in comparison.completions}
        if answer.choice not in ({"tie", "neither", *completions} if answer.status == "submitted" else {None}):
            raise UnknownComparison(
                f"{answer.choice!r} is no answer to comparison {comparison_id}. Reload the page, and choose again"
            )
        check_answer(comparison, answer)
        given = answer.model_dump(exclude_unset=True)
        ranking = Ranking(**given, comparison_id=comparison_id, user_id=user_id, created_at=now())
        if revise:
            stands = self._journal.revise(ranking, comparison.round)
            if stands is None:
                raise NotAnswered(f"You have no answer to comparison {comparison_id} to change. Answer it as a new one")
            return stands
        if not self._journal.record(ranking, comparison.round):
            raise AlreadyAnswered(f"You have answered comparison {comparison_id} already. Undo it to answer it anew")
        return ranking

    def undo(self, user_id: str) -> Comparison | None:
        """Take back this user's last answer, or change of one, in the open round; the comparison to show again."""
        comparisons = self._comparisons()
        if not comparisons:
            return None
        comparison_id = self._journal.undo(user_id, comparisons[0].round, {c.id for c in comparisons})
        return next((c for c in comparisons if c.id == comparison_id), None)

    def history(self, user_id: str, limit: int) -> list[tuple[Comparison, Ranking, int]]:
        """This user's last `limit` standing answers in the open round, newest first, and how often each was changed."""
        asked = {c.id: c for c in self._comparisons()}
        mine = [r for r in self._rankings(list(asked.values())) if r.user_id == user_id]
        last = list(reversed(mine))[:limit]
        said = self._journal.votes(user_id, [r.comparison_id for r in last])
        return [(asked[r.comparison_id], r, said[r.comparison_id] - 1) for r in last]

    def stands(self, user_id: str, comparison_id: str) -> Ranking | None:
        """This user's answer to a comparison that is asked or was; errors as in `find`."""
        given = self._journal.rankings(self.find(comparison_id).round, {comparison_id})
        return next((r for r in given if r.user_id == user_id), None)

    def progress(self, user_id: str) -> Progress:
        """How far the open round is, for everybody and for this user."""
        comparisons = self._comparisons()
        rankings = self._rankings(comparisons)
        labels, out = {c.id for c in comparisons if c.counts}, self._discarded()
        mine = {r.comparison_id: r for r in rankings if r.user_id == user_id}
        needed, left = self._needed(), len(still_to_show(comparisons, mine))
        return Progress(
            answered=sum(
                r.status == "submitted" and r.comparison_id in labels and r.label not in out for r in rankings
            ),
            mine=sum(r.status == "submitted" for r in mine.values()),
            needed=needed,
            left=left,
            told=told(user_id, comparisons, rankings, needed, left=left),
        )

    def find(self, comparison_id: str) -> Comparison:
        """A comparison that is asked or was; UnknownComparison where it is none, RoundClosed where no round has it now."""
        comparisons = self._comparisons()
        found = next((c for c in comparisons if c.id == comparison_id), None) or self._closed().get(comparison_id)
        if found is not None:
            return found
        if not comparisons or self._journal.knows(comparison_id):
            raise RoundClosed(
                f"Comparison {comparison_id} is no longer asked: its round is closed, or made anew. Reload the page"
            )
        raise UnknownComparison(f"There is no comparison {comparison_id} in the open round. Reload the page")

    def _rankings(self, comparisons: Sequence[Comparison]) -> list[Ranking]:
        return self._journal.rankings(comparisons[0].round, {c.id for c in comparisons}) if comparisons else []
