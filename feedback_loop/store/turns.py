"""Whose turn it is: which of the open comparisons a user is shown next."""

import hashlib
from collections import Counter
from collections.abc import Collection, Mapping, Sequence

from feedback_loop.records import Comparison, Ranking

SPREAD = 4
"""Among how many of the most useful comparisons each of several people is shown one: two at once seldom get the same."""


def next_for(
    user_id: str,
    comparisons: Sequence[Comparison],
    rankings: Sequence[Ranking],
    *,
    skip: Collection[str],
    per_comparison: int,
    priorities: Mapping[str, float],
) -> Comparison | None:
    """Among what the user has not answered and is not in `skip`, one of those furthest from `per_comparison` answers.

    Pairs picked at random and pairs picked by a strategy take turns, so that at every moment the random ones' share of what
    this user was shown differs from their share of the round by one comparison at most, as long as there are both. Random
    ones come in an order of the user's own, whatever was learned; the others by `priorities` (comparison id -> how much an
    answer teaches; 0 where it lacks one), in the user's own order where those are equal.
    """
    seen = {r.comparison_id for r in rankings if r.user_id == user_id} | set(skip)
    answers = Counter(r.comparison_id for r in rankings if r.status == "submitted")
    open_ = [c for c in comparisons if c.id not in seen]
    least = min((min(answers[c.id], per_comparison) for c in open_), default=0)
    front = [c for c in open_ if min(answers[c.id], per_comparison) == least]
    drawn = [c for c in front if c.selection == "random"]
    chosen = [c for c in front if c.selection != "random"]
    if not chosen or (drawn and _random_is_due(user_id, comparisons, seen)):
        return min(drawn, key=lambda c: _order(user_id, c.id), default=None)
    people = len({user_id, *(r.user_id for r in rankings)})
    useful = sorted(chosen, key=lambda c: (-priorities.get(c.id, 0.0), _order(user_id, c.id)))
    return min(useful[: 1 if people == 1 else SPREAD * people], key=lambda c: _order(user_id, c.id))


def _random_is_due(user_id: str, comparisons: Sequence[Comparison], seen: Collection[str]) -> bool:
    """Whether one more random pair keeps to their share of the round, from a start that differs between users."""
    share = sum(c.selection == "random" for c in comparisons) / len(comparisons)
    shown = [c for c in comparisons if c.id in seen]
    start = int(_order(user_id, "start")[:8], 16) / 2**32
    return sum(c.selection == "random" for c in shown) + 1 <= (len(shown) + 1) * share + start


def _order(user_id: str, comparison_id: str) -> str:
    return hashlib.sha256(f"{user_id}\n{comparison_id}".encode()).hexdigest()
