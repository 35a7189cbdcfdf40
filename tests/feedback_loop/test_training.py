"""What both trainings share: options for TRL, and curves without figures that change from run to run."""

import json
from dataclasses import dataclass
from pathlib import Path

import pytest

from feedback_loop.errors import UsageError
from feedback_loop.training import check_options, options, write_curves


@dataclass
class Config:
    beta: float = 0.1
    output_dir: str = ""


def test_a_known_option_passes_an_unknown_one_is_named():
    check_options("policy.trl", {"beta": 0.2}, Config)
    with pytest.raises(UsageError, match=r"policy\.trl\.gamma: Config has no such option"):
        check_options("policy.trl", {"beta": 0.2, "gamma": 1}, Config)


def test_what_the_loop_sets_itself_is_not_the_recipes():
    with pytest.raises(UsageError, match=r"reward\.trl\.output_dir: set by the loop itself"):
        check_options("reward.trl", {"output_dir": "x"}, Config)


def test_the_recipes_options_come_before_defaults(tmp_path: Path):
    made = options({"logging_steps": 5, "beta": 0.2}, work=tmp_path, seed=3, device="cpu", bf16=False)
    assert (made["logging_steps"], made["beta"], made["seed"]) == (5, 0.2, 3)
    assert made["use_cpu"] is True
    assert made["report_to"] == "none"
    assert Path(made["output_dir"]).parent == tmp_path


def test_curves_are_the_logged_numbers_by_step(tmp_path: Path):
    history = [
        {"loss": 0.7, "epoch": 0.5, "step": 1},
        {"loss": 0.6, "note": "text", "train_runtime": 3.2, "train_samples_per_second": 9.0, "step": 2},
        {"loss": 0.5},
    ]
    write_curves(tmp_path / "curves.jsonl", history)
    rows = [json.loads(line) for line in (tmp_path / "curves.jsonl").read_text().splitlines()]
    assert rows == [{"loss": 0.7, "epoch": 0.5, "step": 1}, {"loss": 0.6, "step": 2}]
