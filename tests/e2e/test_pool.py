"""Someone who ranks faster than the model writes: more is sampled while they rank, and all of it counts, once."""

import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from feedback_loop import locks
from feedback_loop.argilla_local import Connection
from feedback_loop.asking import ahead, asked
from feedback_loop.records import Ranking
from feedback_loop.run import open_run, read_jsonl
from feedback_loop.simulation.personas import find
from feedback_loop.simulation.simulate import label
from feedback_loop.store.argilla_store import open_store
from tests.conftest import Cli, command, init_small

pytestmark = [pytest.mark.e2e, pytest.mark.argilla]
SETTINGS = ("prompts.per_round=8", "sampling.batch_size=8", "asking.ahead=3", "asking.repeats=0", "asking.checks=0")
VOTES = 22
"""More than the first group's 4, and than the round's own 8."""


@dataclass
class Annotator:
    """Ranks through the app's routes as fast as they answer."""

    http: httpx.Client
    states: list[str]

    def next(self) -> dict[str, Any]:
        said: dict[str, Any] = self.http.get("/api/next").raise_for_status().json()
        self.states.append(said["fetching"]["state"])
        return said

    def rank(self, count: int) -> list[str]:
        """Until so many more votes are acknowledged; the comparisons' ids."""
        voted: list[str] = []
        deadline = time.monotonic() + 240
        while len(voted) < count:
            assert time.monotonic() < deadline, (voted, self.states[-5:])
            items = self.next()["items"]
            if not items:
                time.sleep(0.05)
                continue
            body = {"comparison_id": items[0]["id"], "choice": ("first", "second")[len(voted) % 2]}
            self.http.post("/api/vote", json=body).raise_for_status()
            voted.append(items[0]["id"])
        return voted


@contextlib.contextmanager
def served(path: Path, argilla: Connection) -> Iterator[Annotator]:
    """The run's web app, and somebody who is logged in."""
    env = {**os.environ, "ARGILLA_API_URL": argilla.api_url, "ARGILLA_API_KEY": argilla.api_key}
    process = subprocess.Popen(
        command("serve", path, "--no-browser", "--port", 0), env=env, stderr=subprocess.PIPE, text=True
    )
    try:
        assert process.stderr is not None
        url = next(line for line in process.stderr if line.startswith("Rank here: ")).split()[-1]
        with httpx.Client(base_url=url, headers={"X-Feedback-Loop": "1"}, timeout=30) as http:
            http.post("/login", data={"name": "anna"})
            yield Annotator(http, [])
    finally:
        process.terminate()
        process.wait(30)


def wait_until(true: Callable[[], bool], what: str, seconds: float = 240) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, what
        time.sleep(0.1)


def test_a_fast_annotator_is_kept_supplied_and_every_vote_counts(cli: Cli, tmp_path: Path, argilla: Connection):
    path = init_small(tmp_path / "run", *SETTINGS)
    run = open_run(path)
    with served(path, argilla) as anna:
        voted = anna.rank(VOTES)
        assert len(set(voted)) == VOTES
        assert {"first", "writing"} <= set(anna.states), "the page was told why there was nothing"
        assert len(run.batches(0)) >= 4
        prompts = [p.id for p in asked.sampled(run, 0)]
        assert len(set(prompts)) == len(prompts), "no prompt twice"
        anna.http.post("/api/rounds/start").raise_for_status()
        wait_until(lambda: run.done(0, "promotion"), "no decision")
        assert anna.rank(1)[0].startswith("r001-"), "the next round is asked without anybody's doing"
        used = {p.id for p in asked.sampled(run, 0)}
        assert not used & {p.id for p in asked.own_prompts(run, 1)}, "and asks what was not asked before"

    covered = {Path(name).parent.name for name in run.manifest(0, "rankings").inputs}
    assert covered == {run.stage_folder(0, name).name for name in asked.parts(run, 0)}
    taken = read_jsonl(run.stage_folder(0, "rankings") / "rankings.jsonl", Ranking)
    assert sorted(r.comparison_id for r in taken) == sorted(voted)
    store = open_store(argilla.api_url, argilla.api_key, run.id, path.name)
    ours = sorted((r.comparison_id, r.choice) for r in taken)
    assert sorted((r.comparison_id, r.choice) for r in store.rankings(0)) == ours
    wait_until(lambda: not locks.sampling(run), "the sampler outlives the app", 10)


@pytest.mark.nightly
def test_a_sampler_that_was_killed_is_said_and_started_again(cli: Cli, tmp_path: Path, argilla: Connection):
    path = init_small(tmp_path / "run", *SETTINGS)
    run = open_run(path)
    with served(path, argilla) as anna:
        voted = anna.rank(2)
        os.kill(json.loads(ahead.note_file(run).read_text())["pid"], signal.SIGKILL)
        wait_until(lambda: anna.next()["fetching"]["state"] == "failed", "it was not said", 10)
        said = cli("status", path).stdout
        assert "No more answers are sampled: the sampler was killed by signal 9" in said
        assert f"Then go on: feedback-loop sample {path}" in said
        voted += anna.rank(12)
        assert len(set(voted)) == 14
        assert anna.states[-1] != "failed"


def test_advance_without_an_app_asks_all_of_the_rounds_prompts_and_no_more(
    cli: Cli, tmp_path: Path, argilla: Connection
):
    env = {"ARGILLA_API_URL": argilla.api_url, "ARGILLA_API_KEY": argilla.api_key}
    path = init_small(tmp_path / "run", *SETTINGS)
    assert cli("advance", path, env=env).returncode == 0
    run = open_run(path)
    assert [run.manifest(0, name).facts["prompts"] for name in asked.parts(run, 0)] == [4, 4]
    store = open_store(argilla.api_url, argilla.api_key, run.id, path.name)
    assert set(store._known_records()) == {c.id for c in asked.asked(run, 0)}
    assert "comparisons is already there" in cli("sample", path, env=env).stderr


@pytest.mark.nightly
def test_a_round_that_outlives_the_app_leaves_the_next_ones_answers(cli: Cli, tmp_path: Path, argilla: Connection):
    env = {"ARGILLA_API_URL": argilla.api_url, "ARGILLA_API_KEY": argilla.api_key}
    path = init_small(tmp_path / "run", *SETTINGS)
    assert cli("advance", path, env=env).returncode == 0
    run = open_run(path)
    assert label(run, find("brisk")) == 8
    done = cli("advance", path, "--once", env=env)
    assert done.returncode == 0, done.stderr
    assert run.done(0, "promotion")
    wait_until(lambda: run.done(1, "comparisons") and not asked.left(run, 1), "nothing was sampled")
    wait_until(lambda: not locks.sampling(run), "the sampler stays", 20)
