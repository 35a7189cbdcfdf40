"""`[policy]` of the recipe: the step that updates the adapter, and a table for each kind of step."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

TrlOptions = dict[str, Any]


class Table(BaseModel):
    """A table of the recipe: immutable, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class PPOTable(Table):
    """`[policy.ppo]`: proximal policy optimisation, `policies/ppo.py`. Rewards are in standard deviations."""

    steps: int = Field(24, ge=1)
    """Rollouts and updates in turn."""
    rollouts: int = Field(64, ge=2)
    """Completions drawn a step, each of another prompt where there are enough."""
    epochs: int = Field(4, ge=1)
    """Passes over a step's rollouts."""
    minibatches: int = Field(4, ge=1)
    """Optimiser steps an epoch."""
    learning_rate: float = Field(1e-4, gt=0)
    """At the start; it falls linearly to 0."""
    clip: float = Field(0.2, gt=0)
    """How far the probability ratio counts, on either side of 1."""
    value: Literal["trunk", "adapter"] = "trunk"
    """Values from the policy's own hidden states, or from an adapter that starts as the reward model."""
    value_clip: float = Field(0.2, gt=0)
    value_weight: float = Field(0.1, ge=0)
    """Weight of the value loss beside the policy's."""
    gamma: float = Field(1.0, gt=0, le=1)
    lam: float = Field(1.0, ge=0, le=1)
    """Lambda of generalised advantage estimation; below 1 it leans on a critic that has had little time to learn."""
    kl_coef: float = Field(0.2, ge=0)
    """Reward taken off for a nat of KL from the reference; the first value where `kl_target` adapts it."""
    kl_target: float = Field(0.0, ge=0)
    """Nats a completion that the coefficient is adapted towards; 0 leaves it fixed."""
    floor: float = Field(0.0, ge=0)
    """A token that the reference gives less than exp(-floor) costs the completion its reward; 0 is off."""
    max_grad_norm: float = Field(1.0, gt=0)
    batch_tokens: int = Field(2048, ge=1)
    """Most tokens, padding included, that go through the network at once; gradients add up over such batches."""
    activation_checkpointing: bool = False


class BonTable(Table):
    """`[policy.bon]`: best-of-n distillation."""

    prompts: int = Field(64, ge=1)
    """Training prompts that are answered; all of them where there are fewer."""
    completions: int = Field(16, ge=2)
    """n: completions a prompt, of which the reward model picks."""
    pool: Literal["base", "parent"] = "base"
    """Whose answers they are: the base's, drawn once a run, or those of the policy in force, drawn anew each round."""
    learn: Literal["sft", "dpo", "both"] = "dpo"
    """SFT on the best; DPO on the best against the worst; or DPO on these pairs and those of people's that it agrees with."""
    min_accuracy: float = Field(0.5, ge=0, le=1)
    """Lower bound (90 %) of the reward model's accuracy on pairs it never saw, below which people's pairs alone are
    learned; so they are, whatever it is, until 8 labels prefer an answer."""


class BakeTable(Table):
    """`[policy.bake]`: the brief moved into the adapter, `policies/bake.py`."""

    steps: int = Field(40, ge=1)
    """Optimiser steps, each on answers that the policy writes for it."""
    rollouts: int = Field(32, ge=2)
    """Answers a step, each to another prompt where there are enough."""
    learning_rate: float = Field(1e-4, gt=0)
    """At the start; it falls linearly to 0."""
    strength: float = Field(1.0, ge=0, le=1)
    """How much of the brief: what is learned lies so far between the base without it and the base with it."""
    then: Literal["none", "dpo"] = "none"
    """`dpo`: people's pairs are learned on top, from the baked adapter, which is then the reference too."""
    max_grad_norm: float = Field(1.0, gt=0)
    batch_tokens: int = Field(4096, ge=1)
    """Most tokens, brief and padding included, that go through the network at once; gradients add up over such batches."""
    activation_checkpointing: bool = False


class DittoTable(Table):
    """`[policy.ditto]`: learning from demonstrations, `policies/ditto.py`."""

    demonstrations: int = Field(32, ge=1)
    """Demonstrations learned from, the best; all of them where there are fewer."""
    own: int = Field(4, ge=0)
    """Answers in people's own words that are enough: where there are fewer, ranked ones are demonstrations too."""
    samples: int = Field(4, ge=1)
    """Answers drawn a demonstration and turn."""
    turns: int = Field(3, ge=1)
    """Draw, then learn: so often."""
    steps: int = Field(10, ge=1)
    """Optimiser steps a turn."""
    learning_rate: float = Field(2e-5, gt=0)
    """At the start of a turn; it falls linearly to 0. High or for many steps, it makes the policy repeat what it was shown."""
    learn: Literal["demonstrations", "both"] = "demonstrations"
    """`both`: people's pairs beside the pairs that the demonstrations make, in each turn."""


class PolicyTable(Table):
    """`[policy]`: the step that updates the adapter."""

    step: Literal["dpo", "ppo", "rloo", "bon", "kto", "sft", "bake", "ditto"] = "dpo"
    start: Literal["parent", "base"] = "parent"
    """Where the weights start: the policy in force, or a fresh adapter on the base."""
    reference: Literal["parent", "base"] = "parent"
    """What the step is held near: the policy in force, or the base."""
    lora_rank: int = Field(16, ge=1)
    lora_alpha: int = Field(32, ge=1)
    caution: float = Field(1.0, ge=0)
    """Standard deviations of the reward model's members taken off their mean score before it is optimised."""
    end_penalty: float = Field(1.0, ge=0)
    """Standard deviations of reward taken off a completion that was cut at `sampling.max_new_tokens`."""
    max_kl: float = Field(30.0, gt=0)
    """KL budget: nats a completion from the reference at which the step stops and keeps its last good adapter."""
    hold: float = Field(16.0, ge=0)
    """Weight of the KL from the base on neutral chats (nats a token) beside the step's own loss; 0 lets them go."""
    neutral_file: str = "neutral"
    """JSONL of neutral chats, where the policy is to stay the base, or the name of a shipped file in `data/prompts/`."""
    probe: int = Field(16, ge=0)
    """Prompts answered at each measurement of a training by TRL or a baking (reward, KL, entropy, length); 0: none."""
    ppo: PPOTable = PPOTable()
    bon: BonTable = BonTable()
    bake: BakeTable = BakeTable()
    ditto: DittoTable = DittoTable()
    trl: TrlOptions = {}
    """Passed to trl.DPOConfig word for word, by those that learn by it: `dpo`, `ditto`, and `bon` and `bake` where told to."""
    sft: TrlOptions = {}
    """The same for trl.SFTConfig; `ditto` begins by it."""
    kto: TrlOptions = {}
    """The same for trl.KTOConfig."""
    rloo: TrlOptions = {}
    """The same for trl.RLOOConfig."""
