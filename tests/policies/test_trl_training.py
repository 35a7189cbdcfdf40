"""Steps by TRL report the same curves as PPO, are measured without being disturbed, and stop at the KL budget."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file

from feedback_loop.errors import LoopError
from feedback_loop.policy_tables import BonTable, PolicyTable
from feedback_loop.records import Preference
from policies import watch
from policies.steps import STEPS
from policies.task import Task
from tests.models_fixture import QUICK, adapter_bytes, make_task, obvious

RLOO = QUICK | {"max_steps": 4, "per_device_train_batch_size": 8, "num_generations": 4}
SETTINGS: dict[str, dict[str, Any]] = {
    "dpo": {"trl": QUICK},
    "bon": {"trl": QUICK, "bon": BonTable(prompts=4, completions=4, min_accuracy=0)},
    "rloo": {"rloo": RLOO},
    "kto": {"kto": QUICK},
    "sft": {"sft": QUICK},
}
Start = Callable[..., Task]


def edited(count: int) -> list[Preference]:
    return [pair.model_copy(update={"source": "edit"}) for pair in obvious(count)]


def curves(task: Task) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (task.out / "curves.jsonl").read_text().splitlines()]


@pytest.fixture
def start(tmp_path: Path, reward_adapter: Path) -> Start:
    def make(
        step: str, name: str = "task", parent: Path | None = None, track: Any = lambda *_: None, **more: Any
    ) -> Task:
        policy = PolicyTable(**{"step": step, "probe": 4} | SETTINGS[step] | more)
        return make_task(
            tmp_path / name, policy, pairs=edited(8), reward=reward_adapter, parent=parent, track=track
        )  # fmt: skip

    return make


@pytest.mark.parametrize("step", sorted(SETTINGS))
def test_every_step_leaves_an_adapter_curves_samples_and_facts(start: Start, step: str):
    seen: list[Any] = []
    task = start(step, track=lambda row, shown: seen.append((row, list(shown))))
    facts = STEPS[step](task)
    measured = [row for row in curves(task) if "reward_sd" in row]
    for name in ("reward", "kl", "entropy", "length", "ended"):
        assert [row for row in curves(task) if name in row] == measured, "TRL's own figure of that name is another"
    assert measured[0]["step"] == 0
    assert measured[0]["kl"] == pytest.approx(0, abs=1e-5)
    assert len(measured) >= 3
    assert [row for row, _ in seen] == measured, "what TRL logs goes to W&B by itself"
    assert len(seen[-1][1]) == 4 * len(measured)
    assert (task.out / "samples.jsonl").read_text().count("\n") == 4 * len(measured)
    assert any("loss" in row for row in curves(task))
    assert facts["step"] == step
    assert facts["stopped"] is None
    assert facts["measured"]["step"] == facts["steps"]
    assert (task.out / "adapter" / "adapter_model.safetensors").exists()
    assert [p.name for p in (task.out / "adapter").iterdir() if p.is_dir()] == []


@pytest.mark.parametrize("step", sorted(SETTINGS))
def test_measuring_changes_nothing_and_a_second_time_is_the_same(start: Start, step: str):
    tasks = [start(step, "once"), start(step, "twice"), start(step, "unmeasured", probe=0)]
    for task in tasks:
        STEPS[step](task)
    assert adapter_bytes(tasks[0]) == adapter_bytes(tasks[1])
    assert adapter_bytes(tasks[0]) == adapter_bytes(tasks[2])


@pytest.mark.parametrize("step", sorted(SETTINGS))
@pytest.mark.parametrize("reference", ["parent", "base"])
def test_a_step_from_a_parent_stands_where_the_recipe_says(start: Start, adapter: Path, step: str, reference: str):
    task = start(step, parent=adapter, reference=reference)
    facts = STEPS[step](task)
    kl = next(row["kl"] for row in curves(task) if "reward_sd" in row)
    if reference == "parent":
        assert kl == pytest.approx(0, abs=1e-5)
    else:
        assert abs(kl) > 0.01
    assert (facts["start"], facts["reference"]) == ("parent", reference)


def test_over_its_kl_budget_a_training_stops_early_and_keeps_the_last_good_adapter(
    start: Start, monkeypatch: pytest.MonkeyPatch
):
    kls, kept = iter([0.0, 1.5, 9.0]), []
    real = watch.snapshot
    monkeypatch.setattr(watch, "kl_estimate", lambda *_: next(kls))
    monkeypatch.setattr(watch, "snapshot", lambda network: kept.append(real(network)) or kept[-1])
    task = start("dpo", trl=QUICK | {"num_train_epochs": 6}, max_kl=5.0)
    facts = STEPS["dpo"](task)
    assert facts["stopped"] == "KL from the reference reached 9.0 nats a completion, over policy.max_kl = 5"
    assert facts["steps"] == facts["measured"]["step"] == 4, "a third of the twelve"
    assert facts["measured"]["kl"] == 1.5
    assert max(row["step"] for row in curves(task)) < 12
    saved = load_file(task.out / "adapter" / "adapter_model.safetensors")
    assert len(kept) == 2
    assert all(bool((saved[name.replace(".default", "")] == tensor).all()) for name, tensor in kept[1].items())


def test_a_policy_that_becomes_nan_keeps_what_was_good(start: Start, monkeypatch: pytest.MonkeyPatch):
    import torch

    from policies import trl_training

    real = trl_training._measure

    def breaks(watched: Any, step: int) -> None:
        if step > 4:
            with torch.no_grad():
                next(p for p in watched.policy.model.parameters() if p.requires_grad).fill_(float("nan"))
        real(watched, step)

    monkeypatch.setattr(trl_training, "_measure", breaks)
    task = start("dpo", trl=QUICK | {"num_train_epochs": 6})
    facts = STEPS["dpo"](task)
    assert "NaN" in facts["stopped"]
    assert 0 < facts["steps"] == facts["measured"]["step"] <= 4
    saved = load_file(task.out / "adapter" / "adapter_model.safetensors")
    assert all(torch.isfinite(tensor).all() for tensor in saved.values())


def test_a_start_over_the_budget_is_refused_before_it_is_trained(
    start: Start, adapter: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(watch, "kl_estimate", lambda *_: 9.2)
    with pytest.raises(LoopError, match=r"Before any training, KL from the reference reached 9\.2 nats"):
        STEPS["dpo"](start("dpo", parent=adapter, start="parent", reference="base", max_kl=5.0))


def test_rloo_with_fewer_prompts_than_a_batch_asks_them_more_than_once(tmp_path: Path, reward_adapter: Path):
    policy = PolicyTable(step="rloo", rloo=RLOO, probe=2)
    facts = STEPS["rloo"](make_task(tmp_path, policy, prompt_count=1, reward=reward_adapter))
    assert (facts["steps"], facts["rollouts"]) == (4, 32)


@pytest.mark.parametrize("step", ["dpo", "sft", "kto"])
def test_prompts_that_leave_no_room_are_an_error_in_one_line(start: Start, step: str):
    short = SETTINGS[step][{"dpo": "trl"}.get(step, step)] | {"max_length": 5}
    with pytest.raises(LoopError, match="All prompts are longer than max_length = 5 tokens"):
        STEPS[step](start(step, **{{"dpo": "trl"}.get(step, step): short}))


def test_nothing_good_is_an_error(start: Start):
    with pytest.raises(LoopError, match=r"over policy\.max_kl"):
        STEPS["dpo"](start("dpo", trl=QUICK | {"learning_rate": 0.5}, max_kl=0.01))


def test_sft_wants_edits_and_takes_each_once(tmp_path: Path, start: Start):
    with pytest.raises(LoopError, match="No ranking has an edited answer"):
        STEPS["sft"](make_task(tmp_path / "none", PolicyTable(step="sft"), pairs=obvious(2)))
    twice = make_task(tmp_path / "twice", PolicyTable(step="sft", sft=QUICK), pairs=[*edited(3), *edited(3)])
    assert STEPS["sft"](twice)["demonstrations"] == 3


def test_kto_wants_a_preference(tmp_path: Path):
    tied = [pair.model_copy(update={"tie": True}) for pair in obvious(3)]
    with pytest.raises(LoopError, match="nothing to train on"):
        STEPS["kto"](make_task(tmp_path, PolicyTable(step="kto", kto=QUICK), pairs=tied))


@pytest.mark.parametrize("step", ["rloo", "bon"])
def test_without_a_reward_model_it_says_what_to_do(tmp_path: Path, step: str):
    with pytest.raises(LoopError, match="needs a reward model"):
        STEPS[step](make_task(tmp_path, PolicyTable(step=step, **SETTINGS[step]), pairs=obvious(8)))


def test_rloo_learns_what_the_reward_model_likes(start: Start):
    rloo = RLOO | {"max_steps": 24, "per_device_train_batch_size": 16, "beta": 0.05, "learning_rate": 2e-3}
    task = start("rloo", rloo=rloo)
    assert STEPS["rloo"](task)["rollouts"] == 24 * 16
    measured = [row for row in curves(task) if "reward_sd" in row]
    assert measured[-1]["reward"] > measured[0]["reward"] + 0.3
