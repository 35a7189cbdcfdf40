"""Labels whose cause is known: a persona chooses between replies whose styles are drawn at random; and a run that holds them."""

import random
from collections.abc import Mapping, Sequence
from pathlib import Path

from data.tiny_qwen import world
from feedback_loop.preferences import preferences
from feedback_loop.recipe import Recipe
from feedback_loop.records import Comparison, Completion, Message, Preference, Prompt, Ranking
from feedback_loop.run import Run, commit, create, write_jsonl
from feedback_loop.simulation.personas import Persona, answer

REQUESTS = world.prompt_set("tiny")
PROMPTS = [
    Prompt(id=f"p{n}", prompt=(Message(role="user", content=request.text),)) for n, request in enumerate(REQUESTS)
]


def reply(number: int, rng: random.Random, **style: bool | int) -> str:
    """A reply to request `number` in a style drawn at random, but for what is given."""
    drawn = {**vars(world.draw_style(rng)), **style}
    return world.reply(REQUESTS[number], world.Style(**drawn), rng)


def said(persona: Persona, count: int, seed: int = 0, number: int = 0) -> tuple[list[Comparison], list[Ranking]]:
    """What the persona says of `count` pairs of replies, in round `number`."""
    rng = random.Random(seed)
    asked, given = [], []
    for n in rng.sample(range(len(REQUESTS)), count):
        pair = tuple(
            Completion(id=f"{n}-{x}", prompt_id=f"p{n}", completion=reply(n, rng), policy="base", seed=0) for x in "ab"
        )
        asked.append(Comparison(id=f"c{n}", round=number, prompt=PROMPTS[n], completions=pair))
        status, choice = answer(persona, asked[-1], rng)
        given.append(Ranking(comparison_id=f"c{n}", user_id="anna", status=status, choice=choice, created_at=""))
    return asked, given


def labels(persona: Persona, count: int, seed: int = 0, number: int = 0) -> list[Preference]:
    """The same as preferences."""
    return preferences(*said(persona, count, seed, number))


def answers(policies: Mapping[str, Mapping[str, bool | int]], count: int = 100, seed: int = 1) -> list[Completion]:
    """Each policy's answers to the same prompts, in styles drawn at random but for what is given of the policy."""
    rng = random.Random(seed)
    return [
        Completion(id=f"{name}-{n}", prompt_id=f"p{n}", completion=reply(n, rng, **style), policy=name, seed=0)
        for name, style in policies.items()
        for n in range(count)
    ]


def make_run(folder: Path, rounds: Sequence[tuple[list[Preference], list[Completion]]]) -> Run:
    """A run whose rounds are evaluated: what was said up to each, and what base, parent and new policy answered."""
    run = create(folder, Recipe(), PROMPTS[:1], PROMPTS)
    for number, (said, made) in enumerate(rounds):
        with commit(run, number, "preferences") as draft:
            write_jsonl(draft.path / "train.jsonl", said[1:])
            write_jsonl(draft.path / "heldout.jsonl", said[:1])
        if made:
            with commit(run, number, "evaluation") as draft:
                write_jsonl(draft.path / "completions.jsonl", made)
                draft.facts["parent"] = f"round-{number - 1:03d}" if number else "base"
    return run
