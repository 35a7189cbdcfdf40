"""SIGKILL at random moments of whole rounds: every label is there once, and every adapter is what it would have been."""

from pathlib import Path

import pytest

from feedback_loop.argilla_local import Connection
from feedback_loop.run import open_run
from tests.faults.conftest import copy, made
from tests.faults.rounds import compare, disturbed, environment, finish, moments, nothing_half_made, simulate

pytestmark = [pytest.mark.e2e, pytest.mark.argilla]
BY_PEOPLE = ("promotion.judge=people", "promotion.votes=6", "promotion.unlabelled=1")


def test_a_round_killed_twenty_times_keeps_every_label_once_and_makes_the_same_adapters(
    run_folder: Path, calm: Path, argilla: Connection
):
    at = moments(open_run(calm), 1, 20, seed=0)
    kills = disturbed(run_folder, at, 1, environment(argilla))
    counts = compare(run_folder, calm, 1, argilla)
    print(f"killed {dict(kills)}: {counts}")
    assert sum(kills.values()) == 20
    assert (counts.labels_in, counts.labels_out) == (6, 6)
    assert (counts.duplicates, counts.wrong_adapters) == (0, 0)
    assert nothing_half_made(run_folder)


@pytest.mark.nightly
@pytest.mark.timeout(3600 * 4)
@pytest.mark.parametrize("seed", range(1, 5))
def test_fifty_kills_over_two_rounds_that_people_judge(tmp_path: Path, argilla: Connection, seed: int):
    env, rounds = environment(argilla), 2
    run, calm = made(tmp_path / "run", *BY_PEOPLE), tmp_path / "calm"
    finish(simulate(copy(run, calm), rounds, env))
    kills = disturbed(run, moments(open_run(calm), rounds, 52, seed), rounds, env)
    counts = compare(run, calm, rounds, argilla)
    print(f"killed {sum(kills.values())} times, {dict(kills)}: {counts}")
    assert sum(kills.values()) == 52
    assert counts.labels_out == counts.labels_in > 0
    assert (counts.duplicates, counts.wrong_adapters) == (0, 0)
    assert nothing_half_made(run)
