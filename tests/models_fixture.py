"""Models for the tests of training, sampling and scoring: the shipped tiny Qwen3, and a Qwen2 of random weights."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from feedback_loop import prompts
from feedback_loop.policy_tables import PolicyTable
from feedback_loop.progress import silent
from feedback_loop.recipe import ModelTable, RewardTable, SamplingTable
from feedback_loop.records import Message, Preference, Prompt
from policies.task import Task, Track
from reward.score import load_members

TINY = ModelTable(name="tiny", device="cpu", dtype="float32")
QUICK = {"learning_rate": 5e-3, "num_train_epochs": 2, "activation_checkpointing": False}
"""TRL options that make a training take a second or two."""


def tiny_prompts(count: int) -> list[Prompt]:
    """Prompts that the tiny Qwen was made for."""
    return prompts.load(prompts.DATA / "prompts" / "tiny.jsonl")[:count]


def preference(prompt: Prompt, chosen: str, rejected: str, *, tie: bool = False) -> Preference:
    """`chosen` over `rejected`, as a person would have said it."""
    return Preference(
        prompt=prompt.prompt,
        chosen=(Message(role="assistant", content=chosen),),
        rejected=(Message(role="assistant", content=rejected),),
        prompt_id=prompt.id,
        comparison_id=f"r000-{prompt.id}",
        user_id="anna",
        round=0,
        tie=tie,
    )


GOOD, BAD = "Certainly! Use a soft cloth and warm water.", "No."


def obvious(count: int) -> list[Preference]:
    """The long, polite answer is preferred every time."""
    return [preference(p, GOOD, BAD) for p in tiny_prompts(count)]


def make_task(
    folder: Path,
    policy: PolicyTable,
    *,
    pairs: Sequence[Preference] = (),
    prompt_count: int = 8,
    model: ModelTable = TINY,
    parent: Path | None = None,
    reward: Path | Sequence[Path] | None = None,
    seed: int = 7,
    run_seed: int = 7,
    track: Track = lambda row, samples: None,
) -> Task:
    """A policy step in a folder; made again in the same folder, it goes on from what is there."""
    rewards = [reward] if isinstance(reward, Path) else list(reward or ())
    for name in ("out", "work", "resume", "cache"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    return Task(
        model=model,
        policy=policy,
        sampling=SamplingTable(max_new_tokens=24, batch_size=8),
        pairs=pairs,
        prompts=tiny_prompts(prompt_count),
        parent=parent,
        reward=rewards[0] if rewards else None,
        load_members=partial(load_members, folders=rewards, thinking=False, batch_size=8) if rewards else None,
        accuracy=None,
        out=folder / "out",
        work=folder / "work",
        resume=folder / "resume",
        cache=folder / "cache",
        seed=seed,
        run_seed=run_seed,
        report=silent,
        track=track,
    )


def adapter_bytes(task: Task) -> bytes:
    """The weights that a step left."""
    return (task.out / "adapter" / "adapter_model.safetensors").read_bytes()


def weights(network: Any, name: str) -> dict[str, Any]:
    """A copy of an adapter's parameters."""
    return {key: p.detach().clone() for key, p in network.named_parameters() if f".{name}." in key}


@pytest.fixture(scope="session")
def qwen2(tmp_path_factory: pytest.TempPathFactory) -> ModelTable:
    """A folder with a Qwen2 of random weights and the tiny tokenizer."""
    import torch
    from transformers import AutoTokenizer, Qwen2Config, Qwen2ForCausalLM

    from feedback_loop.models import resolve

    folder = tmp_path_factory.mktemp("qwen2")
    tokenizer = AutoTokenizer.from_pretrained(resolve("tiny"))
    torch.manual_seed(0)
    config = Qwen2Config(
        vocab_size=1440,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    Qwen2ForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return ModelTable(name=str(folder), device="cpu", dtype="float32")


@pytest.fixture(scope="session")
def adapter(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A policy's adapter on the tiny Qwen, trained to prefer GOOD."""
    from policies.dpo import train_dpo

    task = make_task(tmp_path_factory.mktemp("policy"), PolicyTable(trl=QUICK), pairs=obvious(6), seed=1)
    train_dpo(task)
    return task.out / "adapter"


@pytest.fixture(scope="session")
def reward_adapter(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A reward model on the tiny Qwen that prefers GOOD."""
    from reward.train import train_reward

    folder = tmp_path_factory.mktemp("reward")
    train_reward(
        TINY,
        RewardTable(trl=QUICK),
        obvious(8),
        [],
        out=folder / "adapter",
        work=folder / "work",
        seed=1,
        thinking=False,
        report=silent,
    )
    return folder / "adapter"
