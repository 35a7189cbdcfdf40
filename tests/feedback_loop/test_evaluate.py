"""Figures that compare policies."""

import math
import random

import pytest

from feedback_loop.evaluate import effective, interval, jackknife, kl_estimate, mean, sign_test, wilson, win_rate


def test_win_rate_counts_a_tie_half():
    assert win_rate([2.0, 1.0, 0.0, 5.0], [1.0, 1.0, 1.0, 1.0]) == pytest.approx(0.625)
    assert win_rate([1.0], [1.0]) == 0.5


def test_win_rates_of_the_two_sides_sum_to_one():
    a, b = [0.1, 0.7, 0.3], [0.1, 0.2, 0.9]
    assert win_rate(a, b) + win_rate(b, a) == pytest.approx(1.0)


def test_both_sides_need_the_same_prompts():
    with pytest.raises(ValueError, match="shorter"):
        win_rate([1.0, 2.0], [1.0])


def test_kl_of_a_policy_from_itself_is_zero():
    assert kl_estimate([-3.0, -8.5], [-3.0, -8.5]) == 0.0


def test_kl_estimate_tends_to_the_divergence():
    """A biased coin against a fair one, where the divergence is known."""
    rng, heads = random.Random(0), 0.8
    draws = [rng.random() < heads for _ in range(20_000)]
    here = [math.log(heads if head else 1 - heads) for head in draws]
    known = heads * math.log(heads / 0.5) + (1 - heads) * math.log((1 - heads) / 0.5)
    assert kl_estimate(here, [math.log(0.5)] * len(draws)) == pytest.approx(known, abs=0.02)


def test_mean_of_nothing_is_zero():
    assert mean([]) == 0.0
    assert mean([1.0, 2.0]) == 1.5


def test_wilsons_interval():
    assert wilson(8, 10) == pytest.approx((0.541, 0.931), abs=1e-3)
    assert wilson(10, 10) == pytest.approx((0.787, 1.0), abs=1e-3)
    assert wilson(0, 10) == pytest.approx((0.0, 0.213), abs=1e-3)


ONES = [1.0] * 8


@pytest.mark.parametrize(
    ("errors", "groups", "worth"),
    [
        ([0.5, -0.5] * 4, [None] * 8, 8),
        ([0.5, -0.5] * 4, list("abcdefgh"), 8),
        ([0.5, 0.5, -0.5, -0.5] * 2, list("aabbccdd"), 8 / (2 * 4 / 3 * 7 / 8)),
        ([0.5, -0.5] * 4, list("aabbccdd"), 8),
        ([0.0] * 8, list("aabbccdd"), 4),
        ([0.5, -0.5] * 4, ["a"] * 8, 1),
    ],
    ids=["alone", "a group each", "all alike", "of two minds", "never wrong", "one group"],
)
def test_labels_of_a_group_tell_as_much_as_they_do_not_repeat(
    errors: list[float], groups: list[str | None], worth: float
):
    assert effective(errors, ONES, groups) == pytest.approx(worth)


def test_what_a_label_counts_is_summed():
    """An order of four holds three choices in its six pairs."""
    assert effective([0.1, -0.1] * 6, [0.5] * 12, [None] * 12) == 6
    assert effective([0.0] * 12, [0.5] * 12, ["a"] * 6 + ["b"] * 6) == 2


def test_of_nothing_nothing_is_known():
    assert wilson(0, 0) == (0.0, 1.0)


def test_an_interval_of_a_mean_holds_it_nine_times_in_ten():
    rng = random.Random(1)
    held = 0
    for _ in range(400):
        low, high = interval([rng.gauss(2.0, 1.0) for _ in range(30)])
        held += low <= 2.0 <= high
    assert 0.86 <= held / 400 <= 0.94
    assert interval([1.0]) == (-math.inf, math.inf)


def test_the_jackknife_of_a_mean_is_its_interval():
    values = [1.0, 4.0, 2.5, 0.5, 3.0]
    without = [mean([*values[:n], *values[n + 1 :]]) for n in range(len(values))]
    assert jackknife(without) == pytest.approx(interval(values))


@pytest.mark.parametrize(("lost", "won", "chance"), [(0, 0, 1.0), (4, 0, 1 / 16), (5, 0, 1 / 32), (3, 3, 42 / 64)])
def test_the_sign_test_counts_coins(lost: int, won: int, chance: float):
    assert sign_test(lost, won) == pytest.approx(chance)
