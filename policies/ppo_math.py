"""The arithmetic of PPO on padded batches: tensors of shape (rows, tokens), `mask` True where there is a token.

Everything is 0 where there is none. Each function is checked against a loop over single numbers in the tests, and all
together against TRL 1.12's PPOTrainer in `benchmarks/ppo_vs_trl`.
"""

from typing import Any


def token_rewards(scores: Any, kl: Any, mask: Any, *, kl_coef: float) -> Any:
    """Reward of each token: -kl_coef times its KL estimate, and at a row's last token also its score, shape (rows,)."""
    import torch

    rewards = torch.where(mask, -kl_coef * kl, 0.0)
    last = mask.shape[1] - 1 - mask.flip(1).int().argmax(1)
    rewards[torch.arange(len(rewards)), last] += torch.where(mask.any(1), scores, 0.0)
    return rewards


def gae(rewards: Any, values: Any, mask: Any, *, gamma: float, lam: float) -> tuple[Any, Any]:
    """(advantages, returns) by generalised advantage estimation, Schulman et al. 2016 (arXiv 1506.02438), equation 16.

    The value past a row's end is 0.
    """
    import torch

    rewards, values = torch.where(mask, rewards, 0.0), torch.where(mask, values, 0.0)
    advantages, running = torch.zeros_like(values), torch.zeros_like(values[:, 0])
    following = torch.zeros_like(running)
    for t in reversed(range(values.shape[1])):
        delta = rewards[:, t] + gamma * following - values[:, t]
        running = torch.where(mask[:, t], delta + gamma * lam * running, 0.0)
        advantages[:, t], following = running, values[:, t]
    return advantages, advantages + values


def whiten(x: Any, mask: Any) -> Any:
    """Shifted and scaled to mean 0 and variance 1 over all tokens (unbiased variance)."""
    import torch

    found = x[mask]
    return torch.where(mask, (x - found.mean()) * torch.rsqrt(found.var() + 1e-8), 0.0)


def policy_loss(new: Any, old: Any, advantages: Any, mask: Any, *, clip: float) -> tuple[Any, Any]:
    """(loss, share of tokens where the clip was in force): Schulman et al. 2017 (arXiv 1707.06347), equation 7, negated.

    `new` and `old` are log-probabilities, nats; both results are means over tokens.
    """
    ratio = (new - old).exp()
    plain, clipped = -advantages * ratio, -advantages * ratio.clamp(1 - clip, 1 + clip)
    return mean(plain.maximum(clipped), mask), mean((clipped > plain).float(), mask)


def value_loss(values: Any, old: Any, returns: Any, mask: Any, *, clip: float) -> tuple[Any, Any]:
    """(loss, share of tokens clipped): half the squared error, the worse of the value and the value held within `clip`.

    Means over tokens. The clipping is that of OpenAI's baselines; see detail 9 of "The 37 Implementation Details of PPO".
    """
    held = old + (values - old).clamp(-clip, clip)
    plain, clipped = (values - returns).square(), (held - returns).square()
    return 0.5 * mean(plain.maximum(clipped), mask), mean((clipped > plain).float(), mask)


def k3(old: Any, new: Any, mask: Any) -> Any:
    """KL(old || new) in nats a token, from tokens drawn from old: mean of r - 1 - log r with r = new/old, never negative.

    Schulman 2020, "Approximating KL Divergence". Near 0, where an update stays, its variance is far below that of -log r.
    """
    difference = new - old
    return mean(difference.exp() - 1 - difference, mask)


def explained_variance(values: Any, returns: Any, mask: Any) -> float:
    """1 - Var(returns - values) / Var(returns): 1 is a perfect critic, 0 no better than a constant."""
    spread = returns[mask].var()
    return float(1 - (returns - values)[mask].var() / spread) if spread > 0 else 0.0


def mean(x: Any, mask: Any) -> Any:
    """Mean over the tokens that are there."""
    return (x * mask).sum() / mask.sum()
