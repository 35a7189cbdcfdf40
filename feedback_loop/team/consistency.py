"""How consistent a person is, from repeats and checks, and how much their choices weigh for it.

A repeat shows a pair again with its sides changed. Who errs with probability e, each time anew, says the same twice with
probability (1 - e)² + e². A check is a pair of which everybody who reads it prefers the same answer; it is missed with
probability e. The labels of people who are right with probability 1 - e are best added up with weights log((1 - e) / e)
(Nitzan and Paroush 1982, "Optimal decision rules in uncertain dichotomous choice situations").
"""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from feedback_loop.recipe import PreferencesTable
from feedback_loop.records import Comparison, Disliked, Preference, Ranking, Record
from feedback_loop.verdicts import Given, given, steadiness

CAREFUL = 0.1
"""How often a careful person errs, in labels of pairs that may be near each other; the prior's mean."""
STRENGTH = 10.0
"""Answers' worth of belief that somebody is careful."""
LEAST = 0.1
"""Nobody is silenced."""
GRID = (np.arange(2000) + 0.5) / 4000
"""Error rates from 0 to ½, where an answer is a coin's toss."""


class Evidence(Record):
    """What repeats and checks say of a person, and what follows for their choices."""

    repeats: int = 0
    """Repeats that say something: those of which at least one answer is decided."""
    same: float = 0.0
    """Of these, how many went the same way; a choice beside an undecided answer is half."""
    checks: int = 0
    passed: float = 0.0
    """Of these, how many; an undecided answer is half."""
    error: float = CAREFUL
    """Posterior mean of how often they err, 0 to ½, with its 90 % interval."""
    error_low: float
    error_high: float
    weight: float = 1.0


def evidence(comparisons: Sequence[Comparison], rankings: Sequence[Ranking]) -> dict[str, Evidence]:
    """The evidence of each person who answered anything, by name. `comparisons` are of all rounds.

    The error rate's prior is 2e ~ Beta(2, 8): it has mean 0.1, and is worth 10 answers. Weights are relative to the most
    careful person's, or to that of somebody who errs in `CAREFUL` where everybody errs less: that all find a task hard is no
    reason to believe each of them less, and somebody who labels alone weighs 1.
    """
    answered = given(comparisons, rankings)
    names = sorted({g.user for g in answered})
    repeats, checks = repeated(answered), checked(answered)
    found = {name: _believed(repeats.get(name, []), checks.get(name, [])) for name in names}
    most_careful = max(CAREFUL, min((e.error for e in found.values()), default=CAREFUL))
    return {
        name: e.model_copy(update={"weight": min(1.0, max(LEAST, _log_odds(e.error) / _log_odds(most_careful)))})
        for name, e in found.items()
    }


def twice(answered: Sequence[Given]) -> list[tuple[Given, Given]]:
    """A person's answer to what a repeat shows again, and to the repeat, in the order of the repeats."""
    first = {(g.user, g.comparison.id): g for g in answered}
    repeats = [g for g in answered if g.comparison.purpose == "repeat"]
    return [(before, g) for g in repeats if (before := first.get((g.user, g.comparison.repeat_of or ""))) is not None]


def repeated(answered: Sequence[Given]) -> dict[str, list[float]]:
    """By person, the `steadiness` of each repeat whose first showing they answered too."""
    found: dict[str, list[float]] = {}
    for before, again in twice(answered):
        steady = steadiness(before.verdicts, again.verdicts)
        if steady is not None:
            found.setdefault(again.user, []).append(steady)
    return found


def checked(answered: Sequence[Given]) -> dict[str, list[float]]:
    """By person, of each check that they answered: 1 where it passed, 0 where another answer was chosen, ½ undecided."""
    found: dict[str, list[float]] = {}
    for g in answered:
        expected = g.comparison.expected
        if g.comparison.purpose == "check" and expected is not None and g.ranking.status == "submitted":
            found.setdefault(g.user, []).append(_passed(g.ranking, expected))
    return found


def consistent(table: PreferencesTable, found: Mapping[str, Evidence]) -> dict[str, float]:
    """Each person's weight by the evidence; none where the recipe ignores it."""
    return {name: e.weight for name, e in found.items()} if table.consistency == "weigh" else {}


def weighed(pairs: Sequence[Preference], weights: Mapping[str, float]) -> list[Preference]:
    """The pairs, those that somebody chose with their weight lowered by how consistent they are.

    Edits keep theirs: a repeat says how surely a person chooses, not what they write.
    """
    return [
        p.model_copy(update={"weight": p.weight * weights.get(p.user_id, 1.0)}) if p.source == "ranking" else p
        for p in pairs
    ]


def weighed_disliked(poor: Sequence[Disliked], weights: Mapping[str, float]) -> list[Disliked]:
    """The same of answers called no good."""
    return [d.model_copy(update={"weight": d.weight * weights.get(d.user_id, 1.0)}) for d in poor]


def _passed(ranking: Ranking, expected: str) -> float:
    if ranking.order and len(ranking.order[0]) > 1:
        return 0.5 if expected in ranking.order[0] else 0.0
    if ranking.choice in ("tie", "neither"):
        return 0.5
    return float(ranking.choice == expected)


def _believed(repeats: Sequence[float], checks: Sequence[float]) -> Evidence:
    """The posterior of the error rate on a grid."""
    same, passed, e = sum(repeats), sum(checks), GRID
    share = 2 * CAREFUL
    log = (STRENGTH * share - 1) * np.log(2 * e) + (STRENGTH * (1 - share) - 1) * np.log1p(-2 * e)
    log += same * np.log((1 - e) ** 2 + e**2) + (len(repeats) - same) * np.log(2 * e * (1 - e))
    log += passed * np.log1p(-e) + (len(checks) - passed) * np.log(e)
    belief = np.exp(log - log.max())
    belief /= belief.sum()
    low, high = np.interp([0.05, 0.95], belief.cumsum(), e)
    nothing = not repeats and not checks
    return Evidence(
        repeats=len(repeats), same=same, checks=len(checks), passed=passed,
        error=CAREFUL if nothing else float(belief @ e), error_low=float(low), error_high=float(high),
    )  # fmt: skip


def _log_odds(error: float) -> float:
    return math.log((1 - error) / error)
