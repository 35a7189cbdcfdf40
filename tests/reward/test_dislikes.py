"""`neither` says of each answer that the typical one is better, and nothing else."""

import numpy as np

from feedback_loop.records import Disliked
from reward.dislikes import with_disliked
from reward.features import REQUEST
from reward.head import Array, Head, Labels, draw, fit, frame, predict, prepare, subset
from reward.observations import thresholds
from reward.text import NAMES
from tests.models_fixture import obvious

AXES = 4
BACKGROUND = np.random.default_rng(0).normal(size=(200, AXES + len(NAMES) + REQUEST))
VIEW = frame(BACKGROUND)
PAIRS = obvious(4)
AT = thresholds(PAIRS)


def poor(count: int, weight: float = 1.0) -> list[Disliked]:
    return [
        Disliked(prompt=PAIRS[0].prompt, completion="", prompt_id=f"p{n}", user_id="anna", round=0, weight=weight)
        for n in range(count)
    ]


def with_axis(count: int, axis: int) -> Array:
    """Answers that stand out along one axis."""
    rows = np.tile(BACKGROUND.mean(0), (count, 1))
    rows[:, axis] += 2 + np.arange(count) / 10
    return rows


def choices() -> Labels:
    """Labels that know of axis 0 alone."""
    return prepare(with_axis(4, 0), np.tile(BACKGROUND.mean(0), (4, 1)), PAIRS, VIEW, AT)


def scores(labels: Labels, rows: Array) -> Array:
    return Head(VIEW, draw(labels, fit(labels), 1, seed=0)).scores(rows)[:, 0]


def test_what_is_like_the_disliked_scores_below_the_typical_answer():
    labels = with_disliked(choices(), with_axis(6, 1), poor(6), VIEW, AT)
    there, typical, opposite = scores(labels, np.vstack([with_axis(1, 1), BACKGROUND.mean(0), -with_axis(1, 1)]))
    assert there < -0.3 < typical < opposite
    assert abs(typical) < 1e-6
    assert abs(scores(choices(), with_axis(1, 1))[0]) < abs(there) / 5


def test_a_weight_of_two_is_two_of_them():
    rows = with_axis(3, 1)
    double = with_disliked(choices(), np.vstack([rows, rows]), poor(6), VIEW, AT)
    heavy = with_disliked(choices(), rows, poor(3, weight=2.0), VIEW, AT)
    np.testing.assert_allclose(scores(double, rows), scores(heavy, rows), rtol=1e-3)


def test_the_pairs_come_first_and_can_be_taken_out_again():
    labels, before = with_disliked(choices(), with_axis(6, 1), poor(6), VIEW, AT), choices()
    again = subset(labels, np.arange(4))
    for name in vars(before):
        np.testing.assert_allclose(getattr(again, name), getattr(before, name))
    means, spreads = predict(labels, fit(labels), again.differences, again.requests)
    assert (means > 0).all()
    assert np.isfinite(spreads).all()


def test_without_any_nothing_changes():
    labels = choices()
    assert with_disliked(labels, np.zeros(0), [], VIEW, AT) is labels
