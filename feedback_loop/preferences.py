"""From people's rankings to training pairs."""

import hashlib
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any, TypeVar

from feedback_loop.records import Comparison, Completion, Disliked, Message, Preference, Ranking, Strength

Label = TypeVar("Label", Preference, Disliked)


def preferences(
    comparisons: Sequence[Comparison], rankings: Sequence[Ranking], weights: Mapping[str, float] | None = None
) -> list[Preference]:
    """The training pairs that the rankings state, in their order, each with its annotator's weight (1 where none is given).

    An order of k answers gives all k(k-1)/2 pairs, those as good as each other marked `tie`. By Plackett and Luce (Luce 1959,
    "Individual choice behavior"; Plackett 1975, "The analysis of permutations") it is k - 1 choices, each of the best among
    what is left, so its pairs weigh as much together: 2/k each. A choice without an order is one choice over k - 1 others,
    which weigh 1/(k-1) each; a tie without one is an order of one place. A tie is spelled as it was shown and prefers
    neither. `neither` and skips give none. An edit is the best answer the person could think of: it gives the edit over
    each completion shown (`source="edit"`), beside the pairs of the answer itself, and weighs as much whatever k.

    Left out are rankings of comparisons that are not given, and checks, which show who reads and not what they want. A
    repeat is a further label.
    """
    pairs = [pair for comparison, ranking in _known(comparisons, rankings) for pair in _pairs(comparison, ranking)]
    return [p.model_copy(update={"weight": (weights or {}).get(p.user_id, 1.0) * p.share}) for p in pairs]


def disliked(
    comparisons: Sequence[Comparison], rankings: Sequence[Ranking], weights: Mapping[str, float] | None = None
) -> list[Disliked]:
    """All answers of the comparisons that were answered `neither`, each with its annotator's weight."""
    return [
        Disliked(
            prompt=comparison.prompt.prompt,
            completion=shown.completion,
            prompt_id=comparison.prompt_id,
            user_id=ranking.user_id,
            round=comparison.round,
            weight=(weights or {}).get(ranking.user_id, 1.0),
            comparison_id=comparison.id,
            completion_id=shown.id,
            comment=ranking.comment,
            flagged=ranking.flagged,
        )
        for comparison, ranking in _known(comparisons, rankings)
        if ranking.choice == "neither"
        for shown in comparison.completions
    ]


def faded(labels: Sequence[Label], decay: float, number: int) -> list[Label]:
    """Labels as they weigh in round `number`: each by `decay`, above 0 and at most 1, for every round since its own."""
    return [x.model_copy(update={"weight": x.weight * decay ** max(0, number - x.round)}) for x in labels]


def split(prefs: Sequence[Preference], share: float, seed: int) -> tuple[list[Preference], list[Preference]]:
    """Training and held-out pairs, apart by prompt: about `share` of the prompts are held out.

    Whether a prompt is held out hangs on the seed and its id alone, so it stays so as more pairs arrive. Only where that
    would leave nothing to train on do the pairs of the prompt nearest to the line train.
    """
    places = {p.prompt_id: _place(seed, p.prompt_id) for p in prefs}
    held = {prompt for prompt, place in places.items() if place < share}
    if places and len(held) == len(places):
        held.remove(max(places, key=lambda prompt: places[prompt]))
    return [p for p in prefs if p.prompt_id not in held], [p for p in prefs if p.prompt_id in held]


def _known(comparisons: Sequence[Comparison], rankings: Sequence[Ranking]) -> list[tuple[Comparison, Ranking]]:
    """Each submitted ranking of a comparison that is given and no check, with that comparison."""
    asked = {c.id: c for c in comparisons if c.purpose != "check"}
    return [(asked[r.comparison_id], r) for r in rankings if r.comparison_id in asked and r.status == "submitted"]


def _pairs(comparison: Comparison, ranking: Ranking) -> list[Preference]:
    places, count = _places(comparison, ranking), len(comparison.completions)
    ordered = ranking.order is not None or ranking.choice == "tie"
    pairs = []
    for first, second in combinations(comparison.completions if places else (), 2):
        tie = places[first.id] == places[second.id]
        if tie and not ordered:
            continue
        chosen, rejected = (first, second) if places[first.id] <= places[second.id] else (second, first)
        said = {
            "tie": tie,
            "strength": _strength(ranking, places[chosen.id], places[rejected.id], count),
            "share": 2 / count if ordered else 1 / (count - 1),
            "chosen_id": chosen.id,
            "chosen_first": chosen is first,
        }
        pairs.append(_pair(comparison, ranking, chosen.completion, rejected, said))
    return pairs + _edited(comparison, ranking)


def _places(comparison: Comparison, ranking: Ranking) -> dict[str, int]:
    """Each completion's place by its id, 0 the best; empty where the answer compares none."""
    shown = [c.id for c in comparison.completions]
    if ranking.order is not None:
        return {name: place for place, group in enumerate(ranking.order) for name in group}
    if ranking.choice == "tie":
        return dict.fromkeys(shown, 0)
    return {name: int(name != ranking.choice) for name in shown} if ranking.choice in shown else {}


def _strength(ranking: Ranking, better: int, worse: int, count: int) -> Strength | None:
    """How much better the answer at the place `better` is than the one at `worse`, as far as the person said it.

    What is much better than the next is so than all after it; what is slightly better than the next may be much better than
    those after it.
    """
    if (better, ranking.strength) == (0, "much") and worse > 0:
        return "much"
    next_best = worse == 1 and (count == 2 or ranking.order is not None)
    return ranking.strength if better == 0 and next_best else None


def _edited(comparison: Comparison, ranking: Ranking) -> list[Preference]:
    """The person's own words over each completion that says something else."""
    shown = comparison.completions
    said = {"source": "edit", "edit_of": ranking.edit_of, "share": 2 / len(shown)}
    edit = ranking.edit or ""
    return [_pair(comparison, ranking, edit, c, said) for c in shown if edit and c.completion != edit]


def _pair(
    comparison: Comparison, ranking: Ranking, chosen: str, rejected: Completion, said: Mapping[str, Any]
) -> Preference:
    return Preference(
        prompt=comparison.prompt.prompt,
        chosen=(Message(role="assistant", content=chosen),),
        rejected=(Message(role="assistant", content=rejected.completion),),
        prompt_id=comparison.prompt_id,
        comparison_id=comparison.id,
        user_id=ranking.user_id,
        round=comparison.round,
        selection=comparison.selection,
        repeat=comparison.purpose == "repeat",
        rejected_id=rejected.id,
        comment=ranking.comment,
        flagged=ranking.flagged,
        **said,
    )


def _place(seed: int, prompt_id: str) -> float:
    """A number from 0 to 1 that the seed and the prompt's id fix."""
    digest = hashlib.sha256(f"{seed}/{prompt_id}".encode()).digest()
    return int.from_bytes(digest[:8]) / 2**64
