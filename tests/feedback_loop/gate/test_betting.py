"""No way of staking wins on average against a true hypothesis, whatever the reward model says; and the evidence stays valid."""

from collections.abc import Iterator
from itertools import product

import numpy as np
import pytest

from feedback_loop.gate.betting import Array, corrected, interval, wealth

PASTS = 100
BUDGET = 40


def past(rng: np.random.Generator, length: int, unlabelled: int) -> tuple[Array, Array, Array]:
    """Some duels, of any win rate and any reward model."""
    points = rng.choice([0, 0.5, 1], length, p=rng.dirichlet([1, 1, 1]))
    predicted = (rng.uniform(-1, 1) * (points - 0.5) + rng.uniform(0.3, 0.7) + rng.normal(0, 0.1, length)).clip(0, 1)
    return points, predicted, rng.random((length, unlabelled))


def follow(rng: np.random.Generator, rate: float, unlabelled: int) -> Iterator[tuple[float, float, float, Array]]:
    """All that may come next at a win rate of `rate`, with its probability: points, the model's opinion, those of the unasked.

    Opinions are 0.1, 0.5 or 0.9, and hang on the outcome in a way that is drawn: a model may be right, wrong or blind.
    """
    ties = rng.uniform(0, 2 * min(rate, 1 - rate))
    outcomes = {1.0: rate - ties / 2, 0.5: ties, 0.0: 1 - rate - ties / 2}
    says = {x: dict(zip((0.1, 0.5, 0.9), rng.dirichlet([0.3] * 3), strict=True)) for x in outcomes}
    alike = {f: sum(outcomes[x] * says[x][f] for x in outcomes) for f in (0.1, 0.5, 0.9)}
    for x, f, *u in product(outcomes, alike, *[alike] * unlabelled):
        yield outcomes[x] * says[x][f] * float(np.prod([alike[v] for v in u])), x, f, np.array(u)


@pytest.mark.parametrize("unlabelled", [0, 1, 2])
@pytest.mark.parametrize(("mean", "budget", "above"), [(0.5, BUDGET, True), (0.6, None, False), (0.3, BUDGET, True)])
def test_the_next_bet_wins_nothing_on_average_where_the_hypothesis_is_true(
    unlabelled: int, mean: float, budget: int | None, above: bool
):
    rng, listened = np.random.default_rng(unlabelled), 0
    for _ in range(PASTS):
        points, predicted, unasked = past(rng, int(rng.integers(0, BUDGET)), unlabelled)
        probability, *nexts = (np.array(part) for part in zip(*follow(rng, mean, unlabelled), strict=True))
        # A row for everything that may come next, after the same past.
        rows = [np.repeat(part[None], len(probability), 0) for part in (points, predicted, unasked)]
        z, weight = corrected(
            *(np.append(row, new[:, None], 1) for row, new in zip(rows, nexts, strict=True)), 20, BUDGET
        )
        money = wealth(z, weight, mean, 20, budget) if above else wealth(1 - z, weight, 1 - mean, 20, budget)
        assert money.min() >= 0
        assert probability.sum() == pytest.approx(1)
        now = money[0, -2] if len(points) else 1.0
        assert probability @ money[:, -1] == pytest.approx(now, rel=1e-9)
        listened += weight[0, -1] > 0.1
    assert listened > PASTS / 10 or unlabelled == 0


def test_what_the_model_weighs_in_an_observation_hangs_on_earlier_ones_alone():
    points, predicted, unasked = past(np.random.default_rng(3), 30, 2)
    other = points.copy()
    other[20:] = 1 - other[20:]
    before, after = (corrected(p, predicted, unasked, 20, 200)[1] for p in (points, other))
    assert np.array_equal(before[:21], after[:21])
    assert not np.array_equal(before, after)


def test_a_model_that_knows_makes_the_observations_steadier_and_one_that_does_not_is_left_aside():
    rng = np.random.default_rng(0)
    x, more = rng.integers(0, 2, 2000).astype(float), rng.integers(0, 2, (2000, 4)).astype(float)
    sure, z_weights = corrected(x, 0.3 + 0.2 * x, 0.3 + 0.2 * more, 20, 10_000)
    assert z_weights[-1] == pytest.approx(0.8, abs=0.05)
    assert sure[100:].var() < 0.4 * x.var()
    for blind in (rng.random(2000), 1 - x, np.full(2000, 0.7)):
        z, weight = corrected(x, blind, np.repeat(blind[::-1, None], 4, 1), 20, 10_000)
        assert weight[-1] < 0.1
        assert z[100:].var() < 1.1 * x.var()


def test_the_weight_falls_to_nothing_towards_the_budgets_end():
    rng = np.random.default_rng(0)
    x, more = rng.integers(0, 2, 60).astype(float), rng.integers(0, 2, (60, 2)).astype(float)
    weight = corrected(x, x, more, 20, 60)[1]
    assert weight[20] > 0.4
    assert list(weight[40:]) == sorted(weight[40:], reverse=True)
    assert not weight[-5:].any()


def test_without_both_kinds_of_opinions_people_alone_count():
    points, predicted, unasked = past(np.random.default_rng(1), 40, 2)
    nothing = np.full(40, np.nan)
    for f, u in ((nothing, unasked), (predicted, unasked[:, :0]), (predicted, np.full((40, 2), np.nan))):
        z, weight = corrected(points, f, u, 20, 200)
        assert np.array_equal(z, points)
        assert not weight.any()


def test_many_gates_at_once_are_the_same_as_one_by_one():
    rng = np.random.default_rng(5)
    rows = [past(rng, 30, 2) for _ in range(4)]
    z, weight = corrected(*(np.stack(part) for part in zip(*rows, strict=True)), 20, 30)
    together = wealth(z, weight, 0.5, 20, 30)
    for n, row in enumerate(rows):
        assert np.allclose(together[n], wealth(*corrected(*row, 20, 30), 0.5, 20, 30))


@pytest.mark.parametrize("rate", [0.5, 0.75])
def test_the_interval_holds_the_win_rate_in_nine_of_ten_cases_or_more(rate: float):
    rng, cases = np.random.default_rng(7), 150
    held = 0
    for _ in range(cases):
        z = (rng.random(60) < rate).astype(float)
        low, high = interval(z, np.zeros(60), 0.05, 60)
        held += low <= rate <= high
        assert 0 <= low <= high <= 1
    assert held / cases > 0.9 - 3 * (0.09 / cases) ** 0.5


def test_the_interval_narrows():
    z = np.tile([1.0, 0.0, 1.0], 40)
    widths = []
    for n in (0, 12, 60, 120):
        low, high = interval(z[:n], np.zeros(n), 0.05, 120)
        widths.append(high - low)
    assert widths == sorted(widths, reverse=True)
    assert widths[0] == 1
    assert widths[-1] < 0.2
