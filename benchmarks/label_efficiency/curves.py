"""The arithmetic of win rate against labels."""

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

Array = np.ndarray
Side = Literal["at least", "at most"]
"""Of what is censored: the number is but a bound of it."""


@dataclass(frozen=True)
class Need:
    """Labels (or minutes) until a curve reaches a win rate."""

    value: float
    censored: Side | None = None
    """`at most` the first checkpoint, where it is already above; `at least` the last, where it never gets there."""


@dataclass(frozen=True)
class Ratio:
    """How many times fewer labels (or minutes) ours needs than the other to the same win rate."""

    ratio: float
    at_win_rate: float
    censored: Side | None
    """`at least`: ours is above by its first checkpoint, or the other never gets there. `at most`: the other way round."""

    @property
    def span(self) -> tuple[float, float]:
        """The least and the most that it may be."""
        return (
            -math.inf if self.censored == "at most" else self.ratio,
            math.inf if self.censored == "at least" else self.ratio,
        )


def reach(labels: Sequence[float], wins: Sequence[float], level: float) -> Need:
    """When the curve first reaches a win rate, linear in log2 labels between checkpoints; a bound outside of them."""
    if wins[0] >= level:
        return Need(float(labels[0]), "at most" if wins[0] > level else None)
    for (l0, w0), (l1, w1) in itertools.pairwise(zip(labels, wins, strict=True)):
        if w1 >= level:
            part = (level - w0) / (w1 - w0)
            return Need(float(2 ** (math.log2(l0) + part * (math.log2(l1) - math.log2(l0)))))
    return Need(float(labels[-1]), "at least")


def area(labels: Sequence[float], wins: Sequence[float]) -> float:
    """Mean win rate over log2 labels, from the first checkpoint to the last (trapezoids)."""
    if len(labels) == 1:
        return float(wins[0])
    logs = np.log2(labels)
    return float(np.trapezoid(wins, logs) / (logs[-1] - logs[0]))


def fall(wins: Sequence[float]) -> float:
    """The curve's peak less its end."""
    return float(max(wins) - wins[-1])


def frontier_kl(win: float) -> float | None:
    """KL (nats) at which best of n has this win rate: log n - (n-1)/n with n/(n+1) = win, n any real number.

    Beirami et al. 2024, arXiv 2401.01879. None at 0.5 and below, where no KL is needed, and at 1, which no n reaches.
    """
    if not 0.5 < win < 1:
        return None
    n = win / (1 - win)
    return math.log(n) - (n - 1) / n


def kl_ratio(kl: float, win: float) -> float | None:
    """How many times the frontier's KL a policy has for its win rate; None where the frontier has none."""
    frontier = frontier_kl(win)
    return kl / frontier if frontier else None


def highest(ours: Array, other: Array) -> float:
    """The highest win rate that both curves reach."""
    return float(min(ours.max(), other.max()))


def label_ratio(ours_at: Array, ours: Array, other_at: Array, other: Array, level: float | None = None) -> Ratio | None:
    """Of mean curves: labels (or minutes) at each checkpoint, and the win rate there, (checkpoints,) each.

    At the highest win rate that both reach, or at `level`. None where that is not above 0.5, and where nothing can be said:
    both are above by their first checkpoints, or neither gets there.
    """
    level = highest(ours, other) if level is None else level
    if level <= 0.5:
        return None
    mine, theirs = (reach(at.tolist(), wins.tolist(), level) for at, wins in ((ours_at, ours), (other_at, other)))
    if mine.censored and mine.censored == theirs.censored:
        return None
    turned: dict[Side | None, Side | None] = {"at most": "at least", "at least": "at most", None: None}
    return Ratio(theirs.value / mine.value, level, theirs.censored or turned[mine.censored])


def edit_worth(share: float) -> Callable[[float], float]:
    """Comparisons that one label with an edit is worth, from how many times fewer labels are needed with a share of edits.

    With L labels, of which `share` are edits, as good as ratio * L comparisons: L (1 - share) + worth * share * L = ratio * L.
    """
    return lambda ratio: (ratio - (1 - share)) / share
