"""A Bayesian linear head on frozen features: a reward model that is fit in a second, and knows what it does not know.

The score is w · x with a normal prior on w, the labels are the intervals of `observations`, and the posterior is Laplace's
approximation (Rasmussen and Williams 2006, Gaussian Processes for Machine Learning, algorithm 3.1, with a linear kernel;
preferences as in Chu and Ghahramani 2005). With a few hundred labels and thousands of features all algebra is done between
labels. What people want may hang on what was asked, so x is the answer's features beside their products with a few directions
in which requests differ. How wide the prior is, and how much the products weigh, is what has the greatest evidence.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from feedback_loop.errors import LoopError
from feedback_loop.records import Preference
from reward.features import REQUEST
from reward.observations import Thresholds, bounds, thresholds

Array = np.ndarray
WIDTHS = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)
"""Prior variances of the score of an answer one typical distance from the mean."""
BLENDS = (1.0, 3.0, 10.0, 30.0)
"""Prior variances of the products with directions of requests, beside 1 for the answers' features themselves."""
DIRECTIONS = (4, 8)
"""How many directions of requests: the first principal ones."""
POSITION = 1.0
"""Prior variance of an annotator's leaning to the answer that stands first, in logits."""
FILE = "head.safetensors"


@dataclass(frozen=True)
class Frame:
    """What features are measured by, from unlabelled answers."""

    centre: Array
    """(answer columns,)"""
    scale: Array
    """(answer columns,); a typical answer's squares sum to 1."""
    request_centre: Array
    """(REQUEST,)"""
    directions: Array
    """(REQUEST, most directions): the principal ones, a typical request's coordinate in each being 1."""


@dataclass(frozen=True)
class Head:
    """A reward model: draws from the posterior."""

    frame: Frame
    weights: Array
    """(members, 1 + directions, answer columns): draws in pairs that mirror each other at the posterior's mean; of an odd
    number the first is that mean."""

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
    centred = request - request.mean(0)
    _, sizes, axes = np.linalg.svd(centred / np.where(_varies(request), request.std(0), np.inf), full_matrices=False)
    found = min(len(sizes), max(DIRECTIONS))
    typical = np.sqrt(len(request)) / np.where(sizes[:found] > 1e-6, sizes[:found], np.inf)
    spread = np.where(_varies(request), request.std(0), np.inf)
    return Frame(
        centre=answer.mean(0),
        scale=np.where(_varies(answer), answer.std(0), np.inf) * np.sqrt(max(1, _varies(answer).sum())),
        request_centre=request.mean(0),
        directions=(axes[:found] / spread).T * typical,
    )


def measured(view: Frame, features: Array) -> tuple[Array, Array]:
    """(answers' features, requests' coordinates) in a frame."""
    answer = (features[:, :-REQUEST] - view.centre) / view.scale
    return answer, (features[:, -REQUEST:] - view.request_centre) @ view.directions


def prepare(chosen: Array, rejected: Array, pairs: Sequence[Preference], view: Frame, at: Thresholds) -> Labels:
    """Labels of these pairs. LoopError where there is none."""
    if not pairs:
        raise LoopError("No ranking compares two answers, so the reward model has nothing to learn. Rank more")
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


def fit(labels: Labels) -> Posterior:
    """The posterior of the prior with the greatest evidence: first its width, then what requests add."""
    plain = [_laplace(labels, Prior(width)) for width in WIDTHS]
    best = max(plain, key=_evidence)
    place = WIDTHS.index(best.prior.width)
    near = WIDTHS[max(0, place - 2) : place + 2]
    mixed = [Prior(width, blend, count) for width in near for blend in BLENDS for count in DIRECTIONS]
    return max([best, *(_laplace(labels, prior) for prior in mixed)], key=_evidence)


def draw(labels: Labels, posterior: Posterior, members: int, seed: int) -> Array:
    """`members` draws of w, (members, 1 + directions, answer columns), by Matheron's rule.

    They come in mirrored pairs, so that their mean is the posterior's.
    """
    rng = np.random.default_rng(seed)
    x, sizes = _extended(labels.requests, posterior.prior), _variances(posterior.prior)
    kernel = _blend(labels.requests, labels.requests, posterior.prior) * labels.gram
    disturbance = labels.leaning + np.diag(posterior.noise)
    root = np.linalg.cholesky(disturbance)

    def back(dual: Array) -> Array:
        """From labels to w."""
        w: Array = sizes[:, None] * np.einsum("n,nk,nd->kd", dual, x, labels.differences, optimize=True)
        return w

    mean = back(posterior.dual)
    drawn = [mean] if members % 2 else []
    for _ in range(members // 2):
        prior = rng.standard_normal(mean.shape) * np.sqrt(sizes)[:, None]
        felt = np.einsum("nk,nd,kd->n", x, labels.differences, prior, optimize=True)
        away = prior - back(np.linalg.solve(kernel + disturbance, felt + root @ rng.standard_normal(len(x))))
        drawn += [mean + away, mean - away]
    return np.array(drawn)


def predict(labels: Labels, posterior: Posterior, others: Labels) -> tuple[Array, Array]:
    """Mean and standard deviation of the score difference of other pairs; leanings and noise left out."""
    prior = posterior.prior
    cross = _blend(others.requests, labels.requests, prior) * (others.differences @ labels.differences.T)
    kernel = _blend(labels.requests, labels.requests, prior) * labels.gram
    covariance = kernel + labels.leaning + np.diag(posterior.noise)
    explained = np.einsum("ij,ji->i", cross, np.linalg.solve(covariance, cross.T))
    variance = np.einsum("nd,nd->n", others.differences, others.differences) * (
        _extended(others.requests, prior) ** 2 @ _variances(prior)
    )
    return cross @ posterior.dual, np.sqrt(np.maximum(variance - explained, 0))


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


def _varies(columns: Array) -> Array:
    """Which features say anything at all."""
    varies: Array = columns.std(0) > 1e-6
    return varies


def _extended(requests: Array, prior: Prior) -> Array:
    """(pairs, 1 + directions): what an answer's features are multiplied by."""
    return np.hstack([np.ones((len(requests), 1)), requests[:, : prior.directions]])


def _variances(prior: Prior) -> Array:
    """(1 + directions,) of w."""
    return np.array([prior.width, *[prior.width * prior.blend / prior.directions] * prior.directions])


def _blend(asked: Array, others: Array, prior: Prior) -> Array:
    """What the inner products of two answers' features are multiplied by, for their requests: (asked, others)."""
    blend: Array = (_extended(asked, prior) * _variances(prior)) @ _extended(others, prior).T
    return blend


def _evidence(posterior: Posterior) -> float:
    return posterior.evidence


def _laplace(labels: Labels, prior: Prior) -> Posterior:
    """Newton's method in the differences' own space."""
    covariance = _blend(labels.requests, labels.requests, prior) * labels.gram + labels.leaning
    count = len(covariance)
    felt = np.zeros(count)
    for _ in range(50):
        slope, curvature = _derivatives(felt, labels)
        dual = np.linalg.solve(covariance + np.diag(1 / curvature), felt + slope / curvature)
        before, felt = felt, covariance @ dual
        if np.abs(felt - before).max() < 1e-6:
            break
    root = np.sqrt(curvature)
    _, spread = np.linalg.slogdet(np.eye(count) + root[:, None] * covariance * root[None, :])
    fit = float((labels.weight * _log_likelihood(felt, labels)).sum())
    return Posterior(prior, dual, 1 / curvature, fit - 0.5 * float(dual @ felt) - 0.5 * float(spread))


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
