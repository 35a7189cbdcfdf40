"""What people see of a run is read from its files, while a training is under way too."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from feedback_loop.gate.forgetting import Check
from feedback_loop.recipe import Recipe
from feedback_loop.records import Message, Prompt
from feedback_loop.report.report import overview
from feedback_loop.report.report_text import as_text
from feedback_loop.run import Run, commit, create, write_json


@pytest.fixture
def run(tmp_path: Path) -> Run:
    asked = [Prompt(id=f"p{n}", prompt=(Message(role="user", content=f"Question {n}?"),)) for n in range(2)]
    made = create(tmp_path / "run", Recipe(), asked[:1], asked[1:])
    for stage in ("prompts", "comparisons", "rankings", "preferences", "reward"):
        with commit(made, 0, stage) as draft:
            draft.facts["comparisons"] = 1
            for name in ("comparisons", "rankings", "curves"):
                (draft.path / f"{name}.jsonl").touch()
    return made


def test_curves_of_a_training_under_way_up_to_its_last_whole_line(run: Run):
    folder = run.resume_folder(0, "policy")
    folder.mkdir()
    rows = [{"step": 0, "kl": 0.0, "reward": 0.1}, {"step": 1, "kl": 0.4, "reward": float("nan")}]
    (folder / "curves.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows) + '{"step": 2, "k')
    curves = {curve.name: curve for curve in overview(run).rounds[0].curves}
    assert curves["policy/kl"].y == (0.0, 0.4)
    assert curves["policy/reward"].x == (0,), "NaN cannot be drawn"
    assert overview(run).rounds[0].note == ""


@pytest.mark.parametrize(
    ("stopped", "said"),
    [(None, "PPO, 7 steps."), ("KL reached 9 nats", "PPO, 7 steps. Stopped early: KL reached 9 nats.")],
)
def test_how_the_policy_was_trained_and_why_it_stopped(run: Run, stopped: str | None, said: str):
    with commit(run, 0, "policy") as draft:
        (draft.path / "curves.jsonl").touch()
        draft.facts |= {"step": "ppo", "steps": 7, "stopped": stopped}
    view = overview(run)
    assert view.rounds[0].note == said
    assert said in as_text(view)


def test_why_the_reward_models_picks_were_not_learned(run: Run):
    with commit(run, 0, "policy") as draft:
        (draft.path / "curves.jsonl").touch()
        draft.facts |= {"step": "bon", "steps": 7, "doubt": "nobody knows"}
    assert overview(run).rounds[0].note == "BON, 7 steps. Only people's pairs were learned: nobody knows."


def test_checks_are_a_line_of_figures_and_a_breach_is_told_once(run: Run):
    rows = [
        Check(name="perplexity", base=20.0, parent=20.0, candidate=21.0, high=30.0, ok=True, reason="All is well."),
        Check(
            name="abilities", base=0.8, parent=0.8, candidate=0.4, low=0.72, ok=False, reason="It has unlearned tasks."
        ),
    ]
    with commit(run, 0, "policy") as draft:
        (draft.path / "curves.jsonl").touch()
        draft.facts |= {"step": "ppo", "steps": 7, "parent": "base"}
    with commit(run, 0, "evaluation") as draft:
        (draft.path / "samples.jsonl").touch()
        judged = {"candidate": "round-000", "win_rate_parent": 0.6, "win_rate_base": 0.6, "prompts": 8}
        draft.facts |= judged | {
            "policies": {"round-000": {"kl": 1.0, "length": 9.0}},
            "checks": [r.model_dump() for r in rows],
        }
    view = overview(run)
    assert view.rounds[0].checks == tuple(rows)
    curves = {curve.name: curve.y for curve in view.curves if curve.name.startswith("guard/")}
    assert curves == {"guard/perplexity": (21.0,), "guard/abilities": (0.4,)}
    text = as_text(view)
    assert "checks: perplexity 21 (at most 30), abilities 0.4 (at least 0.72)" in text
    assert text.count("It has unlearned tasks.") == 1
    assert "All is well." not in text


@pytest.mark.parametrize(("ago", "stage", "lost"), [(1, "", False), (60, "", True), (1, "reward", True)])
def test_work_that_was_just_started_is_not_called_cut_off(run: Run, ago: int, stage: str, lost: bool):
    at = (datetime.now(UTC) - timedelta(seconds=ago)).isoformat()
    note = {"state": "running", "message": "", "round": 0, "stage": stage, "pid": 1, "at": at}
    write_json(run.path / "advance.json", note)
    seen = overview(run)
    assert (seen.failed, "was cut off" in seen.message) == (lost, lost)
