"""How far student and teacher are apart: over the whole vocabulary, in pieces, and exactly nothing where they agree."""

from collections.abc import Callable

import pytest
import torch
from torch.nn.functional import kl_div

from policies import bake_math
from policies.bake_math import apart, forward, mixed, reverse

VOCABULARY, WIDTH, TOKENS = 50, 8, 13


@pytest.fixture
def head() -> torch.nn.Linear:
    torch.manual_seed(0)
    return torch.nn.Linear(WIDTH, VOCABULARY, bias=False)


def states(seed: int) -> torch.Tensor:
    return 3 * torch.randn(TOKENS, WIDTH, generator=torch.Generator().manual_seed(seed))


def read(head: torch.nn.Linear, found: torch.Tensor, temperature: float = 1.0) -> torch.Tensor:
    return (head(found) / temperature).log_softmax(-1)


@pytest.mark.parametrize("temperature", [1.0, 0.7])
def test_it_is_the_kl_between_the_two_at_the_temperature_of_sampling(head: torch.nn.Linear, temperature: float):
    ours, theirs = (read(head, states(n), temperature) for n in (1, 2))
    found = apart(head, states(1), states(2), None, strength=1.0, temperature=temperature)
    assert torch.allclose(found, kl_div(theirs, ours, reduction="none", log_target=True).sum(-1), atol=1e-5)
    other = apart(head, states(1), states(2), None, strength=1.0, temperature=temperature, divergence=forward)
    assert torch.allclose(other, kl_div(ours, theirs, reduction="none", log_target=True).sum(-1), atol=1e-5)


def test_in_pieces_it_is_the_same_and_so_is_its_gradient(head: torch.nn.Linear, monkeypatch: pytest.MonkeyPatch):
    def learned() -> tuple[torch.Tensor, torch.Tensor]:
        student = states(1).requires_grad_()
        found = apart(head, student, states(2), states(3), strength=0.4)
        found.sum().backward()
        assert student.grad is not None
        return found.detach(), student.grad

    whole = learned()
    monkeypatch.setattr(bake_math, "LOGITS", 3 * VOCABULARY * 4)
    for one, other in zip(whole, learned(), strict=True):
        assert torch.allclose(one, other, atol=1e-6)


@pytest.mark.parametrize("divergence", [reverse, forward])
def test_where_they_agree_there_is_nothing_to_learn_to_the_last_bit(
    head: torch.nn.Linear, divergence: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
):
    student = states(1).requires_grad_()
    found = apart(head, student, states(1), None, strength=1.0, divergence=divergence)
    found.sum().backward()
    assert student.grad is not None
    assert float(found.detach().abs().max()) == 0
    assert float(student.grad.abs().max()) == 0


def test_strength_goes_from_the_base_without_the_brief_to_the_base_with_it(head: torch.nn.Linear):
    plain, briefed = (read(head, states(n)) for n in (1, 2))
    assert torch.allclose(mixed(plain, briefed, 0.0), plain, atol=1e-5)
    assert torch.allclose(mixed(plain, briefed, 1.0), briefed, atol=1e-5)
    half = mixed(plain, briefed, 0.5)
    assert torch.allclose(half.exp().sum(-1), torch.ones(TOKENS))
    assert torch.allclose(half.diff(), (plain.diff() + briefed.diff()) / 2, atol=1e-5), "log-odds half way"
