"""The bench's process: `python -m feedback_loop.soup.cooking RUN [PERSONA]`. It trains, answers and judges what is not kept yet.

All that is dear lies in `RUN/cache/soup`, named by the hash of what it hangs on: trained adapters, answers, scores. So it may
be stopped at any moment, and asking again costs what is new.
"""

import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from feedback_loop.brief.brief import Brief, cut, load
from feedback_loop.brief.curve import requirements
from feedback_loop.errors import LoopError, UsageError
from feedback_loop.examples.demonstrations import Demonstration, demonstrations, to_learn
from feedback_loop.labels import counting, learned
from feedback_loop.lineage import BASE, current_policy
from feedback_loop.progress import Progress, bar, silent
from feedback_loop.prompts import choose
from feedback_loop.records import Prompt, Ranking
from feedback_loop.report.curves import training_rows
from feedback_loop.run import Run, open_run, read_jsonl, write_json, write_jsonl
from feedback_loop.soup.advice import Grown
from feedback_loop.soup.bench import LOG
from feedback_loop.soup.cells import Cell, Sample, Soup, folder
from feedback_loop.soup.dishes import Dish, answer, pasted, scored
from feedback_loop.soup.minutes import minutes
from feedback_loop.soup.plan import missing, plan, today
from feedback_loop.soup.tasting import Kitchen, Plate, taste
from feedback_loop.soup.trained import trained
from feedback_loop.stage import divert_output, failed, watch_lifeline

if TYPE_CHECKING:
    from feedback_loop.simulation.personas import Persona


@dataclass(frozen=True)
class Larder:
    """What all cells are made of."""

    number: int
    """The round whose labels and reward model these are."""
    brief: Brief | None
    shown: Sequence[Demonstration]
    labels: Sequence[Ranking]
    asked: Sequence[Prompt]


def main(path: Path, persona: str) -> int:
    """Make the soup of a run; the exit status, with the reason in the run's error file where it failed."""
    watch_lifeline()
    run = open_run(path)
    terminal = divert_output(run.path / "logs" / LOG)
    try:
        cook(run, persona, bar(terminal) if terminal.isatty() else silent)
    except LoopError as error:
        return failed(run, str(error), error.exit_status)
    except Exception as error:
        import traceback

        traceback.print_exc()
        first = str(error).strip().split("\n")[0][:200]
        return failed(run, f"soup: {type(error).__name__}: {first}. Details: {run.path / 'logs' / LOG}", 1)
    return 0


def cook(run: Run, persona: str, report: Progress) -> Soup:
    """The soup of the run's labels, written to table.json and samples.jsonl."""
    larder, judge = stock(run), _judge(run, persona)
    now = today(run.recipe, current_policy(run) != BASE, larder.shown)
    cells = plan(run.recipe, larder.brief, larder.shown, now)
    made = {name: trained(run, larder.number, name, report) for name in dict.fromkeys(c.training for c in cells)}
    dishes = [
        pasted(run, cell, made[cell.training], larder.asked, _instruction(larder, cell), larder.shown)
        for cell in cells
        if not made[cell.training].failed
    ]
    left = [
        *missing(run.recipe, larder.shown),
        *(f"{name}: {_reason(one.failed)}" for name, one in made.items() if one.failed),
    ]
    left += [f"{dish.name}: {dish.too_long}" for dish in dishes if dish.too_long]
    kept = answer(run, [dish for dish in dishes if not dish.too_long], report)
    plates = _judged(run, larder, kept, judge, report)
    soup = taste(plates, _kitchen(run, larder, judge, now, left))
    _write(run, larder, kept, soup)
    return soup


def stock(run: Run) -> Larder:
    """Labels and requests of the last round that has a reward model; UsageError where there is none."""
    ready = [n for n in run.rounds() if run.done(n, "preferences") and run.done(n, "reward")]
    if not ready:
        raise UsageError(
            f"{run.path}: no labels are learned from yet, so there is nothing to compare. "
            f"Rank answers, then: feedback-loop advance {run.path}"
        )
    number = ready[-1]
    pool = read_jsonl(run.path / "heldout.jsonl", Prompt)
    asked = choose(pool, {}, min(run.recipe.soup.prompts, len(pool)), run.seed(0, "evaluation"))
    given = counting(learned(run, number))
    return Larder(number, load(run), demonstrations(run, number), given, asked)


def _reason(failed: str) -> str:
    """Why a training failed, less what to type about it: that would help a round, and not the bench."""
    return " ".join(said for said in re.split(r"(?<=\.) ", failed) if "feedback-loop " not in said)


def _judge(run: Run, persona: str) -> "Persona | None":
    """The simulated person named, or who answered the run where that is a shipped one; None: the reward model judges."""
    from feedback_loop.simulation.personas import find
    from feedback_loop.simulation.simulated import truth

    if persona:
        return find(persona)
    said = [left.persona for n in run.rounds() if (left := truth(run, n)) is not None]
    try:
        return find(said[-1]) if said else None
    except UsageError:
        return None


def _instruction(larder: Larder, cell: Cell) -> str:
    return cut(larder.brief, cell.level) if larder.brief else ""


def _judged(run: Run, larder: Larder, dishes: Sequence[Dish], judge: "Persona | None", report: Progress) -> list[Plate]:
    from feedback_loop.simulation.personas import utility

    if judge is not None:
        opinions = [
            [[utility(judge, p, text)] for p, text in zip(larder.asked, dish.texts, strict=True)] for dish in dishes
        ]
    else:
        opinions = scored(run, larder.number, larder.asked, dishes, report)
    learned = to_learn(larder.shown, run.recipe.policy.ditto)
    shown, own = ([f"{d.comparison_id}@{d.user_id}" for d in found] for found in (larder.shown, learned))
    return [
        Plate(
            cell=dish.cell,
            opinions=said,
            tokens=dish.tokens,
            training_minutes=dish.made.minutes,
            human_minutes=minutes(dish.cell, larder.labels, shown, own),
            requirements=requirements(larder.brief, larder.asked, dish.answers) if larder.brief else (),
        )
        for dish, said in zip(dishes, opinions, strict=True)
    ]


def _kitchen(run: Run, larder: Larder, judge: "Persona | None", now: Cell, left: Sequence[str]) -> Kitchen:
    return Kitchen(
        round=larder.number,
        labels=len(larder.labels),
        demonstrations=len(larder.shown),
        judge="reward model" if judge is None else "utility",
        now=now,
        grown=grown(run, larder.number),
        left_out=tuple(left),
    )


def grown(run: Run, number: int) -> list[Grown]:
    """How the round's reward model grew with its labels: a head's learning curve; none of another form.

    Nor of a stage that an older version made: its rows do not say how many were tested.
    """
    if run.manifest(number, "reward").facts.get("form") != "head":
        return []
    rows = training_rows(run, number, "reward")
    return [
        Grown(pairs=int(row["step"]), tested=int(row["tested"]), accuracy=row["accuracy"])
        for row in rows
        if "tested" in row
    ]


def _write(run: Run, larder: Larder, dishes: Sequence[Dish], soup: Soup) -> None:
    place = folder(run)
    write_jsonl(
        place / "samples.jsonl",
        (
            Sample(prompt_id=p.id, request=p.request, answers=tuple(dish.texts[n] for dish in dishes))
            for n, p in enumerate(larder.asked)
        ),
    )
    write_json(place / "table.json", soup.model_dump())


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else ""))
