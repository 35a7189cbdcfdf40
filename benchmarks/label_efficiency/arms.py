"""Every setting of the benchmark in one place: the arms, the tiers, the annotators and the costs."""

from dataclasses import dataclass, replace
from typing import Literal

from feedback_loop.records import Strategy

Settings = tuple[str, ...]
"""Overrides of the recipe, `key=value`."""

CANDIDATES = 8
"""Base completions of every training prompt, and what an acquisition chooses from."""
PLAIN = 4
"""The base's answers to each held-out prompt that a policy's one answer is compared with."""
REFIT = 4
"""Labels from one refit of an acquisition's head to the next."""
DRAWS = 32
"""Members of that head: draws from its posterior."""
SECONDS = {"comparison": 15, "edit": 45, "tie": 5}
"""A person's time by assumption; `neither` takes as long as a tie, an edit's label is 45 s in all."""
THRESHOLDS = (0.6, 0.7, 0.8, 0.9)
"""Win rates to which labels are counted."""
RATIO_AT = (0.6, 0.65, 0.7)
"""Win rates at which ratios stand beside those at the highest that both reach."""

STEPS, BATCH = 48, 8
"""Optimiser steps of every training, and pairs (or answers) a step."""
SHARED: dict[str, Settings] = {
    "tiny": ("sampling.batch_size=64", "policy.probe=0", "policy.start=base", "policy.reference=base"),
    "other": ("sampling.max_new_tokens=48", "policy.probe=0", "policy.start=base", "policy.reference=base"),
}
"""For every arm, on the shipped tiny Qwen and on others."""
DPO: Settings = (
    "policy.step=dpo",
    "policy.trl.learning_rate=1.5e-3",
    f"policy.trl.max_steps={STEPS}",
    f"policy.trl.per_device_train_batch_size={BATCH}",
    "policy.trl.gradient_accumulation_steps=1",
)
"""Offline DPO as a TRL user would do it, as good as the same search made it."""
BON: Settings = (
    "policy.step=bon",
    "policy.bon.learn=both",
    "policy.bon.min_accuracy=0",
    "policy.bon.prompts=128",
    "policy.bon.completions=16",
    "policy.caution=0",
    "reward.members=16",
    f"policy.sft.max_steps={STEPS}",
    f"policy.sft.per_device_train_batch_size={BATCH}",
    "policy.sft.gradient_accumulation_steps=1",
    "policy.trl.learning_rate=1.5e-3",
    f"policy.trl.max_steps={STEPS}",
    f"policy.trl.per_device_train_batch_size={BATCH}",
    "policy.trl.gradient_accumulation_steps=1",
)
"""The policy step by the reward model."""


@dataclass(frozen=True)
class Arm:
    """How an arm asks, and what it makes of the labels."""

    asks: Literal["base", "current"]
    """Whose answers are compared: the base's, drawn beforehand, or those of the arm's policy at the last checkpoint."""
    settings: Settings
    """Of the recipe, for its training."""
    strategy: Strategy = "random"
    random_share: float = 0.3
    """Share of pairs picked at random whatever the strategy."""
    edits: float = 0.0
    """Share of labels in which the person also rewrites the chosen answer."""
    held: bool = False
    """Whether neutral chats hold its policy as they do in a run (`policy.hold`)."""
    counts: bool = True
    """Whether its heads see what can be counted in an answer (`reward/text.py`), or the base's states alone."""
    labels_of: str | None = None
    """It has no labels of its own but those of this arm."""
    makes: Literal["policy", "best-by-reward", "best-by-truth"] = "policy"
    """A policy, or nothing but the best of the base's CANDIDATES answers."""


OURS = Arm("base", BON)
ARMS: dict[str, Arm] = {
    "offline-dpo": Arm("base", DPO),
    "online-random": Arm("current", DPO),
    "online-uncertainty": Arm("current", DPO, "uncertainty"),
    "online-thompson": Arm("current", DPO, "thompson"),
    "online-drts": Arm("current", DPO, "drts"),
    "online-deltaucb": Arm("current", DPO, "deltaucb"),
    "online-best_worst": Arm("current", DPO, "best_worst"),
    "ours": OURS,
    "ours-in-the-loop": replace(OURS, asks="current", held=True),
    "offline-dpo-held": Arm("base", DPO, held=True),
    "ours-states-only": replace(OURS, counts=False, labels_of="ours"),
    "ours-parent-pool": replace(OURS, settings=(*BON, "policy.bon.pool=parent")),
    "ours-no-reward": replace(OURS, settings=DPO, labels_of="ours"),
    "ours-edits": replace(OURS, edits=0.25),
    "best-of-8-reward": replace(OURS, labels_of="ours", makes="best-by-reward"),
    "best-of-8-true": replace(OURS, labels_of="ours", makes="best-by-truth"),
}


@dataclass(frozen=True)
class Tier:
    """How much is run."""

    checkpoints: tuple[int, ...]
    """Labels after which a policy is trained and judged."""
    personas: tuple[str, ...]
    tuning: tuple[str, ...]
    """Personas with `--tuning`."""
    noise: tuple[str, ...]
    seeds: tuple[int, ...]
    arms: tuple[str, ...]
    prompts: int
    """Most training prompts."""
    heldout: int
    """Most held-out prompts."""
    settings: Settings = ()
    """Of the recipe, after an arm's own."""


TIERS = {
    "full": Tier(
        checkpoints=(16, 32, 64, 128),
        personas=("brisk", "butler", "scholar", "conditional", "concise"),
        tuning=("careful", "chatty", "plain", "moody", "curt"),
        noise=("0.25",),
        seeds=(10, 11, 12, 13, 14),
        arms=tuple(ARMS),
        prompts=400,
        heldout=128,
    ),
    "quick": Tier(
        checkpoints=(8, 16),
        personas=("brisk",),
        tuning=("plain",),
        noise=("0.25",),
        seeds=(10,),
        arms=("offline-dpo", "online-random", "ours-in-the-loop", "ours", "best-of-8-reward", "best-of-8-true"),
        prompts=24,
        heldout=24,
        settings=(
            "policy.trl.max_steps=6", "policy.sft.max_steps=6", "policy.bon.prompts=12", "policy.bon.completions=8",
        ),
    ),
}  # fmt: skip
NOISE: dict[str, dict[str, float]] = {
    "0": {},
    "0.1": {"mistake": 0.1},
    "0.25": {"mistake": 0.25},
    "biased": {"left_bias": 0.2, "mistake": 0.1},
    "tired": {"mistake": 0.05, "fatigue": 0.2},
}
"""Annotators by name, in the words of `personas.Annotator`: `tired` errs in 5 % at first, in 31 % after 128 labels."""
