"""The policy step by DITTO: what people wrote or ranked highest is better than what the policy writes, however it has learned.

Shaikh et al. 2024, "Show, Don't Tell: Aligning Language Models with Demonstrated Feedback" (arXiv 2406.00888), algorithm 1:
SFT on the demonstrations, then in turns: draw answers to their requests, and learn by DPO, whose reference stays the
policy of the SFT, that a demonstration is better than any draw, and a later policy's draw than an earlier one's.
"""

import gc
import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from feedback_loop.errors import LoopError
from feedback_loop.examples.demonstrations import Demonstration, to_learn
from feedback_loop.records import Message, Preference, Prompt
from policies.base import load_policy
from policies.dpo import train_on_pairs
from policies.parts import joined, part
from policies.rollouts import roll_out, step_seed
from policies.sft import train_on_answers
from policies.task import RANK, Task, precision
from policies.trainable import LEARNING, parent_needed, placed

ONLINE, REPLAY = 0.7, 0.2
"""Shares of a turn's pairs: demonstrations over the newest draws, and over older ones; the rest, newer over older. As theirs."""

Draws = list[list[tuple[str, bool]]]
"""What one policy wrote, a row a demonstration, each text once, and whether it ended: a cut answer is never the better one."""


def train_ditto(task: Task) -> dict[str, Any]:
    """Train an adapter on the demonstrations; returns the stage's facts. LoopError where there is none."""
    ditto, shown = task.policy.ditto, to_learn(task.demonstrations, task.policy.ditto)
    if not shown:
        raise LoopError(
            f"Nobody wrote an answer or ranked one above another, so there is nothing to learn from. {RANK}"
        )
    people = [p for p in task.pairs if not p.tie] if ditto.learn == "both" else []
    parts = [part(task, "imitation", [])]
    facts = [train_on_answers(parts[0], [(d.request, d.text) for d in shown], "ditto")]
    draws = [_draw(task, None, shown, 0)]
    for turn in range(1, ditto.turns + 1):
        draws.append(_draw(task, parts[-1].out / "adapter", shown, turn))
        pairs = ordered(shown, draws, ditto.samples * len(shown), step_seed(task.seed, turn))
        if not pairs:
            break  # it writes the demonstrations, word for word
        now = _held_near(part(task, f"turn-{turn}", parts), parts[0].out / "adapter")
        facts.append(_learned(now, parts[-1].out / "adapter", [*pairs, *people]) | {"pairs": len(pairs) + len(people)})
        parts.append(now)
        if facts[-1]["stopped"]:
            break
    joined(task, parts)
    reasons = [f["stopped"] for f in facts if f["stopped"]]
    return {
        **facts[-1],
        **placed(task.policy, parent_needed(task.policy, task.parent)),
        "steps": sum(f["steps"] for f in facts),
        "stopped": "; ".join(reasons) or None,
        "demonstrations": len(shown),
        "samples": len(draws) * len(shown) * ditto.samples,
        "turns": len(parts) - 1,
        "learn": ditto.learn,
    }


def ordered(shown: Sequence[Demonstration], draws: Sequence[Draws], count: int, seed: int) -> list[Preference]:
    """About `count` pairs of the order: demonstrations over the newest draws, these over older ones, the first the lowest.

    Drawn at random, fewer where there are no more; the same words are never better than themselves.
    """
    kinds: tuple[list[Preference], ...] = ([], [], [])
    for place, one in enumerate(shown):
        aged = [(age, *draw) for age, rows in enumerate(draws) for draw in rows[place]]
        newest = len(draws) - 1
        for age, text, _ in aged:
            if text != one.text:
                kinds[age < newest].append(_pair(one, one.text, text))
        kinds[2].extend(
            _pair(one, better, worse)
            for new, better, ended in aged
            for old, worse, _ in aged
            if new > old and ended and better != worse
        )
    rng, shares = random.Random(seed), (ONLINE, REPLAY, 1 - ONLINE - REPLAY)
    return [
        pair
        for found, share in zip(kinds, shares, strict=True)
        for pair in rng.sample(found, min(len(found), round(share * count)))
    ]


def _held_near(task: Task, imitation: Path) -> Task:
    policy = task.policy.model_copy(update={"start": "parent", "reference": "parent"})
    return replace(task, policy=policy, parent=imitation)


def _learned(task: Task, start: Path, pairs: Sequence[Preference]) -> dict[str, Any]:
    """DPO from the adapter that lies at `start`; its reference is the task's parent."""

    def go_on(trainer: Any) -> None:
        from peft import set_peft_model_state_dict
        from safetensors.torch import load_file

        state = load_file(start / "adapter_model.safetensors")
        set_peft_model_state_dict(trainer.model, state, adapter_name=LEARNING)

    table = task.policy.ditto
    return train_on_pairs(task, pairs, "ditto", ready=go_on, max_steps=table.steps, learning_rate=table.learning_rate)


def _draw(task: Task, adapter: Path | None, shown: Sequence[Demonstration], turn: int) -> Draws:
    """Answers to the demonstrations' requests by the policy whose adapter lies there; None: the base."""
    count = task.policy.ditto.samples
    asked = [Prompt(id=f"demonstration-{n}", prompt=d.request) for n, d in enumerate(shown) for _ in range(count)]
    policy = load_policy(task.model, adapter, name="drawing")
    with precision(task.model):
        made = roll_out(
            policy,
            asked,
            task.sampling,
            thinking=task.model.thinking,
            seed=step_seed(task.seed, turn),
            drawn=lambda n: task.report(n, len(asked), "sampling"),
        )
    del policy
    gc.collect()  # it is gone before the training loads its own
    found = list(zip(made.texts, made.ended, strict=True))
    return [[d for d in dict.fromkeys(found[n : n + count]) if d[0]] for n in range(0, len(found), count)]


def _pair(one: Demonstration, better: str, worse: str) -> Preference:
    return Preference(
        prompt=one.request,
        chosen=(Message(role="assistant", content=better),),
        rejected=(Message(role="assistant", content=worse),),
        prompt_id=one.comparison_id,
        comparison_id=one.comparison_id,
        user_id=one.user_id,
        round=0,
        source="edit" if better == one.text else "reward_model",
    )
