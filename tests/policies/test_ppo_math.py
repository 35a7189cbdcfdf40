"""PPO's arithmetic against slow loops over single numbers, on random tensors with ragged rows."""

import math
from typing import Any

import pytest
import torch

from policies import ppo_math

LENGTHS = [5, 1, 7, 3]


@pytest.fixture(params=[0, 1, 2])
def draws(request: pytest.FixtureRequest) -> Any:
    """Random (rows, tokens) tensors, and garbage past the ends that must not matter."""
    generator = torch.Generator().manual_seed(request.param)
    return lambda: torch.randn(len(LENGTHS), max(LENGTHS), generator=generator)


@pytest.fixture
def mask() -> torch.Tensor:
    return torch.arange(max(LENGTHS))[None, :] < torch.tensor(LENGTHS)[:, None]


def test_the_score_joins_the_kl_penalty_at_the_last_token(draws: Any, mask: torch.Tensor):
    kl, scores = draws(), torch.tensor([1.0, -2.0, 0.5, 3.0])
    rewards = ppo_math.token_rewards(scores, kl, mask, kl_coef=0.3)
    for r, length in enumerate(LENGTHS):
        for t in range(max(LENGTHS)):
            expected = -0.3 * float(kl[r, t]) if t < length else 0.0
            expected += float(scores[r]) if t == length - 1 else 0.0
            assert float(rewards[r, t]) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(("gamma", "lam"), [(1.0, 0.95), (0.9, 0.5), (1.0, 1.0), (0.99, 0.0)])
def test_gae_is_the_discounted_sum_of_errors(draws: Any, mask: torch.Tensor, gamma: float, lam: float):
    rewards, values = draws(), draws()
    advantages, returns = ppo_math.gae(rewards, values, mask, gamma=gamma, lam=lam)
    for r, length in enumerate(LENGTHS):
        v = [*values[r, :length].tolist(), 0.0]
        errors = [float(rewards[r, t]) + gamma * v[t + 1] - v[t] for t in range(length)]
        for t in range(max(LENGTHS)):
            expected = sum((gamma * lam) ** (k - t) * errors[k] for k in range(t, length)) if t < length else 0.0
            assert float(advantages[r, t]) == pytest.approx(expected, abs=1e-5)
            assert float(returns[r, t]) == pytest.approx(expected + (v[t] if t < length else 0.0), abs=1e-5)


def test_with_gamma_and_lambda_1_a_return_is_the_reward_still_to_come(draws: Any, mask: torch.Tensor):
    rewards = draws()
    _, returns = ppo_math.gae(rewards, draws(), mask, gamma=1.0, lam=1.0)
    for r, length in enumerate(LENGTHS):
        for t in range(length):
            assert float(returns[r, t]) == pytest.approx(float(rewards[r, t:length].sum()), abs=1e-5)


def test_whitening_looks_at_tokens_only(draws: Any, mask: torch.Tensor):
    x = draws()
    found = [float(x[r, t]) for r, length in enumerate(LENGTHS) for t in range(length)]
    mean = sum(found) / len(found)
    spread = math.sqrt(sum((v - mean) ** 2 for v in found) / (len(found) - 1))
    white = ppo_math.whiten(x, mask)
    for r, length in enumerate(LENGTHS):
        for t in range(max(LENGTHS)):
            expected = (float(x[r, t]) - mean) / spread if t < length else 0.0
            assert float(white[r, t]) == pytest.approx(expected, abs=1e-5)


def test_the_clipped_loss(draws: Any, mask: torch.Tensor):
    new, old, advantages = draws(), draws(), draws()
    loss, clipped = ppo_math.policy_loss(new, old, advantages, mask, clip=0.2)
    losses, held = [], []
    for r, length in enumerate(LENGTHS):
        for t in range(length):
            ratio, gain = math.exp(float(new[r, t] - old[r, t])), float(advantages[r, t])
            bounded = min(max(ratio, 0.8), 1.2)
            losses.append(max(-gain * ratio, -gain * bounded))
            held.append(-gain * bounded > -gain * ratio)
    assert float(loss) == pytest.approx(sum(losses) / len(losses), rel=1e-5)
    assert float(clipped) == pytest.approx(sum(held) / len(held))


def test_a_clipped_token_has_no_gradient_and_the_first_step_is_the_policy_gradient():
    mask = torch.ones(1, 3, dtype=torch.bool)
    old, advantages = torch.zeros(1, 3), torch.tensor([[1.0, 1.0, -1.0]])
    new = torch.tensor([[0.0, 0.5, 0.0]], requires_grad=True)  # the second is beyond the clip already
    loss, _ = ppo_math.policy_loss(new, old, advantages, mask, clip=0.2)
    loss.backward()
    assert new.grad is not None
    assert new.grad.tolist() == [[pytest.approx(-1 / 3), 0.0, pytest.approx(1 / 3)]]


def test_the_value_loss_takes_the_worse_of_two(draws: Any, mask: torch.Tensor):
    values, old, returns = draws(), draws(), draws()
    loss, clipped = ppo_math.value_loss(values, old, returns, mask, clip=0.2)
    losses, held = [], []
    for r, length in enumerate(LENGTHS):
        for t in range(length):
            v, o, goal = float(values[r, t]), float(old[r, t]), float(returns[r, t])
            near = min(max(v, o - 0.2), o + 0.2)
            losses.append(0.5 * max((v - goal) ** 2, (near - goal) ** 2))
            held.append((near - goal) ** 2 > (v - goal) ** 2)
    assert float(loss) == pytest.approx(sum(losses) / len(losses), rel=1e-5)
    assert float(clipped) == pytest.approx(sum(held) / len(held))


def test_explained_variance(draws: Any, mask: torch.Tensor):
    returns = draws()
    assert ppo_math.explained_variance(returns, returns, mask) == pytest.approx(1.0)
    assert ppo_math.explained_variance(torch.zeros_like(returns), returns, mask) == pytest.approx(0.0, abs=1e-6)
    assert ppo_math.explained_variance(returns, torch.ones_like(returns), mask) == 0.0


def test_k3_is_never_negative_and_0_where_nothing_moved(draws: Any, mask: torch.Tensor):
    old, new = draws(), draws()
    found = [math.exp(d) - 1 - d for r, n in enumerate(LENGTHS) for d in (new - old)[r, :n].tolist()]
    assert float(ppo_math.k3(old, new, mask)) == pytest.approx(sum(found) / len(found), rel=1e-5)
    assert float(ppo_math.k3(old, old, mask)) == 0
