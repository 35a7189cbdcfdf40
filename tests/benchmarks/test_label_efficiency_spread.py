"""Intervals of a few seeds cover what they say, and what is censored leaves them open."""

import math

import numpy as np
import pytest

from benchmarks.label_efficiency import curves, spread

LABELS = (16, 32, 64, 128)


def covers(bounds, truth):
    low, high = (end if end is not None else way * math.inf for end, way in zip(bounds, (-1, 1), strict=True))
    return low <= truth <= high


@pytest.mark.parametrize(("degrees", "known"), [(1, 6.3138), (2, 2.9200), (4, 2.1318), (9, 1.8331), (14, 1.7613)])
def test_students_t_is_as_in_the_tables(degrees, known):
    assert spread.t_quantile(degrees) == pytest.approx(known, abs=1e-4)


@pytest.mark.parametrize("seeds", [3, 5, 15])
def test_the_interval_of_a_mean_covers_nine_in_ten_however_few_seeds(seeds):
    rng = np.random.default_rng(seeds)
    hit = np.mean([covers(spread.mean_interval(rng.normal(1, 2, seeds)), 1) for _ in range(2000)])
    assert hit == pytest.approx(0.9, abs=0.02)


def test_persons_who_share_a_seed_are_one_observation():
    rng, seeds = np.random.default_rng(2), np.repeat(np.arange(5), 3).tolist()
    cells = [rng.normal(0, 1, 5).repeat(3) + rng.normal(0, 0.5, 15) for _ in range(1000)]
    by_seed = np.mean([covers(spread.mean_interval(spread.by_seed(c, seeds)), 0) for c in cells])
    by_cell = np.mean([covers(spread.mean_interval(c), 0) for c in cells])
    assert by_seed == pytest.approx(0.9, abs=0.03)
    assert by_cell < 0.75


def test_means_within_a_seed_keep_the_checkpoints():
    cells = np.array([[1.0, 2.0], [5.0, 6.0], [3.0, 4.0]])
    assert spread.by_seed(cells, [11, 10, 11]).tolist() == [[5.0, 6.0], [2.0, 3.0]]


def test_the_ratios_interval_covers_about_nine_in_ten_of_five_seeds():
    at, ours, other = np.tile(LABELS, (5, 1)), np.linspace(0.62, 0.8, 4), np.linspace(0.56, 0.74, 4)
    truth = curves.label_ratio(np.array(LABELS), ours, np.array(LABELS), other, 0.7).ratio
    rng, hit = np.random.default_rng(3), []
    for _ in range(100):
        shared = rng.normal(0, 0.02, (5, 1))
        mine, theirs = (mean + shared + rng.normal(0, 0.02, (5, 4)) for mean in (ours, other))
        found = spread.compare(at, mine, at, theirs, level=0.7)
        hit.append(covers((found["low"], found["high"]), truth))
    assert 0.84 <= np.mean(hit) <= 0.97


def test_an_interval_is_open_where_the_resamples_are_bounds_and_of_one_seed_there_is_none():
    at = np.tile(LABELS, (5, 1))
    ours, other = np.full((5, 4), 0.8), np.tile([0.55, 0.6, 0.65, 0.7], (5, 1)) + np.linspace(0, 0.02, 5)[:, None]
    found = spread.compare(at, ours, at, other)
    assert (found["censored"], found["ratio"], found["low"], found["high"]) == ("at least", 8, 8, None)
    turned = spread.compare(at, other, at, ours)
    assert (turned["censored"], turned["low"], turned["high"]) == ("at most", None, pytest.approx(1 / 8))
    alone = spread.compare(at[:1], ours[:1], at[:1], other[:1])
    assert (alone["ratio"], alone["low"], alone["high"], alone["seeds"]) == (8, None, None, 1)


def test_resamples_that_say_nothing_of_the_ratio_leave_both_ends_open():
    at = np.tile(LABELS, (5, 1))
    ours, other = np.tile([0.55, 0.6, 0.7, 0.8], (5, 1)), np.tile([0.55, 0.6, 0.65, 0.7], (5, 1))
    other[:2] -= 0.25  # with these two alone it never wins more than half
    found = spread.compare(at, ours, at, other)
    assert found["ratio"] > 1
    assert found["low"] is found["high"] is None


def test_where_nothing_can_be_said_of_a_ratio_it_is_unknown():
    at = np.tile(LABELS, (2, 1))
    for level, ours, other in ((0.7, 0.8, 0.9), (0.7, 0.6, 0.6), (None, 0.4, 0.9)):
        found = spread.compare(at, np.full((2, 4), ours), at, np.full((2, 4), other), level=level)
        assert (found["ratio"], found["censored"], found["at_win_rate"]) == (None, "unknown", level)


def test_the_worth_of_an_edit_follows_from_the_ratio():
    rng = np.random.default_rng(1)
    at, noise = np.tile(LABELS[:3], (20, 1)), rng.normal(0, 0.02, (20, 1))
    ours, other = np.array([0.6, 0.7, 0.8]) + noise, np.array([0.5, 0.6, 0.7]) + noise
    found = spread.compare(at, ours, at, other)
    assert found["low"] <= found["ratio"] <= found["high"]
    assert found["ratio"] == pytest.approx(2, abs=0.1)
    worth = spread.compare(at, ours, at, other, figure=curves.edit_worth(0.25))
    for name in ("ratio", "low", "high"):
        assert worth[name] == pytest.approx((found[name] - 0.75) / 0.25)
