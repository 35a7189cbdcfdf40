"""The arms' end of the oracle: a person who answers, and a judge who only tells win rates. Neither holds a utility."""

import contextlib
import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.label_efficiency.arms import SECONDS
from feedback_loop.records import Comparison, Prompt, Ranking

ROOT = Path(__file__).resolve().parents[2]
Line = Callable[[dict[str, Any]], dict[str, Any]]
"""Says a line to the oracle and hears its answer."""


@dataclass(frozen=True)
class Label:
    """One answer of the person, and what it took."""

    comparison: Comparison
    ranking: Ranking
    seconds: int


@dataclass(frozen=True)
class Person:
    """Whom arms ask."""

    line: Line

    def label(self, comparison: Comparison, answered: int, edit_among: Sequence[str] = ()) -> Label:
        """The person's label after `answered` earlier ones; with `edit_among`, also an edit, where they can better the answer.

        Where they chose none of the two answers, it is the first that they edit.
        """
        said = self.line({"ask": "choose", "comparison": comparison.model_dump(), "answered": answered})
        shown = {c.id: c.completion for c in comparison.completions}
        edit = self._edit(comparison.prompt, shown.get(said["choice"], next(iter(shown.values()))), edit_among)
        ranking = Ranking(comparison_id=comparison.id, user_id="person", created_at="", edit=edit, **said)
        kind = "edit" if edit else "comparison" if said["choice"] in shown else "tie"
        return Label(comparison, ranking, SECONDS[kind])

    def _edit(self, prompt: Prompt, chosen: str, among: Sequence[str]) -> str | None:
        if not among:
            return None
        asked = {"ask": "edit", "prompt": prompt.model_dump(), "chosen": chosen, "candidates": list(among)}
        text: str | None = self.line(asked)["text"]
        return text


@dataclass(frozen=True)
class Judge:
    """Who measures what came out; no arm hears of it."""

    line: Line
    heldout: Sequence[Prompt]
    plain: Sequence[Sequence[str]]
    """The base's answers to each held-out prompt."""

    def texts(self, ours: Sequence[str]) -> dict[str, float | None]:
        """Win rates of an answer to each held-out prompt; see `oracle.judge`."""
        return self.line(self._asked("judge") | {"ours": list(ours)})

    def best(self, drawn: Sequence[Sequence[str]]) -> dict[str, float | None]:
        """The same of each prompt's truly best among these."""
        return self.line(self._asked("best") | {"drawn": [list(texts) for texts in drawn]})

    def _asked(self, what: str) -> dict[str, Any]:
        return {
            "ask": what,
            "prompts": [p.model_dump() for p in self.heldout],
            "plain": [list(texts) for texts in self.plain],
        }


@contextlib.contextmanager
def open_oracle(persona: Path, annotator: dict[str, float], seed: int) -> Iterator[Line]:
    """Start the oracle's process; it ends with the block."""
    command = [sys.executable, "-m", "benchmarks.label_efficiency.oracle"]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        heard, said = process.stdout, process.stdin
        assert heard is not None
        assert said is not None

        def tell(asked: dict[str, Any]) -> None:
            said.write(json.dumps(asked) + "\n")
            said.flush()

        def line(asked: dict[str, Any]) -> dict[str, Any]:
            tell(asked)
            answer: dict[str, Any] = json.loads(heard.readline())
            return answer

        tell({"persona": str(persona.resolve()), "annotator": annotator, "seed": seed})
        yield line
        said.close()
