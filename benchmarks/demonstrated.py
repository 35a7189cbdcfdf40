"""What demonstrations are worth: as examples in a prompt, by SFT, by DITTO, beside and with DPO on the same people's pairs.

    python -m benchmarks.demonstrated --seeds 10 11 12 --personas brisk concierge desk
    python -m benchmarks.demonstrated --tuning --arms ditto ditto-both policy.ditto.steps=40

A simulated person ranks two answers of the demo's tiny Qwen to each of `--labels` requests, a tenth of the time wrongly, and
edits the first `--edits` of them into the best of 16 answers (an ideal editor who stays within what the model can say). Each arm
learns from what it says; each policy is judged by the person's true utility on held-out requests, an answer each, against
the base's, ties half. Prints Markdown, a line an arm; `--json FILE` keeps each cell.
"""

import argparse
import dataclasses
import json
import random
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.common import answers, quiet
from benchmarks.policy_steps import find
from feedback_loop import prompts, recipe
from feedback_loop.evaluate import mean, win_rate
from feedback_loop.examples.demonstrations import Demonstration, best
from feedback_loop.examples.nearest import nearest
from feedback_loop.examples.shots import shown
from feedback_loop.preferences import preferences
from feedback_loop.progress import silent
from feedback_loop.prompts import DATA
from feedback_loop.recipe import Recipe
from feedback_loop.records import Preference, Prompt, Ranking
from feedback_loop.simulation.personas import Persona, answer, edit, gated, utility
from feedback_loop.simulation.personas import load as load_persona
from feedback_loop.stages.asking import pair_up
from policies.base import Policy, load_policy
from policies.sampler import sample
from policies.steps import STEPS
from policies.task import Task

EDITOR = 16
"""Answers among which an editor finds the best."""


@dataclass(frozen=True)
class Arm:
    """What is trained, on which demonstrations, and how many of them stand in the prompt when it is judged."""

    settings: tuple[str, ...] = ()
    """Of the training; none where they are empty."""
    edits_alone: bool = False
    shots: int = 0


ARMS = {
    "base": Arm(),
    "base, 3 examples": Arm(shots=3),
    "sft, the edits": Arm(("policy.step=sft",)),
    "ditto, the edits": Arm(("policy.step=ditto",), edits_alone=True),
    "ditto": Arm(("policy.step=ditto", "policy.ditto.own=1000")),
    "dpo": Arm(("policy.step=dpo",)),
    "dpo, 3 examples": Arm(("policy.step=dpo",), shots=3),
    "ditto-both": Arm(("policy.step=ditto", "policy.ditto.own=1000", "policy.ditto.learn=both")),
    "ditto-both, the edits": Arm(("policy.step=ditto", "policy.ditto.learn=both"), edits_alone=True),
}


@dataclass(frozen=True)
class World:
    """One person and what they said."""

    read: Recipe
    persona: Persona
    pool: list[Prompt]
    heldout: list[Prompt]
    plain: list[str]
    pairs: list[Preference]
    shown: list[Demonstration]
    seed: int


def main() -> None:
    """Run every cell, print a line an arm."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("settings", nargs="*", metavar="key=value")
    parser.add_argument("--arms", nargs="*", choices=list(ARMS), default=list(ARMS))
    parser.add_argument("--personas", nargs="*", default=["brisk", "concierge", "desk", "chum", "clerk"])
    parser.add_argument("--seeds", type=int, nargs="*", default=[10, 11, 12])
    parser.add_argument("--labels", type=int, default=32)
    parser.add_argument("--edits", type=int, default=8)
    parser.add_argument("--noise", type=float, default=0.1)
    parser.add_argument("--tuning", action="store_true", help="other requests, to choose options by")
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    rows: list[dict[str, Any]] = []
    for name in asked.personas:
        for seed in asked.seeds:
            made = world(asked, name, seed)
            for arm in asked.arms:
                rows.append({"persona": name, "seed": seed, "arm": arm} | run(asked, made, ARMS[arm]))
                print(json.dumps(rows[-1]), flush=True)
    print(
        "\n| arm | win rate | least | most | utility | on topic | seconds |\n| --- | ---: | ---: | ---: | ---: | ---: | ---: |"
    )
    for arm in asked.arms:
        mine = [row for row in rows if row["arm"] == arm]
        wins = [row["win"] for row in mine]
        figures = [mean(wins), min(wins), max(wins), *(mean([row[k] for row in mine]) for k in ("utility", "on_topic"))]
        print(f"| {arm} | {' | '.join(f'{x:.3f}' for x in figures)} | {mean([row['seconds'] for row in mine]):.0f} |")
    if asked.json:
        asked.json.write_text(json.dumps(rows, indent=1), encoding="utf-8")


def world(asked: argparse.Namespace, name: str, seed: int) -> World:
    """What a person says of the base's answers."""
    pool, heldout = (
        prompts.load(DATA / "prompts" / f"tiny{'_tuning' if asked.tuning else ''}{end}.jsonl")
        for end in ("", "_heldout")
    )
    read, rng, persona = (
        recipe.load(DATA / "recipes" / "demo.toml", asked.settings),
        random.Random(seed),
        load_persona(find(name)),
    )
    noisy = persona.model_copy(update={"annotator": persona.annotator.model_copy(update={"mistake": asked.noise})})
    base, chosen = load_policy(read.model, None, name="base"), rng.sample(pool, min(asked.labels, len(pool)))
    drawn = sample(base, chosen, read.sampling, completions=2, thinking=False, seed=seed, report=silent)
    more = sample(
        base, chosen[: asked.edits], read.sampling, completions=EDITOR, thinking=False, seed=seed + 1, report=silent
    )
    candidates: dict[str, list[str]] = {}
    for c in more.completions:
        candidates.setdefault(c.prompt_id, []).append(c.completion)
    by_id = {p.id: p for p in chosen}
    comparisons = pair_up(
        0, [by_id[i] for i in dict.fromkeys(c.prompt_id for c in drawn.completions)], drawn.completions, seed
    )
    given = []
    for c in comparisons:
        status, choice = answer(noisy, c, rng)
        liked = next((x for x in c.completions if x.id == choice), c.completions[0])
        better = edit(persona, c.prompt, liked.completion, candidates.get(c.prompt_id, ()))
        given.append(
            Ranking(
                comparison_id=c.id,
                user_id="p",
                status=status,
                choice=choice,
                created_at="",
                edit=better,
                edit_of=liked.id if better else None,
            )
        )
    pairs = preferences(comparisons, given)
    return World(read, persona, pool, heldout, answers(read, base, heldout), pairs, best(pairs, []), seed)


def run(asked: argparse.Namespace, made: World, arm: Arm) -> dict[str, Any]:
    """Train where the arm says so, and judge."""
    start, demonstrations = time.monotonic(), made.shown
    if arm.edits_alone:
        demonstrations = [d for d in demonstrations if d.origin != "ranked"]
    with tempfile.TemporaryDirectory() as folder, quiet():
        adapter = trained(asked, made, arm, demonstrations, Path(folder)) if arm.settings else None
        seconds = time.monotonic() - start
        policy = load_policy(made.read.model, adapter, name="new")
        return judged(made, policy, demonstrations, arm.shots) | {
            "seconds": seconds,
            "demonstrations": len(demonstrations),
        }


def trained(
    asked: argparse.Namespace, made: World, arm: Arm, demonstrations: Sequence[Demonstration], folder: Path
) -> Path:
    """The adapter that a step makes of what was said."""
    read = recipe.load(DATA / "recipes" / "demo.toml", [*asked.settings, *arm.settings])
    folders = [folder / name for name in ("stage", "work", "resume", "cache")]
    for place in folders:
        place.mkdir()
    task = Task(
        model=read.model, policy=read.policy.model_copy(update={"probe": 0}), sampling=read.sampling, pairs=made.pairs,
        prompts=made.pool, parent=None, reward=None, load_members=None, accuracy=None, out=folders[0], work=folders[1],
        resume=folders[2], cache=folders[3], seed=made.seed, run_seed=made.seed, report=silent, track=lambda *_: None,
    )  # fmt: skip
    STEPS[read.policy.step](dataclasses.replace(task, demonstrations=demonstrations))
    return folders[0] / "adapter"


def judged(made: World, policy: Policy, demonstrations: Sequence[Demonstration], shots: int) -> dict[str, float]:
    """True win rate against the base, mean utility, share on topic."""
    texts = answers(made.read, policy, [shown(p, nearest(p, demonstrations, shots)) for p in made.heldout])
    ours, theirs = (
        [utility(made.persona, p, t) for p, t in zip(made.heldout, ts, strict=True)] for ts in (texts, made.plain)
    )
    on_topic = mean([gated(made.persona, p, t) for p, t in zip(made.heldout, texts, strict=True)])
    return {"win": win_rate(ours, theirs), "utility": mean(ours), "on_topic": on_topic}


if __name__ == "__main__":
    main()
