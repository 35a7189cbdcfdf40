"""The gate: has the new policy won enough duels to be kept? It may be asked after every vote; see docs/gate.md."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
from pydantic import Field

from feedback_loop.gate.betting import Array, corrected, interval, reached, wealth
from feedback_loop.recipe import PromotionTable
from feedback_loop.records import Record

Verdict = Literal["promote", "keep", "ask"]
END_ERROR = 0.05
"""Chance that either end of the interval is wrong: 90 % in all."""


class Duel(Record):
    """What people said of one answer of the candidate against one of its parent, and what the reward model says."""

    points: float = Field(ge=0, le=1)
    """1: the candidate's is better, 0.5: as good, 0: worse; the mean over the people asked."""
    predicted: float | None = Field(None, ge=0, le=1)
    """The reward model's probability that the candidate's is better."""
    unasked: tuple[float, ...] = ()
    """The same for further duels, drawn alike, that go with this one and that nobody is asked about."""


class Standing(Record):
    """What the duels so far say."""

    verdict: Verdict
    """`promote` the candidate, `keep` the parent, or `ask` on."""
    votes: int
    """Duels counted."""
    win_rate: float
    """Mean of the points; 0.5 of none."""
    estimate: float
    """Win rate by the duels and the reward model together."""
    low: float
    high: float
    """The win rate's interval (90 %), valid however often one looks."""
    evidence: float
    """E-value against "not better": at 1 / `false_rate` the candidate is promoted."""
    against: float
    """E-value against "wins at least at `margin`": at 1 / `miss_rate` the parent is kept."""
    model_weight: float
    """Mean weight of the reward model in the estimate; 0: people alone."""
    reason: str
    """A sentence for whoever reads the decision."""


def stand(duels: Sequence[Duel], rule: PromotionTable) -> Standing:
    """Where the gate stands after these duels, in the order in which their votes came.

    A decision stays: duels after the one that decided, such as votes that were on their way, are not counted.
    """
    z, weight = corrected(*_arrays(duels[: rule.votes]), 1 / rule.false_rate, rule.votes)
    evidence, against = bets(z, weight, rule)
    verdict, votes = _decided(evidence, against, rule)
    z, weight, counted = z[:votes], weight[:votes], duels[:votes]
    low, high = interval(z, weight, END_ERROR, rule.votes)
    said = {
        "verdict": verdict,
        "votes": votes,
        "win_rate": float(np.mean([d.points for d in counted])) if counted else 0.5,
        "estimate": float(np.clip(z.mean() if votes else 0.5, low, high)),
        "low": low,
        "high": high,
        "evidence": float(evidence[votes - 1]) if votes else 1.0,
        "against": float(against[votes - 1]) if votes else 1.0,
        "model_weight": float(weight.mean()) if votes else 0.0,
    }
    return Standing(**said, reason=_reason(counted, verdict, low, high, rule))


def bets(z: Array, weight: Array, rule: PromotionTable) -> tuple[Array, Array]:
    """The two e-values after each duel, against "not better" and against "wins at least at `margin`"; (..., n) each."""
    evidence = wealth(z, weight, 0.5, 1 / rule.false_rate, rule.votes)
    return evidence, wealth(1 - z, weight, 1 - rule.margin, 1 / rule.miss_rate)


def _decided(evidence: Array, against: Array, rule: PromotionTable) -> tuple[Verdict, int]:
    """The verdict, and after how many duels it fell; of (n,) e-values."""
    better, worse = reached(evidence, 1 / rule.false_rate), reached(against, 1 / rule.miss_rate)
    either = np.flatnonzero(better | worse)
    if len(either):
        return ("promote" if better[either[0]] else "keep"), int(either[0]) + 1
    return ("keep" if len(evidence) >= rule.votes else "ask"), len(evidence)


def _arrays(duels: Sequence[Duel]) -> tuple[Array, Array, Array]:
    """Points (n,), the model's opinion (n,), and of the unasked (n, k); NaN where there is none."""
    unasked = np.full((len(duels), max((len(d.unasked) for d in duels), default=0)), np.nan)
    for row, duel in zip(unasked, duels, strict=True):
        row[: len(duel.unasked)] = duel.unasked
    predicted = [np.nan if d.predicted is None else d.predicted for d in duels]
    return np.array([d.points for d in duels], float), np.array(predicted, float), unasked


def _reason(duels: Sequence[Duel], verdict: Verdict, low: float, high: float, rule: PromotionTable) -> str:
    if not duels and verdict == "keep":
        return "There are no duels to judge, so its parent stays."
    if not duels:
        return f"No duel is judged yet; people are asked about {rule.votes} at most."
    won, drawn = (sum(d.points > 0.5 for d in duels), sum(d.points == 0.5 for d in duels))
    score = f"It won {won} of {len(duels)} duels{f' and drew {drawn}' if drawn else ''} ({low:.0%} to {high:.0%})"
    if verdict == "promote":
        return f"{score}: enough to be sure that it is better."
    if verdict == "ask":
        return f"{score}: not yet enough to decide; people are asked about {rule.votes - len(duels)} more at most."
    if len(duels) >= rule.votes:
        return f"{score}: not enough to be sure that it is better, and no more are asked about, so its parent stays."
    return f"{score}: too few to be one that wins {rule.margin:.0%}, so its parent stays."
