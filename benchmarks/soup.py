"""What a person's minutes are worth by baking, preferences, edits, examples and mixtures; and is what the soup advises best?

    OMP_NUM_THREADS=1 nice -n 10 python -m benchmarks.soup --seeds 0 1 2 --keep FOLDER

Five simulated people whose brief has five requirements spend the same minutes in three ways: on comparisons alone; on edits
alone, of answers that the base wrote without the brief, as there is more to change; and on comparisons of which every fourth is
edited where that makes it better. An edit is the truly best of 4 answers of the base with the whole brief: people who edit know
what they want. One label in ten is a mistake. Of each such run the soup is made by the program's own code, on the tiny Qwen with
the demo's recipe: judged by the reward model, as for anybody, and again by the person's true utility, on requests that nothing
learned from. The runs stay in the folder: the same command goes on after a kill, and after a change of the soup's code says from
what is kept what it would have said.
"""

import argparse
import contextlib
import json
import os
import random
import shutil
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
from feedback_loop.run import Run, commit, open_run, write_json
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
    "comparisons": ("dpo",),
    "edits": ("sft", "dpo", "ditto"),
    "both": ("dpo", "sft", "bake", "bake+dpo"),
}
ARMS = {
    "base, nothing": ("both", "none", 0.0, 0),
    "base, whole brief": ("both", "none", 1.0, 0),
    "baking alone": ("both", "bake", 0.0, 0),
    "preferences alone (dpo)": ("comparisons", "dpo", 0.0, 0),
    "edits alone (sft)": ("edits", "sft", 0.0, 0),
    "edits alone (dpo)": ("edits", "dpo", 0.0, 0),
    "edits alone (ditto)": ("edits", "ditto", 0.0, 0),
    "examples alone (3)": ("edits", "none", 0.0, 3),
    "comparisons and edits (dpo)": ("both", "dpo", 0.0, 0),
    "comparisons and edits, 3 examples": ("both", "dpo", 0.0, 3),
    "baking, then both": ("both", "bake+dpo", 0.0, 0),
    "baking, then both, 3 examples": ("both", "bake+dpo", 0.0, 3),
}
"""How the minutes are spent, and the cell of that soup."""


def main() -> None:
    """Make every soup, or read what is kept of it, and print the tables."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--seeds", type=int, nargs="*", default=[0, 1, 2])
    arguments.add_argument("--personas", nargs="*", default=list(PERSONAS))
    arguments.add_argument("--minutes", type=float, default=16.0)
    arguments.add_argument("--mistake", type=float, default=0.1)
    arguments.add_argument("--prompts", type=int, default=64)
    arguments.add_argument("--keep", type=Path, required=True)
    given = arguments.parse_args()
    os.environ["WANDB_MODE"] = "disabled"
    cells = []
    for seed in given.seeds:
        for name in given.personas:
            with quiet():
                soups = cell(find(name), seed, given)
            cells.append({"person": name, "seed": seed, **soups})
            found = {k: v.model_dump() if isinstance(v, Soup) else v for k, v in cells[-1].items()}
            (given.keep / f"{name}-{seed}.json").write_text(json.dumps(found, indent=1), encoding="utf-8")
    print(f"{arms(cells)}\n\n{advised(cells)}")


def cell(person: Persona, seed: int, given: argparse.Namespace) -> dict[str, Soup]:
    """The soups of one person: by the reward model, where both kinds of label are there, and by true utility."""
    slips = person.model_copy(update={"annotator": person.annotator.model_copy(update={"mistake": given.mistake})})
    settings = [f"seed={seed}", f"brief.file={person.name}", "model.device=cpu", "policy.probe=0", "rankings.needed=1"]
    settings += ["prompts.per_round=72", "asking.repeats=0", "asking.checks=0", f"soup.prompts={given.prompts}"]
    place, found = given.keep / f"{person.name}-{seed}", dict[str, Soup]()
    shared = place / "cache"
    shared.mkdir(parents=True, exist_ok=True)  # what hangs on no label is made once
    for way, every in WAYS.items():
        plain = ["brief.sampled=[0.0]"] if way == "edits" else []
        start = started(place / f"start{'-plain' if plain else ''}", [*settings, *plain])
        if not (place / way / "labelled").exists():
            shutil.rmtree(place / way, ignore_errors=True)
            shutil.copytree(start.path, place / way)
            (place / way / "cache").symlink_to(shared.absolute())
            label(open_run(place / way), slips, every, given.minutes, best_answers(start, shared))
            (place / way / "labelled").touch()
        run = open_run(place / way)
        run = replace(run, recipe=_soup(run, TRAININGS[way]))
        if way == "both":
            found["by reward"] = cook(run, "", silent)
        found[way] = cook(run, person.name, silent)
    return found


def started(path: Path, settings: Sequence[str]) -> Run:
    """A run whose first round has its comparisons."""
    if path.exists() and open_run(path).done(0, "comparisons"):
        return open_run(path)
    shutil.rmtree(path, ignore_errors=True)
    run = begin.begin(path, "demo", None, settings)
    with commit(run, 0, "prompts") as draft:
        WORK["prompts"].work(run, 0, draft, silent)
    sample_round(run, 0, silent)
    return run


def _soup(run: Run, trainings: Sequence[str]) -> Any:
    table = run.recipe.soup.model_copy(update={"trainings": trainings, "levels": (0.0,)})
    return run.recipe.model_copy(update={"soup": table})


def best_answers(run: Run, kept: Path) -> dict[str, list[str]]:
    """Of each prompt that may come to be edited 4 answers of the base with the whole brief."""
    file, brief = kept / "written.json", load(run)
    if not file.exists() and brief is not None:
        prompts = [c.prompt for n, c in enumerate(asked(run, 0)) if n < EDITED or n % WAYS["both"] == 0]
        base = load_policy(run.recipe.model, None, name="base")
        drawn = several(run.recipe, base, [instructed(p, cut(brief, 1.0)) for p in prompts], 4, run.seed(0, "edits"))
        write_json(file, {p.id: texts for p, texts in zip(prompts, drawn, strict=True)})
    found: dict[str, list[str]] = json.loads(file.read_text(encoding="utf-8"))
    return found


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
    names = list(dict.fromkeys(found["person"] for found in cells))
    lines = [f"| arm | minutes | tokens | wins | {' | '.join(names)} |", f"| --- |{' ---: |' * (3 + len(names))}"]
    for arm, (way, training, level, shots) in ARMS.items():
        wanted = Cell(training=training, level=level, shots=shots)
        of = [(found["person"], at(found[way], wanted)) for found in cells]
        rows = [(name, row) for name, row in of if row is not None]
        each = [fmean(row.win_rate for name, row in rows if name == who) for who in names]
        costs = f"{fmean(r.human_minutes for _, r in rows):.0f} | {fmean(r.tokens for _, r in rows):.0f}"
        shown = " | ".join(f"{rate:.0%}" for rate in (fmean(r.win_rate for _, r in rows), *each))
        lines.append(f"| {arm} | {costs} | {shown} |")
    return "\n".join(lines)


def at(soup: Soup, cell: Cell) -> Tried | None:
    """That cell of a soup."""
    return next((t for t in soup.cells if t.cell == cell), None)


def advised(cells: Sequence[dict[str, Any]]) -> str:
    """A line a person and seed: the step advised by the reward model, the truly best one, and how far it falls short."""
    lines = [
        "| person | seed | advised | its gain, by the reward model | truly | the best step | truly | short by |",
        "| --- | ---: | --- | ---: | ---: | --- | ---: | ---: |",
    ]
    right = 0
    for found in cells:
        said, truth = steps(found["by reward"]), steps(found["both"])
        step, best = found["by reward"].next, max(truth, key=lambda name: truth[name])
        right += step == best
        shown = [step or "nothing", *(f"{100 * (rates[step] - rates['']):+.0f}" for rates in (said, truth))]
        shown += [
            best or "nothing",
            f"{100 * (truth[best] - truth['']):+.0f}",
            f"{100 * (truth[best] - truth[step]):.1f}",
        ]
        lines.append(f"| {found['person']} | {found['seed']} | {' | '.join(shown)} |")
    return "\n".join([*lines, f"The very best step was advised in {right} of {len(cells)}."])


def steps(soup: Soup) -> dict[str, float]:
    """Win rates of the base and of what one ingredient makes of it, without the brief, by the ingredient."""
    one = [t for t in soup.cells if t.cell.level == 0 and len(t.cell.parts) < 2]
    return {next(iter(t.cell.parts), ""): t.win_rate for t in one}


if __name__ == "__main__":
    main()
