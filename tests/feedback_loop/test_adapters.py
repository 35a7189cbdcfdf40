"""Adapters on one base can be switched at any moment, and which of them learns does not change."""

from pathlib import Path
from typing import Any

import pytest
import torch

from feedback_loop.adapters import active, bare, freeze, in_force, parameters, score_head
from feedback_loop.models import load_base
from tests.models_fixture import TINY, weights


@pytest.fixture
def network(adapter: Path, reward_adapter: Path) -> Any:
    """`default` learns, `other` is frozen, `reward0` is frozen."""
    from peft import PeftModel

    network = PeftModel.from_pretrained(load_base(TINY), str(adapter), is_trainable=True)
    network.load_adapter(str(adapter), adapter_name="other")
    network.load_adapter(str(reward_adapter), adapter_name="reward0")
    return network


def learning(network: Any) -> set[str]:
    return {name for name, p in network.named_parameters() if p.requires_grad}


@pytest.mark.parametrize("name", ["default", "other", "reward0", None])
def test_inside_another_adapter_is_in_force_and_nothing_else_changed(network: Any, name: str | None):
    before = learning(network)
    with active(network, name):
        assert in_force(network) == name
        assert learning(network) == before
        with active(network, "default"):
            assert in_force(network) == "default"
        assert in_force(network) == name
    assert in_force(network) == "default"
    assert learning(network) == before
    assert all(".default." in key for key in before)


def test_it_comes_back_after_an_error(network: Any):
    with pytest.raises(ValueError, match="oops"), active(network, None):
        raise ValueError("oops")
    assert in_force(network) == "default"


def test_each_adapter_answers_differently_and_none_is_the_base(network: Any):
    ids = torch.tensor([[1, 5, 9, 30]])
    outputs = {}
    with torch.no_grad():
        for name in ("default", "reward0", None):
            with active(network, name):
                outputs[name] = network(ids).logits
        plain = load_base(TINY)(ids).logits
    assert torch.equal(outputs[None], plain)
    assert not torch.allclose(outputs["default"], plain)
    assert not torch.allclose(outputs["default"], outputs["reward0"])


def test_a_plain_model_is_bare_although_a_peft_model_was_made_around_it(adapter: Path):
    from peft import PeftModel

    ids = torch.tensor([[1, 5, 9, 30]])
    inner = load_base(TINY)
    with torch.no_grad(), bare(inner):
        plain = inner(ids).logits
    wrapped = PeftModel.from_pretrained(inner, str(adapter), is_trainable=True)
    before = learning(wrapped)
    with torch.no_grad(), bare(inner):
        assert torch.equal(inner(ids).logits, plain)
        assert in_force(wrapped) is None
        assert learning(wrapped) == before
    assert in_force(wrapped) == "default"
    assert learning(wrapped) == before
    assert not torch.allclose(wrapped(ids).logits, plain)


@pytest.mark.parametrize("frozen", ["other", "reward0"])
def test_no_gradient_leaks_into_a_frozen_adapter(network: Any, frozen: str):
    """A training that scores and compares between forward and backward leaves frozen adapters bit for bit alone."""
    ids = torch.tensor([[1, 5, 9, 30]])
    before = {name: weights(network, name) for name in ("default", frozen)}
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-2)
    for _ in range(3):
        loss = network(ids, labels=ids).loss
        with active(network, frozen):
            network(ids)
        with active(network, None):
            loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    after = {name: weights(network, name) for name in ("default", frozen)}
    assert all(torch.equal(before[frozen][key], after[frozen][key]) for key in before[frozen])
    assert not all(torch.equal(before["default"][key], after["default"][key]) for key in before["default"])


def test_parameters_are_one_adapters_and_freezing_ends_its_learning(network: Any):
    mine = parameters(network, "default")
    assert list(mine) == sorted(mine)
    assert len(mine) == 2 * 7 * 4  # two matrices, seven linear layers, four blocks
    freeze(network, "default")
    assert learning(network) == set()


def test_the_score_head_that_peft_drops(reward_adapter: Path):
    head = score_head(reward_adapter)
    assert head.shape == (1, 160)
    assert head.dtype == torch.float32
