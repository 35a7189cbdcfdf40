"""Differences with their intervals, and the promise that chance alone is hardly ever called a finding."""

import numpy as np
import pytest

from feedback_loop.compare import chance, paired


def columns(rng: np.random.Generator, pairs: int) -> np.ndarray:
    """Forty figures that hang together: half of them follow a common one."""
    own = rng.normal(size=(pairs, 40))
    own[:, :20] += 2 * rng.normal(size=(pairs, 1))
    return own


def test_the_mean_is_weighted_and_its_interval_covers_it():
    differences = np.array([[1.0], [1.0], [4.0], [2.0]])
    found = paired(differences, list("abcd"), [1, 1, 0.5, 1], seed=1)
    assert found.mean[0] == pytest.approx(6 / 3.5)
    assert 1 <= found.low[0] < found.mean[0] < found.high[0] <= 4


@pytest.mark.parametrize("pairs", [12, 60])
def test_without_a_cause_hardly_one_family_in_twenty_has_a_finding(pairs: int):
    rng = np.random.default_rng(3)
    wrong = sum(chance(columns(rng, pairs), rng).min() < 0.05 for _ in range(100))
    assert wrong <= 10, "5 % of a hundred, and what chance adds to that"


def test_what_is_there_is_found_and_its_neighbours_without_a_cause_are_not():
    rng = np.random.default_rng(4)
    data = columns(rng, 80)
    data[:, 30] += 0.8
    found = chance(data, rng)
    assert found[30] < 0.001
    assert np.delete(found, 30).min() > 0.05


def test_four_prompts_can_never_be_a_finding():
    found = paired(np.ones((4, 1)), list("abcd"), [1] * 4, seed=0)
    assert found.chance[0] == pytest.approx(2 / 16, abs=0.02)


def test_one_prompt_asked_a_hundred_times_is_one_prompt():
    found = paired(np.ones((100, 1)), ["same"] * 100, [1] * 100, seed=0)
    assert found.chance[0] == 1


def test_intervals_of_clusters_are_wider_than_those_of_as_many_prompts():
    rng = np.random.default_rng(5)
    data = np.repeat(rng.normal(size=(20, 1)), 10, axis=0)
    apart = paired(data, [str(n) for n in range(200)], [1] * 200, seed=0)
    together = paired(data, [str(n // 10) for n in range(200)], [1] * 200, seed=0)
    assert (together.high - together.low)[0] > 2 * (apart.high - apart.low)[0]


def test_intervals_hold_the_truth_about_as_often_as_they_say():
    rng = np.random.default_rng(6)
    held = 0
    for seed in range(100):
        found = paired(rng.normal(0.5, 1, size=(60, 1)), [str(n) for n in range(60)], [1] * 60, seed)
        held += found.low[0] <= 0.5 <= found.high[0]
    assert 88 <= held <= 99


def test_a_figure_that_never_differs_is_no_finding():
    found = paired(np.zeros((50, 2)), [str(n) for n in range(50)], [1] * 50, seed=0)
    assert list(found.chance) == [1, 1]
    assert found.low[0] == found.high[0] == 0
