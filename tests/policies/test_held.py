"""What holds a policy where people's wishes do not apply: it learns what they like, and answers neutral chats as its base."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
import torch

from feedback_loop import prompts
from feedback_loop.adapters import active, parameters
from feedback_loop.models import load_tokenizer
from feedback_loop.policy_tables import PolicyTable
from feedback_loop.recipe import SamplingTable
from policies.base import Policy, load_policy
from policies.dpo import train_dpo
from policies.held import base_answers, hold
from policies.logprobs import Row, read
from policies.steps import STEPS
from policies.task import Task
from policies.trainable import LEARNING, open_network
from tests.models_fixture import QUICK, TINY, adapter_bytes, make_task, obvious

CHATS = prompts.load(prompts.DATA / "prompts" / "tiny_neutral.jsonl")


def task(folder: Path, **policy: Any) -> Task:
    made = make_task(folder, PolicyTable(**{"trl": QUICK} | policy), pairs=obvious(8))
    return dataclasses.replace(made, neutral=CHATS[:32], sampling=SamplingTable(max_new_tokens=48, batch_size=32))


def fresh(given: Task) -> Policy:
    """The base with an adapter that has learned nothing."""
    return Policy("new", open_network(given.model, given.policy, None), load_tokenizer(given.model))


def apart(adapter: Path, answers: list[Row]) -> float:
    """Nats an answer by which the adapter finds the base's answers less likely than the base does."""
    policy = load_policy(TINY, adapter, name="p")
    with torch.no_grad():
        pad = policy.tokenizer.pad_token_id
        ours = read(policy.model, answers, pad=pad).logprobs.sum(1)
        with active(policy.model, None):
            base = read(policy.model, answers, pad=pad).logprobs.sum(1)
    return float((base - ours).mean())


def test_the_base_answers_once_a_run_whoever_asks(tmp_path: Path):
    one = task(tmp_path)
    first = base_answers(one, load_policy(TINY, None, name="base"), one.neutral)
    assert len(first) == 32
    kept = next(one.cache.glob("held-*.jsonl"))
    lines = kept.read_text().splitlines()
    assert base_answers(one, fresh(one), one.neutral) == first
    kept.write_text("\n".join([json.dumps({"chat": CHATS[0].id, "tokens": [1, 2, 3]}), *lines[1:]]))
    assert base_answers(one, fresh(one), one.neutral)[0][1] == [1, 2, 3], "they are read, not drawn again"


def test_drawing_them_leaves_the_policy_and_the_random_state_alone(tmp_path: Path):
    one = task(tmp_path)
    policy = fresh(one)
    policy.model.train()
    before = torch.get_rng_state()
    base_answers(one, policy, one.neutral)
    assert policy.model.training
    assert torch.equal(torch.get_rng_state(), before)


def test_nothing_holds_where_the_weight_is_0_or_there_are_no_chats(tmp_path: Path):
    loose = task(tmp_path, hold=0.0)
    assert base_answers(loose, fresh(loose), loose.neutral) == []
    assert base_answers(task(tmp_path), fresh(loose), []) == []


def test_at_the_base_it_pulls_nowhere_and_away_from_it_back(tmp_path: Path):
    one = task(tmp_path, hold=2.0)
    policy = fresh(one)
    answers = base_answers(one, policy, one.neutral)
    assert hold(one, policy, answers, 0) == 0
    weights = parameters(policy.model, LEARNING)
    assert not any(p.grad.any() for p in weights.values() if p.grad is not None), "to the last bit"
    with torch.no_grad():
        for name, p in weights.items():
            if "lora_B" in name:
                p.normal_(std=0.2, generator=torch.Generator().manual_seed(len(name)))
    far = hold(one, policy, answers, 0)
    with torch.no_grad():
        for p in weights.values():
            p -= 0.05 * p.grad / p.grad.norm() if p.grad is not None else 0
    assert 0 < hold(one, policy, answers, 0) < far


def test_each_step_takes_the_next_chats(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    one, seen = task(tmp_path), list[list[int]]()
    policy = fresh(one)
    answers = base_answers(one, policy, one.neutral)
    monkeypatch.setattr("policies.held.batches", lambda rows, _: seen.extend(tail for _, tail in rows) or [[0]])
    for step in range(4):
        hold(one, policy, answers, step)
    assert sorted(seen) == sorted(tail for _, tail in answers), "each once before any comes again"


def test_a_held_policy_stays_near_the_base_in_chats_it_never_saw(tmp_path: Path):
    long = QUICK | {"num_train_epochs": 12}
    tight, loose = (task(tmp_path / str(weight), hold=weight, trl=long) for weight in (4.0, 0.0))
    facts = [train_dpo(one) for one in (tight, loose)]
    assert [f["held"] for f in facts] == [32, 0]
    other = base_answers(tight, load_policy(TINY, None, name="base"), CHATS[32:64])
    assert apart(tight.out / "adapter", other) < 0.5 * apart(loose.out / "adapter", other)
    rows = [json.loads(line) for line in (tight.out / "curves.jsonl").read_text().splitlines()]
    assert [row["held_kl"] for row in rows if "held_kl" in row][-1] > 0


def test_drawn_now_or_kept_from_before_the_adapter_is_the_same(tmp_path: Path):
    first, second = (task(tmp_path / name, step="dpo") for name in ("first", "second"))
    train_dpo(first)
    train_dpo(dataclasses.replace(second, cache=first.cache))
    assert adapter_bytes(first) == adapter_bytes(second)


@pytest.mark.parametrize("step", ["kto", "bon"])
def test_other_steps_by_trl_are_held_too(tmp_path: Path, step: str):
    options = {"bon": {"min_accuracy": 0.5}, "kto": QUICK | {"num_train_epochs": 1}}
    one = task(tmp_path, step=step, **{step: options[step]})
    assert STEPS[step](one)["held"] == 32
