"""From what every cell answered to the table: win rates, what each ingredient gains, the front, the advice."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import Any

from feedback_loop.brief.curve import Judge, Met, beats, by_points
from feedback_loop.soup.advice import Grown, advise, in_words, named, next_step
from feedback_loop.soup.cells import Cell, Gain, Soup, Tried

PLAIN = Cell(training="none", level=0.0, shots=0)
Opinions = Sequence[Sequence[float]]
"""Of each request's answer, what every member of the judge says of it; a utility is one opinion."""


@dataclass(frozen=True)
class Plate:
    """A cell's answers as they were judged, and what they cost."""

    cell: Cell
    opinions: Opinions
    tokens: float
    training_minutes: float
    human_minutes: float
    requirements: tuple[Met, ...] = ()


@dataclass(frozen=True)
class Kitchen:
    """What is the same for all cells."""

    round: int
    labels: int
    demonstrations: int
    judge: Judge
    now: Cell
    """What people get today."""
    grown: Sequence[Grown] = ()
    left_out: tuple[str, ...] = ()


def taste(plates: Sequence[Plate], kitchen: Kitchen) -> Soup:
    """The whole soup; win rates are against the base with the whole brief where a cell has it, else the plain base."""
    reference = _reference(plates)
    points = [_points(plate.opinions, reference.opinions) for plate in plates]
    cells = tuple(
        _tried(plate, by_points(won) if plate is not reference else (0.5, 0.5, 0.5), kitchen.judge)
        for plate, won in zip(plates, points, strict=True)
    )

    def over(ours: int, theirs: int) -> Gain:
        return _gain(cells[ours], cells[theirs], points[ours], points[theirs])

    gains = tuple(
        over(a, b) for a, b in permutations(range(len(cells)), 2) if _adds_one(cells[a].cell, cells[b].cell, cells)
    )
    tried = [one.cell for one in cells]
    left = (
        []
        if kitchen.now in tried
        else [f"{named(kitchen.now)}, which people get today: what is next is told over the base."]
    )
    now = tried.index(kitchen.now if kitchen.now in tried else PLAIN)
    step, said = next_step(cells, over, now), advise(cells, gains, over, now, kitchen.grown)
    return Soup(
        round=kitchen.round,
        labels=kitchen.labels,
        demonstrations=kitchen.demonstrations,
        requests=len(reference.opinions),
        against="base with the whole brief" if reference.cell.level else "plain base",
        cells=cells,
        front=front(cells),
        gains=gains,
        advice=in_words(said, cells),
        next=step.ingredient if step else "",
        said=tuple(said),
        left_out=(*kitchen.left_out, *left),
    )


def front(cells: Sequence[Tried]) -> tuple[int, ...]:
    """Places of the cells that win more often than all others with as few tokens, fewest tokens first (Pareto)."""
    found, most = [], -1.0
    for place in sorted(range(len(cells)), key=lambda n: (cells[n].tokens, -cells[n].win_rate, cells[n].human_minutes)):
        if cells[place].win_rate > most:
            found.append(place)
            most = cells[place].win_rate
    return tuple(found)


def _reference(plates: Sequence[Plate]) -> Plate:
    base = [p for p in plates if p.cell.training == "none" and not p.cell.shots]
    return max(base, key=lambda p: p.cell.level)


def _points(ours: Opinions, theirs: Opinions) -> list[list[float]]:
    return [[beats(a, b) for a, b in zip(*rows, strict=True)] for rows in zip(ours, theirs, strict=True)]


def _tried(plate: Plate, rated: tuple[float, float, float], judge: Judge) -> Tried:
    rate, low, high = rated
    return Tried(
        cell=plate.cell,
        tokens=plate.tokens,
        training_minutes=plate.training_minutes,
        human_minutes=plate.human_minutes,
        win_rate=rate,
        low=low,
        high=high,
        judge=judge,
        requests=len(plate.opinions),
        requirements=plate.requirements,
    )


def _gain(ours: Tried, theirs: Tried, won: Opinions, lost: Opinions) -> Gain:
    """The difference of two win rates, request by request and opinion by opinion, so that hard requests cancel.

    A difference d from -1 to 1 is taken as the point (d + 1) / 2 of a comparison, whose interval is `by_points`'.
    """
    paired = [[(a - b + 1) / 2 for a, b in zip(*rows, strict=True)] for rows in zip(won, lost, strict=True)]
    rate, low, high = (2 * value - 1 for value in by_points(paired))
    costs: dict[str, Any] = {
        name: getattr(ours, name) - getattr(theirs, name) for name in ("tokens", "training_minutes", "human_minutes")
    }
    name = "+".join(_added(ours.cell, theirs.cell))
    return Gain(ingredient=name, of=ours.cell, over=theirs.cell, gain=rate, low=low, high=high, **costs)


def _added(ours: Cell, theirs: Cell) -> Iterator[str]:
    """The ingredients that one cell has beyond another: trainings in their order, then examples, then the brief."""
    for part in ours.training.split("+"):
        if part in ours.parts - theirs.parts:
            yield part
    if ours.shots > theirs.shots:
        yield "examples"
    if ours.level > theirs.level:
        yield "brief"


def _adds_one(ours: Cell, theirs: Cell, tried: Sequence[Tried]) -> bool:
    """Whether one cell is another with one ingredient more, from nothing of it; trainings that were not tried apart are one."""
    more = [(ours.level, theirs.level), (ours.shots, theirs.shots)]
    changed = [(a, b) for a, b in more if a != b]
    if ours.training != theirs.training:
        between = any(theirs.steps < each.cell.steps < ours.steps for each in tried)
        return not changed and theirs.steps < ours.steps and not between
    return len(changed) == 1 and changed[0][1] == 0 < changed[0][0]
