"""How much of the brief does a policy still need? Win rates at each level against the base with all of it.

The bar is non-inferiority: a level *matches* where its win rate is at least MATCH, five points under a draw. The estimate says
which level matches, the ends of its interval which may and which surely do (docs/brief.md).
"""

import math
from collections.abc import Sequence
from statistics import fmean, pstdev, pvariance
from typing import Literal

from feedback_loop.brief.brief import Brief
from feedback_loop.evaluate import Z, wilson
from feedback_loop.lineage import BASE
from feedback_loop.records import Comparison, Completion, Prompt, Ranking, Record
from feedback_loop.simulation.checks import met

Judge = Literal["people", "utility", "reward model"]
MATCH = 0.45
"""Win rate against the base with the whole brief from which a level counts as its match."""


class Met(Record):
    """How often answers meet a requirement that a program can check; 90 % interval."""

    number: int
    """In the brief that it was counted by."""
    text: str = ""
    """What that asks for; empty in what an older version wrote."""
    share: float
    low: float
    high: float


class Row(Record):
    """A policy at one level, against the base with the whole brief: win rate with a 90 % interval, ties counting half."""

    policy: str
    level: float
    tokens: int
    """Of the instruction."""
    win_rate: float
    low: float
    high: float
    judge: Judge
    answers: int
    """Requests that it rests on: held-out ones, or where people judged those that they were asked about."""
    requirements: tuple[Met, ...] = ()
    """Of those with a check, in the answers to the held-out requests."""
    other_brief: bool = False
    """Whether it is against the base with another brief than the rows of the base beside it."""


class Needed(Record):
    """The headline of a policy: the fewest tokens of instruction, of those tried, that match the whole brief."""

    policy: str
    tokens: int | None
    """By the win rate; None where not even the whole brief does."""
    low: int | None
    """By the upper end of its interval: as few as that may do."""
    high: int | None
    """By the lower end: with as many it surely does."""
    of: int
    """Tokens of the whole brief."""
    judge: Judge | Literal["mixed"]
    """Who judged the rows that this rests on; `mixed`: people some of them, and the reward model the others."""

    @property
    def figures(self) -> tuple[float, float, float]:
        """`tokens`, `low` and `high` as curves draw them: all of the brief, where not even that does."""
        return tuple(float(self.of if n is None else n) for n in (self.tokens, self.low, self.high))  # type: ignore[return-value]


def by_reward(ours: Sequence[Sequence[float]], full: Sequence[Sequence[float]]) -> tuple[float, float, float]:
    """Win rate with its interval from scores by every member of the reward model, a row a prompt; see `by_points`."""
    return by_points([[beats(a, b) for a, b in zip(*rows, strict=True)] for rows in zip(ours, full, strict=True)])


def by_points(points: Sequence[Sequence[float]]) -> tuple[float, float, float]:
    """Win rate with its interval from a point a prompt and opinion, each from 0 to 1.

    The interval holds what chance there is in the prompts (`rated`) and how far the opinions' win rates lie apart; the two are
    independent, so their squares add.
    """
    rate, low, high = rated([fmean(row) for row in points])
    apart = Z * pstdev(map(fmean, zip(*points, strict=True)))
    return rate, max(0.0, rate - math.hypot(rate - low, apart)), min(1.0, rate + math.hypot(high - rate, apart))


def by_worth(ours: Sequence[float], full: Sequence[float]) -> tuple[float, float, float]:
    """Win rate with its interval from what each answer is truly worth, in the prompts' order."""
    return rated([beats(a, b) for a, b in zip(ours, full, strict=True)])


def rated(points: Sequence[float]) -> tuple[float, float, float]:
    """Win rate with its 90 % interval from a point a comparison: 1 won, 0 lost, between them for a tie or several opinions.

    Wilson's interval, as of so many plain wins and losses as would vary as little as these points do: ties vary less than
    wins and losses, and answers that meet a brief often tie. One win and one loss are added before the variance is taken, so
    that none varies too little; without ties it is Wilson's own. Covers 89 % or more where that does (16 to 128 points).
    """
    rate, more = fmean(points), [*points, 0.0, 1.0]
    middle = fmean(more)
    worth = len(points) * middle * (1 - middle) / pvariance(more)
    return rate, *wilson(rate * worth, worth)


def votes(
    comparisons: Sequence[Comparison], rankings: Sequence[Ranking], policy: str, level: float, base: str
) -> dict[str, list[float]]:
    """What people said of the policy at this level beside the base with the whole brief, by request: a point a ranking.

    Only of pairs that were picked at random, as labels: those picked for being hard, repeats and checks measure other things.
    Where a ranking holds several such pairs its point is their mean; what it does not tell is left out.
    """
    asked = {c.id: c for c in comparisons if c.purpose == "label" and c.selection == "random"}
    found: dict[str, list[float]] = {}
    for ranking in rankings:
        comparison = asked.get(ranking.comparison_id)
        if comparison is None or ranking.status != "submitted":
            continue
        ours = [c.id for c in comparison.completions if (c.policy, c.level) == (policy, level)]
        full = [c.id for c in comparison.completions if (c.policy, c.level) == (base, 1.0)]
        points = [_point(ranking, a, b) for a in ours for b in full if a != b]
        if told := [point for point in points if point is not None]:
            found.setdefault(comparison.prompt.id, []).append(fmean(told))
    return found


def requirements(brief: Brief, prompts: Sequence[Prompt], answers: Sequence[Completion]) -> tuple[Met, ...]:
    """Each requirement with a check that is in scope, and how many of the answers (in the prompts' order) meet all its checks."""
    found = list[Met]()
    for requirement in brief.requirements:
        if not requirement.checks or requirement.mark == "out":
            continue
        good = sum(
            all(met(c.check, answer.completion, c.value, prompt) for c in requirement.checks)
            for prompt, answer in zip(prompts, answers, strict=True)
        )
        low, high = wilson(good, len(answers))
        found.append(
            Met(number=requirement.number, text=requirement.text, share=good / len(answers), low=low, high=high)
        )
    return tuple(found)


def needed(rows: Sequence[Row]) -> Needed | None:
    """The headline of the rows of one policy; None of no rows."""
    if not rows:
        return None
    rising = sorted(rows, key=lambda row: row.tokens)

    def fewest(values: Sequence[float]) -> int | None:
        return next((row.tokens for row, value in zip(rising, values, strict=True) if value >= MATCH), None)

    surely = fewest([row.low for row in rising])
    return Needed(
        policy=rising[0].policy,
        tokens=fewest([row.win_rate for row in rising]),
        low=fewest([row.high for row in rising]),
        high=surely,
        of=rising[-1].tokens,
        judge=_judge([row for row in rising if surely is None or row.tokens <= surely]),
    )


def _judge(looked_at: Sequence[Row]) -> Judge | Literal["mixed"]:
    """Who judged these; nobody had to judge the base with the whole brief against itself."""
    said = {row.judge for row in looked_at if (row.policy, row.level) != (BASE, 1.0)}
    return "mixed" if len(said) > 1 else said.pop() if said else looked_at[0].judge


def beats(ours: float, theirs: float) -> float:
    """A point where ours is worth more, half of one where both are worth the same."""
    return 1.0 if ours > theirs else 0.5 if ours == theirs else 0.0


def _point(ranking: Ranking, ours: str, full: str) -> float | None:
    """As `beats`; None where the ranking chose a third answer and says nothing of these two."""
    if ranking.order:
        place = {name: n for n, group in enumerate(ranking.order) for name in group}
        return beats(-place[ours], -place[full])
    if ranking.choice in ("tie", "neither"):
        return 0.5
    return {ours: 1.0, full: 0.0}.get(ranking.choice or "")
