"""A run's half-a-word curve, from what its evaluations left; judged by who can tell best, and it is said who that was.

By a persona's true utility where one is named or answered the run; else by people, where they compared the very same two of
FEWEST requests at least; else by the round's reward model.
"""

from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from statistics import fmean
from typing import TYPE_CHECKING

from feedback_loop.brief import brief
from feedback_loop.brief.curve import Needed, Row, by_worth, needed, rated, requirements, votes
from feedback_loop.errors import UsageError
from feedback_loop.labels import learned
from feedback_loop.lineage import BASE
from feedback_loop.records import Completion, Prompt
from feedback_loop.run import Run, read_jsonl
from feedback_loop.simulation.simulated import truth

if TYPE_CHECKING:
    from feedback_loop.simulation.personas import Persona  # what trains must not so much as hold a utility

FEWEST = 16
"""Requests of which people compared the two, from which on they judge a row."""


def rows(run: Run, persona: "Persona | None" = None) -> list[Row]:
    """The base as the last evaluated round has it, then every round's new policy; UsageError where nothing is measured.

    What was measured under another brief than that round's is marked so.
    """
    numbers = measured(run)
    if not numbers:
        why = "it has no brief" if brief.load(run) is None else "no round with the brief is evaluated yet"
        raise UsageError(f"{run.path}: no curve, since {why}. See where it stands: feedback-loop status {run.path}")
    of = {n: _with_requirements(run, n, of_round(run, n, persona)) for n in numbers}
    base = [row for row in of[numbers[-1]] if row.policy == BASE]
    others = under_another(run)
    ours = ((row, n in others) for n in numbers for row in of[n] if row.policy != BASE)
    return [*base, *(row.model_copy(update={"other_brief": other}) for row, other in ours)]


def measured(run: Run) -> list[int]:
    """The rounds that have a curve."""
    return [n for n in run.rounds() if has_curve(run, n)]


def under_another(run: Run) -> list[int]:
    """The measured rounds whose brief, in what models read of it, was another than the last one's."""
    numbers = measured(run)
    return [n for n in numbers if _text(run, n) != _text(run, numbers[-1])]


def of_round(run: Run, number: int, persona: "Persona | None" = None) -> list[Row]:
    """A round's rows, of the base and of its new policy; none without a curve."""
    if not has_curve(run, number):
        return []
    if persona is not None:
        return by_persona(run, number, persona)
    left = truth(run, number)
    if left is not None and left.curve:
        return list(left.curve)
    return _by_people(run, number, read_jsonl(run.stage_folder(number, "evaluation") / "curve.jsonl", Row))


def bound(run: Run) -> str:
    """A line where the last curve asked fewer requests than the recipe says, as no more are held out; else empty."""
    wanted, there = run.recipe.brief.prompts, len(heldout(run))
    asked = run.manifest(measured(run)[-1], "evaluation").facts["brief"]["prompts"]
    if asked < there or asked >= wanted:
        return ""
    return (
        f"{asked} requests at each level: brief.prompts is {wanted}, but no more are held out. "
        "For more, give a new run a longer prompts.file, or a higher prompts.heldout"
    )


def needed_of(run: Run, number: int) -> tuple[Needed, Needed] | None:
    """How much of the brief the base needs and how much the round's new policy; None without a curve."""
    found = of_round(run, number)
    base, ours = (needed([r for r in found if (r.policy == BASE) is is_base]) for is_base in (True, False))
    return (base, ours) if base and ours else None


def by_persona(run: Run, number: int, persona: "Persona") -> list[Row]:
    """A round's rows by what each answer is truly worth to a persona."""
    from feedback_loop.simulation.personas import utility

    prompts, answers = heldout(run), answers_of(run, number)

    @cache
    def worth(policy: str, level: float) -> tuple[float, ...]:
        return tuple(utility(persona, prompts[c.prompt_id], c.completion) for c in answers[policy, level])

    found = []
    for row in read_jsonl(run.stage_folder(number, "evaluation") / "curve.jsonl", Row):
        same = (row.policy, row.level) == (BASE, 1.0)
        rate, low, high = (0.5, 0.5, 0.5) if same else by_worth(worth(row.policy, row.level), worth(BASE, 1.0))
        said = {"win_rate": rate, "low": low, "high": high, "judge": "utility"}
        found.append(row.model_copy(update=said))
    return found


def has_curve(run: Run, number: int) -> bool:
    """Whether a round's evaluation measured the curve."""
    return run.done(number, "evaluation") and "brief" in run.manifest(number, "evaluation").facts


def answers_of(run: Run, number: int) -> dict[tuple[str, float], list[Completion]]:
    """A round's answers by policy and level."""
    found: dict[tuple[str, float], list[Completion]] = {}
    for c in read_jsonl(run.stage_folder(number, "evaluation") / "levels.jsonl", Completion):
        found.setdefault((c.policy, c.level or 0.0), []).append(c)
    return found


def heldout(run: Run) -> dict[str, Prompt]:
    """The held-out requests by their ids."""
    return {p.id: p for p in read_jsonl(run.path / "heldout.jsonl", Prompt)}


def _with_requirements(run: Run, number: int, found: Sequence[Row]) -> list[Row]:
    """The rows with what checks can tell of each requirement in their answers."""
    said, prompts, answers = _counted_by(run, number), heldout(run), answers_of(run, number)
    if said is None:
        return list(found)
    return [
        row.model_copy(update={"requirements": requirements(said, [prompts[c.prompt_id] for c in made], made)})
        for row in found
        for made in [answers[row.policy, row.level]]
    ]


def _counted_by(run: Run, number: int) -> brief.Brief | None:
    """The round's brief; the present one where models read the same in both, as checks may be written afterwards."""
    said, present = brief.of_round(run, number), None
    with suppress(UsageError):
        present = brief.load(run)
    same = said and present and brief.in_scope(present) == brief.in_scope(said)
    return present if same else said


def _by_people(run: Run, number: int, found: Sequence[Row]) -> list[Row]:
    """The rows, those judged by people whose pair they answered of requests enough, under the same brief.

    The round's policy is ranked in later rounds; requests whose labels it learned from say nothing of it, and neither do
    labels that a redo carried over, which speak of an earlier policy of that name.
    """
    text, given = _text(run, number), learned(run, run.rounds()[-1])
    said = [one for one in given if _text(run, one.source.round) == text]
    taught = {c.prompt.id for one in given if one.source.into <= number for c in one.comparisons}
    judged = []
    for row in found:
        is_base, points = row.policy == BASE, dict[str, list[float]]()
        for one in said:
            if is_base or not one.source.carried:
                for name, more in votes(one.comparisons, one.rankings, row.policy, row.level, BASE).items():
                    if is_base or name not in taught:
                        points.setdefault(name, []).extend(more)
        if len(points) < FEWEST or (row.policy, row.level) == (BASE, 1.0):
            judged.append(row)
            continue
        rate, low, high = rated([fmean(own) for own in points.values()])
        change = {"win_rate": rate, "low": low, "high": high, "judge": "people", "answers": len(points)}
        judged.append(row.model_copy(update=change))
    return judged


def _text(run: Run, number: int) -> str | None:
    found = brief.of_round(run, number)
    return brief.in_scope(found) if found else None
