"""Baking on the real tiny Qwen: it learns what the brief says, stays the base where it says nothing, and survives a kill."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from feedback_loop import prompts
from feedback_loop.errors import LoopError, UsageError
from feedback_loop.policy_tables import BakeTable, PolicyTable
from feedback_loop.recipe import ModelTable, SamplingTable
from feedback_loop.records import Prompt
from feedback_loop.simulation.checks import met
from policies import bake, watch
from policies.bake_state import open_baking
from policies.base import load_policy
from policies.sampler import sample
from policies.task import Task
from tests.models_fixture import TINY, adapter_bytes, make_task, tiny_prompts

BRIEF = "Write one sentence. Do not greet the user. Use no bullets. Add no closing line."
WANTED = {"sentences": 1, "greeting": False, "bullets": False, "closing": False}
SMALL = {"steps": 2, "rollouts": 8, "learning_rate": 5e-3}


def baking(folder: Path, options: dict[str, Any] | None = None, brief: str = BRIEF, **more: Any) -> Task:
    policy = {name: more.pop(name) for name in ("probe", "max_kl", "start", "reference") if name in more}
    table = BakeTable(**SMALL | (options or {}))
    task = make_task(folder, PolicyTable(step="bake", bake=table, **{"probe": 4} | policy), **more)
    neutral = prompts.load(prompts.DATA / "prompts" / "tiny_neutral.jsonl")[:12]
    return dataclasses.replace(task, brief=brief, neutral=neutral)


def curves(task: Task) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (task.out / "curves.jsonl").read_text().splitlines()]


def followed(adapter: Path | None, asked: list[Prompt]) -> float:
    """Share of what the brief asks for that is in answers to the plain prompts."""
    policy, settings = load_policy(TINY, adapter, name="p"), SamplingTable(max_new_tokens=64, batch_size=32)
    drawn = sample(policy, asked, settings, completions=1, thinking=False, seed=1, report=lambda *_: None)
    by_id = {p.id: p for p in asked}
    kept = [met(c, d.completion, v, by_id[d.prompt_id]) for d in drawn.completions for c, v in WANTED.items()]
    return sum(kept) / len(kept)


def test_the_brief_moves_into_the_adapter_and_neutral_chats_stay_as_they_were(tmp_path: Path):
    shown: list[Any] = []
    options = {"steps": 8, "rollouts": 16, "learning_rate": 5e-3}
    task = baking(tmp_path, options, prompt_count=32, probe=8, track=lambda row, samples: shown.append((row, samples)))
    task = dataclasses.replace(task, sampling=SamplingTable(max_new_tokens=40, batch_size=32))
    facts = bake.bake(task)
    rows = curves(task)
    assert [row["step"] for row in rows] == list(range(9))
    assert [row for row, _ in shown] == rows, "live curves are the same rows"
    first, last = ([row for row in rows if "bake_kl" in row][n] for n in (0, -1))
    assert first["neutral_kl"] == pytest.approx(0, abs=1e-4), "at first it is the base"
    assert first["bake_kl"] > 8
    assert last["bake_kl"] < 0.25 * first["bake_kl"]
    assert last["neutral_kl"] < 0.2 * first["bake_kl"]
    assert rows[0]["loss"] > 3 * rows[-2]["loss"]
    assert (facts["step"], facts["steps"], facts["rollouts"], facts["stopped"]) == ("bake", 8, 128, None)
    assert facts["measured"]["bake_kl"] == last["bake_kl"]
    assert 0 < rows[-2]["held_kl"] < 0.2, "nats a token from the base, where the brief says nothing"
    samples = [json.loads(line) for line in (task.out / "samples.jsonl").read_text().splitlines()]
    assert {s["scope"] for s in samples} == {"brief", "neutral"}
    unseen = prompts.load(prompts.DATA / "prompts" / "tiny_heldout.jsonl")[:32]
    assert followed(task.out / "adapter", unseen) > followed(None, unseen) + 0.25


def test_at_strength_0_nothing_changes_at_all(tmp_path: Path):
    task = baking(tmp_path, {"strength": 0.0})
    bake.bake(task)
    weights = load_file(task.out / "adapter" / "adapter_model.safetensors")
    assert all(not tensor.any() for name, tensor in weights.items() if "lora_B" in name), "still the base"
    assert all(row["bake_kl"] == 0 for row in curves(task) if "bake_kl" in row)


def test_at_half_strength_the_teacher_is_nearer_and_still_not_the_base(tmp_path: Path):
    half, whole = (_first_kl(tmp_path / str(strength), strength) for strength in (0.5, 1.0))
    assert 0.1 < half < 0.7 * whole


def _first_kl(folder: Path, strength: float) -> float:
    task = baking(folder, {"strength": strength})
    now, _ = open_baking(task, 0)
    bake._measure(task, now, bake._scope(task.prompts, 4, 0), bake._scope([], 4, 0))
    assert now.readings[0].neutral_kl is None
    return now.readings[0].bake_kl


def test_cut_off_and_done_again_it_is_the_same_byte_for_byte(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    calm = baking(tmp_path / "calm", {"steps": 3})
    bake.bake(calm)
    killed, real = baking(tmp_path / "killed", {"steps": 3}), bake._update

    def dies(task: Task, now: Any, *scopes: Any) -> Any:
        if now.step == 1:
            raise KeyboardInterrupt
        return real(task, now, *scopes)

    monkeypatch.setattr(bake, "_update", dies)
    with pytest.raises(KeyboardInterrupt):
        bake.bake(killed)
    drawn: list[int] = []
    monkeypatch.setattr(bake, "_update", lambda task, now, *scopes: drawn.append(now.step) or real(task, now, *scopes))
    bake.bake(killed)
    assert drawn == [1, 2]
    assert adapter_bytes(killed) == adapter_bytes(calm)
    for name in ("curves.jsonl", "samples.jsonl"):
        assert (killed.out / name).read_bytes() == (calm.out / name).read_bytes()


def test_a_brief_that_does_not_fit_is_refused_and_nothing_of_it_cut_off(tmp_path: Path):
    task = baking(tmp_path, brief="Do not greet the user. " * 90)
    with pytest.raises(UsageError, match=r"brief\.md: \d+ tokens .* more than the 512 .* Shorten the brief") as refused:
        bake.bake(task)
    assert "\n" not in str(refused.value)


def test_over_the_kl_budget_it_goes_back_to_the_last_good_adapter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    estimates, kept, real = iter([0.0, 1.0, 9.0]), [], watch.snapshot
    monkeypatch.setattr(bake, "kl_estimate", lambda *_: next(estimates))
    monkeypatch.setattr(watch, "snapshot", lambda network: kept.append(real(network)) or kept[-1])
    task = baking(tmp_path, max_kl=5.0)
    facts = bake.bake(task)
    assert facts["stopped"] == "KL from the reference reached 9.0 nats a completion, over policy.max_kl = 5"
    assert facts["steps"] == facts["measured"]["step"] == 1
    saved = load_file(task.out / "adapter" / "adapter_model.safetensors")
    assert all(torch.equal(saved[name.replace(".default", "")], tensor) for name, tensor in kept[1].items())


def test_where_no_update_is_within_the_budget_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    estimates = iter([0.0, 9.0])
    monkeypatch.setattr(bake, "kl_estimate", lambda *_: next(estimates))
    with pytest.raises(LoopError, match=r"over policy\.max_kl = 5, and no update before that was good"):
        bake.bake(baking(tmp_path, max_kl=5.0))
    assert not (tmp_path / "out" / "adapter").exists()


def test_without_probes_nothing_is_measured_and_the_last_adapter_is_kept(tmp_path: Path):
    task = baking(tmp_path, {"steps": 1}, probe=0)
    facts = bake.bake(task)
    assert (facts["steps"], facts["stopped"]) == (1, None)
    assert not any("bake_kl" in row for row in curves(task))
    assert (task.out / "adapter" / "adapter_model.safetensors").exists()


def test_probes_are_not_learned_from_where_there_are_prompts_enough():
    many, few = tiny_prompts(10), tiny_prompts(6)
    scope = bake._scope(many, 4, seed=0)
    assert len(scope.probes) == 4
    assert not {p.id for p in scope.probes} & {p.id for p in scope.learned}
    assert len(bake._scope(few, 4, seed=0).learned) == 6


def test_a_qwen2_in_bfloat16_with_checkpointing_from_its_parent(tmp_path: Path, qwen2: ModelTable):
    model = qwen2.model_copy(update={"dtype": "bfloat16"})
    first = baking(tmp_path / "first", {"strength": 0.5, "activation_checkpointing": True}, model=model)
    assert bake.bake(first)["steps"] == 2
    second = baking(tmp_path / "second", model=model, parent=first.out / "adapter")
    facts = bake.bake(second)
    assert (facts["start"], facts["reference"]) == ("parent", "parent")
    assert curves(second)[0]["kl"] == pytest.approx(0, abs=1e-6), "the reference is the parent"
    assert curves(second)[0]["neutral_kl"] > 0, "and neutral chats are held near the base"
