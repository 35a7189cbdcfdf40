"""A Bayesian linear head on frozen features: a reward model that is fit in a second, and knows what it does not know.

The score is w · x with a normal prior on w, the labels are the intervals of `observations`, and the posterior is Laplace's
approximation (Rasmussen and Williams 2006, Gaussian Processes for Machine Learning, algorithm 3.1, with a linear kernel;
preferences as in Chu and Ghahramani 2005). With a few hundred labels and thousands of features all algebra is done between
labels. What people want may hang on what was asked, so x is the answer's features beside their products with a few directions
in which requests differ. How wide the prior is, and how much the products weigh, is averaged over by the evidence.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from feedback_loop.errors import LoopError
from feedback_loop.records import Preference
from reward.features import REQUEST
from reward.observations import NOTHING, Thresholds, bounds, thresholds
from reward.text import NAMES

Array = np.ndarray
WIDTHS = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)
"""Prior variances of the score of an answer one typical distance from the mean."""
BLENDS = (1.0, 3.0, 10.0, 30.0)
"""Prior variances of the products with directions of requests, beside 1 for the answers' features themselves."""
DIRECTIONS = (4, 8)
"""How many directions of requests: the first principal ones."""
LEAST = 0.01
"""Share of belief below which a prior is left out."""
POSITION = 0.1
"""Prior variance of an annotator's leaning to the answer that stands first, in logits."""
FILE = "head.safetensors"


@dataclass(frozen=True)
class Frame:
    """What features are measured by, from unlabelled answers."""

    centre: Array
    """(answer columns,)"""
    scale: Array
    """(answer columns,); a typical answer's squares sum to 1, half of it from the states and half from the text statistics."""
    request_centre: Array
    """(REQUEST,)"""
    directions: Array
    """(REQUEST, most directions): the principal ones, where a typical request's coordinate is 1; zeros where there are fewer."""


@dataclass(frozen=True)
class Head:
    """A reward model: draws from the posterior."""

    frame: Frame
    weights: Array
    """(members, 1 + directions, answer columns): draws whose mean is the posterior's."""

    def scores(self, features: Array) -> Array:
        """Each member's scores of answers, logits: (answers, columns) to (answers, members)."""
        answer, request = measured(self.frame, features)
        extended = np.hstack([np.ones((len(request), 1)), request[:, : self.weights.shape[1] - 1]])
        scored: Array = np.einsum("nd,nk,mkd->nm", answer, extended, self.weights, optimize=True)
        return scored


@dataclass(frozen=True)
class Labels:
    """Labelled pairs ready for fitting."""

    differences: Array
    """Measured features of the chosen less those of the rejected answer, (pairs, answer columns)."""
    gram: Array
    """Their inner products, (pairs, pairs)."""
    requests: Array
    """Their requests' coordinates, (pairs, most directions)."""
    low: Array
    high: Array
    weight: Array
    leaning: Array
    """Covariance between labels by where the answers stood, annotator by annotator, (pairs, pairs)."""


@dataclass(frozen=True)
class Prior:
    """Variance of w, and what the products with how many directions have beside it."""

    width: float
    blend: float = 0.0
    directions: int = 0


@dataclass(frozen=True)
class Posterior:
    """Laplace's approximation; arrays are over pairs."""

    prior: Prior
    dual: Array
    """What each label pulls at the score difference of its pair."""
    noise: Array
    """Variance of the noise that each label amounts to."""
    evidence: float
    """Logarithm of the labels' probability."""


@dataclass(frozen=True)
class Believed:
    """A posterior and how much of all belief is in its prior."""

    posterior: Posterior
    share: float


def fit_head(
    chosen: Array, rejected: Array, pairs: Sequence[Preference], background: Array, *, members: int, seed: int
) -> Head:
    """A head from features of the pairs' answers (pairs, columns) and of `background` answers, which set the frame.

    LoopError where there is no pair, or a feature is not finite.
    """
    view = frame(background)
    labels = prepare(chosen, rejected, pairs, view, thresholds(pairs))
    return Head(view, draw(labels, fit(labels), members, seed).astype(np.float32))


def frame(background: Array) -> Frame:
    """The frame of these answers (answers, columns). LoopError where a feature is not finite."""
    if not np.isfinite(background).all():
        raise LoopError("The base model's states are not finite numbers. Check the model, or set model.dtype = float32")
    answer, request = background[:, :-REQUEST].astype(float), background[:, -REQUEST:].astype(float)
    return Frame(answer.mean(0), _scale(answer), request.mean(0), _directions(request))


def measured(view: Frame, features: Array) -> tuple[Array, Array]:
    """(answers' features, requests' coordinates) in a frame."""
    answer = (features[:, :-REQUEST] - view.centre) / view.scale
    return answer, (features[:, -REQUEST:] - view.request_centre) @ view.directions


def prepare(chosen: Array, rejected: Array, pairs: Sequence[Preference], view: Frame, at: Thresholds) -> Labels:
    """Labels of these pairs. LoopError where there is none."""
    if not pairs:
        raise LoopError(NOTHING)
    limits = np.array([bounds(p, at) for p in pairs])
    sides = np.array([0.0 if p.chosen_first is None else 1.0 if p.chosen_first else -1.0 for p in pairs])
    users = np.array([p.user_id for p in pairs])
    better, requests = measured(view, chosen)
    differences = better - measured(view, rejected)[0]
    return Labels(
        differences=differences,
        gram=differences @ differences.T,
        requests=requests,
        low=limits[:, 0],
        high=limits[:, 1],
        weight=np.array([p.weight for p in pairs]),
        leaning=POSITION * np.outer(sides, sides) * (users[:, None] == users[None, :]),
    )


def fit(labels: Labels) -> list[Believed]:
    """The posteriors of all priors that are believed in, whose shares sum to 1.

    Bayesian model averaging (Hoeting et al. 1999). Before any label, half of all belief is in requests changing nothing: a
    few labels then do not make a dependence on the request out of chance, and many find one that is there.
    """
    plain = [Prior(width) for width in WIDTHS]
    mixed = [Prior(width, blend, count) for width in WIDTHS for blend in BLENDS for count in DIRECTIONS]
    found = [(laplace(labels, prior), len(group)) for group in (plain, mixed) for prior in group]
    logs = np.array([posterior.evidence - np.log(rivals) for posterior, rivals in found])
    shares = np.exp(logs - logs.max()) / np.exp(logs - logs.max()).sum()
    kept = [(p, float(share)) for (p, _), share in zip(found, shares, strict=True) if share >= LEAST]
    return [Believed(p, share / sum(s for _, s in kept)) for p, share in kept]


def laplace(labels: Labels, prior: Prior) -> Posterior:
    """The posterior under a prior, by Newton's method on the score differences, with steps that never go down."""
    covariance = _blend(labels.requests, labels.requests, prior) * labels.gram + labels.leaning
    dual = np.zeros(len(covariance))
    felt, height = dual, _height(dual, dual, labels)
    for _ in range(50):
        slope, curvature = _derivatives(felt, labels)
        goal = np.linalg.solve(covariance + np.diag(1 / curvature), felt + slope / curvature)
        before, share = felt, 1.0
        while True:
            tried = dual + share * (goal - dual)
            felt = covariance @ tried
            if (reached := _height(tried, felt, labels)) >= height - 1e-9 or share < 1e-4:
                break
            share /= 2
        dual, height = tried, reached
        if np.abs(felt - before).max() < 1e-6:
            break
    _, curvature = _derivatives(felt, labels)
    root = np.sqrt(curvature)
    _, spread = np.linalg.slogdet(np.eye(len(dual)) + root[:, None] * covariance * root[None, :])
    return Posterior(prior, dual, 1 / curvature, height - 0.5 * float(spread))


def subset(labels: Labels, places: Array) -> Labels:
    """Some of the labels."""
    square = np.ix_(places, places)
    return Labels(
        differences=labels.differences[places],
        gram=labels.gram[square],
        requests=labels.requests[places],
        low=labels.low[places],
        high=labels.high[places],
        weight=labels.weight[places],
        leaning=labels.leaning[square],
    )


def draw(labels: Labels, fitted: Sequence[Believed], members: int, seed: int) -> Array:
    """`members` draws of w, (members, 1 + directions, answer columns), from posteriors as often as their shares say.

    They come in pairs that mirror each other at the mean of their posterior; posteriors are taken by systematic resampling
    (Kitagawa 1996), so that little is missing when all are moved together to have the mean over all posteriors. Of an odd
    number that mean is the first.
    """
    rng = np.random.default_rng(seed)
    means = [_weights(labels, b.posterior.prior, b.posterior.dual) for b in fitted]
    rows = max(len(mean) for mean in means)
    padded = [np.pad(mean, ((0, rows - len(mean)), (0, 0))) for mean in means]
    mean = sum(b.share * one for b, one in zip(fitted, padded, strict=True))
    drawn = [mean] if members % 2 else []
    mirrored, pairs = [], members // 2
    ends, places = np.cumsum([b.share for b in fitted[:-1]]), (np.arange(pairs) + rng.random()) / (pairs or 1)
    for which in np.searchsorted(ends, places):
        away = np.zeros_like(mean)
        away[: len(means[which])] = _deviation(labels, fitted[which].posterior, rng)
        mirrored += [padded[which] + away, padded[which] - away]
    return np.array([*drawn, *(one + mean - np.mean(mirrored, axis=0) for one in mirrored)])


def predict(labels: Labels, fitted: Sequence[Believed], differences: Array, requests: Array) -> tuple[Array, Array]:
    """Mean and standard deviation of the score difference of other pairs, described as in Labels; without noise."""
    found = [_predict(labels, b.posterior, differences, requests) for b in fitted]
    shares = np.array([b.share for b in fitted])[:, None]
    means, variances = (np.array(column) for column in zip(*found, strict=True))
    mean = (shares * means).sum(0)
    return mean, np.sqrt(np.maximum((shares * (variances + means**2)).sum(0) - mean**2, 0))


def save(head: Head, folder: Path) -> None:
    """Write head.safetensors into a new folder."""
    from safetensors.numpy import save_file

    folder.mkdir(parents=True)
    arrays = vars(head.frame) | {"weights": head.weights}
    save_file({name: np.ascontiguousarray(a, np.float32) for name, a in arrays.items()}, folder / FILE)


def load(folder: Path) -> Head:
    """Read a saved head."""
    from safetensors.numpy import load_file

    arrays = load_file(folder / FILE)
    return Head(weights=arrays.pop("weights"), frame=Frame(**arrays))


def _scale(answer: Array) -> Array:
    varies = _varies(answer)
    states = np.arange(len(varies)) < len(varies) - len(NAMES)
    counts = [max(1, (varies & part).sum()) for part in (states, ~states)]
    scale: Array = np.where(varies, answer.std(0), np.inf) * np.sqrt(2 * np.where(states, *counts))
    return scale


def _directions(request: Array) -> Array:
    most = max(DIRECTIONS)
    spread = np.where(_varies(request), request.std(0), np.inf)
    _, sizes, axes = np.linalg.svd((request - request.mean(0)) / spread, full_matrices=False)
    typical = np.sqrt(len(request)) / np.where(sizes[:most] > 1e-6, sizes[:most], np.inf)
    found = (axes[:most] / spread).T * typical
    padded: Array = np.pad(found, ((0, 0), (0, most - found.shape[1])))
    return padded


def _varies(columns: Array) -> Array:
    """Which features say anything at all."""
    varies: Array = columns.std(0) > 1e-6
    return varies


def _extended(requests: Array, prior: Prior) -> Array:
    """(pairs, 1 + directions): what an answer's features are multiplied by."""
    return np.hstack([np.ones((len(requests), 1)), requests[:, : prior.directions]])


def _variances(prior: Prior) -> Array:
    """(1 + directions,) of w."""
    shared = prior.width * prior.blend / max(1, prior.directions)
    return np.array([prior.width, *[shared] * prior.directions])


def _weights(labels: Labels, prior: Prior, dual: Array) -> Array:
    """From what labels pull at their pairs to w, (1 + directions, answer columns)."""
    x = _extended(labels.requests, prior)
    w: Array = _variances(prior)[:, None] * np.einsum("n,nk,nd->kd", dual, x, labels.differences, optimize=True)
    return w


def _deviation(labels: Labels, posterior: Posterior, rng: np.random.Generator) -> Array:
    """How far a draw of w lies from the posterior's mean, by Matheron's rule."""
    prior = posterior.prior
    sizes = _variances(prior)
    drawn: Array = rng.standard_normal((len(sizes), labels.differences.shape[1])) * np.sqrt(sizes)[:, None]
    x = _extended(labels.requests, prior)
    felt = np.einsum("nk,nd,kd->n", x, labels.differences, drawn, optimize=True)
    disturbance = labels.leaning + np.diag(posterior.noise)
    felt += np.linalg.cholesky(disturbance) @ rng.standard_normal(len(x))
    kernel = _blend(labels.requests, labels.requests, prior) * labels.gram
    away: Array = drawn - _weights(labels, prior, np.linalg.solve(kernel + disturbance, felt))
    return away


def _predict(labels: Labels, posterior: Posterior, differences: Array, requests: Array) -> tuple[Array, Array]:
    """Mean and variance under one posterior."""
    prior = posterior.prior
    cross = _blend(requests, labels.requests, prior) * (differences @ labels.differences.T)
    kernel = _blend(labels.requests, labels.requests, prior) * labels.gram
    covariance = kernel + labels.leaning + np.diag(posterior.noise)
    explained = np.einsum("ij,ji->i", cross, np.linalg.solve(covariance, cross.T))
    variance = np.einsum("nd,nd->n", differences, differences) * (_extended(requests, prior) ** 2 @ _variances(prior))
    return cross @ posterior.dual, np.maximum(variance - explained, 0)


def _blend(asked: Array, others: Array, prior: Prior) -> Array:
    """What the inner products of two answers' features are multiplied by, for their requests: (asked, others)."""
    blend: Array = (_extended(asked, prior) * _variances(prior)) @ _extended(others, prior).T
    return blend


def _height(dual: Array, felt: Array, labels: Labels) -> float:
    """Logarithm of the labels' and the prior's density, less what does not change."""
    return float((labels.weight * _log_likelihood(felt, labels)).sum()) - 0.5 * float(dual @ felt)


def _derivatives(felt: Array, labels: Labels) -> tuple[Array, Array]:
    """Slope and negative curvature of the log likelihood of each label at a difference."""
    below, above = _sigmoid(felt - labels.low), _sigmoid(felt - labels.high)
    slope = labels.weight * (1 - below - above)
    curvature = labels.weight * (below * (1 - below) + above * (1 - above))
    return slope, np.maximum(curvature, 1e-6)


def _log_likelihood(felt: Array, labels: Labels) -> Array:
    inside = _sigmoid(labels.high - felt) - _sigmoid(labels.low - felt)
    likelihood: Array = np.log(np.maximum(inside, 1e-12))
    return likelihood


def _sigmoid(x: Array) -> Array:
    return 0.5 * (1 + np.tanh(np.asarray(x) / 2))
