"""What is said between those who chat and the process that answers them."""

from typing import Literal

from pydantic import Field

from feedback_loop.records import MOST_SHOTS, Message, Position, Record

MOST_TOKENS = 1024
"""Of one answer: what is longer is cut."""
MOST_MESSAGES = 200

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
