"""Scores come from the policy's own base: the same as the reward model by itself, and the policy is left as it was."""

import dataclasses
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from feedback_loop.chat import end, render_prompt
from feedback_loop.errors import LoopError
from feedback_loop.models import load_base, load_classifier, load_tokenizer
from feedback_loop.progress import silent
from feedback_loop.recipe import ModelTable, RewardTable, SamplingTable
from policies.base import Policy, load_policy
from policies.logprobs import completion_logprobs
from policies.sampler import sample
from reward.features import features
from reward.head import fit_head, save
from reward.score import load_scorer
from reward.train import train_reward
from tests.models_fixture import BAD, GOOD, QUICK, TINY, obvious, tiny_prompts

TEXTS = [GOOD, BAD, "Use warm water.", GOOD + " Then let it dry.", "I do not know."]
PROMPTS = tiny_prompts(len(TEXTS))


def alone(model: ModelTable, folder: Path) -> list[float]:
    """Scores of the sequence-classification model as PEFT loads it, one text at a time."""
    from peft import PeftModel

    tokenizer = load_tokenizer(model)
    network = PeftModel.from_pretrained(load_classifier(model, tokenizer), str(folder)).eval()
    found = []
    for prompt, text in zip(PROMPTS, TEXTS, strict=True):
        whole = render_prompt(tokenizer, prompt.messages, thinking=False) + text + end(tokenizer)
        with torch.inference_mode():
            found.append(float(network(**tokenizer(whole, return_tensors="pt")).logits[0, 0]))
    return found


def scorer(policy: Policy, folder: Path, batch_size: int = 3) -> Callable[..., list[float]]:
    return load_scorer(policy.model, policy.tokenizer, [folder], thinking=False, batch_size=batch_size)


@pytest.mark.parametrize("batch_size", [1, 3])
@pytest.mark.parametrize("with_adapter", [False, True])
def test_scores_are_those_of_the_reward_model_alone(
    adapter: Path, reward_adapter: Path, with_adapter: bool, batch_size: int
):
    policy = load_policy(TINY, adapter if with_adapter else None, name="p")
    scores = scorer(policy, reward_adapter, batch_size)(PROMPTS, TEXTS)
    assert scores == pytest.approx(alone(TINY, reward_adapter), abs=1e-4)
    assert max(scores) - min(scores) > 0.5


@pytest.mark.parametrize("with_adapter", [False, True])
def test_the_policy_is_bitwise_the_same_before_and_after(adapter: Path, reward_adapter: Path, with_adapter: bool):
    policy = load_policy(TINY, adapter if with_adapter else None, name="p")

    def state() -> tuple[Any, ...]:
        logs = completion_logprobs(policy, PROMPTS, TEXTS, thinking=False, batch_size=2)
        base = completion_logprobs(policy, PROMPTS, TEXTS, thinking=False, batch_size=2, base=True)
        settings = SamplingTable(max_new_tokens=16, batch_size=4)
        return logs, base, sample(policy, PROMPTS, settings, completions=1, thinking=False, seed=2, report=silent)

    before = state()
    score = scorer(policy, reward_adapter)
    assert state() == before
    first = score(PROMPTS, TEXTS)
    assert state() == before
    assert score(PROMPTS, TEXTS) == first


def test_there_is_no_second_copy_of_the_base(reward_adapter: Path):
    policy = load_policy(TINY, None, name="base")
    before = {p.data_ptr() for p in policy.model.parameters()}
    scorer(policy, reward_adapter)
    shared = [p for p in policy.model.parameters() if p.data_ptr() in before]
    assert len(shared) == len(before)


def test_nothing_to_score_is_no_scores(reward_adapter: Path):
    assert scorer(load_policy(TINY, None, name="base"), reward_adapter)([], []) == []


def broken_lora(folder: Path, reward_adapter: Path) -> None:
    from safetensors.torch import load_file, save_file

    shutil.copytree(reward_adapter, folder)
    weights = load_file(folder / "adapter_model.safetensors")
    save_file({name: tensor * float("nan") for name, tensor in weights.items()}, folder / "adapter_model.safetensors")


def broken_head(folder: Path, reward_adapter: Path) -> None:
    pairs = obvious(3)
    policy = load_policy(TINY, None, name="base")
    texts = [p.chosen[-1].content for p in pairs] + [p.rejected[-1].content for p in pairs]
    asked = tiny_prompts(3)
    rows = features(policy.model, policy.tokenizer, asked * 2, texts, thinking=False, batch_size=3)
    head = fit_head(rows[:3], rows[3:], pairs, rows, members=2, seed=0)
    save(dataclasses.replace(head, weights=head.weights * np.nan), folder)


@pytest.mark.parametrize("make", [broken_lora, broken_head])
def test_scores_that_are_no_numbers_are_refused_in_one_line(
    tmp_path: Path, reward_adapter: Path, make: Callable[[Path, Path], None]
):
    make(tmp_path / "broken", reward_adapter)
    with pytest.raises(LoopError, match=r"scores of 5 of 5 answers are NaN.*feedback-loop redo RUN reward$") as told:
        scorer(load_policy(TINY, None, name="base"), tmp_path / "broken")(PROMPTS, TEXTS)
    assert "\n" not in str(told.value)


def test_a_qwen2_scores_the_same_way(tmp_path: Path, qwen2: ModelTable):
    train_reward(
        qwen2,
        RewardTable(trl=QUICK),
        obvious(4),
        [],
        out=tmp_path / "adapter",
        work=tmp_path / "work",
        seed=0,
        thinking=False,
        report=silent,
    )
    scores = scorer(Policy("base", load_base(qwen2).eval(), load_tokenizer(qwen2)), tmp_path / "adapter")(
        PROMPTS, TEXTS
    )
    assert scores == pytest.approx(alone(qwen2, tmp_path / "adapter"), abs=1e-4)
