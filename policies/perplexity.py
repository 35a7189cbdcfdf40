"""How well a policy foresees text that it did not write."""

from collections.abc import Sequence

from feedback_loop.progress import Progress
from policies.base import Policy
from policies.logprobs import Row, batches, read

LONGEST = 64
"""Tokens of a text that are read: more would say little more, and cost as much again."""
TOKENS = 2048
"""Tokens in a batch, padding included."""


def losses(policy: Policy, texts: Sequence[str], *, report: Progress) -> list[float]:
    """Nats a token of each text's beginning, its first token apart, which nothing precedes; perplexity is exp of their mean."""
    import torch

    ids = policy.tokenizer(list(texts), add_special_tokens=False, truncation=True, max_length=LONGEST)["input_ids"]
    rows: list[Row] = [(row[:1], row[1:]) for row in ids]
    found, done = [0.0] * len(rows), 0
    with torch.inference_mode():
        for batch in batches(rows, TOKENS):
            sums = read(policy.model, [rows[i] for i in batch], pad=policy.tokenizer.pad_token_id).logprobs.sum(1)
            for i, total in zip(batch, sums.tolist(), strict=True):
                found[i] = -total / max(1, len(rows[i][1]))
            done += len(batch)
            report(done, len(rows), "neutral text")
    return found
