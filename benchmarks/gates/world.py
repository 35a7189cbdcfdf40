"""Simulated duels: people's points at a known win rate, and reward models of a known worth."""

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from feedback_loop.gate.betting import Array

MODELS = {
    "worthless": (0.5, 0.75),
    "right in 65 %": (0.65, 0.65),
    "right in 75 %": (0.75, 0.75),
    "right in 85 %": (0.85, 0.85),
    "contrary": (0.25, 0.75),
    "turncoat": (0.85, 0.85),
}
"""How often the model says the right side of a duel that somebody wins, and how often its sureness would fit.

`worthless` is as sure as one that is right in 75 %, of nothing. `contrary` says the opposite. `turncoat` is right in 85 % of the
first `TURNED` duels and wrong in 85 % of the others."""
TURNED = 25


@dataclass(frozen=True)
class Duels:
    """Many gates' duels, as `betting.corrected` takes them: (gates, votes), `unasked` (gates, votes, unlabelled)."""

    points: Array
    predicted: Array
    unasked: Array


def draw(
    rng: np.random.Generator, gates: int, votes: int, rate: float, *, ties: float, model: str | None, unlabelled: int
) -> Duels:
    """Duels that the candidate wins, ties half, at `rate`; without a model nothing is predicted."""
    points = outcomes(rng, (gates, votes), rate, ties)
    if model is None or unlabelled == 0:
        return Duels(points, np.full(points.shape, np.nan), np.empty((*points.shape, 0)))
    more = outcomes(rng, (gates, votes, unlabelled), rate, ties)
    place = np.arange(votes)
    return Duels(points, opinions(rng, points, model, place), opinions(rng, more, model, place[:, None]))


def outcomes(rng: np.random.Generator, shape: tuple[int, ...], rate: float, ties: float) -> Array:
    """1 won, 0 lost, 0.5 in a share of `ties`; their mean is `rate`."""
    u = rng.random(shape)
    won = rate - ties / 2
    return np.where(u < won, 1.0, np.where(u < won + ties, 0.5, 0.0))


def opinions(rng: np.random.Generator, points: Array, model: str, place: Array) -> Array:
    """The model's probabilities of each outcome: what it sees is a normal score around +d or -d, of a tie around 0."""
    right, sure = MODELS[model]
    d = NormalDist().inv_cdf(right) * np.where((model == "turncoat") & (place >= TURNED), -1, 1)
    seen = d * np.sign(points - 0.5) + rng.standard_normal(points.shape)
    return np.asarray(1 / (1 + np.exp(-2 * NormalDist().inv_cdf(sure) * seen)))
