"""Figures that compare policies, and how sure they are."""

import math
from collections.abc import Hashable, Sequence
from statistics import variance

Z = 1.6449
"""Standard normal quantile of a 90 % interval."""


def win_rate(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """Share of prompts on which ours is worth more, ties counting half; both are in the order of the prompts."""
    points = [1.0 if a > b else 0.5 if a == b else 0.0 for a, b in zip(ours, theirs, strict=True)]
    return mean(points)


def kl_estimate(policy: Sequence[float], reference: Sequence[float]) -> float:
    """KL(policy || reference) in nats a completion, from log-probabilities of the policy's own completions.

    The plain Monte-Carlo mean of log p - log q, "k1" in Schulman 2020, "Approximating KL Divergence": unbiased, and over
    whole completions steadier than k3, whose exponential explodes where the two are far apart. It may come out below 0.
    """
    return mean([p - q for p, q in zip(policy, reference, strict=True)])


def mean(values: Sequence[float]) -> float:
    """Arithmetic mean; 0 of nothing."""
    return sum(values) / len(values) if values else 0.0


def wilson(successes: float, trials: float, z: float = Z) -> tuple[float, float]:
    """Interval (low, high) of a share, Wilson 1927; 90 % by default. (0, 1) of no trials; halves count as they are."""
    if not trials:
        return 0.0, 1.0
    share, square = successes / trials, z * z / trials
    middle = (share + square / 2) / (1 + square)
    half = z / (1 + square) * math.sqrt(share * (1 - share) / trials + square / (4 * trials))
    return max(0.0, middle - half), min(1.0, middle + half)


def effective(errors: Sequence[float], counts: Sequence[float], groups: Sequence[Hashable]) -> float:
    """How many independent labels tell as much as these, of which those of one group (a prompt) may say the same.

    `errors` is by how much each moves the figure, 0 on average (of a share, hit less share); `counts` how much of a label each
    is; a group of None is alone. The sum of counts is divided by the design effect (Kish 1965, "Survey sampling", section 8.2):
    what the variance is with the errors of a group added up, over what it is with none in common; never below 1. Where no error
    says how much they have in common, each group counts as one label.
    """
    total, names = sum(counts), [n if name is None else (name,) for n, name in enumerate(groups)]
    sums, sizes = dict.fromkeys(names, 0.0), dict.fromkeys(names, 0.0)
    if len(sums) == len(names):
        return total
    for name, error, count in zip(names, errors, counts, strict=True):
        sums[name] += count * error
        sizes[name] += count
    apart = sum(n * e * e for e, n in zip(errors, counts, strict=True))
    if len(sums) == 1 or apart < 1e-9 * total:
        return total / max(1.0, sum(n * n for n in sizes.values()) / total)
    few = len(sums) / (len(sums) - 1) * (len(names) - 1) / len(names)  # groups are as short of a mean as labels are
    return total / max(1.0, few * sum(s * s for s in sums.values()) / apart)


def interval(values: Sequence[float], z: float = Z) -> tuple[float, float]:
    """Interval (low, high) of the mean of independent values, by the normal approximation; 90 % by default."""
    if len(values) < 2:
        return -math.inf, math.inf
    half = z * math.sqrt(variance(values) / len(values))
    return mean(values) - half, mean(values) + half


def jackknife(values: Sequence[float], z: float = Z) -> tuple[float, float]:
    """Interval of a figure of which `values` are what it is with each observation left out in turn (Tukey 1958)."""
    if len(values) < 2:
        return -math.inf, math.inf
    half = z * math.sqrt((len(values) - 1) ** 2 / len(values) * variance(values))
    return mean(values) - half, mean(values) + half


def sign_test(lost: int, won: int) -> float:
    """Probability that of `lost + won` fair coins at least `lost` say so: McNemar's exact test, one-sided."""
    total: int = lost + won
    ways = sum(math.comb(total, k) for k in range(lost, total + 1))
    return float(ways / 2**total)
