"""Demonstrations as examples in a prompt: the model reads them as earlier turns that went well."""

from collections.abc import Sequence

from feedback_loop.examples.demonstrations import Demonstration
from feedback_loop.examples.nearest import spoken
from feedback_loop.records import Message, Prompt


def shown(prompt: Prompt, demonstrations: Sequence[Demonstration]) -> Prompt:
    """The prompt with the demonstrations, nearest first, as turns before its own; the same id, unchanged for none.

    The farthest comes first, so that the nearest stands last, and is the last to go where a chat outgrows the model. They
    stand behind an instruction (`brief.instructed`, before or after this) and before a chat's first turn: between its turns
    they would part a question from what it speaks of.
    """
    system = [m for m in prompt.prompt[:1] if m.role == "system"]
    examples = [m for d in reversed(demonstrations) for m in turns(d)]
    return prompt.model_copy(update={"prompt": (*system, *examples, *prompt.prompt[len(system) :])})


def turns(demonstration: Demonstration) -> tuple[Message, ...]:
    """A demonstration as turns of a chat."""
    return (*spoken(demonstration.request), Message(role="assistant", content=demonstration.text))


def read(demonstrations: Sequence[Demonstration], forgotten: int) -> tuple[int, int]:
    """(Demonstrations that the model read whole, of the ones `shown`; messages of the chat itself that it was not given),
    where it was not given the first `forgotten` messages, an instruction apart.
    """
    whole = 0
    for one in reversed(demonstrations):
        lost = min(forgotten, len(turns(one)))
        forgotten -= lost
        whole += not lost
    return whole, forgotten
