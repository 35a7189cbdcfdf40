"""The policy step that moves the brief into the adapter: on-policy distillation of the base that reads the brief.

The student (base and adapter, plain prompt) writes answers; the teacher, the same base with the adapter off and the whole
brief in front, says of each of their tokens what it would have written there, over the whole vocabulary; the student learns
to be as near to that as it can. So nobody has to rank anything, and no answer of the teacher is ever drawn. Agarwal et al.
2024 (GKD, arXiv 2306.13649) and "On-Policy Context Distillation" (arXiv 2602.12275), by the reverse KL; "Prompt Baking"
(arXiv 2409.13697) by the forward one. On chats that the brief has nothing to say of the policy is held (`held.py`).
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from feedback_loop import training
from feedback_loop.adapters import active
from feedback_loop.brief.brief import instructed
from feedback_loop.errors import UsageError
from feedback_loop.evaluate import kl_estimate, mean
from feedback_loop.prompts import choose
from feedback_loop.records import Prompt
from policies import watch
from policies.bake_math import apart
from policies.bake_state import BakeReading, BakeSample, Baking, learning, open_baking, save
from policies.base import Policy
from policies.held import base_answers, hold
from policies.logprobs import Row, batches, states
from policies.rollouts import Rollouts, prompt_ids, roll_out, see, step_seed, walk
from policies.task import Curves, Task, precision, timed
from policies.trainable import LEARNING, parent_needed, placed

MEASUREMENTS = 5
"""Measurements of a baking, its start apart."""


@dataclass(frozen=True)
class Lesson:
    """Answers that the student wrote, as it reads them and as the teacher does."""

    rollouts: Rollouts
    taught: list[Row]
    """The same answers behind what the teacher reads: request and brief, or on a neutral chat the request alone."""


@dataclass(frozen=True)
class Scope:
    """Prompts to which the brief applies, or neutral ones: those that are learned from, and those that only measure."""

    learned: Sequence[Prompt]
    probes: Sequence[Prompt]


def bake(task: Task) -> dict[str, Any]:
    """Train an adapter and write it to `out`, with curves.jsonl and samples.jsonl; returns the facts of it.

    UsageError in one line where the brief does not fit into the model's context.
    """
    table, seed = task.policy.bake, _seed(task)
    now, rows = open_baking(task, seed)
    longest = _fits(task, now.policy)
    inside, outside = (_scope(prompts, task.policy.probe, seed) for prompts in (task.prompts, task.neutral))
    held = base_answers(task, now.policy, outside.learned)
    curves, stopped = Curves(task, rows), None
    while True:
        row: dict[str, float] = {"step": now.step}
        if not watch.is_alive(now.policy, task.prompts[0], thinking=task.model.thinking):
            stopped = watch.DEAD
            break
        if _due(now.step, table.steps) and task.policy.probe:
            _measure(task, now, inside, outside)
            row |= now.readings[-1].model_dump(exclude_none=True)
            stopped = watch.trouble(now.readings, task.policy.max_kl)
            watch.refuse_start(now.readings, stopped)
        if stopped is None and (_due(now.step, table.steps) or not task.policy.probe):
            now.good, now.good_step = watch.snapshot(now.policy.model), now.step
        if stopped is None and now.step < table.steps:
            figures, stopped = _update(task, now, inside, held)
            row |= figures
        curves.add(row, now.shown)
        if stopped or now.step == table.steps:
            break
        now.step += 1
        save(now, task.resume, curves.rows)
    watch.refuse_if_nothing_learned(now.good_step, stopped)
    watch.put_back(now.policy.model, now.good)
    training.save_adapter(now.policy.model, task.out / "adapter")
    watch.write(task.out, curves.rows, now.shown)
    measured = [r for r in now.readings if r.step == now.good_step]
    return {
        "step": "bake",
        "steps": now.good_step,
        "rollouts": table.rollouts * now.step,
        "strength": table.strength,
        "held": len(held),
        "longest_prompt": longest,
        "seconds": now.seconds,
        **placed(task.policy, parent_needed(task.policy, task.parent)),
        **(watch.facts(measured[-1], stopped) if measured else {"stopped": stopped}),
    }


def _update(task: Task, now: Baking, inside: Scope, held: Sequence[Row]) -> tuple[dict[str, float], str | None]:
    """One optimiser step on answers that the student writes for it; its figures, and why it must stop where it must."""
    import torch

    bake = task.policy.bake
    asked = [inside.learned[i] for i in walk(len(inside.learned), _seed(task), now.step * bake.rollouts, bake.rollouts)]
    done, total = 2 * bake.rollouts * now.step, 2 * bake.rollouts * bake.steps
    with timed(now.seconds, "sampling"):
        lesson = _draw(
            task,
            now,
            asked,
            bake.rollouts,
            step_seed(_seed(task), now.step),
            lambda drawn: task.report(done + drawn, total, "policy"),
        )
    for group in now.optimizer.param_groups:
        group["lr"] = bake.learning_rate * (1 - now.step / bake.steps)
    tokens, loss = sum(len(tail) for _, tail in lesson.taught), 0.0
    with timed(now.seconds, "training"):
        now.policy.model.train()
        for batch in batches(lesson.taught, bake.batch_tokens):
            # Backward inside, too: what is computed again on the way back must meet the same adapter.
            with active(now.policy.model, LEARNING):
                with precision(task.model):
                    part = _apart(task, now, lesson, batch).sum() / tokens
                part.backward()
            loss += float(part.detach())
        figures = {"held_kl": hold(task, now.policy, held, now.step)} if held else {}
        norm = float(torch.nn.utils.clip_grad_norm_(learning(now).values(), bake.max_grad_norm))
        if not (math.isfinite(loss) and math.isfinite(norm)):
            return {}, "the loss or its gradient became NaN or infinite"
        now.optimizer.step()
        now.optimizer.zero_grad()
    task.report(done + 2 * bake.rollouts, total, "policy")
    return {"loss": loss, **figures, "grad_norm": norm, "learning_rate": now.optimizer.param_groups[0]["lr"]}, None


def _measure(task: Task, now: Baking, inside: Scope, outside: Scope) -> None:
    """Draw an answer to each probe, the same prompts and seed each time, and see how the student stands."""
    import torch

    probes, count = [*inside.probes, *outside.probes], len(inside.probes)
    with timed(now.seconds, "measuring"), torch.no_grad(), precision(task.model):
        lesson = _draw(task, now, probes, count, _seed(task), lambda _: None)
        rows, kls = lesson.rollouts.rows, [0.0] * len(probes)
        for batch in batches(lesson.taught, task.policy.bake.batch_tokens):
            with active(now.policy.model, LEARNING):
                found = _apart(task, now, lesson, batch).split([len(rows[i][1]) for i in batch])
            for i, part in zip(batch, found, strict=True):
                kls[i] = float(part.sum())
        seen = see(
            now.policy,
            rows[:count],
            list(batches(rows[:count], task.policy.bake.batch_tokens)),
            temperature=task.sampling.temperature,
            critic=None,
        )
    now.readings.append(
        BakeReading(
            step=now.step,
            kl=kl_estimate(seen.logprobs.sum(1).tolist(), seen.reference.sum(1).tolist()),
            entropy=float(seen.entropy.sum() / seen.mask.sum()),
            length=mean([len(tail) for _, tail in rows[:count]]),
            ended=mean([float(end) for end in lesson.rollouts.ended[:count]]),
            bake_kl=mean(kls[:count]),
            neutral_kl=mean(kls[count:]) if outside.probes else None,
        )
    )
    shown = [*range(min(watch.SHOWN, count)), *range(count, min(count + watch.SHOWN, len(probes)))]
    now.shown += [
        BakeSample(
            step=now.step,
            prompt=probes[i].request,
            completion=lesson.rollouts.texts[i],
            scope="brief" if i < count else "neutral",
            kl=kls[i],
        )
        for i in shown
    ]


def _draw(
    task: Task, now: Baking, asked: Sequence[Prompt], briefed: int, seed: int, drawn: Callable[[int], None]
) -> Lesson:
    """The student's answers as it is now; to the first `briefed` of the prompts the brief applies."""
    now.policy.model.eval()
    with precision(task.model):
        rollouts = roll_out(now.policy, asked, task.sampling, thinking=task.model.thinking, seed=seed, drawn=drawn)
    heads = [
        _ids(task, now.policy, instructed(prompt, task.brief))
        if place < briefed and task.policy.bake.strength
        else head
        for place, (prompt, (head, _)) in enumerate(zip(asked, rollouts.rows, strict=True))
    ]
    return Lesson(rollouts, [(head, tail) for head, (_, tail) in zip(heads, rollouts.rows, strict=True)])


def _apart(task: Task, now: Baking, lesson: Lesson, batch: Sequence[int]) -> Any:
    """Nats between student and teacher at each token of these answers, one after another; the adapter is in force."""
    import torch

    network, pad, bake = now.policy.model, now.policy.tokenizer.pad_token_id, task.policy.bake

    def read(rows: Sequence[Row]) -> Any:
        found = states(network, [rows[i] for i in batch], pad=pad)
        return found.hidden[found.mask]

    with torch.no_grad(), active(network, None):
        briefed = read(lesson.taught)
        plain = read(lesson.rollouts.rows) if 0 < bake.strength < 1 else None
    return apart(
        network.get_output_embeddings(),
        read(lesson.rollouts.rows),
        briefed,
        plain,
        strength=bake.strength,
        temperature=task.sampling.temperature,
    )


def _fits(task: Task, policy: Policy) -> int:
    """Tokens of the longest request behind the brief; UsageError where no answer fits behind that: nothing is cut off."""
    longest = max(len(_ids(task, policy, instructed(prompt, task.brief))) for prompt in task.prompts)
    most, answer = policy.model.config.max_position_embeddings, task.sampling.max_new_tokens
    if longest + answer > most:
        raise UsageError(
            f"brief.md: {longest} tokens with the longest prompt, and answers of {answer}, are more than the {most} that "
            f"{task.model.name} can read. Shorten the brief, or lower sampling.max_new_tokens."
        )
    return longest


def _ids(task: Task, policy: Policy, prompt: Prompt) -> list[int]:
    return prompt_ids(policy, prompt, thinking=task.model.thinking)


def _scope(prompts: Sequence[Prompt], probe: int, seed: int) -> Scope:
    """What is measured is not learned from, where there are prompts enough for both."""
    if not prompts:
        return Scope((), ())
    probes = choose(prompts, {}, min(probe, len(prompts)), seed)
    names = {p.id for p in probes}
    others = [p for p in prompts if p.id not in names]
    return Scope(others if len(others) >= len(probes) else prompts, probes)


def _due(step: int, steps: int) -> bool:
    """Whether there is a measurement after so many updates: at the start, and some times on the way."""
    return step == 0 or step * MEASUREMENTS // steps > (step - 1) * MEASUREMENTS // steps


def _seed(task: Task) -> int:
    """The run's where the start is the base: the same baking then comes out in each round."""
    return task.run_seed if parent_needed(task.policy, task.parent) is None else task.seed
