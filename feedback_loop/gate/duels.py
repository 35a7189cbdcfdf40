"""What people said of a round's duels, as the gate sees it."""

from collections.abc import Sequence

from feedback_loop.asking import asked
from feedback_loop.evaluate import mean
from feedback_loop.gate.gate import Duel, Standing, stand
from feedback_loop.gate.votes import Votes, in_journal
from feedback_loop.lineage import open_round, policy_name
from feedback_loop.records import Comparison, Ranking, Record
from feedback_loop.repair import discards
from feedback_loop.run import Run, read_jsonl
from feedback_loop.store.journal import Journal

EXHAUSTED = "Everybody who ranks has answered or skipped what is left"
PASSED = "What is left was skipped by somebody and waits for the others, or for an owner's decision"


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
    if asked.duelling(run, number):
        return standing(run, number, in_journal(run, number, journal)).verdict == "ask"
    shown = asked.open_now(run, number)
    given = journal.rankings(number, {c.id for c in shown})
    labels = {c.id for c in shown if c.counts}
    counts = discards.kept(given, discards.left_out(run))
    return sum(r.status == "submitted" and r.comparison_id in labels for r in counts) < asked.needed(run, number)


def standing(run: Run, number: int, votes: Votes, first: int | None = None) -> Standing:
    """Where the round's gate stands by these votes; the budget is what there is to ask, where that is less.

    With `first`, where it stood after so many duels.
    """
    duels, people = [c for c in asked.duels(run, number) if c.purpose == "duel"], run.recipe.rankings.per_comparison
    foreseen = read_jsonl(run.stage_folder(number, "duels") / "foreseen.jsonl", Foreseen)
    rule = run.recipe.promotion
    counted = observed(duels, foreseen, votes.counted, policy_name(number), people)
    found = stand(counted[:first], rule.model_copy(update={"votes": asked.most_duels(run, number)}))
    if found.verdict != "ask":
        return found
    left = unanswered(duels, votes, people)
    if not left:
        return found.model_copy(update={"verdict": "keep", "reason": f"{EXHAUSTED}. {found.reason}"})
    skipped = {r.comparison_id for r in votes.standing if r.status == "discarded"}
    return found.model_copy(update={"reason": f"{found.reason} {PASSED}."}) if left <= skipped else found


def observed(
    duels: Sequence[Comparison],
    foreseen: Sequence[Foreseen],
    rankings: Sequence[Ranking],
    candidate: str,
    per_comparison: int,
) -> list[Duel]:
    """Each duel that enough people answered, in the order in which they had: the mean of what the first of them said.

    What more people say of it later changes nothing: stakes were placed on what it was.
    """
    new = {c.id: {s.id for s in c.completions if s.policy == candidate} for c in duels}
    expected, said = {f.comparison_id: f for f in foreseen}, dict[str, list[float]]()
    complete: list[str] = []
    for ranking in rankings:
        if ranking.comparison_id not in new or ranking.status != "submitted":
            continue
        points = said.setdefault(ranking.comparison_id, [])
        if len(points) == per_comparison:
            continue
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


def unanswered(duels: Sequence[Comparison], votes: Votes, per_comparison: int) -> set[str]:
    """The duels that lack answers and may still get them: somebody who ranks has neither answered nor skipped them.

    Where fewer people rank than each is to be answered by, another one is waited for: nobody ends the asking for all.
    """
    seen: dict[str, set[str]] = {}
    for ranking in votes.standing:
        seen.setdefault(ranking.comparison_id, set()).add(ranking.user_id)
    counted = {r.comparison_id for r in votes.counted}
    few = len(votes.people) < per_comparison
    return {c.id for c in duels if c.id not in counted and (few or not votes.people <= seen.get(c.id, set()))}


def _points(ranking: Ranking, new: set[str]) -> float:
    """1 where the new policy's answer was preferred, 0 where the other was, a half where neither."""
    return 0.5 if ranking.choice in ("tie", "neither") else float(ranking.choice in new)
