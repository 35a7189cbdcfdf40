"""What people's answers say of each two completions, so that answers can be set beside one another."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from feedback_loop.evaluate import mean
from feedback_loop.records import Comparison, Ranking

Pair = tuple[str, str]
"""Two completion ids, sorted."""
UNDECIDED = ("tie", "neither")


@dataclass(frozen=True)
class Given:
    """An answer beside the comparison that it answers."""

    comparison: Comparison
    ranking: Ranking
    verdicts: dict[Pair, str]
    """Of it; see `verdicts`."""

    @property
    def user(self) -> str:
        """Who answered."""
        return self.ranking.user_id


def given(comparisons: Sequence[Comparison], rankings: Sequence[Ranking]) -> list[Given]:
    """Each ranking of a comparison that is known, skips included, in the rankings' order."""
    known = {c.id: c for c in comparisons}
    asked = [(known[r.comparison_id], r) for r in rankings if r.comparison_id in known]
    return [Given(comparison, ranking, verdicts(comparison, ranking)) for comparison, ranking in asked]


def verdicts(comparison: Comparison, ranking: Ranking) -> dict[Pair, str]:
    """Of each two completions that the answer compares: the id of the better one, `tie` or `neither`. Nothing of a skip.

    An order of three or four completions says something of every two of them. A choice among so many without an order says
    only that the chosen one is better than each other.
    """
    if ranking.status != "submitted":
        return {}
    pairs = list(itertools.combinations(sorted(c.id for c in comparison.completions), 2))
    if ranking.choice == "neither" or (ranking.choice == "tie" and not ranking.order):
        return dict.fromkeys(pairs, ranking.choice)
    if ranking.order:
        place = {name: n for n, group in enumerate(ranking.order) for name in group}
        return {(a, b): _better(a, b, place[a], place[b]) for a, b in pairs if a in place and b in place}
    return {pair: ranking.choice for pair in pairs if ranking.choice is not None and ranking.choice in pair}


def agreement(ours: dict[Pair, str], theirs: dict[Pair, str]) -> float | None:
    """Share of the pairs that both compare of which both say the same; None where there is none."""
    both = ours.keys() & theirs.keys()
    return mean([float(ours[pair] == theirs[pair]) for pair in both]) if both else None


def steadiness(ours: dict[Pair, str], again: dict[Pair, str]) -> float | None:
    """How far two answers of one person point the same way: 1 the same, 0 opposite ones, and ½ where one of them is undecided.

    The mean over the pairs that at least one of them decides; None where there is none: that says nothing of slips.
    """
    both = [pair for pair in ours.keys() & again.keys() if not {ours[pair], again[pair]} <= set(UNDECIDED)]
    return mean([_steady(ours[pair], again[pair]) for pair in both]) if both else None


def _steady(one: str, other: str) -> float:
    if one == other:
        return 1.0
    return 0.5 if one in UNDECIDED or other in UNDECIDED else 0.0


def _better(a: str, b: str, place_a: int, place_b: int) -> str:
    if place_a == place_b:
        return "tie"
    return a if place_a < place_b else b
