"""A run whose first round's answers are taken, and nothing made of them yet."""

from collections.abc import Sequence
from pathlib import Path

from feedback_loop import recipe
from feedback_loop.records import Comparison, Ranking
from feedback_loop.run import Run, commit, create, write_jsonl
from tests.feedback_loop.taught_parts import PROMPTS


def answered(path: Path, asked: Sequence[Comparison], given: Sequence[Ranking]) -> Run:
    run = create(path, recipe.load(None, ["model.name=tiny"]), PROMPTS, PROMPTS[:2])
    with commit(run, 0, "comparisons") as draft:
        write_jsonl(draft.path / "comparisons.jsonl", asked)
    with commit(run, 0, "rankings") as draft:
        write_jsonl(draft.path / "rankings.jsonl", given)
    return run
