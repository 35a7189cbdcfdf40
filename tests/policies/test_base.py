"""A policy is the base, or the base with an adapter; an untrained adapter is the base."""

from pathlib import Path

import torch

from policies.base import load_policy
from tests.models_fixture import TINY


def test_the_base_is_the_plain_model_ready_to_answer():
    policy = load_policy(TINY, None, name="base")
    assert policy.name == "base"
    assert not policy.model.training
    assert not hasattr(policy.model, "disable_adapter")


def test_an_adapter_changes_the_model_and_can_be_switched_off(adapter: Path):
    base, policy = load_policy(TINY, None, name="base"), load_policy(TINY, adapter, name="round-000")
    ids = torch.arange(5, 25)[None]
    with torch.inference_mode():
        plain, adapted = base.model(ids).logits, policy.model(ids).logits
        with policy.model.disable_adapter():
            off = policy.model(ids).logits
    assert not torch.allclose(plain, adapted)
    assert torch.equal(plain, off)
    assert not policy.model.training
