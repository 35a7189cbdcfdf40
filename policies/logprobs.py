"""Log-probabilities of given completions."""

from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any

from feedback_loop.chat import token_ids
from feedback_loop.records import Prompt
from policies.base import Policy


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
    off = policy.model.disable_adapter() if base and hasattr(policy.model, "disable_adapter") else nullcontext()
    with torch.inference_mode(), off:
        for start in range(0, len(order), batch_size):
            batch = order[start : start + batch_size]
            for i, value in zip(batch, _batch(policy, [rows[i] for i in batch]), strict=True):
                found[i] = value
    return found


def _batch(policy: Policy, rows: list[tuple[list[int], list[int]]]) -> list[float]:
    import torch

    width, where = max(len(h) + len(t) for h, t in rows), policy.model.device
    pad = int(policy.tokenizer.pad_token_id)
    ids = torch.tensor([[*h, *t, *[pad] * (width - len(h) - len(t))] for h, t in rows], device=where)
    mask = torch.tensor([[1] * (len(h) + len(t)) + [0] * (width - len(h) - len(t)) for h, t in rows], device=where)
    logits = policy.model(input_ids=ids, attention_mask=mask).logits
    return [
        _sum(logits[r, len(h) - 1 : len(h) + len(t) - 1], ids[r, len(h) : len(h) + len(t)])
        for r, (h, t) in enumerate(rows)
    ]


def _sum(logits: Any, chosen: Any) -> float:
    """Row by row and in float32: a whole batch in float32 is gigabytes with a vocabulary of 150,000."""
    logits = logits.float()
    return float((logits.gather(-1, chosen[:, None]).squeeze(-1) - logits.logsumexp(-1)).sum())
