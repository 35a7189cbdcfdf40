"""The policy step: reproducible, starts and is held where the recipe says, and saves one adapter."""

import json
from pathlib import Path
from typing import Any

import pytest

from feedback_loop.errors import LoopError, UsageError
from feedback_loop.policy_tables import PolicyTable
from feedback_loop.recipe import ModelTable
from feedback_loop.records import Preference
from policies.dpo import train_dpo
from tests.models_fixture import QUICK, TINY, adapter_bytes, make_task, obvious

Curves = list[dict[str, Any]]


def train(
    out: Path, pairs: list[Preference], policy: PolicyTable, *, parent: Path | None = None, model: ModelTable = TINY
) -> tuple[dict[str, Any], Curves]:
    facts = train_dpo(make_task(out, policy, pairs=pairs, parent=parent, model=model))
    return facts, [json.loads(line) for line in (out / "out" / "curves.jsonl").read_text().splitlines()]


def test_the_same_seed_gives_the_same_adapter_bit_for_bit(tmp_path: Path):
    tasks = [make_task(tmp_path / name, PolicyTable(trl=QUICK), pairs=obvious(4)) for name in ("a", "b")]
    for task in tasks:
        train_dpo(task)
    assert adapter_bytes(tasks[0]) == adapter_bytes(tasks[1])


def test_curves_have_steps_and_figures_but_no_timings(tmp_path: Path):
    facts, curves = train(tmp_path, obvious(4), PolicyTable(trl=QUICK))
    steps = [row["step"] for row in curves if "loss" in row]
    assert steps == list(range(1, facts["steps"] + 1))
    assert all(isinstance(value, int | float) for row in curves for value in row.values())
    assert not any("second" in key or "runtime" in key for row in curves for key in row)
    assert facts["loss"] == [row["loss"] for row in curves if "loss" in row][-1]


@pytest.mark.parametrize("start", ["parent", "base"])
@pytest.mark.parametrize("reference", ["parent", "base"])
def test_start_and_reference(tmp_path: Path, adapter: Path, start: Any, reference: Any):
    """Rewards are beta times how far the policy stands from its reference: 0 at first where both are the same."""
    policy = PolicyTable(start=start, reference=reference, trl=QUICK | {"num_train_epochs": 1})
    facts, curves = train(tmp_path, obvious(4), policy, parent=adapter)
    first = curves[0]["rewards/chosen"]
    expected = {("parent", "base"): 1, ("base", "parent"): -1}.get((start, reference), 0)
    assert (first > 0.05) - (first < -0.05) == expected
    if expected == 0:
        assert first == pytest.approx(0, abs=1e-5)
        assert curves[0]["loss"] == pytest.approx(0.6931, abs=1e-3)
    assert (facts["start"], facts["reference"]) == (start, reference)
    saved = tmp_path / "out" / "adapter"
    assert sorted(p.name for p in saved.iterdir() if p.is_dir()) == []
    assert (saved / "adapter_config.json").exists()


def test_without_a_parent_both_are_the_base(tmp_path: Path):
    facts, curves = train(tmp_path, obvious(2), PolicyTable(trl=QUICK | {"num_train_epochs": 1}))
    assert (facts["start"], facts["reference"]) == ("base", "base")
    assert curves[0]["rewards/chosen"] == pytest.approx(0, abs=1e-5)


def test_ties_are_left_out(tmp_path: Path):
    pairs = obvious(4)
    tied = [p.model_copy(update={"tie": True}) for p in pairs[2:]]
    facts, _ = train(tmp_path / "some", pairs[:2] + tied, PolicyTable(trl=QUICK))
    assert facts["pairs"] == 2
    with pytest.raises(LoopError, match="nothing to train on"):
        train(tmp_path / "none", tied, PolicyTable(trl=QUICK))


def test_options_reach_trl(tmp_path: Path):
    mixed = QUICK | {"loss_type": ["sigmoid", "sft"], "loss_weights": [1.0, 0.5], "max_steps": 3}
    facts, _ = train(tmp_path, obvious(4), PolicyTable(trl=mixed))
    assert facts["steps"] == 3


def test_a_qwen2_in_bfloat16_with_checkpointing_is_trained_too(tmp_path: Path, qwen2: ModelTable):
    policy = PolicyTable(trl=QUICK | {"activation_checkpointing": True})
    facts, _ = train(tmp_path, obvious(2), policy, model=qwen2.model_copy(update={"dtype": "bfloat16"}))
    assert facts["margin"] is not None


@pytest.mark.parametrize(("start", "reference"), [("parent", "parent"), ("base", "parent"), ("parent", "base")])
def test_a_parent_of_another_rank_is_refused_where_it_would_decide(
    tmp_path: Path, adapter: Path, start: Any, reference: Any
):
    with pytest.raises(UsageError, match=r"policy\.lora_rank = 3"):
        train(tmp_path, obvious(4), PolicyTable(start=start, reference=reference, lora_rank=3), parent=adapter)
