"""Which of many yes-or-no columns explain choices between two answers, with the chance of a false one kept small.

A row is a choice: 1 where the chosen answer has it and the other has not, -1 the other way round, 0 where both are alike.
Columns go together (who likes short answers gets fewer sentences), so each is tested beside those that were found already,
and what only sums others up beside all of these.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from feedback_loop.compare import Floats, chance

MOST = 12
"""Columns that are found at most; a brief has hardly more that choices show."""
MAY_BE = 0.2
"""Chance from which nothing is said of a column."""
SPREAD = 2.0
"""Standard deviation of a column's worth in log odds, beforehand: nothing makes every choice certain."""
STEPS = 30
GONE = 1e-6
"""Share of a column's squares below which the given ones say all that it says."""
BETTER = 0.5
"""By how much the log likelihood must grow for one column to take another's place."""
ALIKE = 1.92
"""By how much it may fall where another of the same family is as good: half of chi-squared's 95 % point (Wilks 1938)."""


@dataclass(frozen=True)
class Column:
    """What is known of a column before its choices."""

    family: str
    """At most one of a family is found: at most 12 words, or at most 14."""
    yes: bool = True
    """Whether it can be wanted, and `no`, whether its opposite can."""
    no: bool = True
    part: bool = False
    """Answers are made of it: a greeting, a list. What only sums parts up (length) is tested beside all of them."""
    sums: bool = False


@dataclass(frozen=True)
class Chosen:
    """A column that explains choices."""

    column: int
    wanted: bool
    chance: float
    """Probability that any column would explain as much of what the others leave open, by chance alone."""
    alike: tuple[int, ...] = ()
    """Columns of its family that explain nearly as much in its place."""


@dataclass(frozen=True)
class Choices:
    """The rows; those of a cluster (a prompt) are not independent of one another."""

    rows: Floats
    clusters: Sequence[str]
    weights: Floats
    columns: Sequence[Column]
    seed: int


def choose(said: Choices, known: Sequence[int] = ()) -> list[Chosen]:
    """The columns that explain the choices, in the order in which they were found; `known` ones are taken as given.

    Forward selection by the score test with sign flips of Hemerik, Goeman and Finos 2020 ("Robust testing in generalized
    linear models by sign flipping score contributions", JRSS B 82), adjusted for all columns that might be found
    (`compare.chance`); the model is Bradley and Terry's with a ridge. After each step a column may take the place of another
    where that explains more, and one that the others have made needless is left out.
    """
    found = list[int]()
    seen = set[frozenset[int]]()
    while len(found) < MOST:
        tests = _tests(said, [*known, *found])
        open_ = [n for n in tests if tests[n][1] < MAY_BE and _may(said, known, found, n, tests[n][0])]
        if not open_:
            break
        found = _improved(said, known, [*found, max(open_, key=lambda n: abs(tests[n][0]))])
        if frozenset(found) in seen:
            break
        seen.add(frozenset(found))
    judged = [_judged(said, known, found, n) for n in found]
    return [replace(c, alike=_alike(said, known, found, c.column)) for c in judged if c.chance < MAY_BE]


def judge(said: Choices, known: Sequence[int], found: Sequence[int]) -> list[Chosen]:
    """What the choices say of each known column, beside all others."""
    tested = [n for n in known if said.rows[:, n].any()]
    return [_judged(said, [k for k in known if k != n], found, n) for n in tested]


def _alike(said: Choices, known: Sequence[int], found: Sequence[int], column: int) -> tuple[int, ...]:
    others = [*known, *(n for n in found if n != column)]
    family = [n for n, one in enumerate(said.columns) if one.family == said.columns[column].family and n not in others]
    best = _fit(said, [*others, column])[1]
    return tuple(n for n in family if said.rows[:, n].any() and best - _fit(said, [*others, n])[1] < ALIKE)


def _judged(said: Choices, known: Sequence[int], found: Sequence[int], column: int) -> Chosen:
    total, chance_ = _tests(said, [*known, *(n for n in found if n != column)])[column]
    return Chosen(column, total > 0, chance_)


def _may(said: Choices, known: Sequence[int], found: Sequence[int], column: int, total: float) -> bool:
    """Whether it can be asked for in that direction, and no other of its family is found."""
    own = said.columns[column]
    families = {said.columns[n].family for n in (*known, *found)}
    return own.family not in families and (own.yes if total > 0 else own.no)


def _improved(said: Choices, known: Sequence[int], found: list[int]) -> list[int]:
    """The columns after exchanges that explain more, and without those that the others make needless."""
    other = _exchanged(said, known, found)
    if all(_judged(said, known, other, n).chance < MAY_BE for n in other):
        found = other
    while len(found) > 1:
        worst = max((_judged(said, known, found, n) for n in found), key=lambda c: c.chance)
        if worst.chance < MAY_BE:
            break
        found.remove(worst.column)
    return found


def _exchanged(said: Choices, known: Sequence[int], found: list[int]) -> list[int]:
    for _ in range(MOST):
        now, best = _fit(said, [*known, *found])[1], (BETTER, found)
        for place in range(len(found)):
            others = [*found[:place], *found[place + 1 :]]
            totals = _tests(said, [*known, *others], draw=False)
            for n in sorted(totals, key=lambda n: -abs(totals[n][0]))[:8]:
                if n != found[place] and _may(said, known, others, n, totals[n][0]):
                    gain = _fit(said, [*known, *others, n])[1] - now
                    best = max(best, (gain, [*found[:place], n, *found[place + 1 :]]), key=lambda b: b[0])
        if best[1] is found:
            return found
        found = best[1]
    return found


def _tests(said: Choices, given: Sequence[int], *, draw: bool = True) -> dict[int, tuple[float, float]]:
    """Of each column that is not given: standard errors by which choices lean to it beyond what is given, and by which chance."""
    p, _ = _fit(said, given)
    residual, curvature = said.weights * (1 - p), said.weights * p * (1 - p)
    parts = [n for n, column in enumerate(said.columns) if column.part and said.rows[:, n].any()]
    sums = np.array([column.sums for column in said.columns])
    rows = np.where(sums, _beside(said, [*given, *parts], curvature), _beside(said, given, curvature))
    tested = [n for n in range(rows.shape[1]) if n not in given and said.rows[:, n].any()]
    left = (rows[:, tested] ** 2).sum(0) > GONE * (said.rows[:, tested] ** 2).sum(0)
    sums = _by_cluster(residual[:, None] * np.where(left, rows[:, tested], 0), said.clusters)
    norms = np.sqrt((sums**2).sum(0))
    totals = sums.sum(0) / np.where(norms > 0, norms, 1)
    chances = chance(sums, np.random.default_rng(said.seed)) if draw and tested else np.ones(len(tested))
    return {n: (float(t), float(c)) for n, t, c in zip(tested, totals, chances, strict=True)}


def _beside(said: Choices, given: Sequence[int], curvature: Floats) -> Floats:
    """What the given columns leave of all of them."""
    z = said.rows[:, sorted(set(given))]
    inner = z.T @ (z * curvature[:, None]) + 1e-6 * np.eye(z.shape[1])
    return said.rows - z @ np.linalg.solve(inner, z.T @ (said.rows * curvature[:, None]))


def _fit(said: Choices, given: Sequence[int]) -> tuple[Floats, float]:
    """The probability of each choice as it was made, and the penalised log likelihood, by Newton's method."""
    z, b = said.rows[:, given], np.zeros(len(given))
    for _ in range(STEPS):
        p = 1 / (1 + np.exp(-z @ b))
        gradient = z.T @ (said.weights * (1 - p)) - b / SPREAD**2
        inner = z.T @ (z * (said.weights * p * (1 - p))[:, None]) + np.eye(len(b)) / SPREAD**2
        step = np.linalg.solve(inner, gradient)
        b = b + step
        if np.abs(step).max(initial=0) < 1e-8:
            break
    logits = z @ b
    return 1 / (1 + np.exp(-logits)), float(-(said.weights * np.logaddexp(0, -logits)).sum() - (b**2).sum() / 8)


def _by_cluster(contributions: Floats, clusters: Sequence[str]) -> Floats:
    places = {name: n for n, name in enumerate(dict.fromkeys(clusters))}
    sums = np.zeros((len(places), contributions.shape[1]))
    np.add.at(sums, [places[name] for name in clusters], contributions)
    return sums
