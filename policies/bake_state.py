"""A baking under way: what learns, what has been measured, and the checkpoint by which it survives a kill."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from feedback_loop.adapters import parameters
from feedback_loop.models import load_tokenizer
from feedback_loop.records import Record
from policies import optimised
from policies.base import Policy
from policies.task import Task
from policies.trainable import LEARNING, open_network, parent_needed, without_dropout
from policies.watch import Measured

FILE = "bake.safetensors"


class BakeReading(Measured):
    """The student measured on answers to prompts that it is not trained on."""

    bake_kl: float
    """From the teacher, where the brief applies: nats an answer, over the whole vocabulary at each of its tokens."""
    neutral_kl: float | None
    """From the plain base, on chats that the brief has nothing to say of, likewise; None where there are none."""


class BakeSample(Record):
    """One answer of a measurement."""

    step: int
    prompt: str
    completion: str
    scope: Literal["brief", "neutral"]
    kl: float
    """From the teacher, nats."""


@dataclass
class Baking:
    """A baking under way. All of it is in the checkpoint, the base apart; see `ppo_state.Training`."""

    policy: Policy
    optimizer: Any
    step: int = 0
    """Updates made."""
    good: dict[str, Any] = field(default_factory=dict)
    """The learning adapter as it last stood the test, after `good_step` updates."""
    good_step: int = 0
    readings: list[BakeReading] = field(default_factory=list)
    shown: list[BakeSample] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=lambda: {"sampling": 0.0, "training": 0.0, "measuring": 0.0})


def open_baking(task: Task, seed: int) -> tuple[Baking, list[dict[str, float]]]:
    """The training as its last checkpoint left it, or at its start; and its curves so far."""
    import torch

    torch.manual_seed(seed)
    network = open_network(task.model, task.policy, parent_needed(task.policy, task.parent))
    without_dropout(network)
    if task.policy.bake.activation_checkpointing:
        network.get_base_model().activation_checkpointing_enable({"use_reentrant": False})
    now = Baking(Policy("bake", network, load_tokenizer(task.model)), None)
    now.optimizer = torch.optim.AdamW(
        learning(now).values(), lr=task.policy.bake.learning_rate, eps=1e-5, weight_decay=0.0
    )
    kept = optimised.restore(task.resume / FILE, now, learning(now), BakeReading, BakeSample)
    return now, kept.get("curves", [])


def learning(now: Baking) -> dict[str, Any]:
    """All parameters that learn, by name."""
    return parameters(now.policy.model, LEARNING)


def save(now: Baking, folder: Path, curves: Sequence[Mapping[str, float]]) -> None:
    """Write the checkpoint over the one before."""
    optimised.save(folder / FILE, now, learning(now), curves)
