"""From people's rankings to training pairs."""

import hashlib
from collections.abc import Mapping, Sequence

from feedback_loop.records import Comparison, Disliked, Message, Preference, Ranking


def preferences(
    comparisons: Sequence[Comparison], rankings: Sequence[Ranking], weights: Mapping[str, float] | None = None
) -> list[Preference]:
    """The training pairs that the rankings state, in their order, each with its annotator's weight (1 where none is given).

    A choice gives the chosen completion over each other one. A tie gives one pair marked `tie`, spelled as the first
    completion shown (`chosen`) and the second (`rejected`); it prefers neither. `neither` and skips give none. An edit is
    the best answer the person could think of: it gives the edit over each completion shown (`source="edit"`), beside the
    pair of the choice itself. Rankings of comparisons that are not given are left out.
    """
    pairs = [pair for comparison, ranking in _known(comparisons, rankings) for pair in _pairs(comparison, ranking)]
    return [p.model_copy(update={"weight": (weights or {}).get(p.user_id, 1.0)}) for p in pairs]


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
        )
        for comparison, ranking in _known(comparisons, rankings)
        if ranking.choice == "neither"
        for shown in comparison.completions
    ]


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
    """Each submitted ranking of a comparison that is given, with that comparison."""
    asked = {c.id: c for c in comparisons}
    return [(asked[r.comparison_id], r) for r in rankings if r.comparison_id in asked and r.status == "submitted"]


def _pairs(comparison: Comparison, ranking: Ranking) -> list[Preference]:
    shown = {c.id: c.completion for c in comparison.completions}
    pairs: list[Preference] = []
    if ranking.choice == "tie":
        first, second = list(shown.values())[:2]
        pairs.append(_pair(comparison, ranking, first, second).model_copy(update={"tie": True}))
    elif ranking.choice in shown:
        others = [text for identity, text in shown.items() if identity != ranking.choice]
        pairs += [_pair(comparison, ranking, shown[ranking.choice], other) for other in others]
    if ranking.edit:
        better = [_pair(comparison, ranking, ranking.edit, text) for text in shown.values() if text != ranking.edit]
        pairs += [pair.model_copy(update={"source": "edit", "strength": None}) for pair in better]
    return pairs


def _pair(comparison: Comparison, ranking: Ranking, chosen: str, rejected: str) -> Preference:
    return Preference(
        prompt=comparison.prompt.prompt,
        chosen=(Message(role="assistant", content=chosen),),
        rejected=(Message(role="assistant", content=rejected),),
        prompt_id=comparison.prompt_id,
        comparison_id=comparison.id,
        user_id=ranking.user_id,
        round=comparison.round,
        strength=ranking.strength,
        chosen_first=_chosen_first(comparison, chosen, rejected),
        selection=comparison.selection,
    )


def _chosen_first(comparison: Comparison, chosen: str, rejected: str) -> bool | None:
    """Whether the chosen text stood before the rejected one; None where one of them is an edit, which was not shown."""
    shown = [c.completion for c in comparison.completions]
    return shown.index(chosen) < shown.index(rejected) if {chosen, rejected} <= set(shown) else None


def _place(seed: int, prompt_id: str) -> float:
    """A number from 0 to 1 that the seed and the prompt's id fix."""
    digest = hashlib.sha256(f"{seed}/{prompt_id}".encode()).digest()
    return int.from_bytes(digest[:8]) / 2**64
