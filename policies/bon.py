"""The policy step by best-of-n distillation: what the reward model picks among many answers is what is learned."""

import gc
import hashlib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

from feedback_loop import scores
from feedback_loop.adapters import adapter_sha256
from feedback_loop.chat import end_id, render_prompt
from feedback_loop.errors import LoopError
from feedback_loop.models import fingerprint
from feedback_loop.prompts import choose
from feedback_loop.records import Message, Preference, Prompt, Record
from feedback_loop.run import read_jsonl, write_jsonl
from feedback_loop.scores import Members
from policies.base import Policy, load_policy
from policies.dpo import train_dpo, train_on_pairs
from policies.sampler import as_text, draw
from policies.sft import train_on_answers
from policies.task import EQUAL, Task, precision, refuse_equal

GROUP = 8
"""Prompts answered between two writes of the pool: what a kill may cost."""
FEWEST = 8
"""Labels that prefer an answer below which the reward model's own picks are not learned. Of a handful its opinion is mostly
chance, and whatever the opinion, each prompt has a best answer and a worst; that picks help was measured from 16 labels on."""


class Candidate(Record):
    """One answer in the pool."""

    prompt_id: str
    completion: str
    ended: bool


def train_bon(task: Task) -> dict[str, Any]:
    """Draw n answers a prompt, and learn what the reward model picks, as `policy.bon.learn` says.

    While it is not sure to be right more often than `policy.bon.min_accuracy`, or has fewer than FEWEST labels, the step is
    DPO on people's pairs: a reward model that guesses teaches its guesses. LoopError where the round has none, or where it
    finds no answer better.
    """
    bon, (_, seed) = task.policy.bon, _source(task)
    doubt = doubted(task)
    if doubt:
        return train_dpo(task, "bon") | {"doubt": doubt}
    asked = choose(task.prompts, {}, min(bon.prompts, len(task.prompts)), seed)
    chosen, people = _judged(task, asked)
    gc.collect()  # the judging model is gone before the training loads its own
    if not chosen:
        raise LoopError(EQUAL)
    facts = {"prompts": len(chosen), "samples": len(asked) * bon.completions, "learn": bon.learn}
    if bon.learn == "sft":
        return facts | train_on_answers(task, [(p.prompt, best) for p, best, _ in chosen], "bon")
    pairs = [_pair(p, best, worst) for p, best, worst in chosen]
    if bon.learn == "both":
        facts |= {"pairs": len(people), "contradicted": sum(not p.tie for p in task.pairs) - len(people)}
    return facts | train_on_pairs(task, [*pairs, *people], "bon")


def _judged(task: Task, asked: Sequence[Prompt]) -> tuple[list[tuple[Prompt, str, str]], list[Preference]]:
    """What `pick` finds, and people's pairs that are to be learned too; nothing of the model is kept."""
    policy, members = opened(task)
    chosen = pick(task, policy, members, asked)
    decisive = [p for p in task.pairs if not p.tie]
    return chosen, agreed(task, members, decisive) if task.policy.bon.learn == "both" else []


def agreed(task: Task, members: Members, pairs: Sequence[Preference]) -> list[Preference]:
    """Those pairs whose chosen answer the reward model finds better too.

    It has learned from all of them, so what it still contradicts is mostly what people did by mistake.
    """
    asked = [Prompt(id=p.prompt_id, prompt=p.prompt) for p in pairs]
    with precision(task.model):
        chosen, rejected = (
            [fmean(row) for row in members(asked, [getattr(p, side)[-1].content for p in pairs])]
            for side in ("chosen", "rejected")
        )
    return [p for p, better, worse in zip(pairs, chosen, rejected, strict=True) if better - worse > scores.SAME]


def opened(task: Task) -> tuple[Policy, Members]:
    """The policy that the pool is drawn from, and the reward model on it."""
    if task.load_members is None:
        raise LoopError("Best-of-n needs a reward model, and this round has none.")
    policy = load_policy(task.model, _source(task)[0], name="pool")
    return policy, task.load_members(policy.model, policy.tokenizer)


def doubted(task: Task) -> str:
    """Why the reward model's own picks are not learned; empty where it is trusted."""
    least = task.policy.bon.min_accuracy
    if least and task.accuracy is None:
        return "nobody knows how often the reward model is right, as no pair that it never saw prefers an answer"
    if task.accuracy is not None and task.accuracy < least:
        return f"the reward model may be right in {task.accuracy:.0%} only; policy.bon.min_accuracy is {least:.0%}"
    decided = len({(p.comparison_id, p.user_id) for p in task.pairs if not p.tie})
    if decided < FEWEST:
        return f"{decided} labels prefer an answer, and of fewer than {FEWEST} the reward model knows too little"
    return ""


def pick(task: Task, policy: Policy, members: Members, asked: Sequence[Prompt]) -> list[tuple[Prompt, str, str]]:
    """(prompt, best answer that ended, worst answer) by the cautious score, for each prompt where that is a difference.

    LoopError where no answer ended, or the reward model tells none from another.
    """
    pool = list(_pool(task, policy, asked))
    if not any(c.ended for c in pool):
        raise LoopError(
            f"None of {len(pool)} answers ended within {task.sampling.max_new_tokens} tokens, and a cut one must not be learned. "
            "Raise sampling.max_new_tokens"
        )
    by_id = {p.id: p for p in asked}
    with precision(task.model):
        opinions = members([by_id[c.prompt_id] for c in pool], [c.completion for c in pool])
    judged = scores.judge(opinions, scores.whitening(opinions), task.policy.caution)
    refuse_equal(judged)
    ranked: dict[str, list[tuple[float, str, bool]]] = {}
    for value, candidate in zip(judged.cautious, pool, strict=True):
        if candidate.completion:
            worth_less = value - task.policy.end_penalty * (not candidate.ended)
            ranked.setdefault(candidate.prompt_id, []).append((worth_less, candidate.completion, candidate.ended))
    picked = []
    for name, found in ranked.items():
        whole = [one for one in found if one[2]]  # a cut answer must not teach to stop where it was cut
        if whole and max(whole)[0] - min(found)[0] > scores.SAME:
            picked.append((by_id[name], max(whole)[1], min(found)[1]))
    return picked


def _source(task: Task) -> tuple[Path | None, int]:
    """The adapter that the pool is drawn from, and by which seed."""
    return (None, task.run_seed) if task.policy.bon.pool == "base" else (task.parent, task.seed)


def _pool(task: Task, policy: Policy, asked: Sequence[Prompt]) -> Iterator[Candidate]:
    """The pool: n answers a prompt, a file a group of prompts: none is drawn again after a kill, or for the same question."""
    count, (_, seed) = task.policy.bon.completions, _source(task)
    for start in range(0, len(asked), GROUP):
        group = asked[start : start + GROUP]
        file = task.cache / f"pool-{_key(task, group)}.jsonl"
        if not file.exists():
            write_jsonl(file, _draw(task, policy, [p for p in group for _ in range(count)], seed + start))
        yield from read_jsonl(file, Candidate)
        task.report(start + len(group), len(asked), "sampling")


def _draw(task: Task, policy: Policy, prompts: Sequence[Prompt], seed: int) -> list[Candidate]:
    rendered = [render_prompt(policy.tokenizer, p.messages, thinking=task.model.thinking) for p in prompts]
    stop = end_id(policy.tokenizer)
    drawn = dict(draw(policy, rendered, task.sampling, seed))
    return [
        Candidate(prompt_id=p.id, completion=as_text(policy.tokenizer, drawn[i]), ended=drawn[i][-1] == stop)
        for i, p in enumerate(prompts)
    ]


def _key(task: Task, group: Sequence[Prompt]) -> str:
    """Hash of all that a group's answers hang on."""
    adapter, seed = _source(task)
    parts = [
        fingerprint(task.model),
        adapter_sha256(adapter),
        task.sampling.model_dump(),
        task.policy.bon.completions,
        seed,
    ]
    return hashlib.sha256(json.dumps([*parts, [p.model_dump() for p in group]]).encode()).hexdigest()[:24]


def _pair(prompt: Prompt, best: str, worst: str) -> Preference:
    return Preference(
        prompt=prompt.prompt,
        chosen=(Message(role="assistant", content=best),),
        rejected=(Message(role="assistant", content=worst),),
        prompt_id=prompt.id,
        comparison_id=f"bon-{prompt.id}",
        user_id="reward_model",
        round=0,
        source="reward_model",
    )
