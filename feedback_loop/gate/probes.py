"""Probes: small tasks whose answers a few lines can check, and neutral text. What a policy must not unlearn."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError, field_validator

from feedback_loop import prompts
from feedback_loop.errors import UsageError
from feedback_loop.prompts import DATA
from feedback_loop.records import Prompt, Record
from feedback_loop.simulation.checks import met, problem

FOLDER = DATA / "probes"
INSTRUCTION = "instruction"
"""The kind of probes whose chat states itself how to answer: they are a check of their own."""


class Probe(Prompt):
    """A task, and the checks that a right answer passes."""

    kind: str = Field(min_length=1, max_length=40)
    """What it tells of: of the shipped ones `arithmetic`, `copying`, `fact`, `format`, `language` or `instruction`."""
    checks: Mapping[str, Any] = Field(min_length=1)
    """Check -> its value, all of which must pass; docs/checks.md has them."""
    tokens: int = Field(24, ge=1, le=512)
    """Most tokens of an answer: most probes ask for a word, a number or a line."""

    @field_validator("checks")
    @classmethod
    def _are_known(cls, checks: Mapping[str, Any]) -> Mapping[str, Any]:
        for name, value in checks.items():
            wrong = problem(name, value)
            if wrong:
                raise ValueError(wrong)
        return checks


class Passage(Record):
    """A paragraph of neutral text."""

    id: str
    """Language and place, such as `en-01`."""
    text: str


def right(probe: Probe, answer: str) -> bool:
    """Whether the answer passes all of the probe's checks."""
    return all(met(check, answer, value, probe) for check, value in probe.checks.items())


def shipped() -> list[Probe]:
    """The probes that come with the project."""
    return load(FOLDER / "abilities.jsonl")


def load(path: Path, beside: Sequence[Probe] = ()) -> list[Probe]:
    """Probes from JSONL, after those `beside`; UsageError names the file and the line that is wrong.

    A line is `{"prompt": "What is 2 + 2?", "kind": "arithmetic", "checks": {"number": 4}}`; the prompt may be a chat, and
    there may be an `id`, which no other probe has.
    """
    found = list(beside)
    taken = {probe.id for probe in beside}
    for where, data in prompts.read_lines(path, "probes", "guard.probes"):
        more: dict[str, Any] = {key: data.pop(key) for key in ("kind", "checks", "tokens") if key in data}
        probe = _probe(where, prompts.parse(where, data), more)
        if probe.id in taken:
            raise UsageError(f"{where}: there is a probe {probe.id!r} already. Give this one another id, or remove it.")
        taken.add(probe.id)
        found.append(probe)
    return found


def neutral(model: str) -> list[Passage]:
    """The neutral text that comes with the project: paragraphs in English, Russian and Chinese, in several registers.

    The `tiny` model gets further ones in the only language that it knows.
    """
    return [
        Passage(id=f"{file.stem}-{number:02d}", text=text)
        for file in sorted((FOLDER / "neutral").glob("*.txt"))
        for number, text in enumerate(file.read_text(encoding="utf-8").strip().split("\n\n"), start=1)
        if file.stem != "tiny" or model == "tiny"
    ]


def _probe(where: str, prompt: Prompt, more: dict[str, Any]) -> Probe:
    try:
        return Probe(id=prompt.id, prompt=prompt.prompt, **more)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise UsageError(f"{where}: {place}: {first['msg'].removesuffix('.')}. See docs/guard.md.") from error
