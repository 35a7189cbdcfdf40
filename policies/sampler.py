"""Draw completions from a policy: batched by length, seeded, and never the same answer twice to one prompt."""

from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from itertools import product
from typing import Any

from feedback_loop.adapters import bare
from feedback_loop.brief.brief import PLAIN, Instructions, instructed
from feedback_loop.chat import end_id, render_prompt, without_thought
from feedback_loop.progress import Progress
from feedback_loop.recipe import SamplingTable
from feedback_loop.records import Completion, Prompt
from policies.base import Policy

TRIES = 4
"""Draws for one completion before an identical one is given up."""


@dataclass(frozen=True)
class Sampled:
    """Completions in the order of the prompts, and the ids of prompts that got fewer than were asked for."""

    completions: list[Completion]
    dropped: list[str]


def sample(
    policy: Policy,
    prompts: Sequence[Prompt],
    settings: SamplingTable,
    *,
    completions: int,
    thinking: bool,
    seed: int,
    report: Progress,
    instructions: Instructions = PLAIN,
    whole_by: str = "",
) -> Sampled:
    """`completions` different completions a prompt; empty ones and repeats are drawn again, then left out.

    Those of one prompt are written under the `instructions` in turn, and say at which level and by whom: by the policy, or at
    level 1 by its base where that is given a name, `whole_by`.
    """
    levels = [level for level, _ in instructions]
    writers = [whole_by or policy.name if level == 1 else policy.name for level in levels]
    kept: dict[int, dict[int, str]] = {index: {} for index in range(len(prompts))}
    total = completions * len(prompts)
    for attempt, writer in product(range(TRIES), dict.fromkeys(writers)):
        wanted = [
            (i, turn)
            for i, texts in kept.items()
            for turn in range(completions)
            if turn not in texts and writers[turn % len(writers)] == writer
        ]
        asked = [instructed(prompts[i], instructions[turn % len(instructions)][1]) for i, turn in wanted]
        rendered = [render_prompt(policy.tokenizer, prompt.messages, thinking=thinking) for prompt in asked]
        with nullcontext() if writer == policy.name else bare(policy.model):
            for place, ids in draw(policy, rendered, settings, seed + attempt):
                index, turn = wanted[place]
                texts, text = kept[index], as_text(policy.tokenizer, ids)
                if text and text not in texts.values():
                    texts[turn] = text
                report(sum(map(len, kept.values())), total, "sampling")
    report(total, total, "sampling")
    made = [
        Completion(
            id=f"{writers[turn % len(writers)]}-{prompt.id}-{seed:x}-{number}",
            prompt_id=prompt.id,
            completion=text,
            policy=writers[turn % len(writers)],
            seed=seed,
            level=levels[turn % len(levels)],
        )
        for index, prompt in enumerate(prompts)
        for number, (turn, text) in enumerate(kept[index].items())
    ]
    return Sampled(made, [p.id for i, p in enumerate(prompts) if len(kept[i]) < completions])


def draw(
    policy: Policy, rendered: Sequence[str], settings: SamplingTable, seed: int
) -> Iterator[tuple[int, list[int]]]:
    """(place among `rendered`, token ids of a completion) for each, shortest prompts first, so that little is padded.

    The ids end with the end of the turn, unless the completion was cut at `max_new_tokens`.
    """
    import torch

    torch.manual_seed(seed)
    order = sorted(range(len(rendered)), key=lambda i: len(rendered[i]))
    for start in range(0, len(order), settings.batch_size):
        batch = order[start : start + settings.batch_size]
        yield from zip(batch, _drawn(policy, [rendered[i] for i in batch], settings), strict=True)


def greedy(
    policy: Policy, prompts: Sequence[Prompt], *, max_new_tokens: int, batch_size: int, report: Progress
) -> list[str]:
    """The likeliest continuation of each prompt, token by token, without a thought; empty where nothing was written.

    Batches are in the order of the prompts: a batch takes as long as its longest answer, so those alike belong together.
    """
    rendered = [render_prompt(policy.tokenizer, p.messages, thinking=False) for p in prompts]
    found: list[str] = []
    for start in range(0, len(rendered), batch_size):
        batch = rendered[start : start + batch_size]
        written = _generate(policy, batch, do_sample=False, max_new_tokens=max_new_tokens)
        found += [as_text(policy.tokenizer, ids) for ids in written]
        report(len(found), len(rendered), "probes")
    return found


def as_text(tokenizer: Any, ids: Sequence[int]) -> str:
    """A sampled completion as people read it: without its end and without a thought before it."""
    return without_thought(tokenizer.decode(ids, skip_special_tokens=True))


def _drawn(policy: Policy, texts: list[str], settings: SamplingTable) -> list[list[int]]:
    return _generate(
        policy,
        texts,
        do_sample=True,
        temperature=settings.temperature,
        top_p=settings.top_p,
        top_k=0,
        max_new_tokens=settings.max_new_tokens,
    )


def _generate(policy: Policy, texts: list[str], **how: Any) -> list[list[int]]:
    import torch

    tokenizer: Any = policy.tokenizer
    inputs = tokenizer(texts, return_tensors="pt", padding=True, padding_side="left", add_special_tokens=False)
    stop = end_id(tokenizer)
    with torch.inference_mode():
        output = policy.model.generate(
            input_ids=inputs["input_ids"].to(policy.model.device),
            attention_mask=inputs["attention_mask"].to(policy.model.device),
            repetition_penalty=1.0,  # Qwen's generation_config.json has its own, which would bias the KL estimate
            eos_token_id=stop,
            pad_token_id=tokenizer.pad_token_id,
            **how,
        )
    new: list[list[int]] = output[:, inputs["input_ids"].shape[1] :].tolist()
    return [ids[: ids.index(stop) + 1] if stop in ids else ids for ids in new]
