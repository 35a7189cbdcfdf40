"""The simulated gates are what they are called, and ours decides in them as the gate itself does."""

import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks.gates import intervals, ways
from benchmarks.gates.__main__ import main, measure
from benchmarks.gates.report import wilson
from benchmarks.gates.world import MODELS, TURNED, Duels, draw
from feedback_loop.gate.gate import Duel, stand
from feedback_loop.recipe import PromotionTable

RULE = PromotionTable()


def drawn(rate: float, gates: int = 400, *, ties: float = 0.0, model: str | None = None, seed: int = 0) -> Duels:
    return draw(np.random.default_rng(seed), gates, RULE.votes, rate, ties=ties, model=model, unlabelled=2)


@pytest.mark.parametrize("ties", [0.0, 0.3])
def test_duels_are_won_at_the_rate_ties_half(ties: float):
    points = drawn(0.6, ties=ties).points
    assert points.mean() == pytest.approx(0.6, abs=0.02)
    assert (points == 0.5).mean() == pytest.approx(ties, abs=0.02)


@pytest.mark.parametrize("model", MODELS)
def test_models_are_right_as_often_as_they_say(model: str):
    duels = drawn(0.5, model=model)
    right = (duels.predicted > 0.5) == (duels.points > 0.5)
    assert right[:, :TURNED].mean() == pytest.approx(MODELS[model][0], abs=0.02)
    assert duels.unasked.shape == (400, 60, 2)
    if model == "turncoat":
        assert right[:, TURNED:].mean() == pytest.approx(0.15, abs=0.02)


@pytest.mark.parametrize("model", [None, "right in 85 %"])
def test_ours_is_the_gate_itself(model: str | None):
    duels = drawn(0.6, 20, ties=0.2, model=model)
    ends = ways.ours(duels, RULE)
    for n in range(20):
        given = [
            Duel(points=x, predicted=None if np.isnan(f) else f, unasked=tuple(u))
            for x, f, u in zip(duels.points[n], duels.predicted[n], duels.unasked[n], strict=True)
        ]
        said = stand(given, RULE)
        assert (said.verdict == "promote", said.votes) == (ends.promoted[n], ends.votes[n])


@pytest.mark.parametrize("model", [None, *MODELS])
def test_few_that_are_not_better_are_promoted_whatever_the_model_says(model: str | None):
    # 5 % of 1000 gates, and three standard deviations of chance.
    assert ways.ours(drawn(0.5, 1000, model=model, seed=1), RULE).promoted.mean() < 0.05 + 3 * 0.007


def test_the_others_are_what_they_are_called():
    assert ways.z_test(drawn(0.5), RULE).promoted.mean() > 0.15
    assert ways.critical(5, 0.05) == 5
    assert ways.tail(5, 5, 0.5) == pytest.approx(1 / 32)
    fixed = ways.fixed_size(drawn(0.6), RULE, 0.4)
    assert fixed.promoted.mean() == pytest.approx(0.42, abs=0.08)
    assert not fixed.undecided.any()
    always = Duels(np.ones((1, 60)), np.full((1, 60), np.nan), np.empty((1, 60, 0)))
    assert ways.sprt(always, RULE).votes[0] == 16  # 1.2 ** 16 > 0.8 / 0.05


def test_the_same_seed_gives_the_same_figures():
    assert list(measure(RULE, 0.2, 20, 3)) == list(measure(RULE, 0.2, 20, 3))


def test_intervals_of_shares():
    assert wilson(0, 200) == pytest.approx((0, 0.0188), abs=1e-3)
    assert wilson(10, 200) == pytest.approx((0.0274, 0.0896), abs=1e-3)


def test_the_command_prints_a_table_and_writes_its_rows(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    main(["--gates", "10", "--votes", "20", "--ties", "0", "--json", str(tmp_path / "rows.json")])
    printed = capsys.readouterr().out
    assert "### Budget 20 duels, 0% ties, 10 gates" in printed
    assert "| ours, people alone |" in printed
    rows = json.loads((tmp_path / "rows.json").read_text())
    assert len(rows) == 5 * (4 + len(MODELS))


def test_the_intervals_of_gates_that_decided_hold_the_win_rate():
    said = list(intervals.standings(0.7, "right in 75 %", 40, 0))
    assert {s.verdict for s in said} <= {"promote", "keep"}
    assert sum(s.low <= 0.7 <= s.high for s in said) >= 32
