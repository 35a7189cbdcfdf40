"""Ways to decide: ours, and others that are in use. Each takes many gates' duels and says what became of every gate."""

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from benchmarks.gates.world import Duels
from feedback_loop.gate.betting import corrected, reached
from feedback_loop.gate.gate import bets
from feedback_loop.recipe import PromotionTable

FIRST_LOOK = 10
"""Votes before the z-test is looked at for the first time."""


@dataclass(frozen=True)
class Ends:
    """What became of the gates, (gates,) each."""

    promoted: npt.NDArray[np.bool_]
    votes: npt.NDArray[np.int64]
    undecided: npt.NDArray[np.bool_]
    """Whether the budget ended it."""


def ours(duels: Duels, rule: PromotionTable) -> Ends:
    """`gate.stand` after every vote; without predictions, by people alone."""
    z, weight = corrected(duels.points, duels.predicted, duels.unasked, 1 / rule.false_rate, rule.votes)
    evidence, against = bets(z, weight, rule)
    return first(reached(evidence, 1 / rule.false_rate), reached(against, 1 / rule.miss_rate))


def z_test(duels: Duels, rule: PromotionTable) -> Ends:
    """Stops, either way, as soon as the mean's z-score, by a normal approximation, is beyond the level of one look."""
    n = np.arange(1, duels.points.shape[-1] + 1)
    mean = duels.points.cumsum(-1) / n
    spread = np.sqrt(np.maximum((duels.points**2).cumsum(-1) / n - mean**2, 1e-12) / n)
    z = np.where(n >= FIRST_LOOK, (mean - 0.5) / spread, 0.0)
    level = NormalDist().inv_cdf(1 - rule.false_rate)
    return first(z > level, z < -level)


def sprt(duels: Duels, rule: PromotionTable) -> Ends:
    """Wald's sequential probability ratio test of 0.5 against the margin; a tie counts half a win and half a loss."""
    win, loss = math.log(rule.margin / 0.5), math.log((1 - rule.margin) / 0.5)
    ratio = (duels.points * win + (1 - duels.points) * loss).cumsum(-1)
    upper = math.log((1 - rule.miss_rate) / rule.false_rate)
    lower = math.log(rule.miss_rate / (1 - rule.false_rate))
    return first(ratio >= upper, ratio <= lower)


def fixed_size(duels: Duels, rule: PromotionTable, power: float) -> Ends:
    """The smallest exact binomial test, looked at once, that promotes a win rate of `margin` with the chance `power`."""
    gates, votes = duels.points.shape
    size = next((n for n in range(1, votes + 1) if tail(n, critical(n, rule.false_rate), rule.margin) >= power), votes)
    promoted = duels.points[:, :size].sum(-1) >= critical(size, rule.false_rate)
    return Ends(promoted, np.full(gates, size), np.zeros(gates, bool))


def critical(size: int, level: float) -> int:
    """Least number of wins that chance reaches with probability at most `level`."""
    return next(k for k in range(size + 2) if tail(size, k, 0.5) <= level)


def tail(size: int, least: int, rate: float) -> float:
    """Probability of at least so many wins."""
    return math.fsum(math.comb(size, k) * rate**k * (1 - rate) ** (size - k) for k in range(least, size + 1))


def first(better: npt.NDArray[np.bool_], worse: npt.NDArray[np.bool_]) -> Ends:
    """Whichever comes first; promotion, where both come at once."""
    votes = better.shape[-1]
    up, down = (np.where(hit.any(-1), hit.argmax(-1), votes) for hit in (better, worse))
    ended = np.minimum(up, down)
    return Ends((up <= down) & (up < votes), np.minimum(ended + 1, votes), ended == votes)
