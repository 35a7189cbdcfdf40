"""The gate through the command line and the app: people judge the new policy, and what they said is a label too."""

import json
from pathlib import Path

import pytest

from feedback_loop import lineage
from feedback_loop.argilla_local import Connection
from feedback_loop.asking import asked
from feedback_loop.records import Decision, Ranking
from feedback_loop.report.report import overview
from feedback_loop.run import Run, open_run, read_jsonl, read_record
from feedback_loop.simulation.personas import find
from feedback_loop.simulation.simulate import label
from feedback_loop.store.argilla_store import open_store
from tests.conftest import Cli, init_small, one_line
from tests.e2e.test_pool import served, wait_until
from tests.faults.conftest import copy

pytestmark = [pytest.mark.e2e, pytest.mark.argilla]
GATED = (
    "promotion.judge=people",
    "promotion.votes=12",
    "promotion.unlabelled=1",
    "rankings.needed=12",
    "prompts.per_round=16",
    "asking.ahead=0",
)


@pytest.fixture(scope="module")
def env(argilla: Connection) -> dict[str, str]:
    return {"ARGILLA_API_URL": argilla.api_url, "ARGILLA_API_KEY": argilla.api_key}


@pytest.fixture(scope="module")
def judged(cli: Cli, tmp_path_factory: pytest.TempPathFactory, env: dict[str, str]) -> Path:
    """A run whose first round waits for its duels; not to be changed."""
    path = init_small(tmp_path_factory.mktemp("judged") / "run", *GATED)
    assert cli("advance", path, env=env).returncode == 0
    label(open_run(path), find("brisk"))
    done = cli("advance", path, env=env)
    assert done.returncode == 0, done.stderr
    assert "Round 000 has 0 of at most" in done.stderr
    assert done.stderr.strip().endswith(f"Rank more: feedback-loop serve {path}")
    return path


@pytest.fixture
def run(judged: Path, tmp_path: Path) -> Run:
    """The same, of the test's own."""
    return open_run(copy(judged, tmp_path / "run"))


def decided(run: Run, number: int = 0) -> Decision:
    return read_record(run.stage_folder(number, "promotion") / "decision.json", Decision)


def test_duels_decide_are_held_by_argilla_and_spare_labels(
    cli: Cli, run: Run, argilla: Connection, env: dict[str, str]
):
    assert "new against old" in cli("status", run.path).stdout
    assert overview(run).rounds[0].stages[-1].state == "waiting"
    given = label(run, find("brisk"))
    assert given > 0
    done = cli("advance", run.path, env=env)
    assert "Round 001 has 0 of" in done.stderr

    snapshot = read_jsonl(run.stage_folder(0, "promotion") / "rankings.jsonl", Ranking)
    assert len(snapshot) == given
    store = open_store(argilla.api_url, argilla.api_key, run.id, run.path.name)
    held = {(r.comparison_id, r.choice) for r in store.rankings(0)}
    assert {(r.comparison_id, r.choice) for r in snapshot} <= held
    decision = decided(run)
    assert decision.decided_by == "people"
    assert decision.evidence["duels"]["votes"] == given
    assert asked.needed(run, 1) == max(3, 12 - given), "the duels are labels of the next round"


def test_whoever_owns_the_run_may_decide_with_a_reason(cli: Cli, run: Run, env: dict[str, str]):
    one_line(cli("decide", run.path, "promote", "--reason", " ", env=env), 2, "needs a reason")
    done = cli("decide", run.path, "promote", "--reason", "the tone is right", env=env)
    assert done.returncode == 0, done.stderr
    assert lineage.current_policy(run) == "round-000"
    assert decided(run).reasons[0].endswith("decided: the tone is right")
    assert decided(run).decided_by not in ("people", "rule")
    one_line(cli("decide", run.path, "keep", "--reason", "late", env=env), 2, "Round 001 has no new policy")


def test_the_app_asks_the_duels_and_closes_the_round_when_they_settle_it(run: Run, argilla: Connection):
    duels = {c.id: c for c in asked.duels(run, 0)}
    with served(run.path, argilla) as anna:
        shown = anna.next()["items"]
        assert {item["id"] for item in shown} <= set(duels)
        told = json.dumps(shown)
        assert "round-000" not in told, "nothing tells them apart"
        assert "duel" not in told
        while not run.done(0, "promotion") and (items := anna.next()["items"]):
            best = next(n for n, c in enumerate(duels[items[0]["id"]].completions) if c.policy == "round-000")
            body = {"comparison_id": items[0]["id"], "choice": ("first", "second")[best]}
            anna.http.post("/api/vote", json=body).raise_for_status()
        wait_until(lambda: run.done(0, "promotion"), "the round was not closed")
        assert decided(run).promoted
        wait_until(lambda: bool(anna.next()["items"]), "the next round is not asked")
