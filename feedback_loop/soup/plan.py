"""Which cells are tried: the recipe's trainings, levels and numbers of examples, as far as the run has what they need."""

from collections.abc import Sequence
from itertools import product

from feedback_loop.brief.brief import Brief
from feedback_loop.errors import UsageError
from feedback_loop.examples.demonstrations import Demonstration
from feedback_loop.policy_tables import PolicyTable
from feedback_loop.recipe import Recipe
from feedback_loop.soup.cells import Cell

FEW = 4
"""Answers of people's own from which SFT on them is tried by itself: DITTO began with as many (arXiv 2406.00888)."""


def plan(recipe: Recipe, brief: Brief | None, shown: Sequence[Demonstration], now: Cell) -> list[Cell]:
    """The cells, the base first, always with nothing and with the whole brief; UsageError without a brief to bake.

    What people get today (`now`) is a training and a number of examples like those that the recipe names: the next step is
    told over it, so there must be a cell of it, and of what might be added.
    """
    trainings, levels = [*_trainings(recipe, brief, shown), now.training], _levels(recipe, brief)
    shots = sorted({*_shots(recipe, shown), now.shots})
    cells = [Cell(training=t, level=level, shots=k) for t, level, k in product(trainings, levels, shots)]
    base = [Cell(training="none", level=level, shots=0) for level in ((1.0, 0.0) if brief else (0.0,))]
    return list(dict.fromkeys([*base, *cells]))


def policy(recipe: Recipe, training: str) -> PolicyTable:
    """The recipe's `[policy]` for a training that starts afresh from the base."""
    step, _, then = training.partition("+")
    bake = recipe.policy.bake.model_copy(update={"then": then or "none"})
    bon = recipe.policy.bon.model_copy(update={"pool": "base"})
    fresh = {"step": step, "start": "base", "reference": "base", "bake": bake, "bon": bon}
    return recipe.policy.model_copy(update=fresh)


def today(recipe: Recipe, in_force: bool, shown: Sequence[Demonstration]) -> Cell:
    """What people get from the run now, without the brief: the recipe's step where one of its policies is in force."""
    table = recipe.policy
    step = "bake+dpo" if (table.step, table.bake.then) == ("bake", "dpo") else table.step
    return Cell(training=step if in_force else "none", level=0.0, shots=min(recipe.examples.shots, len(shown)))


def missing(recipe: Recipe, shown: Sequence[Demonstration]) -> list[str]:
    """What the recipe asks for and the labels do not give, a line each."""
    if shown or not any(recipe.soup.shots):
        return []
    return ["examples: nobody wrote an answer yet, or ranked one above another."]


def _trainings(recipe: Recipe, brief: Brief | None, shown: Sequence[Demonstration]) -> list[str]:
    asked: list[str] = list(recipe.soup.trainings)
    if any("bake" in name for name in asked) and brief is None:
        raise UsageError(
            "soup.trainings names bake, and the run has no brief to bake. Write RUN/brief.md, or take it out."
        )
    if asked:
        return ["none", *asked]
    written = sum(one.origin != "ranked" for one in shown)
    return ["none", *(("bake", "bake+dpo") if brief else ()), "dpo", *(("sft",) if written >= FEW else ())]


def _levels(recipe: Recipe, brief: Brief | None) -> list[float]:
    return sorted({*recipe.soup.levels, 0.0}, reverse=True) if brief else [0.0]


def _shots(recipe: Recipe, shown: Sequence[Demonstration]) -> list[int]:
    return sorted({0, *(min(k, len(shown)) for k in recipe.soup.shots)})
