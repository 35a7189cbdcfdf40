"""Prompts of an exact length in tokens, the same for both arms."""

import random
from typing import Any

from feedback_loop.chat import render_prompt
from feedback_loop.prompts import DATA, load
from feedback_loop.records import Message, Prompt


def make(tokenizer: Any, count: int, length: int, *, ragged: bool, seed: int = 0) -> list[Prompt]:
    """`count` requests in everyday words, each `length` tokens when rendered; `ragged`: between half and all of it.

    ValueError where the chat template alone is longer.
    """
    rng = random.Random(f"prompts {seed}")
    words = _words(tokenizer)
    made = []
    for number in range(count):
        text = rng.choice(words)
        least = size(tokenizer, _prompt(number, text))
        wanted = rng.randint(max(least, length // 2), length) if ragged else length
        if least > wanted:
            raise ValueError(f"The chat template alone takes {least} tokens: --prompt-length must be more than that.")
        text += "".join(f" {rng.choice(words)}" for _ in range(wanted - least))
        made.append(_prompt(number, text))
    return made


def size(tokenizer: Any, prompt: Prompt) -> int:
    """Tokens of a rendered prompt."""
    return len(ids(tokenizer, prompt))


def ids(tokenizer: Any, prompt: Prompt) -> list[int]:
    """Token ids of a rendered prompt."""
    text = render_prompt(tokenizer, prompt.messages, thinking=False)
    found: list[int] = tokenizer(text, add_special_tokens=False)["input_ids"]
    return found


def _words(tokenizer: Any) -> list[str]:
    """Words of the shipped prompts that are one token each, with a space before them and without."""
    texts = (prompt.request for prompt in load(DATA / "prompts" / "tiny.jsonl"))
    words = sorted({word for text in texts for word in text.split() if word.isalpha() and word.islower()})
    return [w for w in words if all(len(tokenizer(text)["input_ids"]) == 1 for text in (w, f" {w}"))]


def _prompt(number: int, text: str) -> Prompt:
    return Prompt(id=f"bench-{number:03d}", prompt=(Message(role="user", content=text),))
