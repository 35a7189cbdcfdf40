"""What baking a brief is worth, and what it costs where the brief does not apply: the tiny Qwen, a few minutes a persona.

    nice -n 10 python -m benchmarks.bake
    nice -n 10 python -m benchmarks.bake --arms step forward teacher half loose lightly

A persona's wishes are written as a brief in the tiny world's words. The base answers 128 held-out requests without it and
with it, the baked adapter without it, and each answer is worth 0 to 5 by the persona's true utility. Neutral chats state
other directives themselves: the share of answers that follow all of them, and the KL from the base there, say what leaked.
Arms: `step` is the step as it is; `forward` learns the brief by KL(teacher || student), `teacher` by that on the teacher's own
answers (Prompt Baking); `half` bakes at strength 0.5; neutral chats do not hold in `loose`, and weigh a quarter in `lightly`.
"""

import argparse
import json
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.common import answers, quiet
from data.tiny_qwen import world
from data.tiny_qwen.measure import ask
from feedback_loop import prompts, recipe
from feedback_loop.adapters import active
from feedback_loop.brief.brief import cut, instructed, parse
from feedback_loop.evaluate import mean
from feedback_loop.progress import silent
from feedback_loop.prompts import DATA
from feedback_loop.records import Prompt
from feedback_loop.simulation.personas import find, utility
from policies import bake
from policies.bake_math import forward
from policies.bake_state import Baking
from policies.base import Policy, load_policy
from policies.rollouts import prompt_ids, roll_out
from policies.task import Task, precision

BRIEFS = {
    "brisk": "Write one sentence. Do not greet the user. Use no bullets. Add no closing line.",
    "warm": "Start with a greeting. Use one emoji. Be casual. Add a closing line.",
}
ARMS: Mapping[str, list[str]] = {
    "step": [],
    "forward": [],
    "teacher": [],
    "half": ["policy.bake.strength=0.5"],
    "loose": ["policy.hold=0"],
    "lightly": ["policy.hold=1"],
}
HEADS = ("base", "base, whole brief", "baked", "bake KL", "neutral KL", "base follows", "baked follows", "seconds")


def main() -> None:
    """A line a persona and arm."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("settings", nargs="*", metavar="key=value")
    parser.add_argument("--personas", nargs="*", choices=list(BRIEFS), default=list(BRIEFS))
    parser.add_argument("--arms", nargs="*", choices=list(ARMS), default=["step"])
    parser.add_argument("--seed", type=int, default=10)
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    rows = []
    print(f"| persona | arm | {' | '.join(HEADS)} |\n| --- | --- | {' | '.join(['---:'] * len(HEADS))} |", flush=True)
    for name in asked.personas:
        for arm in asked.arms:
            with quiet():
                row = cell(name, arm, asked.settings, asked.seed)
            rows.append(row)
            shown = [f"{row[head]:.{0 if head == 'seconds' else 2}f}" for head in HEADS]
            print(f"| {name} | {arm} | {' | '.join(shown)} |", flush=True)
    if asked.json:
        asked.json.write_text(json.dumps(rows, indent=1), encoding="utf-8")


def cell(name: str, arm: str, settings: Sequence[str], seed: int) -> dict[str, Any]:
    """Bake one persona's brief, and judge what came out."""
    read = recipe.load(DATA / "recipes" / "demo.toml", ["policy.step=bake", *ARMS[arm], *settings])
    brief = cut(parse(BRIEFS[name]), 1.0)
    pool, heldout, neutral = (
        prompts.load(DATA / "prompts" / f"tiny{end}.jsonl") for end in ("", "_heldout", "_neutral")
    )
    with tempfile.TemporaryDirectory() as folder:
        places = [Path(folder) / part for part in ("out", "work", "resume", "cache")]
        for place in places:
            place.mkdir()
        task = Task(
            model=read.model, policy=read.policy, sampling=read.sampling, pairs=[], prompts=pool, parent=None, reward=None,
            load_members=None, accuracy=None, out=places[0], work=places[1], resume=places[2], cache=places[3], seed=seed,
            run_seed=seed, report=silent, track=lambda *_: None, brief=brief, neutral=neutral,
        )  # fmt: skip
        with learning_by(arm):
            facts = bake.bake(task)
        base, baked = (
            load_policy(read.model, None, name="base"),
            load_policy(read.model, places[0] / "adapter", name="new"),
        )

    def worth(policy: Policy, instruction: str) -> float:
        texts = answers(read, policy, [instructed(p, instruction) for p in heldout])
        return 5 * mean([utility(find(name), p, text) for p, text in zip(heldout, texts, strict=True)])

    return {
        "persona": name,
        "arm": arm,
        "base": worth(base, ""),
        "base, whole brief": worth(base, brief),
        "baked": worth(baked, ""),
        "bake KL": facts["measured"]["bake_kl"],
        "neutral KL": facts["measured"]["neutral_kl"],
        "base follows": mean(follows(base)),
        "baked follows": mean(follows(baked)),
        "seconds": sum(facts["seconds"].values()),
        "measured": facts["measured"],
    }


def follows(policy: Policy, chats: int = 256) -> list[float]:
    """Of chats that state all eight directives, drawn at random, 1 where the answer follows every one of them, else 0."""
    found = ask(policy, world.DIRECTIVES, chats)
    return [float(all(one.follows(directive) for directive in world.DIRECTIVES)) for one in found]


@contextmanager
def learning_by(arm: str) -> Iterator[None]:
    """Inside, a baking's updates are those of the arm; its measurements stay what they are."""
    forwards = partial(bake.apart, divergence=forward)
    ways: dict[str, dict[str, Any]] = {
        "forward": {"apart": forwards},
        "teacher": {"apart": forwards, "_draw": teacher_writes},
    }
    way = ways.get(arm, {})
    real: dict[str, Any] = {name: getattr(bake, name) for name in ("_update", "_draw", "apart")}

    def update(*given: Any) -> Any:
        put(way)
        try:
            return real["_update"](*given)
        finally:
            put(real)
            put({"_update": update})

    put({"_update": update})
    try:
        yield
    finally:
        put(real)


def put(parts: Mapping[str, Any]) -> None:
    """Functions of the step, exchanged."""
    for name, part in parts.items():
        setattr(bake, name, part)


def teacher_writes(
    task: Task, now: Baking, asked: Sequence[Prompt], briefed: int, seed: int, drawn: Callable[[int], None]
) -> bake.Lesson:
    """The teacher's answers in place of the student's."""
    read = [instructed(p, task.brief) if place < briefed else p for place, p in enumerate(asked)]
    now.policy.model.eval()
    with precision(task.model), active(now.policy.model, None):
        rollouts = roll_out(now.policy, read, task.sampling, thinking=task.model.thinking, seed=seed, drawn=drawn)
    heads = [prompt_ids(now.policy, prompt, thinking=False) for prompt in asked]
    rows = [(head, tail) for head, (_, tail) in zip(heads, rollouts.rows, strict=True)]
    return bake.Lesson(replace(rollouts, prompts=list(asked), rows=rows), rollouts.rows)


if __name__ == "__main__":
    main()
