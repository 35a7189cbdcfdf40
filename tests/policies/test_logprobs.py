"""Log-probabilities of completions: those of the model itself, whatever the batch."""

from pathlib import Path

import pytest
import torch

from feedback_loop.chat import token_ids
from feedback_loop.recipe import ModelTable
from policies.base import Policy, load_policy
from policies.logprobs import completion_logprobs
from tests.models_fixture import BAD, GOOD, TINY, tiny_prompts

TEXTS = [GOOD, BAD, "Use warm water.", GOOD + " Then let it dry."]


def ask(policy: Policy, *, batch_size: int = 4, base: bool = False) -> list[float]:
    return completion_logprobs(policy, tiny_prompts(4), TEXTS, thinking=False, batch_size=batch_size, base=base)


def by_hand(policy: Policy) -> list[float]:
    """One completion at a time, one token at a time."""
    found = []
    for prompt, text in zip(tiny_prompts(4), TEXTS, strict=True):
        head, tail = token_ids(policy.tokenizer, prompt, text, thinking=False)
        with torch.inference_mode():
            logs = policy.model(torch.tensor([head + tail])).logits[0].log_softmax(-1)
        found.append(sum(float(logs[len(head) - 1 + i, token]) for i, token in enumerate(tail)))
    return found


@pytest.mark.parametrize("batch_size", [1, 3, 4])
def test_they_are_the_models_own_and_include_the_end(adapter: Path, batch_size: int):
    policy = load_policy(TINY, adapter, name="p")
    assert ask(policy, batch_size=batch_size) == pytest.approx(by_hand(policy), abs=1e-3)


def test_base_is_the_model_without_its_adapter(adapter: Path):
    policy, base = load_policy(TINY, adapter, name="p"), load_policy(TINY, None, name="base")
    assert ask(policy, base=True) == ask(base) == ask(base, base=True)
    assert ask(policy) != ask(base)
    assert ask(policy)[0] > ask(base)[0]  # it was trained towards that answer


def test_a_qwen2_works_too(qwen2: ModelTable):
    policy = load_policy(qwen2, None, name="base")
    assert ask(policy) == pytest.approx(by_hand(policy), abs=1e-3)
