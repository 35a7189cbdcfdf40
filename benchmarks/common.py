"""What benchmarks share that judge policies on held-out prompts."""

import contextlib
import os
from collections.abc import Iterator, Sequence

from feedback_loop.progress import silent
from feedback_loop.recipe import Recipe
from feedback_loop.records import Prompt
from policies.base import Policy
from policies.sampler import sample


def answers(read: Recipe, policy: Policy, heldout: Sequence[Prompt], seed: int = 7) -> list[str]:
    """One completion to each held-out prompt; empty where the policy only ends its turn."""
    drawn = sample(policy, heldout, read.sampling, completions=1, thinking=False, seed=seed, report=silent)
    texts = {c.prompt_id: c.completion for c in drawn.completions}
    return [texts.get(p.id, "") for p in heldout]


def several(read: Recipe, policy: Policy, heldout: Sequence[Prompt], count: int, seed: int) -> list[list[str]]:
    """`count` completions to each prompt, each drawn by itself: the same may come twice, as it would in the wild."""
    copies = [p.model_copy(update={"id": f"{p.id}/{n}"}) for p in heldout for n in range(count)]
    texts = answers(read, policy, copies, seed)
    return [texts[place * count : (place + 1) * count] for place in range(len(heldout))]


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """What the trainers print goes nowhere."""
    with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere), contextlib.redirect_stderr(nowhere):
        yield
