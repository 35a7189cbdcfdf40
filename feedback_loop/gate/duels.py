"""What people said of a round's duels, as the gate sees it."""

from collections.abc import Sequence

from feedback_loop.asking import asked
from feedback_loop.evaluate import mean
from feedback_loop.gate.gate import Duel, Standing, stand
from feedback_loop.lineage import open_round, policy_name
from feedback_loop.records import Comparison, Ranking, Record
from feedback_loop.repair import discards
from feedback_loop.run import Run, read_jsonl
from feedback_loop.store.journal import Journal

EXHAUSTED = "No duel is left that nobody skipped"


class Foreseen(Record):
    """What the reward model expects of a duel, before anybody is asked."""

    comparison_id: str
    probability: float
    """That the new policy's answer is better."""
    unasked: tuple[float, ...] = ()
    """The same of further duels, drawn alike, that nobody is asked."""


def wanted(run: Run, journal: Journal) -> bool:
    """Whether the open round waits for further answers, to its comparisons or to its duels."""
    number = open_round(run)
    shown = asked.open_now(run, number)
    given = journal.rankings(number, {c.id for c in shown})
    if asked.duelling(run, number):
        return standing(run, number, given).verdict == "ask"
    labels = {c.id for c in shown if c.counts}
    counts = discards.kept(given, discards.left_out(run))
    return sum(r.status == "submitted" and r.comparison_id in labels for r in counts) < asked.needed(run, number)


def standing(run: Run, number: int, rankings: Sequence[Ranking], first: int | None = None) -> Standing:
    """Where the round's gate stands by these answers to its duels; the budget is what there is to ask, where that is less.

    With `first`, where it stood after so many duels.
    """
    duels = [c for c in asked.duels(run, number) if c.purpose == "duel"]
    counts = discards.kept(rankings, discards.left_out(run))
    foreseen = read_jsonl(run.stage_folder(number, "duels") / "foreseen.jsonl", Foreseen)
    rule = run.recipe.promotion
    counted = observed(duels, foreseen, counts, policy_name(number), run.recipe.rankings.per_comparison)
    found = stand(counted[:first], rule.model_copy(update={"votes": asked.most_duels(run, number)}))
    if found.verdict == "ask" and not unanswered(duels, rankings, run.recipe.rankings.per_comparison):
        return found.model_copy(update={"verdict": "keep", "reason": f"{EXHAUSTED}. {found.reason}"})
    return found


def observed(
    duels: Sequence[Comparison],
    foreseen: Sequence[Foreseen],
    rankings: Sequence[Ranking],
    candidate: str,
    per_comparison: int,
) -> list[Duel]:
    """Each duel that enough people answered, in the order in which they had: the mean of what they said."""
    new = {c.id: {s.id for s in c.completions if s.policy == candidate} for c in duels}
    expected, said = {f.comparison_id: f for f in foreseen}, dict[str, list[float]]()
    complete: list[str] = []
    for ranking in rankings:
        if ranking.comparison_id not in new or ranking.status != "submitted":
            continue
        points = said.setdefault(ranking.comparison_id, [])
        points.append(_points(ranking, new[ranking.comparison_id]))
        if len(points) == per_comparison:
            complete.append(ranking.comparison_id)
    return [
        Duel(
            points=mean(said[name]),
            predicted=expected[name].probability if name in expected else None,
            unasked=expected[name].unasked if name in expected else (),
        )
        for name in complete
    ]


def unanswered(duels: Sequence[Comparison], rankings: Sequence[Ranking], per_comparison: int) -> int:
    """How many duels lack answers and were skipped by nobody."""
    skipped = {r.comparison_id for r in rankings if r.status == "discarded"}
    answers = [r.comparison_id for r in rankings if r.status == "submitted"]
    return sum(c.id not in skipped and answers.count(c.id) < per_comparison for c in duels)


def _points(ranking: Ranking, new: set[str]) -> float:
    """1 where the new policy's answer was preferred, 0 where the other was, a half where neither."""
    return 0.5 if ranking.choice in ("tie", "neither") else float(ranking.choice in new)
