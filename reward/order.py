"""What to ask first among the comparisons of a round, from all that has been answered so far: a head refitted between votes.

Needs no model: the features of all candidates were kept when they were drawn. Nothing here imports torch.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from feedback_loop.records import Comparison, Completion, Disliked, Preference
from reward import head as heads
from reward.dislikes import with_disliked
from reward.observations import thresholds


@dataclass(frozen=True)
class Known:
    """Features of answers, found by the prompt's id and the answer's text."""

    rows: np.ndarray
    """(answers, features)"""
    places: Mapping[tuple[str, str], int]
    """(prompt id, answer) -> row."""


def known(rounds: Sequence[tuple[Sequence[Completion], np.ndarray]]) -> Known:
    """All rounds' candidates with their features; a round without any adds none."""
    kept = [(candidates, rows) for candidates, rows in rounds if len(candidates)]
    names = [(c.prompt_id, c.completion) for candidates, _ in kept for c in candidates]
    rows = np.concatenate([rows for _, rows in kept]) if kept else np.zeros((0, 0), np.float32)
    return Known(rows, {name: place for place, name in enumerate(names)})


def priorities(
    comparisons: Sequence[Comparison], pairs: Sequence[Preference], disliked: Sequence[Disliked], features: Known
) -> dict[str, float]:
    """How much an answer to each comparison would teach, by its id: variance of the difference of its answers' scores.

    Of three or four answers, the sum over all pairs, each by its share in an order (`feedback_loop.preferences`). The scores
    are those of a head fitted on `pairs` and `disliked`, as the round's is. What has no features, such as an edit, is left out
    with its pairs and comparisons; empty where no pair is left.
    """
    labelled = [(p, both) for p in pairs if (both := _pair_places(p, features)) is not None]
    names = {c.id: [(c.prompt_id, answer.completion) for answer in c.completions] for c in comparisons}
    asked = {name: [features.places[a] for a in own] for name, own in names.items() if set(own) <= set(features.places)}
    if not labelled or not asked:
        return {}
    view, kept = heads.frame(features.rows), [p for p, _ in labelled]
    chosen, rejected = (features.rows[[both[side] for _, both in labelled]] for side in (0, 1))
    at = thresholds(kept)
    poor = [(d, place) for d in disliked if (place := features.places.get((d.prompt_id, d.completion))) is not None]
    labels = heads.prepare(chosen, rejected, kept, view, at)
    labels = with_disliked(labels, features.rows[[place for _, place in poor]], [d for d, _ in poor], view, at)
    between = [(name, pair) for name, own in asked.items() for pair in combinations(own, 2)]
    (first, requests), (second, _) = (
        heads.measured(view, features.rows[[pair[side] for _, pair in between]]) for side in (0, 1)
    )
    _, deviations = heads.predict(labels, heads.fit(labels), first - second, requests)
    found = dict.fromkeys(asked, 0.0)
    for (name, _), deviation in zip(between, deviations.tolist(), strict=True):
        found[name] += 2 / len(asked[name]) * deviation**2
    return found


def _pair_places(pair: Preference, features: Known) -> tuple[int, int] | None:
    """Rows of the chosen and the rejected answer; None where one has no features."""
    chosen, rejected = (
        features.places.get((pair.prompt_id, side[-1].content)) for side in (pair.chosen, pair.rejected)
    )
    return None if chosen is None or rejected is None else (chosen, rejected)
