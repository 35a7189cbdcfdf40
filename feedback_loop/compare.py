"""Paired differences of many figures at once: how large, between which bounds, and how likely by chance alone.

A row is one pair, a column one figure, a cluster all pairs of one prompt, which are not independent of one another.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
DRAWS = 4999
"""Random sign flips, and bootstrap samples."""
LEVEL = 0.95
"""Of intervals; what is left of it is the chance of at least one false claim among all figures."""


@dataclass(frozen=True)
class Paired:
    """For each column: mean difference, its interval, and the probability of one as clear by chance, all columns considered."""

    mean: Floats
    low: Floats
    high: Floats
    chance: Floats


def paired(differences: Floats, clusters: Sequence[str], weights: Sequence[float], seed: int) -> Paired:
    """Compare the columns of `differences` (pairs, figures) with nothing at all; there must be a pair.

    Intervals are bootstrap percentiles over whole clusters (Field & Welsh 2007, "Bootstrapping clustered data").
    """
    sums, mass = _by_cluster(differences, clusters, np.asarray(weights, dtype=float))
    rng = np.random.default_rng(seed)
    counts = rng.multinomial(len(mass), np.full(len(mass), 1 / len(mass)), size=DRAWS)
    means = (counts @ sums) / (counts @ mass)[:, None]
    low, high = np.quantile(means, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)
    return Paired(sums.sum(0) / mass.sum(), low, high, chance(sums, rng))


def chance(sums: Floats, rng: np.random.Generator) -> Floats:
    """For each column of `sums` (clusters, figures), the adjusted probability of a total as far from 0.

    The sign-flip test of Fisher 1935 with the step-down maxT adjustment of Westfall & Young 1993, section 2.6: the chance of
    even one false claim among all columns stays below the level, however they hang together. It asks only that without a
    cause a pair's difference is as likely as its opposite. For people's choices the order of the answers makes it so, as it
    is drawn at random: whoever always takes the first still flips coins.
    """
    norms = np.sqrt((sums**2).sum(0))
    scaled = sums / np.where(norms > 0, norms, 1)
    signs = rng.integers(0, 2, (DRAWS, len(sums)), dtype=np.int8).astype(float) * 2 - 1
    seen, drawn = np.abs(scaled.sum(0)), np.abs(signs @ scaled)
    order = np.argsort(-seen, kind="stable")
    greatest = np.maximum.accumulate(drawn[:, order[::-1]], axis=1)[:, ::-1]
    reached = (greatest >= seen[order] - 1e-9).sum(0)
    adjusted = np.empty(len(order))
    adjusted[order] = np.maximum.accumulate((reached + 1) / (DRAWS + 1))
    return adjusted


def _by_cluster(differences: Floats, clusters: Sequence[str], weights: Floats) -> tuple[Floats, Floats]:
    """Each cluster's weighted sum of differences, and its weight; in the clusters' order of appearance."""
    places = {name: n for n, name in enumerate(dict.fromkeys(clusters))}
    index = np.array([places[name] for name in clusters])
    sums, mass = np.zeros((len(places), differences.shape[1])), np.zeros(len(places))
    np.add.at(sums, index, differences * weights[:, None])
    np.add.at(mass, index, weights)
    return sums, mass
