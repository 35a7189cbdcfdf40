"""The soup as records: what was tried, what each ingredient is worth, and what to do next.

A *cell* is one way to get an answer: how the policy was trained, how much of the brief is pasted, how many examples are shown.
Every cell answers the same held-out requests, and is set against the base with the whole brief, or in a run without one
against the plain base.
"""

from pathlib import Path
from typing import Literal

from pydantic import Field

from feedback_loop.brief.curve import Judge, Met
from feedback_loop.records import Record
from feedback_loop.run import Run, read_jsonl, read_record

Saying = Literal[
    "add",
    "maybe",
    "nothing",
    "paste",
    "cheaper",
    "harm",
    "minutes",
    "unneeded",
    "unneeded_then",
    "missed",
    "labels",
    "enough",
]
"""The sentences of an advice; `advice.WORDS` has them in English, with their gaps."""


class Cell(Record):
    """One way to get an answer."""

    training: str
    """`none` is the base itself; else the name of a step, or `bake+dpo`: one after the other."""
    level: float
    """Share of the brief that is pasted."""
    shots: int
    """Examples shown before the request."""

    @property
    def parts(self) -> frozenset[str]:
        """Its ingredients by name, the brief apart."""
        return self.steps | ({"examples"} if self.shots else frozenset())

    @property
    def steps(self) -> frozenset[str]:
        """What it was trained by, by name."""
        return frozenset(() if self.training == "none" else self.training.split("+"))


class Tried(Record):
    """What a cell costs, and how often it wins against the base with the whole brief; 90 % interval, ties counting half."""

    cell: Cell
    tokens: float
    """Mean tokens pasted before a request: instruction and examples."""
    training_minutes: float
    human_minutes: float
    """Of the labels that its ingredients use."""
    win_rate: float
    low: float
    high: float
    judge: Judge
    requests: int
    requirements: tuple[Met, ...] = ()
    """Of those with a check, how many of its answers meet each."""


class Gain(Record):
    """What one ingredient adds where nothing else differs: win-rate points (0.1 is ten) on the same requests; 90 % interval."""

    ingredient: str
    """`brief`, `examples`, or the name of a training."""
    of: Cell
    over: Cell
    gain: float
    low: float
    high: float
    tokens: float
    """Tokens a request, and minutes, that it costs more."""
    training_minutes: float
    human_minutes: float


class Said(Record):
    """One sentence of an advice, so that a page may say it in its own language."""

    key: Saying
    values: dict[str, str | float | int] = Field(default_factory=dict)
    """What stands in its gaps. Rates and gains are shares (0.1 is ten points), a cell is its place in `Soup.cells`."""


class Soup(Record):
    """One asking of the bench: the table, the front, what each ingredient is worth, and the advice."""

    round: int
    """Whose labels and reward model it is."""
    labels: int
    demonstrations: int
    requests: int
    against: str
    """What win rates are against: `base with the whole brief`, or `plain base`."""
    cells: tuple[Tried, ...]
    front: tuple[int, ...]
    """Places in `cells`, fewest tokens first: no other cell wins more often with as few tokens."""
    gains: tuple[Gain, ...]
    advice: str
    """In plain English, the next step first."""
    next: str
    """The ingredient that the next step adds, as in `Gain`; empty where none is worth adding."""
    said: tuple[Said, ...] = ()
    """The advice again, sentence by sentence."""
    left_out: tuple[str, ...] = ()
    """What could not be tried, and why, a line each."""


class Sample(Record):
    """A held-out request and what every cell answered."""

    prompt_id: str
    request: str
    answers: tuple[str, ...]
    """By cell, in the table's order."""


def folder(run: Run) -> Path:
    """Where a run keeps its soup; may be deleted."""
    return run.cache / "soup"


def read(run: Run) -> Soup | None:
    """The last soup; None before there is one.

    An older version said of labels what it did not count, so that is left out of what it wrote.
    """
    file = folder(run) / "table.json"
    if not file.exists():
        return None
    soup = read_record(file, Soup)
    counted = [one for one in soup.said if one.key not in ("labels", "enough") or "tested" in one.values]
    return soup.model_copy(update={"said": tuple(counted)})


def samples(run: Run) -> list[Sample]:
    """The answers of the last soup."""
    file = folder(run) / "samples.jsonl"
    return read_jsonl(file, Sample) if file.exists() else []
