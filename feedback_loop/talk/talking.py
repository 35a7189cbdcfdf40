"""What is said between those who chat and the process that answers them."""

import secrets
from typing import Literal

from pydantic import Field

from feedback_loop.records import MOST_SHOTS, Message, Position, Record

MOST_TOKENS = 1024
"""Of one answer: what is longer is cut."""
MOST_MESSAGES = 200
LONGEST = 20_000
"""Characters of one message."""
SAME = "The model writes the same each time. Ask again."
"""Where a second answer was wanted."""

Trouble = Literal["busy", "elsewhere", "long", "broken"]
"""Why there is no answer: somebody works on the run, another chat has the model, the message is longer than the model can read,
or something broke."""


class Ask(Record):
    """A chat that ends with somebody's turn, to be answered."""

    messages: tuple[Message, ...] = Field(min_length=1, max_length=MOST_MESSAGES)
    policy: str
    level: float = Field(0.0, ge=0, le=1)
    """Share of the run's brief that stands before the chat."""
    shots: int = Field(0, ge=0, le=MOST_SHOTS)
    """Examples before the chat, of requests like it."""
    seed: int = Field(ge=0)
    unlike: str = ""
    """An answer that there is already: a different one is wanted, whole."""


class Said(Record):
    """One thing that whoever asked is told."""

    state: Literal["waiting", "loading", "text", "done", "failed"]
    """`waiting` for somebody else's answer, `loading` the model, a further piece of `text`; last comes `done` or `failed`."""
    text: str = ""
    """The piece; when done, the whole answer; when failed, why, in a line."""
    ended: Literal["", "stopped", "cut"] = ""
    """Why a finished answer ends where it does, where the model had not come to its end."""
    forgotten: int = 0
    """How many of the first messages the model was not given, as the chat is longer than it can read."""
    shots: int = 0
    """How many examples the model was given, which may be fewer than were asked for."""
    trouble: Trouble | None = None


class Correction(Record):
    """What somebody says, with their consent, of an answer in a chat: which of two is better, and how it should have been."""

    ask: Ask
    """The chat that was answered."""
    answers: tuple[str, str]
    """The answer and a second one to the same, in the order in which they were shown."""
    seeds: tuple[int, int]
    corrected: Literal[0, 1]
    """Which of them stood in the chat; an edit was made from it."""
    choice: Position
    edit: str = ""


def clean(text: str) -> str:
    """An answer as it can be stored and sent back: without NUL, no longer than a message may be."""
    return text.replace("\0", "\ufffd")[:LONGEST]


def another(ask: Ask, text: str) -> Ask:
    """Asks for a second answer to the same chat, unlike this one."""
    return ask.model_copy(update={"unlike": text, "seed": secrets.randbits(31)})


def paired(ask: Ask, text: str, again: Ask, second: str) -> Correction:
    """An answer and a second one, in an order that is drawn, as nobody should learn which side to choose; nothing is said yet."""
    answers, seeds, corrected = (text, second), (ask.seed, again.seed), secrets.randbelow(2)
    if corrected:
        answers, seeds = answers[::-1], seeds[::-1]
    return Correction(ask=ask, answers=answers, seeds=seeds, corrected=1 if corrected else 0, choice="neither")


class Choices(Record):
    """What one may talk to."""

    policies: tuple[str, ...]
    current: str
    """The policy in force."""
    brief: bool
    """Whether the run has a brief to put before the chat."""
    shots: int
    """Examples before a chat, where whoever chats does not choose."""
    busy: bool
    """Whether somebody works on the run, which goes before the chat."""
