"""Whether people say the same of the same comparisons: two by two, against the majority, and all together."""

import itertools
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from feedback_loop.records import Record
from feedback_loop.verdicts import Given, agreement

LEAST = 5
"""Comparisons with two answers or more below which alpha is not computed: its interval would mean nothing."""
RESAMPLES = 500
VALUES = ("first", "second", "tie", "neither")
"""What an answer may say of two completions, named by their places on the screen."""
Counts = NDArray[np.int64]


class Alpha(Record):
    """Krippendorff's alpha: 1 where all agree, 0 where they agree as often as chance would have it, below 0 where they oppose."""

    alpha: float
    low: float
    high: float
    """90 % bootstrap interval over comparisons."""
    comparisons: int
    """Answered by two people or more."""
    answers: int
    """Of those."""


@dataclass(frozen=True)
class Match:
    """Two people's comparisons in common, and how far they said the same of them."""

    one: str
    other: str
    same: float
    count: int


def matches(labels: Sequence[Given]) -> list[Match]:
    """Every two people who answered a comparison in common, by name."""
    found: dict[tuple[str, str], list[float]] = {}
    for own in _together(labels):
        for a, b in itertools.combinations(sorted(own, key=lambda g: g.user), 2):
            same = agreement(a.verdicts, b.verdicts)
            if same is not None:
                found.setdefault((a.user, b.user), []).append(same)
    return [Match(one, other, sum(same), len(same)) for (one, other), same in sorted(found.items())]


def with_majority(labels: Sequence[Given]) -> dict[str, list[float]]:
    """By person, of each comparison that others answered too: the share of pairs of which they say what most others say.

    Pairs on which the others are split evenly say nothing.
    """
    found: dict[str, list[float]] = {}
    for own in _together(labels):
        for g in own:
            most = {pair: _most([o.verdicts.get(pair) for o in own if o is not g]) for pair in g.verdicts}
            same = agreement(g.verdicts, {pair: said for pair, said in most.items() if said is not None})
            if same is not None:
                found.setdefault(g.user, []).append(same)
    return found


def krippendorff_alpha(labels: Sequence[Given], seed: int = 0) -> Alpha | None:
    """Krippendorff's alpha for nominal data, by the library of that name, with its bootstrap interval.

    A unit is two completions of a comparison, its values `VALUES`: which of the two, by its place, or neither. Places are
    drawn at random, and by them chance takes in what two people's leaning to one side makes them agree on. Three or four
    completions make a unit of every two; the bootstrap draws whole comparisons. None below `LEAST` comparisons with two
    answers, or where all answers are the same.
    """
    together = _together(labels)
    if len(together) < LEAST:
        return None
    counts = [_counts(own) for own in together]
    whole = _alpha(np.concatenate(counts))
    if whole is None:
        return None
    rng = np.random.default_rng(seed)
    drawn = (rng.integers(len(counts), size=len(counts)) for _ in range(RESAMPLES))
    found = [a for places in drawn if (a := _alpha(np.concatenate([counts[i] for i in places]))) is not None]
    low, high = np.quantile(found, [0.05, 0.95])
    return Alpha(
        alpha=whole, low=float(low), high=float(high), comparisons=len(together), answers=sum(map(len, together))
    )


def _alpha(counts: Counts) -> float | None:
    """None where no two answers differ, all of one value: agreement by chance would be perfect too."""
    import krippendorff

    if (counts.sum(0) > 0).sum() < 2:
        return None
    return float(krippendorff.alpha(value_counts=counts, level_of_measurement="nominal"))


def _counts(own: Sequence[Given]) -> Counts:
    """How many people said each of `VALUES` of each two completions that two people or more compared, (pairs, values)."""
    place = {c.id: n for n, c in enumerate(own[0].comparison.completions)}
    units: dict[tuple[str, str], Counter[str]] = {}
    for g in own:
        for pair, said in g.verdicts.items():
            first = min(pair, key=place.__getitem__)
            value = said if said not in pair else "first" if said == first else "second"
            units.setdefault(pair, Counter())[value] += 1
    rows = [[unit[value] for value in VALUES] for unit in units.values() if unit.total() > 1]
    return np.array(rows, np.int64).reshape(-1, len(VALUES))


def _together(labels: Sequence[Given]) -> list[list[Given]]:
    """The answers of each comparison that two people or more answered."""
    by_comparison: dict[str, list[Given]] = {}
    for g in labels:
        if g.verdicts:
            by_comparison.setdefault(g.comparison.id, []).append(g)
    return [own for own in by_comparison.values() if len(own) > 1]


def _most(said: Sequence[str | None]) -> str | None:
    """What more people say than say anything else; None where none."""
    ranked = Counter(one for one in said if one is not None).most_common(2)
    return ranked[0][0] if ranked and (len(ranked) == 1 or ranked[0][1] > ranked[1][1]) else None
