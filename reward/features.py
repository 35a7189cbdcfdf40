"""An answer as the reward head sees it: what the frozen base makes of it and of the request, and what its text counts."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from feedback_loop.adapters import bare
from feedback_loop.chat import token_ids
from feedback_loop.progress import Progress, silent
from feedback_loop.records import Prompt
from reward.text import NAMES, statistics

LAYERS = 8
"""Most layers of which states are taken, evenly spaced, the last among them."""
REQUEST = 64
"""Columns, the last ones, that describe the request alone."""


def features(
    network: Any,
    tokenizer: Any,
    prompts: Sequence[Prompt],
    completions: Sequence[str],
    *,
    thinking: bool,
    batch_size: int,
    report: Progress = silent,
) -> np.ndarray:
    """Features of answers, float32 (answers, columns), whatever adapters `network` carries: the states are the base's alone.

    The columns are a mean over the answer's tokens for each layer read, the statistics of `text.NAMES`, and a mean over the
    request's tokens at the middle layer, thrown at random onto REQUEST dimensions (Johnson and Lindenstrauss 1984), so that
    no model makes it wider. Why these: docs/reward-model.md.
    """
    pairs = zip(prompts, completions, strict=True)
    rows = [token_ids(tokenizer, p, c, thinking=thinking) for p, c in pairs]
    order = sorted(range(len(rows)), key=lambda i: sum(map(len, rows[i])))
    found: list[np.ndarray] = [np.empty(0)] * len(rows)
    with bare(network):
        for start in range(0, len(order), batch_size):
            batch = order[start : start + batch_size]
            for i, state in zip(batch, _pooled(network, [rows[i] for i in batch], tokenizer.pad_token_id), strict=True):
                found[i] = state
            report(min(start + batch_size, len(order)), len(order), "reading")
    counted = [statistics(p, c) for p, c in zip(prompts, completions, strict=True)]
    states = np.stack(found) if found else np.empty((0, REQUEST))
    parts = [states[:, :-REQUEST], np.array(counted).reshape(len(rows), len(NAMES)), states[:, -REQUEST:]]
    return np.hstack(parts).astype(np.float32)


def chosen_layers(count: int) -> list[int]:
    """Which of `count` hidden states are read: at most LAYERS, evenly spaced, the last among them."""
    return sorted({round(place) for place in np.linspace(count - 1, 0, min(LAYERS, count))})


def _pooled(network: Any, rows: Sequence[tuple[list[int], list[int]]], pad: int) -> np.ndarray:
    """Mean states over each answer's tokens, its end included, then over its request's: (rows, layers * hidden + REQUEST)."""
    import torch

    base = network.get_base_model() if hasattr(network, "get_base_model") else network
    width, where = max(len(head) + len(tail) for head, tail in rows), base.device
    ids = torch.full((len(rows), width), pad, device=where)
    given, answer = torch.zeros_like(ids), torch.zeros((len(rows), width), device=where)
    for i, (head, tail) in enumerate(rows):
        both = len(head) + len(tail)
        ids[i, :both] = torch.tensor([*head, *tail], device=where)
        given[i, :both], answer[i, len(head) : both] = 1, 1
    request = given - answer
    with torch.inference_mode():
        states = base.model(
            input_ids=ids, attention_mask=given, use_cache=False, output_hidden_states=True
        ).hidden_states
        answers = torch.cat([_mean(states[i], answer) for i in chosen_layers(len(states))], 1).cpu().numpy()
        asked = _mean(states[len(states) // 2], request).cpu().numpy()
    thrown = np.random.default_rng(0).standard_normal((asked.shape[1], REQUEST)) / np.sqrt(REQUEST)
    return np.hstack([answers, asked @ thrown])


def _mean(states: Any, where: Any) -> Any:
    """Mean over the tokens marked 1, float32 (rows, hidden size)."""
    return (states.float() * where[:, :, None]).sum(1) / where.sum(1, keepdim=True)
