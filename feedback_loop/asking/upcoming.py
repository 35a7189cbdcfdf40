"""Which prompts a round goes on to: its own, in groups, then the run's others, the least used first."""

import random
from collections import Counter

from feedback_loop.asking.asked import own_prompts, sampled, taken
from feedback_loop.records import Prompt, Strategy
from feedback_loop.run import Run, read_jsonl

FEWEST = 4
"""Prompts of a group at least, so that a round is not cut into crumbs."""


def next_prompts(run: Run, number: int) -> list[Prompt]:
    """The next group: of the round's own prompts, then of the others; empty at the end."""
    own, place, size = own_prompts(run, number), taken(run, number), group_size(run, number)
    if place < len(own):
        return own[place : place + size]
    return further_prompts(run, number)[place - len(own) :][:size]


def further_prompts(run: Run, number: int) -> list[Prompt]:
    """The run's prompts that are not the round's own, in the order in which it would go on to them."""
    own, used = {p.id for p in own_prompts(run, number)}, uses(run, number)
    others = [p for p in read_jsonl(run.path / "prompts.jsonl", Prompt) if p.id not in own]
    random.Random(run.seed(number, "further prompts")).shuffle(others)
    return sorted(others, key=lambda p: used[p.id])


def uses(run: Run, number: int) -> Counter[str]:
    """How often each prompt was sampled for comparisons before this round, by its id."""
    return Counter(p.id for n in range(number) for p in sampled(run, n))


def group_size(run: Run, number: int) -> int:
    """How many prompts are sampled before what they gave can be ranked: a batch of the sampler, and at least FEWEST."""
    return max(FEWEST, run.recipe.sampling.batch_size // candidates(run, number))


def candidates(run: Run, number: int) -> int:
    """Answers sampled to a prompt: no more than are asked where nothing can choose among them."""
    return run.recipe.asking.answers if strategy(run, number) == "random" else run.recipe.sampling.completions


def strategy(run: Run, number: int) -> Strategy:
    """How the round's answers are picked: at random as long as there is no reward model to pick them by."""
    return run.recipe.asking.strategy if number > 0 and run.done(number - 1, "reward") else "random"
