"""What a policy writes now, token by token, and what the reference and a critic say of it."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from feedback_loop.adapters import active
from feedback_loop.chat import end_id, render_prompt
from feedback_loop.recipe import SamplingTable
from feedback_loop.records import Prompt
from policies.base import Policy
from policies.logprobs import Row, read, states
from policies.sampler import as_text, draw
from policies.trainable import LEARNING, reference_of


@dataclass(frozen=True)
class Rollouts:
    """Completions as they were sampled."""

    prompts: list[Prompt]
    rows: list[Row]
    texts: list[str]
    ended: list[bool]
    """Whether the policy ended it; else it was cut at `max_new_tokens`."""


@dataclass(frozen=True)
class Critic:
    """Values from a linear head on hidden states: the learning adapter's own, or those of an adapter called `adapter`."""

    weight: Any
    """(hidden size,)"""
    bias: Any
    adapter: str | None

    def __call__(self, hidden: Any) -> Any:
        """Values of hidden states (..., hidden size), shape (...). Spelt out, for autocast would round a matrix product."""
        return (hidden.float() * self.weight).sum(-1) + self.bias


@dataclass(frozen=True)
class Seen:
    """Per-token figures of rollouts, float32 (rows, longest completion), 0 past the end."""

    logprobs: Any
    reference: Any
    """Log-probabilities by the reference."""
    entropy: Any
    values: Any
    """The critic's; zeros where there is none."""
    mask: Any


def roll_out(
    policy: Policy,
    prompts: Sequence[Prompt],
    settings: SamplingTable,
    *,
    thinking: bool,
    seed: int,
    drawn: Callable[[int], None],
) -> Rollouts:
    """One completion a prompt by the adapter in force, from the model's whole distribution (`top_p` 1): what is sampled
    must be what the log-probabilities are of. `drawn` is told how many there are so far.
    """
    whole = settings.model_copy(update={"top_p": 1.0})
    rendered = [render_prompt(policy.tokenizer, p.messages, thinking=thinking) for p in prompts]
    tails: list[list[int]] = [[] for _ in prompts]
    for count, (place, ids) in enumerate(draw(policy, rendered, whole, seed), start=1):
        tails[place] = ids
        drawn(count)
    heads = [prompt_ids(policy, p, thinking=thinking) for p in prompts]
    stop = end_id(policy.tokenizer)
    return Rollouts(
        list(prompts),
        list(zip(heads, tails, strict=True)),
        [as_text(policy.tokenizer, ids) for ids in tails],
        [ids[-1] == stop for ids in tails],
    )


def see(
    policy: Policy, rows: Sequence[Row], batches: Sequence[Sequence[int]], *, temperature: float, critic: Critic | None
) -> Seen:
    """Read rollouts by the learning adapter, the reference and the critic; `batches` are places among `rows`."""
    import torch

    network, pad = policy.model, policy.tokenizer.pad_token_id
    shape = (len(rows), max(len(tail) for _, tail in rows))
    found = {name: torch.zeros(shape, device=network.device) for name in ("logprobs", "reference", "entropy", "values")}
    mask = torch.zeros(shape, dtype=torch.bool, device=network.device)
    with torch.no_grad():
        for batch in batches:
            part = [rows[i] for i in batch]
            with active(network, LEARNING):
                ours = read(network, part, pad=pad, temperature=temperature, entropy=True)
            with active(network, reference_of(network)):
                theirs = read(network, part, pad=pad, temperature=temperature)
            figures = {"logprobs": ours.logprobs, "reference": theirs.logprobs, "entropy": ours.entropy}
            if critic is not None:
                figures["values"] = values(network, part, critic, ours.states.hidden, pad=pad) * ours.states.mask
            places, width = torch.tensor(batch, device=network.device), ours.logprobs.shape[1]
            mask[places, :width] = ours.states.mask
            for name, figure in figures.items():
                found[name][places, :width] = figure
    return Seen(**found, mask=mask)


def values(network: Any, rows: Sequence[Row], critic: Critic, hidden: Any, *, pad: int) -> Any:
    """The critic's value before each token; `hidden` are the learning adapter's states, for a critic that shares them."""
    if critic.adapter is None:
        return critic(hidden)
    with active(network, critic.adapter):
        return critic(states(network, rows, pad=pad).hidden)


def prompt_ids(policy: Policy, prompt: Prompt, *, thinking: bool) -> list[int]:
    """Token ids of a prompt, up to where the model writes."""
    text = render_prompt(policy.tokenizer, prompt.messages, thinking=thinking)
    found: list[int] = policy.tokenizer(text, add_special_tokens=False)["input_ids"]
    return found


def walk(size: int, seed: int, start: int, count: int) -> Iterator[int]:
    """Places `start` to `start + count` of an endless walk through `size` prompts, shuffled anew each time round."""
    import torch

    for place in range(start, start + count):
        lap, index = divmod(place, size)
        yield int(torch.randperm(size, generator=torch.Generator().manual_seed(seed + lap))[index])


def step_seed(seed: int, step: int) -> int:
    """What a training's step draws by: from the training's seed and the step's number alone."""
    return (seed + 1_000_003 * step) % 2**31
