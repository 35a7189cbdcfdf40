"""A PPO step under way: what learns, what is frozen, and the checkpoint by which it survives a kill."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from feedback_loop.adapters import parameters, score_head
from feedback_loop.errors import LoopError, UsageError
from feedback_loop.models import load_tokenizer
from feedback_loop.scores import Members, Whitening
from policies import optimised
from policies.base import Policy
from policies.rollouts import Critic
from policies.task import Task
from policies.trainable import LEARNING, open_network, parent_needed, without_dropout
from policies.watch import Reading, StepSample

VALUE = "value"
FILE = "ppo.safetensors"


@dataclass
class Training:
    """A PPO step under way. All of it is in the checkpoint, the frozen parts apart.

    There is no random state to keep: whatever a step draws comes from the task's seed and the step's number.
    """

    policy: Policy
    members: Members
    critic: Critic
    optimizer: Any
    kl_coef: float
    step: int = 0
    """Updates made."""
    white: Whitening | None = None
    good: dict[str, Any] = field(default_factory=dict)
    """The learning adapter as it last stood the test, after `good_step` updates."""
    good_step: int = 0
    readings: list[Reading] = field(default_factory=list)
    shown: list[StepSample] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=lambda: {"sampling": 0.0, "scoring": 0.0, "training": 0.0})


def open_training(task: Task) -> tuple[Training, list[dict[str, float]]]:
    """The training as its last checkpoint left it, or at its start; and its curves so far.

    LoopError where the round has no reward model.
    """
    import torch

    if task.load_members is None or task.reward is None:
        raise LoopError("PPO needs a reward model, and this round has none.")
    torch.manual_seed(task.seed)
    ppo = task.policy.ppo
    network = open_network(task.model, task.policy, parent_needed(task.policy, task.parent))
    tokenizer = load_tokenizer(task.model)
    without_dropout(network)
    if ppo.activation_checkpointing:
        network.get_base_model().activation_checkpointing_enable({"use_reentrant": False})
    members = task.load_members(network, tokenizer)
    critic = _critic(task, network)
    now = Training(Policy("ppo", network, tokenizer), members, critic, None, ppo.kl_coef)
    now.optimizer = torch.optim.AdamW(learning(now).values(), lr=ppo.learning_rate, eps=1e-5, weight_decay=0.0)
    kept = optimised.restore(task.resume / FILE, now, learning(now), Reading, StepSample)
    if kept:
        now.kl_coef, now.white = kept["kl_coef"], Whitening(tuple(kept["white"][0]), kept["white"][1])
    return now, kept.get("curves", [])


def learning(now: Training) -> dict[str, Any]:
    """All parameters that learn, by name."""
    found = parameters(now.policy.model, LEARNING)
    if now.critic.adapter is not None:
        found |= parameters(now.policy.model, now.critic.adapter)
    return found | {"critic.weight": now.critic.weight, "critic.bias": now.critic.bias}


def save(now: Training, folder: Path, curves: Sequence[Mapping[str, float]]) -> None:
    """Write the checkpoint over the one before."""
    assert now.white is not None
    white = [now.white.means, now.white.scale]
    optimised.save(folder / FILE, now, learning(now), curves, kl_coef=now.kl_coef, white=white)


def _critic(task: Task, network: Any) -> Critic:
    """A head of zeros on the policy's own states, or the reward model's adapter and head as a second, learning copy."""
    import torch

    if task.policy.ppo.value == "trunk":
        weight, adapter = torch.zeros(network.config.hidden_size), None
    else:
        assert task.reward is not None
        if not (task.reward / "adapter_config.json").exists():
            raise UsageError(
                'policy.ppo.value = "adapter" starts from a LoRA reward model. Set reward.form = "lora", or value = "trunk"'
            )
        network.load_adapter(str(task.reward), adapter_name=VALUE, is_trainable=True)
        for parameter in parameters(network, VALUE).values():
            parameter.requires_grad_(requires_grad=True)
        weight, adapter = score_head(task.reward)[0], VALUE
    on = network.device
    return Critic(weight.to(on).requires_grad_(), torch.zeros(1, device=on).requires_grad_(), adapter)
