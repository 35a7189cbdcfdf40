"""What a round asks beside its own comparisons: some of them once more, and checks with a known answer.

Neither is told from the others by its id or its looks. Both are drawn from the seed alone.
"""

import hashlib
import json
import random
from collections.abc import Mapping, Sequence

from feedback_loop.records import Comparison, Completion, Prompt, Purpose

FEWEST = 8
"""Comparisons of its own from which a round has at least one repeat and one check, where it has a share of them."""


def how_many(share: float, comparisons: int, before: int = 0) -> int:
    """The share of the comparisons, rounded, and at least one of `FEWEST` or more; none of a share of 0.

    With `before`, what these comparisons add to the share of those before them in the round.
    """

    def of(count: int) -> int:
        least = 1 if share > 0 and count >= FEWEST else 0
        return max(least, round(share * count))

    return of(before + comparisons) - of(before)


def identity(number: int, index: int, prompt: Prompt, answers: Sequence[Completion], purpose: Purpose) -> str:
    """A comparison's id. It holds a hash of the content, so a ranking can never be taken for one of other answers."""
    content: list[object] = [prompt.messages, [c.completion for c in answers]]
    kind = [] if purpose == "label" else [purpose]
    digest = hashlib.sha256(json.dumps(content + kind).encode()).hexdigest()[:8]
    return f"r{number:03d}-{index:03d}-{digest}"


def repeats(made: Sequence[Comparison], share: float, seed: int, start: int = 0) -> list[Comparison]:
    """Some of the comparisons once more, each in the reverse order, so that of every two answers the other stands first.

    `start` is the place in the round of the first prompt of the group that they are of.
    """
    rng = random.Random(f"{seed}/repeats")
    again = []
    for first in rng.sample(made, min(len(made), how_many(share, len(made), start))):
        answers = first.completions[::-1]
        name = identity(first.round, start + rng.randrange(len(made)), first.prompt, answers, "repeat")
        changed = {"id": name, "purpose": "repeat", "repeat_of": first.id, "completions": answers}
        again.append(first.model_copy(update=changed))
    return again


def checks(
    number: int,
    asked: Sequence[Prompt],
    candidates: Sequence[Completion],
    share: float,
    answers: int,
    seed: int,
    start: int = 0,
) -> list[Comparison]:
    """Comparisons of an answer to the prompt with `answers` - 1 answers to quite other prompts; `expected` is the first.

    The prompts are drawn from the seed. To each, the others are those whose requests have least in common with its own, by
    `likeness`; of its own candidates the one most like the request is shown, of another prompt's the one least like it. A
    prompt without enough others that read differently has no check. `start` as in `repeats`.
    """
    rng = random.Random(f"{seed}/checks")
    own: dict[str, list[Completion]] = {}
    for completion in candidates:
        own.setdefault(completion.prompt_id, []).append(completion)
    answered = [p for p in asked if p.id in own]
    made: list[Comparison] = []
    for prompt in rng.sample(answered, len(answered)):
        if len(made) == how_many(share, len(asked), start):
            break
        right = max(own[prompt.id], key=lambda c: likeness(prompt.request, c.completion))
        wrong = _foreign(prompt, answered, own, right.completion, rng)[: answers - 1]
        if len(wrong) < answers - 1:
            continue
        shown = [right, *wrong]
        name = identity(number, start + rng.randrange(len(asked)), prompt, shown, "check")
        rng.shuffle(shown)
        made.append(
            Comparison(
                id=name,
                round=number,
                prompt=prompt,
                completions=tuple(shown),
                purpose="check",
                expected=right.id,
            )
        )
    return made


def likeness(one: str, other: str) -> float:
    """How much two texts have in common, from 0 to 1: Jaccard's index of their runs of three characters, case apart.

    Runs of characters, not words, so that it works in scripts without spaces.
    """
    a, b = (_runs(text) for text in (one, other))
    return len(a & b) / len(a | b) if a | b else 0.0


def _runs(text: str) -> set[str]:
    plain = " ".join(text.casefold().split())
    return {plain[i : i + 3] for i in range(max(1, len(plain) - 2))} if plain else set()


def _foreign(
    prompt: Prompt, answered: Sequence[Prompt], own: Mapping[str, Sequence[Completion]], right: str, rng: random.Random
) -> list[Completion]:
    """An answer to each other prompt, none reading as `right` or as another, the least like requests first."""
    others = [p for p in answered if p.id != prompt.id]
    others.sort(key=lambda p: (likeness(prompt.request, p.request), rng.random()))
    found: dict[str, Completion] = {}
    for other in others:
        different = [c for c in own[other.id] if c.completion != right and c.completion not in found]
        if different:
            least = min(different, key=lambda c: likeness(prompt.request, c.completion))
            found[least.completion] = least
    return list(found.values())
