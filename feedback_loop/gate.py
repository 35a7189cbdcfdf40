"""The gate: whether people's votes on duels are proof enough that the new policy is better."""

import math
from collections.abc import Sequence
from typing import Literal

from feedback_loop.evaluate import mean, wilson
from feedback_loop.recipe import PromotionTable
from feedback_loop.records import Record


class Duel(Record):
    """One duel that was judged."""

    points: float
    predicted: float | None = None
    unasked: tuple[float, ...] = ()


class Standing(Record):
    """Where the gate stands."""

    verdict: Literal["promote", "keep", "ask"]
    votes: int
    win_rate: float
    estimate: float
    low: float
    high: float
    evidence: float
    against: float
    model_weight: float
    reason: str


def stand(duels: Sequence[Duel], rule: PromotionTable) -> Standing:
    """A sequential probability ratio test."""
    bet = 2 * (2 * rule.margin - 1)
    points = [d.points for d in duels]
    evidence = math.prod(1 + bet * (p - 0.5) for p in points)
    against = 1 / evidence
    rate = mean(points) if points else 0.5
    low, high = wilson(sum(points), len(points))
    verdict: Literal["promote", "keep", "ask"] = "ask"
    if evidence >= 1 / rule.false:
        verdict = "promote"
    elif against >= 1 / rule.missed or len(points) >= rule.votes:
        verdict = "keep"
    reason = f"It won {rate:.0%} of {len(points)} duels."
    return Standing(
        verdict=verdict, votes=len(points), win_rate=rate, estimate=rate, low=low, high=high,
        evidence=evidence, against=against, model_weight=0.0, reason=reason,
    )  # fmt: skip
