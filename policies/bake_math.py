"""The arithmetic of baking: how far the student is from the teacher at each token, over the whole vocabulary.

Both share the base's output layer. It is applied to a few tokens at a time and done again on the way back, so that neither's
logits, which would be most of the memory, are ever kept.
"""

from collections.abc import Callable
from typing import Any

from policies.logprobs import LOGITS

Divergence = Callable[[Any, Any], Any]
"""(student's, teacher's) log-probabilities (tokens, vocabulary) -> nats of each token, shape (tokens,)."""


def reverse(student: Any, teacher: Any) -> Any:
    """KL(student || teacher) of each token, nats.

    With the sums of both distributions, which are 1: so no term is below 0, and where the two are equal the gradient is 0
    to the last bit, which AdamW would otherwise make a step of.
    """
    ours = student.exp()
    return (ours * (student - teacher) - ours + teacher.exp()).sum(-1)


def forward(student: Any, teacher: Any) -> Any:
    """KL(teacher || student), likewise."""
    return reverse(teacher, student)


def mixed(plain: Any, briefed: Any, strength: float) -> Any:
    """The teacher's log-probabilities, from the base's without the brief and with it: in between, strength of the way.

    That is the geometric mean of the two distributions, made to sum to 1.
    """
    return ((1 - strength) * plain + strength * briefed).log_softmax(-1)


def apart(
    head: Any,
    student: Any,
    briefed: Any,
    plain: Any | None,
    *,
    strength: float,
    temperature: float = 1.0,
    divergence: Divergence = reverse,
) -> Any:
    """Nats between student and teacher at each token, float32 (tokens,), from hidden states (tokens, hidden size).

    `plain` are the base's states without the brief; None where the teacher is the one with it alone.
    """
    import torch
    from torch.utils.checkpoint import checkpoint

    def piece(ours: Any, theirs: Any, without: Any | None) -> Any:
        def read(states: Any) -> Any:
            return (head(states).float() / temperature).log_softmax(-1)

        with torch.no_grad():
            teacher = read(theirs) if without is None else mixed(read(without), read(theirs), strength)
        return divergence(read(ours), teacher)

    size, parts = max(1, LOGITS // (3 * head.weight.shape[0])), []
    for start in range(0, len(student), size):
        here = slice(start, start + size)
        given = (student[here], briefed[here], None if plain is None else plain[here])
        parts.append(checkpoint(piece, *given, use_reentrant=False) if torch.is_grad_enabled() else piece(*given))
    return torch.cat(parts)
