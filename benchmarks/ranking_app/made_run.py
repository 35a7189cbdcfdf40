"""A run whose comparisons are there already: written through the stages' own commit, without a model."""

import random
from pathlib import Path

from benchmarks.ranking_app.texts import answer, request
from feedback_loop.begin import begin
from feedback_loop.records import Completion, Prompt
from feedback_loop.run import Run, commit, write_jsonl
from feedback_loop.stages.asking import pair_up
from feedback_loop.stages.beside import repeats

SEED = 7
EVERYBODY = 100
"""Answers wanted of each comparison, so that the round stays open whoever votes."""


def make_run(folder: Path, count: int) -> Run:
    """A run in its first round, with `count` comparisons and the shipped share of repeats."""
    rng = random.Random(SEED)
    asked = [request(number, rng) for number in range(count)]
    heldout = [request(number, rng) for number in range(count, count + 2)]
    for name, prompts in (("prompts", asked), ("heldout", heldout)):
        write_jsonl(folder / f"{name}.jsonl", prompts)
    run = begin(folder / "run", "default", "tiny", _settings(folder, count))
    with commit(run, 0, "prompts") as draft:
        write_jsonl(draft.path / "prompts.jsonl", asked)
        draft.facts["prompts"] = len(asked)
    _commit_comparisons(run, asked, rng)
    return run


def _settings(folder: Path, count: int) -> list[str]:
    return [
        f"prompts.file='{folder / 'prompts.jsonl'}'",
        f"prompts.heldout_file='{folder / 'heldout.jsonl'}'",
        f"prompts.per_round={count}",
        f"rankings.needed={count * EVERYBODY}",
        f"rankings.per_comparison={EVERYBODY}",
    ]


def _commit_comparisons(run: Run, asked: list[Prompt], rng: random.Random) -> None:
    candidates = [
        Completion(id=f"{prompt.id}-{n}", prompt_id=prompt.id, completion=answer(rng), policy="base", seed=SEED)
        for prompt in asked
        for n in range(2)
    ]
    made = pair_up(0, asked, candidates, SEED)
    again = repeats(made, run.recipe.asking.repeats, SEED)
    with commit(run, 0, "comparisons") as draft:
        write_jsonl(draft.path / "prompts.jsonl", asked)
        write_jsonl(draft.path / "comparisons.jsonl", [*made, *again])
        write_jsonl(draft.path / "candidates.jsonl", candidates)
        draft.facts |= {
            "policy": "base",
            "prompts": len(asked),
            "comparisons": len(made),
            "repeats": len(again),
            "checks": 0,
            "dropped": 0,
            "candidates": len(candidates),
            "selections": {"random": len(made)},
        }
