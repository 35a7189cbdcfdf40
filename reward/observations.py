"""What a label says of two scores: how far the chosen answer is above the other, between which bounds.

The model is Bradley-Terry with ties after Rao and Kupper (1967), in its ordinal form (Agresti 1992, "Analysis of ordinal
paired comparison data"): a person feels the difference of the two scores plus logistic noise, calls it a tie where it is
smaller than `tie`, and much better where it is greater than `much`. So every label is an interval (low, high) of that
noisy difference d, with likelihood sigmoid(high - d) - sigmoid(low - d), which is concave in d after the logarithm.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from feedback_loop.records import Preference

NOTHING = (
    "No ranking compares two answers, so the reward model has nothing to learn. "
    "To rank more: feedback-loop redo RUN rankings, then: feedback-loop serve RUN"
)
"""Why a reward model cannot be made without a pair."""


@dataclass(frozen=True)
class Thresholds:
    """Where a felt difference becomes a choice, and where it becomes a great one, in the scores' unit (logits)."""

    tie: float
    much: float


def thresholds(pairs: Sequence[Preference]) -> Thresholds:
    """From the shares of ties and of great differences among these pairs.

    With equal scores a tie has probability tanh(tie / 2); `tie` makes that the share of ties seen, a little shrunk, so that
    a few labels do not decide it. Where scores differ fewer ties come by the same threshold, so it is too low: of people whose
    threshold is 1.0 and differences of deviation 1, 2 or 3 it finds 0.83, 0.61 or 0.46. It is kept, as the one of the greatest
    evidence orders answers no better (docs/reward-model.md). `much` is where as many equal scores would feel greatly different
    as people said: whoever can say "much" and does not, meant less, so all choices count.
    """
    ranked = [p for p in pairs if p.source == "ranking"]
    decided = [p for p in ranked if not p.tie]
    ties = (sum(p.tie for p in ranked) + 0.5) / (len(ranked) + 5)
    great = (sum(p.strength == "much" for p in decided) + 2) / (len(decided) + 4)
    tie = 2 * math.atanh(ties)
    choice = 1 / (1 + math.exp(tie))
    return Thresholds(tie, max(tie + 0.1, math.log(1 / (choice * great) - 1)))


def bounds(pair: Preference, at: Thresholds) -> tuple[float, float]:
    """(low, high) of score of the chosen less that of the rejected answer, noise included."""
    if pair.tie:
        return -at.tie, at.tie
    if pair.strength == "much":
        return at.much, math.inf
    return at.tie, at.much if pair.strength == "slight" else math.inf


def margins(pair: Preference, at: Thresholds) -> list[tuple[bool, float]]:
    """The same as rows for -log sigmoid(difference - margin), TRL's loss: (swapped, margin), one for each finite bound.

    sigmoid(high - d) - sigmoid(low - d) is sigmoid(d - low) * sigmoid(high - d) * (1 - exp(low - high)), whose last factor
    no score can change.
    """
    low, high = bounds(pair, at)
    return [(swapped, margin) for swapped, margin in ((False, low), (True, -high)) if math.isfinite(margin)]
