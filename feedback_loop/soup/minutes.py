"""What a cell costs people: the seconds that its labels took, by assumption the same for everybody."""

from collections.abc import Collection, Sequence

from feedback_loop.records import Ranking
from feedback_loop.soup.cells import Cell

COMPARISON, TIE, EDIT = 15, 5, 45
"""Seconds of one choice between two answers, of saying that neither is better, and of a label with words of one's own."""
UNLABELLED = ("none", "bake")
"""Trainings that no label goes into."""


def seconds(ranking: Ranking) -> float:
    """What an answer took; an order of k answers is k - 1 choices, and an edit's whole label EDIT."""
    if ranking.edit:
        return EDIT
    if ranking.choice in ("tie", "neither") and len(ranking.order or ()) < 2:
        return TIE
    return COMPARISON * max(1, sum(map(len, ranking.order or ())) - 1)


def minutes(cell: Cell, labels: Sequence[Ranking], shown: Collection[str], learned: Collection[str]) -> float:
    """Minutes of the labels that a cell's ingredients use, each once.

    `shown` are the names of those from which examples come, `learned` of those from which DITTO learns.
    """
    took = {label.label: seconds(label) for label in labels}
    used = _trained_on(cell, labels, learned) | (set(shown) if cell.shots else set())
    return sum(took.get(name, 0.0) for name in used) / 60


def _trained_on(cell: Cell, labels: Sequence[Ranking], learned: Collection[str]) -> set[str]:
    if cell.training in UNLABELLED:
        return set()
    if cell.training == "ditto":
        return set(learned)
    return {label.label for label in labels if cell.training != "sft" or label.edit}
