"""How well a policy foresees text that it did not write."""

from collections.abc import Sequence

from feedback_loop.progress import Progress
from policies.base import Policy
from policies.logprobs import Row, batches, read

WINDOW = 256
"""Tokens read at once: longer text is cut, so that a model of a short context is measured like any other."""
TOKENS = 2048
"""Tokens in a batch, padding included."""


def losses(policy: Policy, texts: Sequence[str], *, report: Progress) -> list[float]:
    """Nats a token of each text, its first token apart, which nothing precedes; perplexity is exp of their mean."""
    import torch

    rows: list[Row] = []
    owners: list[int] = []
    for number, text in enumerate(texts):
        ids = policy.tokenizer(text, add_special_tokens=False)["input_ids"]
        cut = [ids[start : start + WINDOW] for start in range(0, len(ids), WINDOW)]
        rows += [(part[:1], part[1:]) for part in cut if len(part) > 1]
        owners += [number for part in cut if len(part) > 1]
    sums, done = [0.0] * len(texts), 0
    with torch.inference_mode():
        for batch in batches(rows, TOKENS):
            found = read(policy.model, [rows[i] for i in batch], pad=policy.tokenizer.pad_token_id).logprobs.sum(1)
            for i, value in zip(batch, found.tolist(), strict=True):
                sums[owners[i]] -= value
            done += len(batch)
            report(done, len(rows), "neutral text")
    counts = [sum(len(rows[i][1]) for i in range(len(rows)) if owners[i] == number) for number in range(len(texts))]
    return [total / max(1, count) for total, count in zip(sums, counts, strict=True)]
