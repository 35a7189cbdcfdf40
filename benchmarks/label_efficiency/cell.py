"""One persona, annotator and seed: all arms, checkpoint by checkpoint, a row an arm."""

import math
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.common import answers
from benchmarks.label_efficiency import memory
from benchmarks.label_efficiency.arms import ARMS, CANDIDATES, NOISE, Arm, Tier
from benchmarks.label_efficiency.ask import ask, pairs_of
from benchmarks.label_efficiency.identity import Spec, digest, persona_file, settings_hash
from benchmarks.label_efficiency.person import Judge, Label, Person, open_oracle
from benchmarks.label_efficiency.train import Trained, fit, train
from benchmarks.label_efficiency.world import World, open_world, recipe_of
from feedback_loop.evaluate import kl_estimate
from policies.base import load_policy
from policies.logprobs import completion_logprobs

Row = dict[str, Any]


@dataclass(frozen=True)
class Asked:
    """An arm's labels up to a checkpoint, and what the last round of asking cost."""

    labels: tuple[Label, ...]
    seconds: float
    peak_mb: float


@dataclass(frozen=True)
class Cell:
    """What is known of a cell while it runs. What depends on the same labels and settings is done once for all arms."""

    world: World
    tier: Tier
    person: Person
    judge: Judge
    folder: Path
    asked: dict[str, Asked]
    trained: dict[str, Trained]
    judged: dict[str, Row]


def run_cell(spec: Spec, tier: Tier, arms: Sequence[str], cache: Path) -> Iterator[Row]:
    """A row for each arm, as it is done."""
    world = open_world(spec.model, tier, spec.seed, tuning=spec.tuning, cache=cache)
    with open_oracle(persona_file(spec), NOISE[spec.noise], spec.seed) as line, tempfile.TemporaryDirectory() as folder:
        judge = Judge(line, world.heldout, world.plain)
        cell = Cell(world, tier, Person(line), judge, Path(folder), {}, {}, {})
        for name in arms:
            start, points = time.monotonic(), _points(cell, ARMS[name])
            yield {
                **asdict(spec),
                "arm": name,
                "settings": settings_hash(spec, tier, ARMS[name]),
                "base_seconds": world.base_seconds,
                "wall_seconds": time.monotonic() - start,
                "points": points,
            }


def _points(cell: Cell, arm: Arm) -> list[Row]:
    """What is measured at each checkpoint."""
    return [_point(cell, arm, _asked(cell, arm, place)) for place in range(len(cell.tier.checkpoints))]


def _point(cell: Cell, arm: Arm, asked: Asked) -> Row:
    labels, outcome = asked.labels, _outcome(cell, arm, asked.labels)
    return {
        "labels": len(labels),
        "ties": sum(one.ranking.choice in ("tie", "neither") for one in labels),
        "edits": sum(one.ranking.edit is not None for one in labels),
        "person_minutes": sum(one.seconds for one in labels) / 60,
        "asking_seconds": asked.seconds,
        **outcome,
        "peak_rss_mb": max(asked.peak_mb, outcome["peak_rss_mb"]),
    }


def _outcome(cell: Cell, arm: Arm, labels: Sequence[Label]) -> Row:
    """Win rates, KL and cost of what an arm makes of its labels."""
    bound = math.log(CANDIDATES) - (CANDIDATES - 1) / CANDIDATES
    untrained = {"kl": bound, "training_seconds": 0.0, "samples": 0, "failed": None, "peak_rss_mb": 0.0}
    if arm.makes == "best-by-truth":
        return {**cell.judge.best(cell.world.drawn), **untrained}
    if arm.makes == "best-by-reward":
        return {**cell.judge.texts(_best_by_reward(cell, arm, labels)), **untrained}
    made = _policy(cell, arm, labels)
    cost = {"training_seconds": made.seconds, "samples": made.samples, "peak_rss_mb": made.peak_mb}
    return {**_judged(cell, made), **cost, "failed": made.failed}


def _asked(cell: Cell, arm: Arm, place: int) -> Asked:
    """An arm's labels up to a checkpoint, those of the checkpoints before it first."""
    if arm.labels_of:
        return _asked(cell, ARMS[arm.labels_of], place)
    trained = [arm.settings, arm.held] if arm.asks == "current" else None
    changes = [arm.strategy, arm.random_share, arm.edits, arm.asks, arm.counts, trained]
    shared = place == 0 and not arm.edits
    key = digest([place, None if shared else changes])
    if key not in cell.asked:
        earlier = _asked(cell, arm, place - 1).labels if place else ()
        made = _policy(cell, arm, earlier) if place and arm.asks == "current" else Trained(None)
        start = time.monotonic()
        memory.reset()
        labels = ask(cell.world, arm, cell.person, earlier, cell.tier.checkpoints[place], place, made)
        cell.asked[key] = Asked(labels, time.monotonic() - start, memory.peak_mb())
    return cell.asked[key]


def _policy(cell: Cell, arm: Arm, labels: Sequence[Label]) -> Trained:
    settings, parent = (*arm.settings, *cell.tier.settings), _parent(cell, arm, labels)
    said = [(one.comparison.model_dump(), one.ranking.model_dump()) for one in labels]
    key = digest([settings, arm.held, arm.counts, str(parent), said])
    if key not in cell.trained:
        read, place = recipe_of(cell.world.model, settings), cell.folder / key
        cell.trained[key] = train(cell.world, arm, read, pairs_of(labels), place, cell.folder, parent)
    return cell.trained[key]


def _parent(cell: Cell, arm: Arm, labels: Sequence[Label]) -> Path | None:
    """The arm's policy of the checkpoint before, as in a round; only best-of-n asks it anything, for its answers."""
    place = cell.tier.checkpoints.index(len(labels))
    policy = recipe_of(cell.world.model, arm.settings).policy
    if place == 0 or policy.step != "bon" or policy.bon.pool == "base":
        return None
    return _policy(cell, arm, labels[: cell.tier.checkpoints[place - 1]]).adapter


def _judged(cell: Cell, made: Trained) -> Row:
    """Win rates and KL on the held-out prompts, an answer each, drawn alike for all policies."""
    key = str(made.adapter)
    if key not in cell.judged:
        world = cell.world
        policy = load_policy(world.read.model, made.adapter, name="new")
        texts = answers(world.read, policy, world.heldout)
        here, there = (
            completion_logprobs(policy, world.heldout, texts, thinking=False, batch_size=64, base=base)
            for base in (False, True)
        )
        cell.judged[key] = {**cell.judge.texts(texts), "kl": kl_estimate(here, there)}
    return cell.judged[key]


def _best_by_reward(cell: Cell, arm: Arm, labels: Sequence[Label]) -> list[str]:
    world, pairs = cell.world, pairs_of(labels)
    if not pairs:
        return [texts[0] for texts in world.drawn]
    reward = recipe_of(world.model, arm.settings).reward
    head = fit(world, pairs, reward.members, reward.length, counts=arm.counts)
    asked = [p for p, texts in zip(world.heldout, world.drawn, strict=True) for _ in texts]
    scores = head.scores(world.rows(asked, [text for texts in world.drawn for text in texts])).mean(1)
    best = np.argmax(scores.reshape(len(world.drawn), -1), axis=1)
    return [texts[place] for texts, place in zip(world.drawn, best, strict=True)]
