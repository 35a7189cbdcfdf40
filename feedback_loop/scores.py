"""How the reward model's scores cross rooms, and what is made of several members' opinions."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean, pstdev, pvariance
from typing import Any

from feedback_loop.records import Prompt

Score = Callable[[Sequence[Prompt], Sequence[str]], list[float]]
"""A score for each completion."""
Members = Callable[[Sequence[Prompt], Sequence[str]], list[list[float]]]
"""For each completion, its score by every member of the reward model's ensemble."""
SAME = 1e-4
"""Whitened difference of two scores below which they are equal. Members that mirror one another where nothing was learned cancel
but for the rounding of float32, some 1e-8; a single label moves answers apart by 0.03."""
ROUNDING = 1e-6
"""Deviation of scores, in logits and relative to their mean, that is rounding alone."""


@dataclass(frozen=True)
class Whitening:
    """Each member's mean, and the one scale of all, on the completions that a training starts from.

    With these taken out a KL coefficient means the same for every model (Ziegler et al. 2019, arXiv 1909.08593, section
    2.1). Bradley-Terry leaves each member's zero open, but all speak in logits of the same labels: a scale of its own would
    raise the voice of the member that learned least, and the mean of all would no longer be the posterior's.
    """

    means: tuple[float, ...]
    scale: float


@dataclass(frozen=True)
class Judged:
    """Whitened scores of completions: the members' mean, their standard deviation, and mean less `caution` deviations."""

    means: list[float]
    spreads: list[float]
    cautious: list[float]


def choice_logit(margin: Any, spread: Any, tie: float) -> Any:
    """Logit of the probability that an answer is called better, given that it is no tie; of numbers or numpy arrays.

    Its score is higher by `margin`, itself uncertain by `spread` (a standard deviation), and a felt difference below `tie` is
    called a tie; all in logits. By Rao and Kupper (1967) the answer is better with probability sigmoid(d - tie) and worse
    with sigmoid(-d - tie) at a difference d; the mean of each over d is MacKay's approximation (1992, "The evidence framework
    applied to classification networks", equation 10). Where there are neither ties nor doubt it is the margin.
    """
    import numpy as np

    flatter = np.sqrt(1 + np.pi * np.square(spread) / 8)
    return np.logaddexp(0, (margin + tie) / flatter) - np.logaddexp(0, (tie - margin) / flatter)


def whitening(rows: Sequence[Sequence[float]]) -> Whitening:
    """From members' scores of some completions (a row a completion): the scale is the root of their variances' mean.

    Where they vary by rounding alone they are left unscaled.
    """
    columns = list(zip(*rows, strict=True))
    means, scale = tuple(map(fmean, columns)), math.sqrt(fmean(map(pvariance, columns)))
    return Whitening(means, scale if scale > ROUNDING * (1 + max(map(abs, means))) else 1.0)


def judge(rows: Sequence[Sequence[float]], white: Whitening, caution: float) -> Judged:
    """Whitened and combined scores of completions (a row of members' scores each)."""
    scaled = [[(s - m) / white.scale for s, m in zip(row, white.means, strict=True)] for row in rows]
    means, spreads = [fmean(row) for row in scaled], [pstdev(row) for row in scaled]
    return Judged(means, spreads, [m - caution * d for m, d in zip(means, spreads, strict=True)])


def same(judged: Judged) -> bool:
    """Whether all these completions are equally good to the members together, whatever each thinks by itself."""
    return pstdev(judged.means) <= SAME
