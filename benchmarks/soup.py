"""What a person's minutes are worth by baking, preferences, edits, examples and mixtures; and is what the soup advises best?

    OMP_NUM_THREADS=1 nice -n 10 python -m benchmarks.soup --seeds 0 1 2 --json FILE.json

Five simulated people whose brief has five requirements spend the same minutes in three ways: on comparisons alone, on edits
alone, and half on each (one label in four is an edit). Of each such run the soup is made by the program's own code, on the tiny
Qwen with the demo's recipe: judged by the reward model, as for anybody, and again by the person's true utility, on 128 requests
that nothing learned from. One label in ten is a mistake. An edit is the truly best of 8 answers of the base with the whole brief,
where that is better than what was chosen: people who edit know what they want.
"""

import argparse
import contextlib
import json
import os
import random
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from statistics import fmean
from typing import Any

from benchmarks.common import quiet, several
from benchmarks.ten_rounds import Memory
from feedback_loop import begin
from feedback_loop.asking.asked import asked
from feedback_loop.brief.brief import cut, instructed, load
from feedback_loop.loop import collect
from feedback_loop.progress import silent
from feedback_loop.records import Comparison, Ranking, now
from feedback_loop.run import Run, commit, open_run
from feedback_loop.simulation.personas import Persona, edit, find, respond
from feedback_loop.soup.cells import Cell, Soup, Tried
from feedback_loop.soup.cooking import cook
from feedback_loop.soup.minutes import seconds
from feedback_loop.stages import WORK
from feedback_loop.stages.more import sample_round
from feedback_loop.store.journal import Journal
from policies.base import load_policy

PERSONAS = ("concierge", "desk", "chum", "clerk", "adviser")
WAYS = {"comparisons": 0, "edits": 1, "both": 4}
"""Every how many labels one is an edit; 0: none."""
EDITED = 32
"""First comparisons among which all edits of those who only edit lie."""
TRAININGS = {
    "comparisons": ("dpo", "bake+dpo"),
    "edits": ("sft",),
    "both": ("dpo", "sft", "bake", "bake+dpo"),
}
ARMS = {
    "base, nothing": ("both", "none", 0.0, 0),
    "base, whole brief": ("both", "none", 1.0, 0),
    "baking alone": ("both", "bake", 0.0, 0),
    "preferences alone (dpo)": ("comparisons", "dpo", 0.0, 0),
    "edits alone (sft)": ("edits", "sft", 0.0, 0),
    "examples alone (3)": ("edits", "none", 0.0, 3),
    "comparisons and edits (dpo)": ("both", "dpo", 0.0, 0),
    "comparisons and edits, 3 examples": ("both", "dpo", 0.0, 3),
    "baking, then comparisons": ("comparisons", "bake+dpo", 0.0, 0),
    "baking, then both": ("both", "bake+dpo", 0.0, 0),
    "baking, then both, 3 examples": ("both", "bake+dpo", 0.0, 3),
}
"""How the minutes are spent, and the cell of that soup."""


def main() -> None:
    """Run every cell that the JSON file lacks, print the tables."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--seeds", type=int, nargs="*", default=[0, 1, 2])
    arguments.add_argument("--personas", nargs="*", default=list(PERSONAS))
    arguments.add_argument("--minutes", type=float, default=16.0)
    arguments.add_argument("--mistake", type=float, default=0.1)
    arguments.add_argument("--prompts", type=int, default=128)
    arguments.add_argument("--json", type=Path)
    given = arguments.parse_args()
    os.environ["WANDB_MODE"] = "disabled"
    cells = json.loads(given.json.read_text()) if given.json and given.json.exists() else []
    for seed in given.seeds:
        for name in given.personas:
            key = [name, seed, given.minutes, given.mistake, given.prompts]
            if any(found["key"] == key for found in cells):
                continue
            with quiet():
                cells.append({"key": key, **cell(find(name), seed, given)})
            if given.json:
                given.json.write_text(json.dumps(cells, indent=1), encoding="utf-8")
    print(f"{arms(cells)}\n\n{advised(cells)}" if cells else "nothing to show")


def cell(person: Persona, seed: int, given: argparse.Namespace) -> dict[str, Any]:
    """The soups of one person: by the reward model, where both kinds of label are there, and by true utility."""
    slips = person.model_copy(update={"annotator": person.annotator.model_copy(update={"mistake": given.mistake})})
    settings = [f"seed={seed}", f"brief.file={person.name}", "model.device=cpu", "policy.probe=0", "rankings.needed=1"]
    settings += ["prompts.per_round=80", "asking.repeats=0", "asking.checks=0", f"soup.prompts={given.prompts}"]
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        start = begin.begin(Path(folder) / "start", "demo", None, settings)
        with commit(start, 0, "prompts") as draft:
            WORK["prompts"].work(start, 0, draft, silent)
        sample_round(start, 0, silent)
        written, shared = best_answers(start), Path(folder) / "cache"
        shared.mkdir()  # what hangs on no label is made once
        for way, every in WAYS.items():
            shutil.copytree(start.path, Path(folder) / way)
            run = open_run(Path(folder) / way)
            run.cache.symlink_to(shared)
            run = replace(run, recipe=_soup(run, TRAININGS[way]))
            label(run, slips, every, given.minutes, written)
            if way == "both":
                found["by reward"] = cook(run, "", silent).model_dump()
            found[way] = cook(run, person.name, silent).model_dump()
    return found


def _soup(run: Run, trainings: Sequence[str]) -> Any:
    table = run.recipe.soup.model_copy(update={"trainings": trainings, "levels": (0.0,)})
    return run.recipe.model_copy(update={"soup": table})


def best_answers(run: Run) -> dict[str, list[str]]:
    """Of each prompt that may come to be edited 8 answers of the base with the whole brief."""
    brief = load(run)
    assert brief is not None
    prompts = [c.prompt for n, c in enumerate(asked(run, 0)) if n < EDITED or n % WAYS["both"] == 0]
    base = load_policy(run.recipe.model, None, name="base")
    drawn = several(run.recipe, base, [instructed(p, cut(brief, 1.0)) for p in prompts], 8, run.seed(0, "edits"))
    return {p.id: texts for p, texts in zip(prompts, drawn, strict=True)}


def label(run: Run, person: Persona, every: int, most: float, written: dict[str, list[str]]) -> None:
    """Let the person answer until their minutes are spent, then make the round's preferences and reward model."""
    took = 0.0
    with contextlib.closing(Journal(run.path / "journal.sqlite")) as journal:
        for place, comparison in enumerate(asked(run, 0)):
            ranking = said(run, person, comparison, place, written if every and place % every == 0 else {})
            if took + seconds(ranking) > 60 * most:
                break
            took += seconds(ranking)
            journal.record(ranking, 0, delivered=True)
    if collect(run, 0, Memory) is not None:
        raise SystemExit("too few answers")
    for name in ("preferences", "reward"):
        with commit(run, 0, name) as draft:
            WORK[name].work(run, 0, draft, silent)


def said(run: Run, person: Persona, comparison: Comparison, place: int, written: dict[str, list[str]]) -> Ranking:
    """What the person says, with an edit where `written` has a better answer."""
    answer = respond(person, comparison, random.Random(f"{run.recipe.seed}/{comparison.id}"), place)
    shown = {c.id: c.completion for c in comparison.completions}
    of = answer.choice if answer.choice in shown else next(iter(shown))
    text = edit(person, comparison.prompt, shown[of or ""], written.get(comparison.prompt_id, []))
    changed = {"edit": text, "edit_of": of} if text else {}
    return Ranking(comparison_id=comparison.id, user_id="person", created_at=now(), **(answer.model_dump() | changed))


def arms(cells: Sequence[dict[str, Any]]) -> str:
    """A line an arm: true win rate against the base with the whole brief, mean of the people and seeds; then by person."""
    names = list(dict.fromkeys(found["key"][0] for found in cells))
    lines = [f"| arm | minutes | tokens | wins | {' | '.join(names)} |", f"| --- |{' ---: |' * (3 + len(names))}"]
    for arm, (way, training, level, shots) in ARMS.items():
        wanted = Cell(training=training, level=level, shots=shots)
        of = [(found["key"][0], at(found[way], wanted)) for found in cells]
        rows = [(name, row) for name, row in of if row is not None]
        each = [fmean(row.win_rate for name, row in rows if name == who) for who in names]
        costs = f"{fmean(r.human_minutes for _, r in rows):.0f} | {fmean(r.tokens for _, r in rows):.0f}"
        shown = " | ".join(f"{rate:.0%}" for rate in (fmean(r.win_rate for _, r in rows), *each))
        lines.append(f"| {arm} | {costs} | {shown} |")
    return "\n".join(lines)


def at(soup: dict[str, Any], cell: Cell) -> Tried | None:
    """That cell of a soup."""
    return next((t for t in Soup.model_validate(soup).cells if t.cell == cell), None)


def advised(cells: Sequence[dict[str, Any]]) -> str:
    """A line a person and seed: the step advised by the reward model, the truly best one, and how far it falls short."""
    lines = [
        "| person | seed | advised | its gain, by the reward model | truly | the best step | truly | short by |",
        "| --- | ---: | --- | ---: | ---: | --- | ---: | ---: |",
    ]
    right = 0
    for found in cells:
        said, truth = Soup.model_validate(found["by reward"]), Soup.model_validate(found["both"])
        rates = {t.cell: t.win_rate for t in truth.cells if t.cell.level == 0}
        plain = rates[Cell(training="none", level=0.0, shots=0)]
        best = max(rates, key=lambda c: rates[c])
        step = chosen(said)
        right += step == best
        gained = next(t.win_rate for t in said.cells if t.cell == step) - next(
            t.win_rate for t in said.cells if t.cell == Cell(training="none", level=0.0, shots=0)
        )
        shown = [f"{100 * gained:+.0f}", f"{100 * (rates[step] - plain):+.0f}", _name(best)]
        shown += [f"{100 * (rates[best] - plain):+.0f}", f"{100 * (rates[best] - rates[step]):.1f}"]
        lines.append(f"| {found['key'][0]} | {found['key'][1]} | {said.next or 'nothing'} | {' | '.join(shown)} |")
    return "\n".join([*lines, f"The very best cell was advised in {right} of {len(cells)}."])


def chosen(soup: Soup) -> Cell:
    """The cell that a soup advises, of those that paste nothing."""
    parts = frozenset(soup.next.split("+")) if soup.next else frozenset()
    return next(
        t.cell for t in sorted(soup.cells, key=lambda t: t.cell.shots) if t.cell.level == 0 and t.cell.parts == parts
    )


def _name(cell: Cell) -> str:
    return "+".join([*([] if cell.training == "none" else [cell.training]), *(["examples"] if cell.shots else [])])


if __name__ == "__main__":
    main()
