"""How sure figures are that come from a few seeds.

The cells of a seed share prompts, the base's answers and the places of the person's slips, whoever the person is. So they
are one observation: every figure is first averaged over the persons within a seed, and only seeds are independent.
"""

import math
from collections.abc import Callable, Sequence
from statistics import NormalDist
from typing import Any

import numpy as np

from benchmarks.label_efficiency.curves import Array, Ratio, label_ratio

CONFIDENCE = 0.9
RESAMPLES = 2000

Bounds = tuple[float | None, float | None]
"""Lower and upper end of an interval; None where it is open."""
Span = tuple[float, float]
"""The least and the most that a figure may be: twice the same where it is known."""


def by_seed(values: Array, seeds: Sequence[int]) -> Array:
    """Means over the cells of each seed, (cells, ...) to (seeds, ...), seeds in order."""
    own = np.array(seeds)
    return np.array([values[own == seed].mean(0) for seed in sorted(set(seeds))])


def mean_interval(values: Array) -> Bounds:
    """90 % interval of the mean of (seeds,) values by Student's t, as "Student" 1908; open of fewer than two.

    For paired differences give the differences. Exact where they are normal; a percentile bootstrap of five covers 79 %.
    """
    if len(values) < 2:
        return None, None
    half = t_quantile(len(values) - 1) * values.std(ddof=1) / math.sqrt(len(values))
    return float(values.mean() - half), float(values.mean() + half)


def resample(figure: Callable[[Array], Span], seeds: int) -> Bounds:
    """90 % interval of a figure of some of the seeds, by resampling them as clusters.

    `figure` is given places of seeds and says the least and the most that it may be: the lower end of the interval is a
    percentile of the least, the upper end of the most, each open where that is infinite. Percentiles are expanded for few
    observations, as in Hesterberg 2015 (The American Statistician 69, 371-386, "expanded percentile"):
    Phi(-sqrt(n / (n - 1)) t) in place of 5 %.
    """
    if seeds < 2:
        return None, None
    drawn = np.sort(np.random.default_rng(0).integers(seeds, size=(RESAMPLES, seeds)), axis=1)
    picks, often = np.unique(drawn, axis=0, return_counts=True)
    spans = np.array([figure(pick) for pick in picks])
    tail = NormalDist().cdf(-math.sqrt(seeds / (seeds - 1)) * t_quantile(seeds - 1))
    return _known(_percentile(spans[:, 0], often, tail)), _known(-_percentile(-spans[:, 1], often, tail))


def compare(
    ours_at: Array,
    ours: Array,
    other_at: Array,
    other: Array,
    *,
    level: float | None = None,
    figure: Callable[[float], float] = lambda ratio: ratio,
) -> dict[str, Any]:
    """A rising function of `label_ratio` with its 90 % interval; arrays are (seeds, checkpoints), paired by seed.

    `censored` says which kind of bound the ratio is; "unknown" where there is no ratio. `low` or `high` is None where that
    end is open, since the resamples there are bounds too, or have no ratio.
    """

    def of(pick: Array) -> Ratio | None:
        mine_at, mine, theirs_at, theirs = (values[pick].mean(0) for values in (ours_at, ours, other_at, other))
        return label_ratio(mine_at, mine, theirs_at, theirs, level)

    found = of(np.arange(len(ours)))
    if found is None:
        nothing = {"ratio": None, "low": None, "high": None, "at_win_rate": level, "censored": "unknown"}
        return nothing | {"seeds": len(ours)}

    def span(pick: Array) -> Span:
        one = of(pick)
        return (figure(one.span[0]), figure(one.span[1])) if one else (-math.inf, math.inf)

    low, high = resample(span, len(ours))
    return {
        "ratio": figure(found.ratio),
        "low": low,
        "high": high,
        "at_win_rate": found.at_win_rate,
        "censored": found.censored,
        "seeds": len(ours),
    }


def t_quantile(degrees: int) -> float:
    """What |t| stays below with chance CONFIDENCE, at these degrees of freedom.

    By bisection on the finite series of Abramowitz and Stegun 1964, 26.7.3 and 26.7.4, in the angle atan(t / sqrt(degrees)).
    """
    low, high = 0.0, math.pi / 2
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if _within(middle, degrees) < CONFIDENCE else (low, middle)
    return math.tan(low) * math.sqrt(degrees)


def _within(angle: float, degrees: int) -> float:
    """The chance that |t| is below tan(angle) * sqrt(degrees)."""
    odd = degrees % 2
    term = math.cos(angle) if odd else 1.0
    total = 0.0
    for power in range(odd, degrees - 1, 2):
        total += term
        term *= (power + 1) / (power + 2) * math.cos(angle) ** 2
    series = math.sin(angle) * total
    return 2 / math.pi * (angle + series) if odd else series


def _percentile(values: Array, often: Array, share: float) -> float:
    """The least value that this share of the resamples does not exceed."""
    order = np.argsort(values)
    passed = often[order].cumsum()
    return float(values[order][np.searchsorted(passed, share * passed[-1])])


def _known(value: float) -> float | None:
    return value if math.isfinite(value) else None
