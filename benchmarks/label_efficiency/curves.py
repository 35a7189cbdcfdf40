"""The arithmetic of win rate against labels."""

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

Array = np.ndarray
RESAMPLES = 1000
LOW, HIGH = 5, 95
"""Percentiles of an interval: 90 %."""


@dataclass(frozen=True)
class Ratio:
    """How many times fewer labels (or minutes) ours needs than the other to the same win rate."""

    ratio: float
    at_win_rate: float
    """The highest that both mean curves reach."""
    censored: bool
    """One is there by the first checkpoint already and counts as needing all of that, so the ratio is but a bound."""


def reach(labels: Sequence[float], wins: Sequence[float], level: float) -> float | None:
    """Labels at which the curve first reaches a win rate; None where it never does.

    Linear in log2 labels between checkpoints. Without a label the win rate is 0.5; from there to the first checkpoint it
    is linear in labels.
    """
    if level <= 0.5:
        return 0.0
    if wins[0] >= level:
        return float(labels[0]) * (level - 0.5) / (wins[0] - 0.5)
    for (l0, w0), (l1, w1) in itertools.pairwise(zip(labels, wins, strict=True)):
        if w1 >= level:
            part = (level - w0) / (w1 - w0)
            return float(2 ** (math.log2(l0) + part * (math.log2(l1) - math.log2(l0))))
    return None


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


def interval(values: Array, seed: int = 0) -> tuple[float | None, float | None]:
    """90 % bootstrap interval of the mean of (cells,) values; None of fewer than two."""
    if len(values) < 2:
        return None, None
    drawn = values[_resamples(len(values), seed)].mean(1)
    return float(np.percentile(drawn, LOW)), float(np.percentile(drawn, HIGH))


def label_ratio(ours_at: Array, ours: Array, other_at: Array, other: Array) -> Ratio | None:
    """Of mean curves: labels (or minutes) at each checkpoint, and the win rate there, (checkpoints,) each.

    None where there is no win rate above 0.5 that both reach.
    """
    level = float(min(ours.max(), other.max()))
    needed = [reach(at.tolist(), wins.tolist(), level) for at, wins in ((ours_at, ours), (other_at, other))]
    mine, theirs = needed
    if level <= 0.5 or mine is None or theirs is None:
        return None
    early = mine < ours_at[0] or theirs < other_at[0]
    return Ratio(max(theirs, other_at[0]) / max(mine, ours_at[0]), level, bool(early))


def edit_worth(share: float) -> Callable[[Ratio], float]:
    """Comparisons that one label with an edit is worth, from how many times fewer labels are needed with a share of edits.

    With L labels, of which `share` are edits, as good as ratio * L comparisons: L (1 - share) + worth * share * L = ratio * L.
    """
    return lambda found: (found.ratio - (1 - share)) / share


def compare(
    ours_at: Array,
    ours: Array,
    other_at: Array,
    other: Array,
    figure: Callable[[Ratio], float] = lambda found: found.ratio,
    seed: int = 0,
) -> dict[str, float | bool | None]:
    """A figure of `label_ratio` with its 90 % bootstrap interval; arrays are (cells, checkpoints), paired by cell.

    Cells (persona and seed) are resampled, the mean curves and the figure made anew. Where a resample has no figure it is
    left out; `resamples_without` says how often.
    """
    found = label_ratio(ours_at.mean(0), ours.mean(0), other_at.mean(0), other.mean(0))
    empty = {"ratio": None, "low": None, "high": None, "at_win_rate": None, "censored": True, "resamples_without": 0}
    if found is None:
        return empty
    drawn = []
    picks = _resamples(len(ours), seed) if len(ours) > 1 else []
    for pick in picks:
        one = label_ratio(*(values[pick].mean(0) for values in (ours_at, ours, other_at, other)))
        drawn += [figure(one)] if one else []
    return {
        "ratio": figure(found),
        "low": float(np.percentile(drawn, LOW)) if drawn else None,
        "high": float(np.percentile(drawn, HIGH)) if drawn else None,
        "at_win_rate": found.at_win_rate,
        "censored": found.censored,
        "resamples_without": len(picks) - len(drawn),
    }


def _resamples(cells: int, seed: int) -> Array:
    picks: Array = np.random.default_rng(seed).integers(cells, size=(RESAMPLES, cells))
    return picks
