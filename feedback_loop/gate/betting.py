"""Bets on the mean of observations between 0 and 1: evidence that stays valid however often it is looked at.

Somebody who believes that the mean is above `m` stakes part of their money on each observation before it is made. Were the mean
`m` or less, no way of staking would win on average, so by Ville's inequality the chance that the money is ever multiplied by
1/a is at most a. The wealth is the evidence (an e-value). Waudby-Smith & Ramdas 2023, "Estimating means of bounded random
variables by betting", JRSS B 86(1); docs/gate.md has the rest.
"""

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Array: TypeAlias = npt.NDArray[np.float64]

STAKES = np.array([0.4, 0.8])
"""Money staked on each point above the mean, of one's own. Against 0.5 they grow fastest where the win rate is 0.6, and 0.7."""
BELIEF = np.array([0.6, 0.4])
"""Part of the money that each begins with."""
MOST = 0.99
"""Never everything: who has lost all can win no more."""
FEW = 4
"""Observations before the reward model is listened to, and pseudo-observations that hold its weight near 0 after that."""
STEPS = 200
"""Grid of the interval."""
CLOSE = 1e-9
"""Rounding: a goal that is missed by less is reached."""


def corrected(points: Array, predicted: Array, unasked: Array, goal: float, budget: int) -> tuple[Array, Array]:
    """Prediction-powered observations, and the weight that the reward model has in each; both (..., n).

    `predicted` (..., n) is the model's opinion of each observation (NaN: none), `unasked` (..., n, k) its opinions of further
    ones, drawn alike, that nobody is asked about. Of an opinion counts whether it is above the mean of all earlier ones (s = 1)
    or not (0): that needs no calibration, and of all readings it widens the bets' room least. x - c (s - mean of the unasked s)
    has the mean of x whatever the model is worth, as long as c is chosen before x is known, here from earlier observations;
    its variance is least at c = cov(x, s) / var(s) * k / (k + 1). Angelopoulos et al. 2023, "Prediction-powered inference",
    Science 382; with bets: Csillag et al. 2025, "Prediction-powered e-values", ICML, arXiv 2502.04294. Towards the budget's
    end c falls to 0: the larger it is, the less may be staked, and bets on 1/2 that must reach the goal need large stakes then.
    """
    count = np.isfinite(unasked).sum(-1)
    known = np.isfinite(predicted) & (count > 0)
    opinions = np.concatenate([predicted[..., None], unasked], -1)
    heard = np.isfinite(opinions) & known[..., None]
    opinions = np.where(heard, opinions, 0)
    middle = (_before(opinions.sum(-1)) + 0.5 * FEW) / (_before(heard.sum(-1)) + FEW)
    s = heard * (np.sign(opinions - middle[..., None]) + 1) / 2
    own, others = s[..., 0], s[..., 1:].sum(-1) / np.maximum(count, 1)
    x, n = points * known, _before(known)
    cov = n * _before(x * own) - _before(x) * _before(own)
    var = n * _before(own * own) - _before(own) ** 2
    usable = known & (n >= FEW) & (var > 0)
    slope = np.divide(cov, var, out=np.zeros_like(var), where=usable) * n / (n + FEW)
    left = np.maximum(1, budget - np.arange(points.shape[-1]))
    weight = np.clip(slope * count / (count + 1), 0, np.clip(MOST / _pressing(goal, left) - 0.5, 0, 1))
    return points - weight * (own - others), weight


def wealth(z: Array, weight: Array, mean: float | Array, goal: float, budget: int | None = None) -> Array:
    """Money after each observation of one who began with 1 and bets that the mean of `z` is above `mean`; (..., n).

    `z` and `weight` are those of `corrected` (..., n): z lies between -weight and 1 + weight, so who stakes less than
    1 / (mean + weight) a point can never lose more than there is. The stake is a mixture's over `STAKES`; with a `budget`, it
    is at least what it takes to reach `goal` with the observations that are left. It is never more than a win needs to reach the
    goal, and whoever has reached it stops.
    """
    pots = np.broadcast_to(BELIEF, (*np.broadcast_shapes(z.shape[:-1], np.shape(mean)), len(STAKES)))
    money, path = np.ones(pots.shape[:-1]), []
    for t in range(z.shape[-1]):
        most = MOST / (mean + weight[..., t])
        stakes = np.minimum(STAKES, np.asarray(most)[..., None])
        stake = (pots * stakes).sum(-1) / pots.sum(-1)
        if budget is not None:
            stake = np.maximum(stake, _pressing(goal / money, max(1, budget - t)))
        enough = (goal / money - 1).clip(0) / (1 - mean)
        gain = z[..., t] - mean
        money = money * np.where(reached(money, goal), 1, 1 + np.minimum(np.minimum(stake, most), enough) * gain)
        pots = pots * (1 + stakes * gain[..., None])
        path.append(money)
    return np.stack(path, -1) if path else np.ones((*money.shape, 0))


def reached(money: Array, goal: float) -> npt.NDArray[np.bool_]:
    """Whether there is as much as it takes."""
    return np.asarray(money >= goal * (1 - CLOSE))


def interval(z: Array, weight: Array, error: float, budget: int) -> tuple[float, float]:
    """What the mean may still be: the values that nobody who bet against them, from either side, has got rich by; `z` (n,).

    Each end is wrong with a chance of at most `error`, at all times together.
    """
    if not len(z):
        return 0.0, 1.0
    grid, goal = np.arange(1, STEPS) / STEPS, 1 / error
    low = _ruled_out(wealth(z, weight, grid, goal, budget)[:, -1], goal)
    high = 1 - _ruled_out(wealth(1 - z, weight, grid, goal, budget)[:, -1], goal)
    return (low, high) if low <= high else (float(z.mean().clip(0, 1)),) * 2


def _pressing(factor: float | Array, left: int | npt.NDArray[np.int64]) -> Array:
    """The stake by which money best grows by a factor within so many observations of variance 1/4 at most.

    sqrt(2 log(factor) / (left / 4)), anew at each step: Voráček & Orabona 2025, "STaR-Bets", arXiv 2505.22422.
    """
    return np.asarray(np.sqrt(8 * np.log(np.maximum(factor, 1)) / left))


def _ruled_out(money: Array, goal: float) -> float:
    """The end of the grid's beginning that bets got rich against."""
    return float(np.argmin([*reached(money, goal), False])) / STEPS


def _before(values: npt.NDArray[Any]) -> Array:
    """Sums over what came earlier, (..., n)."""
    return np.asarray(np.cumsum(values, -1) - values, float)
