"""Whole rounds through the command line, on real parts: what a user gets. What kills do to them: `tests/faults`."""

import json
import os
import subprocess
import time
from pathlib import Path

import pytest

from feedback_loop import lineage
from feedback_loop.argilla_local import Connection
from feedback_loop.asking.labelling import open_desk
from feedback_loop.records import Answer
from feedback_loop.report.report import overview, rankings
from feedback_loop.run import STAGES, Run, open_run
from feedback_loop.simulation.personas import find
from feedback_loop.simulation.simulate import label
from feedback_loop.store.argilla_store import open_store
from feedback_loop.store.journal import Journal
from tests.conftest import Cli, command, init_small

pytestmark = [pytest.mark.e2e, pytest.mark.argilla]


@pytest.fixture
def env(argilla: Connection) -> dict[str, str]:
    return {"ARGILLA_API_URL": argilla.api_url, "ARGILLA_API_KEY": argilla.api_key}


def held_by_argilla(argilla: Connection, run: Run, number: int) -> set[tuple[str, str, str | None]]:
    store = open_store(argilla.api_url, argilla.api_key, run.id, run.path.name)
    return {(r.user_id, r.comparison_id, r.choice) for r in store.rankings(number)}


def test_a_persona_runs_rounds_and_everything_is_on_record(
    cli: Cli, tmp_path: Path, argilla: Connection, env: dict[str, str]
):
    path = init_small(tmp_path / "run")
    done = cli("simulate", path, "--persona", "brisk", "--rounds", 2, "--json", env=env)
    assert done.returncode == 0, done.stderr
    rows = json.loads(done.stdout)

    assert [row["round"] for row in rows] == [0, 1]
    assert [row["labels"] for row in rows] == [8, 16]
    for row in rows:
        assert {"reward_accuracy", "promoted", "kl"} < set(row)
        assert all(0 <= row[name] <= 1 for name in ("win_rate_base", "win_rate_parent", "utility", "on_topic"))
        assert row["seconds"] > 0

    run = open_run(path)
    for number in (0, 1):
        ours = {(r.user_id, r.comparison_id, r.choice) for r in rankings(run, number)}
        assert held_by_argilla(argilla, run, number) == ours
        assert {user for user, _, _ in ours} == {"persona-brisk"}

    names = {folder.name.split("-", 3)[-1] for folder in (path / "wandb").glob("offline-run-*")}
    assert names == {f"{run.id}-{n}" for n in ("000-reward", "000-policy", "001-reward", "001-policy", "loop")}

    view = overview(run)
    assert not view.busy
    assert view.labels == 16
    assert {c.name for c in view.rounds[0].curves} >= {"policy/loss", "policy/rewards/margins"}
    assert view.rounds[1].decision is not None
    assert view.rounds[1].samples

    again = cli("simulate", path, "--persona", "brisk", "--rounds", 2, "--json", env=env)
    assert json.loads(again.stdout) == rows, "a finished simulation is told again, not done again"

    assert cli("status", path).stdout.count("[x] promotion") == 2
    assert json.loads(cli("status", path, "--json").stdout)["labels"] == 16
    examined = cli("doctor", path, env=env)
    assert "round 001, policy: all files as they were written" in examined.stdout

    back = cli("rollback", path, "--to", "0" if view.policy != "round-000" else "base", "--reason", "to see")
    assert back.returncode == 0, back.stderr
    assert lineage.current_policy(run) != view.policy
    exported = cli("export", path, tmp_path / "out")
    assert exported.returncode == 0, exported.stderr
    assert len((tmp_path / "out" / "rankings.jsonl").read_text().splitlines()) == 16


@pytest.mark.nightly
def test_people_are_waited_for_and_a_redone_stage_comes_out_the_same(cli: Cli, tmp_path: Path, env: dict[str, str]):
    path = init_small(tmp_path / "run")
    done = cli("advance", path, env=env)
    assert done.returncode == 0
    assert done.stderr.strip().endswith(f"Round 000 has 0 of 8 rankings. Label more: feedback-loop serve {path}")

    run = open_run(path)
    assert label(run, find("brisk")) == 8
    assert cli("advance", path, env=env).returncode == 0
    outputs = {stage: run.manifest(0, stage).outputs for stage in STAGES[:-1]}
    assert cli("redo", path, "reward", "--round", 0).returncode == 0
    assert not run.done(0, "reward")
    assert run.done(0, "preferences")
    assert cli("advance", path, env=env).returncode == 0
    assert {stage: run.manifest(0, stage).outputs for stage in STAGES[:-1]} == outputs


def test_the_loop_may_die_alone_and_its_stage_ends_with_it(cli: Cli, tmp_path: Path, env: dict[str, str]):
    path = init_small(tmp_path / "run")
    run = open_run(path)
    process = subprocess.Popen(command("advance", path), env={**os.environ, **env}, stderr=subprocess.DEVNULL)
    work = run.round_folder(0) / ".work-2-comparisons"
    while not work.exists():
        time.sleep(0.02)
    process.kill()
    process.wait()
    done = cli("advance", path, env=env)
    if done.returncode:  # the stage was just ending and still held the lock
        assert "another process" in done.stderr
        time.sleep(3)
        assert cli("advance", path, env=env).returncode == 0
    assert run.done(0, "comparisons")


def test_votes_are_kept_while_a_desk_is_open_and_argilla_is_elsewhere(cli: Cli, tmp_path: Path, env: dict[str, str]):
    path = init_small(tmp_path / "run")
    assert cli("advance", path, env=env).returncode == 0
    run = open_run(path)
    journal = Journal(path / "journal.sqlite")
    desk = open_desk(run, journal)
    shown = desk.next("anna")
    assert shown is not None
    desk.vote("anna", shown.id, Answer(choice="tie"))
    gone = cli("advance", path, env={"ARGILLA_API_URL": "http://127.0.0.1:9", "ARGILLA_API_KEY": "any"})
    assert gone.returncode == 1
    assert "http://127.0.0.1:9" in gone.stderr
    assert [r.choice for r in journal.rankings(0)] == ["tie"]
    journal.close()
