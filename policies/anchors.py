"""Pairs that hold a policy where people's wishes do not apply: chats with an instruction of their own, which is to be followed.

Of each, the base writes an answer that reads the instruction and one that does not see it, and the first is preferred. So
the loss on chosen answers is that of the base's own on such chats, a forward KL, and the contrast is what would be unlearned.
"""

import gc
import hashlib
import json
from collections.abc import Sequence

from feedback_loop.chat import end_id, render_prompt
from feedback_loop.models import fingerprint
from feedback_loop.prompts import choose
from feedback_loop.records import Message, Preference, Prompt
from feedback_loop.run import read_jsonl, write_jsonl
from policies.base import Policy, load_policy
from policies.sampler import as_text, draw
from policies.task import Task


def anchors(task: Task, pairs: int) -> list[Preference]:
    """Pairs to add to so many of people's, so that `policy.neutral` of all are these; fewer where there are fewer such chats.

    The base's answers are drawn once a run and kept in its cache.
    """
    chats = [p for p in task.neutral if p.prompt[0].role == "system"]
    count = min(round(pairs * task.policy.neutral / (1 - task.policy.neutral)), len(chats))
    if not count:
        return []
    chats = choose(chats, {}, len(chats), task.run_seed)
    key = [fingerprint(task.model), task.sampling.model_dump(), task.run_seed, *(p.model_dump() for p in chats)]
    file = task.cache / f"anchors-{hashlib.sha256(json.dumps(key).encode()).hexdigest()[:24]}.jsonl"
    if not file.exists():
        write_jsonl(file, _drawn(task, chats))
    return read_jsonl(file, Preference)[:count]


def _drawn(task: Task, chats: Sequence[Prompt]) -> list[Preference]:
    """Chats that the base answers alike with its instruction and without are left out."""
    base = load_policy(task.model, None, name="base")
    followed, unseen = (
        _answers(task, base, asked) for asked in (chats, [p.model_copy(update={"prompt": p.prompt[1:]}) for p in chats])
    )
    del base
    gc.collect()  # before the training loads its own
    both = [p for p in chats if p.id in followed and p.id in unseen and followed[p.id] != unseen[p.id]]
    return [_pair(p, followed[p.id], unseen[p.id]) for p in both]


def _answers(task: Task, base: Policy, asked: Sequence[Prompt]) -> dict[str, str]:
    """By chat; a cut one must not be learned, and is left out."""
    rendered = [render_prompt(base.tokenizer, p.messages, thinking=task.model.thinking) for p in asked]
    stop, found = end_id(base.tokenizer), dict[str, str]()
    for place, ids in draw(base, rendered, task.sampling, task.run_seed):
        text = as_text(base.tokenizer, ids)
        if text and ids[-1] == stop:
            found[asked[place].id] = text
        task.report(place + 1, len(asked), "neutral chats")
    return found


def _pair(chat: Prompt, chosen: str, rejected: str) -> Preference:
    return Preference(
        prompt=chat.prompt,
        chosen=(Message(role="assistant", content=chosen),),
        rejected=(Message(role="assistant", content=rejected),),
        prompt_id=chat.id,
        comparison_id=f"neutral-{chat.id}",
        user_id="base",
        round=0,
        source="reward_model",
    )
