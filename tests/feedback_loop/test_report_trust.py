"""What people see of a reward model's trustworthiness: figures over rounds, groups, the reliability curve, alarms."""

import json
from pathlib import Path
from typing import Any

import pytest

from feedback_loop.recipe import Recipe
from feedback_loop.records import Decision, Message, Prompt
from feedback_loop.report.overview import RoundView, Truth
from feedback_loop.report.report import overview
from feedback_loop.report.report_text import as_text
from feedback_loop.run import STAGES, Run, commit, create, write_jsonl

TRUSTED: dict[str, Any] = {
    "accuracy": 0.9, "accuracy_low": 0.82, "accuracy_high": 0.95, "margin": 1.2, "checked_pairs": 60, "temperature": 1.1,
    "calibration_error": 0.04, "length_correlation": 0.1, "length_correlation_low": -0.1, "length_correlation_high": 0.3,
    "position_share": 0.5, "position_low": 0.4, "position_high": 0.6, "position_pairs": 60,
    "reliability": [{"predicted": 0.7, "observed": 0.65, "low": 0.5, "high": 0.8, "pairs": 30}],
    "by_annotator": {name: {"accuracy": 0.9, "low": 0.8, "high": 0.95, "pairs": 30} for name in ("anna", "ben")},
    "by_round": {"0": {"accuracy": 0.9, "low": 0.8, "high": 0.95, "pairs": 60}},
}  # fmt: skip
LONG = {"length_correlation": 0.6, "length_correlation_low": 0.4, "length_correlation_high": 0.7, "length_pairs": 60}
CALM = [{"step": n, "reward": 0.5 * n, "reward_sd": 0.3} for n in range(4)]
GUESSING = [{"step": n, "reward": 0.1 * n, "reward_sd": 0.3 + 0.4 * n} for n in range(4)]


def judged(number: int, wins: float, agreement: float | None = None) -> dict[str, Any]:
    parent = f"round-{number - 1:03d}" if number else "base"
    told = {"agreement": agreement, "low": (agreement or 0) - 0.1, "high": (agreement or 0) + 0.1, "pairs": 40}
    return {
        "candidate": f"round-{number:03d}",
        "parent": parent,
        "win_rate_parent": wins,
        "win_rate_base": wins,
        "prompts": 64,
        "policies": {f"round-{number:03d}": {"kl": 2.0, "length": 30.0, "reward": 1.0}},
        "next_round_agreement": None if agreement is None else told,
    }  # fmt: skip


def decided(
    run: Run, number: int, reward: dict[str, Any], evaluation: dict[str, Any], rows: list[dict[str, float]]
) -> None:
    """A round with these facts and this policy training, whose policy was kept."""
    facts: dict[str, dict[str, Any]] = {
        "comparisons": {"comparisons": 1},
        "reward": reward,
        "policy": {"step": "ppo", "steps": 3},
        "evaluation": evaluation,
    }
    name, parent = evaluation["candidate"], evaluation["parent"]
    for stage in STAGES:
        with commit(run, number, stage) as draft:
            draft.facts |= facts.get(stage, {})
            for file in ("comparisons", "rankings", "samples"):
                (draft.path / f"{file}.jsonl").touch()
            lines = rows if stage == "policy" else []
            (draft.path / "curves.jsonl").write_text("".join(json.dumps(row) + "\n" for row in lines))
            decision = Decision(
                round=number, promoted=True, policy=name, candidate=name, parent=parent, reasons=(), decided_by="rule",
                decided_at="",
            )  # fmt: skip
            (draft.path / "decision.json").write_text(decision.model_dump_json())


@pytest.fixture
def run(tmp_path: Path) -> Run:
    asked = [Prompt(id=f"p{n}", prompt=(Message(role="user", content=f"Question {n}?"),)) for n in range(2)]
    return create(tmp_path / "run", Recipe(), asked[:1], asked[1:])


def rounds(run: Run) -> tuple[RoundView, ...]:
    return overview(run).rounds


def test_a_rounds_figures_hold_its_reward_models_and_what_the_next_round_said_of_it(run: Run):
    decided(run, 0, TRUSTED, judged(0, 0.6), CALM)
    assert "next_round_agreement" not in rounds(run)[0].metrics
    decided(run, 1, TRUSTED, judged(1, 0.6, 0.85), CALM)
    first, second = (r.metrics for r in rounds(run)[:2])
    assert first["next_round_agreement"] == 0.85
    assert "next_round_agreement" not in second
    assert (first["reward_accuracy_low"], first["calibration_error"], first["alarms"]) == (0.82, 0.04, 0.0)
    text = as_text(overview(run))
    assert "reward_accuracy 0.9 (0.82 to 0.95), reward_margin 1.2" in text
    assert "accuracy_low" not in text
    curves = {curve.name: curve for curve in overview(run).curves}
    assert curves["loop/reward_accuracy_high"].y == (0.95, 0.95)
    assert curves["loop/next_round_agreement"].x == (0,)


def test_a_head_that_the_next_rounds_labels_contradict_is_an_alarm_before_the_next_policy_is_made(run: Run):
    decided(run, 0, TRUSTED, judged(0, 0.8), CALM)
    assert rounds(run)[0].alarms == ()
    with commit(run, 1, "reward") as draft:
        draft.facts |= TRUSTED | {"next_round_agreement": judged(1, 0.6, 0.5)["next_round_agreement"]}
    (said,) = rounds(run)[0].alarms
    assert said.startswith("Over-optimisation between rounds")
    assert "it foresaw 50%" in said
    assert rounds(run)[0].metrics["next_round_agreement"] == 0.5


def test_groups_and_reliability_are_there_as_soon_as_the_reward_model_is(run: Run):
    with commit(run, 0, "reward") as draft:
        draft.facts |= TRUSTED
    trust = rounds(run)[0].trust
    assert [group.name for group in trust.by_annotator] == ["anna", "ben"]
    assert [group.name for group in trust.by_round] == ["0"]
    assert trust.reliability[0].pairs == 30
    assert "the reward model is right: anna 90% (80% to 95%, 30 pairs), ben 90%" in as_text(overview(run))


def test_a_run_made_before_any_of_this_still_shows(run: Run):
    old = {key: value for key, value in judged(0, 0.6).items() if key != "next_round_agreement"}
    decided(run, 0, {"accuracy": 0.8, "margin": 1.0, "heldout_pairs": 10}, old, [])
    decided(run, 1, {"accuracy": None, "margin": None}, old | {"candidate": "round-001"} | judged(1, 0.6), [])
    first = rounds(run)[0]
    assert first.alarms == ()
    assert first.trust.reliability == ()
    assert first.metrics["reward_accuracy"] == 0.8
    assert "ALARM" not in as_text(overview(run))


@pytest.mark.parametrize(
    ("reward", "rows", "said"),
    [(TRUSTED | LONG, CALM, "The reward follows length"), (TRUSTED, GUESSING, "Over-optimisation in the policy step")],
)
def test_alarms_are_told_with_the_command_to_type(
    run: Run, reward: dict[str, Any], rows: list[dict[str, float]], said: str
):
    decided(run, 0, reward, judged(0, 0.6), rows)
    (alarm,) = rounds(run)[0].alarms
    assert alarm.startswith(said)
    assert f"feedback-loop redo {run.path} " in alarm
    assert f"ALARM: {said}" in as_text(overview(run))
    assert rounds(run)[0].metrics["alarms"] == 1.0


def test_an_agreement_that_falls_is_an_alarm_of_the_round_whose_reward_model_it_is(run: Run):
    decided(run, 0, TRUSTED, judged(0, 0.7), CALM)
    decided(run, 1, TRUSTED, judged(1, 0.6, 0.5), CALM)
    (alarm,) = rounds(run)[0].alarms
    assert alarm.startswith("Over-optimisation between rounds")
    assert rounds(run)[1].alarms == ()


def test_the_truth_where_a_persona_tells_it_and_only_of_the_evaluation_it_was_measured_on(run: Run):
    decided(run, 0, TRUSTED, judged(0, 0.7), CALM)
    finished = run.manifest(0, "evaluation").finished_at
    told = Truth(round=0, evaluation=finished, win_rate_base=0.3, win_rate_parent=0.3)
    write_jsonl(run.path / "simulated.jsonl", [told])
    assert rounds(run)[0].metrics["true_win_rate_base"] == 0.3
    assert rounds(run)[0].alarms[0].startswith("Over-optimisation against the truth")
    write_jsonl(run.path / "simulated.jsonl", [told.model_copy(update={"evaluation": "before"})])
    assert "true_win_rate_base" not in rounds(run)[0].metrics
    assert rounds(run)[0].alarms == ()


def test_alarms_of_a_training_under_way(run: Run):
    for stage in STAGES[:5]:
        with commit(run, 0, stage) as draft:
            draft.facts["comparisons"] = 1
            for name in ("comparisons", "rankings"):
                (draft.path / f"{name}.jsonl").touch()
    folder = run.resume_folder(0, "policy")
    folder.mkdir()
    (folder / "curves.jsonl").write_text("".join(json.dumps(row) + "\n" for row in GUESSING))
    assert len(rounds(run)[0].alarms) == 1
