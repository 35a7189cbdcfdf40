"""What a policy step is given, whichever it is, and what it leaves."""

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from feedback_loop.errors import LoopError
from feedback_loop.examples.demonstrations import Demonstration
from feedback_loop.models import device, dtype
from feedback_loop.policy_tables import PolicyTable
from feedback_loop.progress import Progress
from feedback_loop.recipe import ModelTable, SamplingTable
from feedback_loop.records import Preference, Prompt, Record
from feedback_loop.scores import Judged, Members, same

Track = Callable[[Mapping[str, float], Sequence[Record]], None]
"""Told the figures of a step, and samples to show, as they come."""
RANK = "To rank more: feedback-loop redo RUN rankings, then: feedback-loop serve RUN"
"""What to type where there are too few labels; the round's are taken already, so these are set aside first."""
EQUAL = (
    "The reward model finds all answers to a prompt equally good, as where rankings contradict one another, so there is "
    f'nothing to learn. Set policy.step = "dpo", which learns what people chose. {RANK}'
)
"""Why a step cannot learn from a reward model."""


@dataclass(frozen=True)
class Task:
    """One policy step of one round."""

    model: ModelTable
    policy: PolicyTable
    sampling: SamplingTable
    pairs: Sequence[Preference]
    """People's preferences of all rounds, ties included."""
    prompts: Sequence[Prompt]
    """Training prompts, most of them without a label."""
    parent: Path | None
    """The adapter in force; None for the base."""
    reward: Path | None
    """The reward model's first adapter and head, from which a critic may start."""
    load_members: Callable[[Any, Any], Members] | None
    """Puts the reward model on a PEFT model (and its tokenizer) beside its other adapters."""
    accuracy: float | None
    """Lower bound (90 %) of the share of pairs it never saw that the reward model ranks right; None where nobody knows."""
    out: Path
    """The stage's folder: adapter/, curves.jsonl and samples.jsonl are left there."""
    work: Path
    """Scratch space, gone when the stage ends."""
    resume: Path
    """Survives a kill, and holds only what this very task left."""
    cache: Path
    """Survives the stage: what is expensive, keyed by content. May be deleted."""
    seed: int
    run_seed: int
    """The same in every round of a run: what is drawn from it need not be drawn again."""
    report: Progress
    track: Track
    brief: str = ""
    """The whole brief, as a model reads it; empty where the run has none, or the step none to read."""
    demonstrations: Sequence[Demonstration] = ()
    """Answers as people want them, best first; none where the step learns from none."""
    neutral: Sequence[Prompt] = ()
    """Chats of which neither the brief nor people's wishes say anything, to be answered as the base does."""


class Curves:
    """The step's curves while they grow: a row a step, on disk at once and in W&B."""

    def __init__(self, task: Task, rows: Sequence[Mapping[str, float]] = ()) -> None:
        self.rows = [dict(row) for row in rows]
        self._track = task.track
        self._file = task.resume / "curves.jsonl"
        self._file.write_text("".join(json.dumps(row) + "\n" for row in self.rows), encoding="utf-8")
        for row in self.rows:  # W&B begins a new run after a kill
            self._track(row, ())

    def add(self, row: Mapping[str, float], samples: Sequence[Record] = (), *, track: bool = True) -> None:
        """A row with its `step`; `track` is off for figures that TRL sends to W&B itself."""
        self.rows.append(dict(row))
        with self._file.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")
        if track:
            self._track(row, samples)


def precision(model: ModelTable) -> AbstractContextManager[Any]:
    """Autocast to bfloat16 where the base is bfloat16, so that the float32 adapters do not slow it down."""
    import torch

    low = dtype(model) == torch.bfloat16
    return torch.autocast(device(model), dtype=torch.bfloat16) if low else nullcontext()


def refuse_equal(judged: Judged) -> None:
    """LoopError where the reward model tells none of these completions from another: whitened, rounding would be learned."""
    if same(judged):
        raise LoopError(EQUAL)


@contextmanager
def timed(seconds: dict[str, float], what: str) -> Iterator[None]:
    """Add the time inside to `seconds[what]`."""
    start = time.monotonic()
    yield
    seconds[what] += time.monotonic() - start
