"""From labels to a policy, as a round does it: a head on all labels where the step needs one, and the step from the base."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.label_efficiency import memory
from benchmarks.label_efficiency.arms import Arm
from benchmarks.label_efficiency.world import World, neutral
from feedback_loop.errors import LoopError
from feedback_loop.progress import silent
from feedback_loop.recipe import Recipe
from feedback_loop.records import Preference, Prompt
from feedback_loop.scores import Members
from policies.steps import STEPS
from policies.task import Task
from reward.fit import without_length
from reward.head import Frame, Head, draw, prepare
from reward.head import fit as posteriors
from reward.observations import thresholds
from reward.text import NAMES

LABELS_ONLY = ("dpo", "kto", "sft")
"""Steps that ask no reward model."""


@dataclass(frozen=True)
class Trained:
    """A policy and its cost; without an adapter it is the base."""

    adapter: Path | None
    seconds: float = 0.0
    samples: int = 0
    """Completions that the step drew."""
    peak_mb: float = 0.0
    failed: str | None = None
    """Why there was nothing to train on."""


def train(
    world: World, arm: Arm, read: Recipe, pairs: Sequence[Preference], folder: Path, cache: Path, parent: Path | None
) -> Trained:
    """An arm's policy by the recipe `read`, trained from the base on all pairs; `parent` is the one in force."""
    start = time.monotonic()
    memory.reset()
    folders = [folder / name for name in ("stage", "work", "resume")]
    for one in folders:
        one.mkdir(parents=True)
    try:
        task = Task(
            model=read.model,
            policy=read.policy,
            sampling=read.sampling,
            pairs=pairs,
            prompts=world.prompts,
            parent=parent,
            reward=None,
            load_members=None if read.policy.step in LABELS_ONLY else scored_by(world, arm, pairs, read),
            accuracy=None,
            out=folders[0],
            work=folders[1],
            resume=folders[2],
            cache=cache,
            seed=world.seed,
            run_seed=world.seed,
            report=silent,
            track=lambda *_: None,
            neutral=neutral(read, world.prompts) if arm.held else (),
        )
        facts = STEPS[read.policy.step](task)
    except LoopError as error:
        return Trained(None, time.monotonic() - start, failed=str(error))
    return Trained(
        adapter=folders[0] / "adapter",
        seconds=time.monotonic() - start,
        samples=facts.get("rollouts") or facts.get("samples") or 0,
        peak_mb=memory.peak_mb(),
    )


def fit(world: World, pairs: Sequence[Preference], members: int, length: str = "keep", *, counts: bool = True) -> Head:
    """The head on all pairs, its frame set by the base's candidates; `length` as in the recipe. LoopError without a pair.

    Without `counts` it does not see the text statistics.
    """
    if not pairs:
        raise LoopError("No label compares two answers.")
    asked = [Prompt(id=p.prompt_id, prompt=p.prompt) for p in pairs]
    chosen, rejected = (
        world.rows(asked, [one[-1].content for one in side])
        for side in ([p.chosen for p in pairs], [p.rejected for p in pairs])
    )
    view = world.view if counts else states_only(world.view)
    labels = prepare(chosen, rejected, pairs, view, thresholds(pairs))
    head = Head(view, draw(labels, posteriors(labels), members, world.seed).astype(np.float32))
    return without_length(head, world.background) if length == "remove" else head


def states_only(view: Frame) -> Frame:
    """The frame in which the text statistics are 0 for every answer, and a typical answer's squares sum to 1 as before."""
    counted = np.arange(len(view.scale)) >= len(view.scale) - len(NAMES)
    return replace(view, scale=np.where(counted, np.inf, view.scale / np.sqrt(2)))


def scored_by(world: World, arm: Arm, pairs: Sequence[Preference], read: Recipe) -> Any:
    """As `Task.load_members` wants it: that head's members, by features that the arms share."""
    head = fit(world, pairs, read.reward.members, read.reward.length, counts=arm.counts)

    def load(_network: Any, _tokenizer: Any) -> Members:
        return lambda asked, texts: head.scores(world.rows(asked, texts)).tolist()

    return load
