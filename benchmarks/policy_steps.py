"""What each policy step makes of the same reward: true win rate, KL and cost, beside the best-of-n frontier.

    python -m benchmarks.policy_steps --reward true --seeds 10 11 12 13 14
    python -m benchmarks.policy_steps --reward learned --labels 32 --noise 0.1 reward.form=lora reward.members=1 policy.caution=1

With `--reward true` every step optimises the persona's own utility; with `learned`, a reward model trained on noisy
labels, while the utility only looks on: its mean beside the reward model's at every measurement is the
gold-versus-proxy curve. All arms draw the same number of completions (`--samples`) from the demo's tiny Qwen on its
prompts and are judged on held-out ones, a completion each, against the base's. `--tuning` takes other prompts, to choose
options by. Prints Markdown; `--json FILE` keeps all of it, the curves too.

The frontier: best of n base completions by the true utility has a KL of at most log n - (n-1)/n nats (Beirami et al. 2024,
arXiv 2401.01879); its win rate is measured, over the same prompts. "below" is how many points an arm's win rate lies
under the frontier at the arm's own KL.
"""

import argparse
import itertools
import json
import math
import random
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.common import answers, quiet
from feedback_loop import prompts, recipe
from feedback_loop.evaluate import kl_estimate, mean, win_rate
from feedback_loop.preferences import disliked, preferences, split
from feedback_loop.progress import silent
from feedback_loop.prompts import DATA
from feedback_loop.recipe import Recipe
from feedback_loop.records import Preference, Prompt, Ranking
from feedback_loop.scores import Members
from feedback_loop.simulation.personas import Persona, answer, gated, utility
from feedback_loop.simulation.personas import load as load_persona
from feedback_loop.stages.asking import pair_up
from policies.base import Policy, load_policy
from policies.logprobs import completion_logprobs
from policies.sampler import sample
from policies.steps import STEPS
from policies.task import Task
from reward.fit import train_head
from reward.score import load_members
from reward.train import train_reward

MOST = 64
"""Largest n of the frontier."""
BON = ("policy.step=bon", "policy.bon.min_accuracy=0")
ARMS: dict[str, Callable[[int], list[str]]] = {
    "ppo": lambda samples: ["policy.step=ppo", f"policy.ppo.steps={samples // 64 - 1}", "policy.ppo.rollouts=64"],
    "rloo": lambda samples: [
        "policy.step=rloo", f"policy.rloo.max_steps={samples // 64}", "policy.rloo.per_device_train_batch_size=64"
    ],
    "bon-sft": lambda samples: [
        *BON, "policy.bon.learn=sft", f"policy.bon.prompts={samples // 16}", "policy.bon.completions=16"
    ],
    "bon-dpo": lambda samples: [
        *BON, "policy.bon.learn=dpo", f"policy.bon.prompts={samples // 16}", "policy.bon.completions=16"
    ],
    "dpo": lambda _: ["policy.step=dpo"],
}  # fmt: skip
"""Settings of each arm, given how many completions it may draw. `dpo` learns from the labels alone."""


@dataclass
class Gold:
    """The true utility beside what the step optimises, at each of its measurements."""

    persona: Persona
    last: float = 0.0
    curve: list[dict[str, float]] = field(default_factory=list)

    def watch(self, members: Members) -> Members:
        """The same scores, with the true utility of each batch noted."""

        def scored(asked: Sequence[Prompt], texts: Sequence[str]) -> list[list[float]]:
            self.last = mean([utility(self.persona, p, t) for p, t in zip(asked, texts, strict=True)])
            return members(asked, texts)

        return scored

    def note(self, row: dict[str, float], _: Any) -> None:
        """Called with each measurement, right after its batch was scored."""
        if "reward" in row:
            figures = {name: row[name] for name in ("step", "reward", "reward_sd", "kl", "entropy")}
            self.curve.append(figures | {"gold": self.last})


@dataclass(frozen=True)
class World:
    """What all arms of one cell share."""

    read: Recipe
    persona: Persona
    pool: list[Prompt]
    heldout: list[Prompt]
    seed: int
    plain: list[str]
    """The base's answers to the held-out prompts."""
    frontier: list[float]
    """Win rate of best of n against the base, for n = 1, 2, ..."""


def main() -> None:
    """Run every cell, print a line an arm."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("settings", nargs="*", metavar="key=value")
    parser.add_argument("--reward", choices=["true", "learned"], default="true")
    parser.add_argument("--arms", nargs="*", choices=list(ARMS), default=["ppo", "rloo", "bon-sft", "bon-dpo"])
    parser.add_argument("--seeds", type=int, nargs="*", default=[10, 11, 12, 13, 14])
    parser.add_argument("--personas", nargs="*", default=["brisk"])
    parser.add_argument("--tuning", action="store_true")
    parser.add_argument("--samples", type=int, default=1024)
    parser.add_argument("--labels", type=int, default=32)
    parser.add_argument("--noise", type=float, default=0.1)
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    rows: list[dict[str, Any]] = []
    print(f"| persona | seed | {' | '.join(HEADS)} |\n| {' | '.join(['---'] * (2 + len(HEADS)))} |", flush=True)
    for name in asked.personas:
        reachable = None
        for seed in asked.seeds:
            made, reachable = cell(asked, name, seed, reachable)
            for row in made:
                rows.append(row)
                print(line(row), flush=True)
    for arm in asked.arms:
        mine = [row for row in rows if row["arm"] == arm]
        known = {head: [row[head] for row in mine if row[head] is not None] for head in NUMBERS}
        averages = {head: mean(values) if values else None for head, values in known.items()}
        print(line({"persona": "mean", "seed": len(mine), "arm": arm, **averages}), flush=True)
    if asked.json:
        asked.json.write_text(json.dumps(rows, indent=1), encoding="utf-8")


NUMBERS = ("win", "on_topic", "kl", "below", "samples", "seconds", "reward_accuracy")
HEADS = ("arm", *NUMBERS)


def line(row: dict[str, Any]) -> str:
    """A row of the table."""
    shown = [row["persona"], row["seed"], row["arm"]]
    digits = {"kl": 2, "below": 1, "samples": 0, "seconds": 0}
    shown += ["-" if row[n] is None else f"{row[n]:.{digits.get(n, 3)}f}" for n in NUMBERS]
    return f"| {' | '.join(map(str, shown))} |"


def cell(
    asked: argparse.Namespace, name: str, seed: int, reachable: list[float] | None
) -> tuple[list[dict[str, Any]], list[float]]:
    """All arms of one persona and seed, and the persona's frontier."""
    pool, heldout = (
        prompts.load(DATA / "prompts" / f"tiny{'_tuning' if asked.tuning else ''}{end}.jsonl")
        for end in ("", "_heldout")
    )
    read = recipe.load(DATA / "recipes" / "demo.toml", asked.settings)
    persona = load_persona(find(name))
    base = load_policy(read.model, None, name="base")
    reachable = reachable or frontier(read, persona, base, heldout[:48], seed)
    world = World(read, persona, pool, heldout, seed, answers(read, base, heldout), reachable)
    rows = []
    with tempfile.TemporaryDirectory() as folder, quiet():
        pairs, reward, accuracy = labels(asked, world, base, Path(folder))
        for arm in asked.arms:
            settings = [*asked.settings, *ARMS[arm](asked.samples)]
            mine = recipe.load(DATA / "recipes" / "demo.toml", settings)
            out = Path(folder) / arm
            rows.append(
                {"persona": name, "seed": seed, "arm": arm, "reward_accuracy": accuracy}
                | run_arm(world, mine, pairs, reward, out)
            )
    return rows, reachable


def find(name: str) -> Path:
    """A persona for tuning, or a shipped one."""
    tuning = DATA / "personas" / "tuning" / f"{name}.toml"
    return tuning if tuning.exists() else DATA / "personas" / f"{name}.toml"


def labels(
    asked: argparse.Namespace, world: World, base: Policy, folder: Path
) -> tuple[list[Preference], list[Path], float | None]:
    """(people's pairs, the reward models trained on them, their held-out accuracy); no reward model where it is true."""
    read, seed = world.read, world.seed
    rng = random.Random(seed)
    persona = world.persona.model_copy(
        update={"annotator": world.persona.annotator.model_copy(update={"mistake": asked.noise})}
    )
    drawn = sample(base, rng.sample(world.pool, min(len(world.pool), asked.labels)), read.sampling, completions=2, thinking=False,
                   seed=seed, report=silent)  # fmt: skip
    by_id = {p.id: p for p in world.pool}
    pairs = pair_up(
        0, [by_id[i] for i in dict.fromkeys(c.prompt_id for c in drawn.completions)], drawn.completions, seed
    )
    given = [
        Ranking(comparison_id=p.id, user_id="p", status=s, choice=c, created_at="")
        for p in pairs
        for s, c in [answer(persona, p, rng)]
    ]
    found = preferences(pairs, given)
    if asked.reward == "true":
        return found, [folder], None
    (folder / "reward").mkdir()
    if read.reward.form == "head":
        facts = train_head(
            read.model, read.reward, found, disliked(pairs, given), known={}, out=folder / "reward" / "head", seed=seed,
            thinking=False, batch_size=64, report=silent, track=lambda _: None,
        )  # fmt: skip
        return found, [folder / "reward" / "head"], facts["accuracy"]
    train, heldout = split(found, read.preferences.heldout, seed)
    facts = train_reward(
        read.model, read.reward, train, heldout, out=folder / "reward" / "adapter", work=folder,
        seed=seed, thinking=False, report=silent,
    )  # fmt: skip
    return found, sorted((folder / "reward").glob("adapter*")), facts["accuracy"]


def run_arm(world: World, read: Recipe, pairs: list[Preference], reward: list[Path], out: Path) -> dict[str, Any]:
    """Train by one step, and judge what came out on the held-out prompts."""
    gold = Gold(world.persona)

    def members(network: Any, tokenizer: Any) -> Members:
        if not any(reward[0].glob("*.safetensors")):
            return gold.watch(lambda ps, ts: [[utility(world.persona, p, t)] for p, t in zip(ps, ts, strict=True)])
        load = partial(load_members, folders=reward, thinking=False, batch_size=64)
        return gold.watch(load(network, tokenizer))

    folders = [out / name for name in ("stage", "work", "resume", "cache")]
    for folder in folders:
        folder.mkdir(parents=True)
    task = Task(
        model=read.model, policy=read.policy, sampling=read.sampling, pairs=pairs, prompts=world.pool, parent=None,
        reward=reward[0], load_members=members, accuracy=None,
        out=folders[0], work=folders[1], resume=folders[2], cache=folders[3],
        seed=world.seed, run_seed=world.seed, report=silent, track=gold.note,
    )  # fmt: skip
    start = time.monotonic()
    facts = STEPS[read.policy.step](task)
    seconds = time.monotonic() - start
    return judge(world, load_policy(read.model, folders[0] / "adapter", name="new")) | {
        "samples": facts.get("rollouts") or facts.get("samples") or 0,
        "seconds": seconds,
        "curve": gold.curve,
        "stopped": facts["stopped"],
    }


def judge(world: World, policy: Policy) -> dict[str, float]:
    """True win rate against the base, share on topic, KL, and points below the frontier at that KL."""
    heldout = world.heldout
    texts = answers(world.read, policy, heldout)
    ours, theirs = (
        [utility(world.persona, p, t) for p, t in zip(heldout, ts, strict=True)] for ts in (texts, world.plain)
    )
    here, there = (
        completion_logprobs(policy, heldout, texts, thinking=False, batch_size=64, base=b) for b in (False, True)
    )
    won, kl = win_rate(ours, theirs), kl_estimate(here, there)
    return {
        "win": won,
        "on_topic": mean([gated(world.persona, p, t) for p, t in zip(heldout, texts, strict=True)]),
        "kl": kl,
        "below": 100 * (at(world.frontier, kl) - won),
    }


def frontier(read: Recipe, persona: Persona, base: Policy, asked: list[Prompt], seed: int) -> list[float]:
    """Win rate of the best of n base completions against one more, for n = 1 to MOST; ties count half."""
    copies = [p.model_copy(update={"id": f"{p.id}/{n}"}) for p in asked for n in range(2 * MOST)]
    drawn = sample(base, copies, read.sampling, completions=1, thinking=False, seed=seed, report=silent)
    by_id = {p.id: p for p in copies}
    worth: dict[str, list[float]] = {}
    for c in drawn.completions:
        worth.setdefault(c.prompt_id.split("/")[0], []).append(utility(persona, by_id[c.prompt_id], c.completion))
    rng, wins = random.Random(seed), []
    for n in range(1, MOST + 1):
        points = []
        for values in worth.values():
            for _ in range(40):
                *best, other = rng.sample(values, n + 1)
                points.append(1.0 if max(best) > other else 0.5 if max(best) == other else 0.0)
        wins.append(mean(points))
    return wins


def at(wins: Sequence[float], kl: float) -> float:
    """The frontier's win rate at a KL, linear between whole n."""
    known = [(math.log(n) - (n - 1) / n, won) for n, won in enumerate(wins, start=1)]
    for (k0, w0), (k1, w1) in itertools.pairwise(known):
        if k0 <= kl <= k1:
            return w0 + (w1 - w0) * (kl - k0) / (k1 - k0)
    return known[0][1] if kl < 0 else known[-1][1]


if __name__ == "__main__":
    main()
