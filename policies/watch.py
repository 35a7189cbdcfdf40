"""What every policy step reports of itself while it trains, and when it must stop."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from feedback_loop import training
from feedback_loop.adapters import parameters
from feedback_loop.chat import render_prompt
from feedback_loop.errors import LoopError
from feedback_loop.evaluate import kl_estimate, mean
from feedback_loop.records import Prompt, Record
from feedback_loop.run import write_jsonl
from feedback_loop.scores import Judged
from policies.base import Policy
from policies.logprobs import states
from policies.rollouts import Rollouts, Seen
from policies.trainable import LEARNING

DEAD = "what the policy writes became NaN or infinite"
COLLAPSED = 0.1
"""Share of the first entropy below which a policy is taken to have collapsed."""
SHOWN = 4
"""Samples kept of each measurement."""


class Measured(Record):
    """A policy measured on completions of its own, as it stands after `step` updates."""

    step: int
    kl: float
    """KL from the reference, nats a completion: the mean of log p - log q ("k1"), at the temperature of sampling."""
    entropy: float
    """Nats a token."""
    length: float
    """Tokens a completion."""
    ended: float
    """Share that the policy ended itself."""


class Reading(Measured):
    """The same with what the reward model says of them."""

    reward: float
    """Mean whitened score: standard deviations above the completions that the training started from."""
    reward_sd: float
    """Mean standard deviation between the reward model's members; 0 where there is one."""


class StepSample(Record):
    """One completion of a measurement."""

    step: int
    prompt: str
    completion: str
    reward: float
    reward_sd: float
    kl: float


def reading(step: int, rollouts: Rollouts, seen: Seen, judged: Judged) -> Reading:
    """The figures of a batch of rollouts."""
    return Reading(
        step=step,
        reward=mean(judged.means),
        reward_sd=mean(judged.spreads),
        kl=kl_estimate(seen.logprobs.sum(1).tolist(), seen.reference.sum(1).tolist()),
        entropy=float(seen.entropy.sum() / seen.mask.sum()),
        length=mean([len(tail) for _, tail in rollouts.rows]),
        ended=mean([float(end) for end in rollouts.ended]),
    )


def samples(step: int, rollouts: Rollouts, seen: Seen, judged: Judged) -> list[StepSample]:
    """The first few completions of a batch of rollouts, for people to read."""
    kl = (seen.logprobs - seen.reference).sum(1).tolist()
    return [
        StepSample(
            step=step,
            prompt=rollouts.prompts[i].request,
            completion=rollouts.texts[i],
            reward=judged.means[i],
            reward_sd=judged.spreads[i],
            kl=kl[i],
        )
        for i in range(min(SHOWN, len(rollouts.texts)))
    ]


def trouble(readings: Sequence[Measured], max_kl: float) -> str | None:
    """Why the last of the readings means that training must stop; None where all is well."""
    first, last = readings[0], readings[-1]
    bad = [name for name, value in last.model_dump(exclude_none=True).items() if not math.isfinite(value)]
    if bad:
        return f"{', '.join(bad)} became NaN or infinite"
    if last.kl > max_kl:
        return f"KL from the reference reached {last.kl:.1f} nats a completion, over policy.max_kl = {max_kl:g}"
    if last.entropy < COLLAPSED * first.entropy:
        return f"entropy collapsed from {first.entropy:.2f} to {last.entropy:.3f} nats a token"
    return None


def refuse_if_nothing_learned(good_step: int, stopped: str | None) -> None:
    """LoopError where training had to stop before any update stood the test."""
    if stopped and not good_step:
        raise LoopError(f"{stopped}, and no update before that was good. {_advice(stopped)}")


def refuse_start(readings: Sequence[Measured], stopped: str | None) -> None:
    """LoopError where the policy does not stand the test before it was trained at all."""
    if stopped and len(readings) == 1:
        advice = 'Raise policy.max_kl, or set policy.reference = "parent".' if "max_kl" in stopped else ""
        raise LoopError(f"Before any training, {stopped}. {advice}".strip())


def is_alive(policy: Policy, prompt: Prompt, *, thinking: bool) -> bool:
    """Whether what the policy makes of a prompt is finite: to sample from NaN is an error that nothing survives."""
    import torch

    text = render_prompt(policy.tokenizer, prompt.messages, thinking=thinking)
    ids = policy.tokenizer(text, add_special_tokens=False)["input_ids"]
    with torch.no_grad():
        found = states(policy.model, [(ids, ids[-1:])], pad=policy.tokenizer.pad_token_id)
    return bool(torch.isfinite(found.hidden).all())


def put_back(network: Any, good: Mapping[str, Any]) -> None:
    """Make the learning adapter what it was when it last stood the test."""
    import torch

    with torch.no_grad():
        for name, parameter in parameters(network, LEARNING).items():
            parameter.copy_(good[name].to(parameter.device))


def snapshot(network: Any) -> dict[str, Any]:
    """The learning adapter as it is now."""
    return {name: p.detach().clone() for name, p in parameters(network, LEARNING).items()}


def _advice(stopped: str) -> str:
    return "Lower the learning rate, or raise policy.max_kl." if "max_kl" in stopped else "Lower the learning rate."


def facts(last: Measured, stopped: str | None) -> dict[str, Any]:
    """The kept adapter's figures, and why training stopped early where it did, for the manifest."""
    return {"stopped": stopped, "measured": last.model_dump(exclude_none=True)}


def write(out: Path, curves: Sequence[Mapping[str, float]], shown: Sequence[Record]) -> None:
    """curves.jsonl and samples.jsonl of a stage."""
    training.write_curves(out / "curves.jsonl", curves)
    write_jsonl(out / "samples.jsonl", shown)
