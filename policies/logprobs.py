"""Log-probabilities of given completions, token by token, without ever holding a batch's logits."""

from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

from feedback_loop.adapters import active
from feedback_loop.chat import token_ids
from feedback_loop.records import Prompt
from policies.base import Policy

LOGITS = 2**23
"""Logits that exist at once, 32 MiB in float32: 55 tokens' with Qwen's vocabulary of 152,000."""
Row = tuple[list[int], list[int]]
"""Token ids of a prompt and of a completion."""


@dataclass(frozen=True)
class States:
    """What a model made of a batch of completions before its output layer; (rows, longest completion, ...)."""

    hidden: Any
    """Hidden state that each token was drawn from, (..., hidden size)."""
    chosen: Any
    """Id of the token."""
    mask: Any
    """True where there is a token."""


@dataclass(frozen=True)
class Read:
    """What a model says of a batch of completions; float32 (rows, longest completion), 0 past the end."""

    logprobs: Any
    """Log-probability of each token, nats."""
    entropy: Any
    """Entropy of the distribution it was drawn from, nats; zeros unless asked for."""
    states: States


def states(network: Any, rows: Sequence[Row], *, pad: int) -> States:
    """One forward pass up to the output layer, with whatever adapter is in force."""
    import torch

    base = network.get_base_model() if hasattr(network, "get_base_model") else network
    ids, mask = _padded([[*head, *tail] for head, tail in rows], pad, base.device)
    hidden = base.model(input_ids=ids, attention_mask=mask, use_cache=False).last_hidden_state
    where, present = _places(rows, base.device)
    every = torch.arange(len(rows), device=base.device)[:, None]
    return States(hidden[every, where], torch.gather(ids, 1, where + 1), present)


def read(network: Any, rows: Sequence[Row], *, pad: int, temperature: float = 1.0, entropy: bool = False) -> Read:
    """One forward pass over completions, with whatever adapter is in force; gradients flow where they are enabled.

    The output layer is applied to a few tokens at a time and done again on the way back, so its logits, which would be
    most of the memory, are never kept.
    """
    import torch
    from torch.utils.checkpoint import checkpoint

    head = network.get_output_embeddings()
    found = states(network, rows, pad=pad)
    flat, chosen = found.hidden[found.mask], found.chosen[found.mask]
    parts, size = [], max(1, LOGITS // head.weight.shape[0])
    for start in range(0, len(flat), size):
        piece = (head, flat[start : start + size], chosen[start : start + size], temperature, entropy)
        parts.append(checkpoint(_token, *piece, use_reentrant=False) if torch.is_grad_enabled() else _token(*piece))
    empty = torch.zeros(found.mask.shape, device=found.mask.device)
    logprobs, entropies = (empty.masked_scatter(found.mask, torch.cat([part[n] for part in parts])) for n in (0, 1))
    return Read(logprobs, entropies, found)


def completion_logprobs(
    policy: Policy,
    prompts: Sequence[Prompt],
    texts: Sequence[str],
    *,
    thinking: bool,
    batch_size: int,
    base: bool = False,
) -> list[float]:
    """Summed log-probability (nats) of each completion and its end, by the policy or, with `base`, the base alone."""
    import torch

    rows = [token_ids(policy.tokenizer, p, t, thinking=thinking) for p, t in zip(prompts, texts, strict=True)]
    order = sorted(range(len(rows)), key=lambda i: len(rows[i][0]) + len(rows[i][1]))
    found = [0.0] * len(rows)
    off = active(policy.model, None) if base and hasattr(policy.model, "disable_adapter") else nullcontext()
    with torch.inference_mode(), off:
        for start in range(0, len(order), batch_size):
            batch = order[start : start + batch_size]
            sums = read(policy.model, [rows[i] for i in batch], pad=policy.tokenizer.pad_token_id).logprobs.sum(1)
            for i, value in zip(batch, sums.tolist(), strict=True):
                found[i] = value
    return found


def batches(rows: Sequence[Row], most_tokens: int) -> Iterator[list[int]]:
    """Places among `rows`, shortest first, in batches of at most that many tokens, padding included (or of one row)."""
    batch: list[int] = []
    for i in sorted(range(len(rows)), key=lambda i: len(rows[i][0]) + len(rows[i][1])):
        width = len(rows[i][0]) + len(rows[i][1])
        if batch and width * (len(batch) + 1) > most_tokens:
            yield batch
            batch = []
        batch.append(i)
    if batch:
        yield batch


def _token(head: Any, states: Any, chosen: Any, temperature: float, entropy: bool) -> tuple[Any, Any]:
    """(log-probability of the chosen tokens, entropy of the distributions), each of shape (tokens,), in float32."""
    import torch

    logits = head(states).float()
    logits = logits if temperature == 1 else logits / temperature
    total = logits.logsumexp(-1)
    logprobs = logits.gather(-1, chosen[:, None]).squeeze(-1) - total
    if not entropy:
        return logprobs, torch.zeros_like(total)
    with torch.no_grad():
        return logprobs, total - ((logits - total[:, None]).exp() * logits).sum(-1)


def _padded(rows: list[list[int]], pad: int, device: Any) -> tuple[Any, Any]:
    """Token ids padded on the right, and where there are any; shape (rows, longest row)."""
    import torch

    width = max(map(len, rows))
    ids = torch.tensor([[*row, *[pad] * (width - len(row))] for row in rows], device=device)
    mask = torch.tensor([[1] * len(row) + [0] * (width - len(row)) for row in rows], device=device)
    return ids, mask


def _places(rows: Sequence[Row], device: Any) -> tuple[Any, Any]:
    """Where in its padded row each completion token was drawn from (the place before its own), and where there is one."""
    import torch

    longest = max(len(tail) for _, tail in rows)
    offsets = torch.arange(longest, device=device)
    heads = torch.tensor([len(head) for head, _ in rows], device=device)
    tails = torch.tensor([len(tail) for _, tail in rows], device=device)
    present = offsets[None, :] < tails[:, None]
    return (heads[:, None] - 1 + offsets).masked_fill(~present, 0), present
