"""What holds a policy where people's wishes do not apply: the base's own answers to neutral chats, from which it must not move.

Most of those chats state an instruction of their own. What people prefer is learned on plain requests, and spreads to them: the
policy stops listening to anybody else. So each optimiser step of each policy step also learns, on some of these chats,
KL(base || policy) over the whole vocabulary at every token of the base's answer. It is the forward divergence: the base
writes widely there, and of what the policy has dropped the reverse one has almost no gradient. The same idea, with prompts
of one's own to be left alone: C3PO (Stephan et al. 2024, arXiv 2402.10893).
"""

import hashlib
import json
from collections.abc import Sequence
from typing import Any

from feedback_loop.adapters import active, bare
from feedback_loop.models import fingerprint
from feedback_loop.records import Prompt, Record
from feedback_loop.run import read_jsonl, write_jsonl
from policies.bake_math import apart, forward
from policies.base import Policy
from policies.logprobs import Row, batches, states
from policies.rollouts import prompt_ids, roll_out, walk
from policies.task import Task, precision
from policies.trainable import LEARNING

CHATS = 8
"""Chats an optimiser step."""
LENGTH = 96
"""Most tokens of an answer: whether a chat's own instruction is followed shows early, and longer answers cost as much again."""
TOKENS = 2048
"""Tokens, padding included, that go through the network at once."""


class Answer(Record):
    """What the base wrote in a chat."""

    chat: str
    tokens: tuple[int, ...]


def base_answers(task: Task, policy: Policy, chats: Sequence[Prompt]) -> list[Row]:
    """The chats with an answer of the base to each, as token ids; empty where `policy.hold` is 0 or there are no chats.

    They are drawn once a run, and kept in its cache. `policy` is any with the task's base; no random state is touched.
    """
    if not (task.policy.hold and chats):
        return []
    how = [task.model.thinking, task.sampling.temperature, task.run_seed]
    key = [fingerprint(task.model), *how, *(p.model_dump() for p in chats)]
    file = task.cache / f"held-{hashlib.sha256(json.dumps(key).encode()).hexdigest()[:24]}.jsonl"
    if not file.exists():
        write_jsonl(file, _drawn(task, policy, chats))
    written = {a.chat: a.tokens for a in read_jsonl(file, Answer)}
    return [(prompt_ids(policy, p, thinking=task.model.thinking), [*written[p.id]]) for p in chats]


def _drawn(task: Task, policy: Policy, chats: Sequence[Prompt]) -> list[Answer]:
    import torch

    network = policy.model
    learning, short = network.training, task.sampling.model_copy(update={"max_new_tokens": LENGTH})
    network.eval()
    with torch.random.fork_rng(), bare(network), precision(task.model):
        drawn = roll_out(
            policy,
            chats,
            short,
            thinking=task.model.thinking,
            seed=task.run_seed,
            drawn=lambda n: task.report(n, len(chats), "neutral chats"),
        )
    network.train(learning)
    return [Answer(chat=p.id, tokens=tuple(tail)) for p, (_, tail) in zip(chats, drawn.rows, strict=True)]


def hold(task: Task, policy: Policy, answers: Sequence[Row], step: int) -> float:
    """Add `policy.hold` times the gradient of this step's KL from the base to the learning adapter's; the KL, nats a token."""
    import torch

    network, pad = policy.model, policy.tokenizer.pad_token_id
    rows = [answers[i] for i in walk(len(answers), task.run_seed, step * CHATS, CHATS)]
    tokens, total = sum(len(tail) for _, tail in rows), 0.0

    def read(own: Sequence[Row]) -> Any:
        found = states(network, own, pad=pad)
        return found.hidden[found.mask]

    for batch in batches(rows, TOKENS):
        own = [rows[i] for i in batch]
        with torch.no_grad(), active(network, None), precision(task.model):
            base = read(own)
        # Backward inside, too: what is computed again on the way back must meet the same adapter.
        with active(network, LEARNING):
            with precision(task.model):
                part = apart(
                    network.get_output_embeddings(),
                    read(own),
                    base,
                    None,
                    strength=1.0,
                    temperature=task.sampling.temperature,
                    divergence=forward,
                ).sum()
            (task.policy.hold * part / tokens).backward()
        total += float(part.detach())
    return total / tokens
