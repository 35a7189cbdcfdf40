"""What a person is told of the open round's count while they answer: nothing in it shows which answer was a repeat or a check."""

from collections.abc import Sequence

from feedback_loop.records import Comparison, Ranking
from feedback_loop.store.turns import order

WITHHELD = 2
"""Own answers, drawn by user and comparison, that do not count yet in whether the round has enough: no answer is surely the one
that filled it. Few, since each may cost a person an answer more than the round needs."""


def told(
    user_id: str, comparisons: Sequence[Comparison], rankings: Sequence[Ranking], needed: int, *, left: int
) -> int:
    """How many of the answers that a round needs it has, as this user hears it; `left` is how many they can still be shown.

    The others' answers count as they are. Of the user's own so many count as labels have a share of the round's comparisons,
    whichever they were, so the count goes up by how many were given alone. It may be off by a few, but never says that there
    is enough before there is, and says so at most `WITHHELD` answers late, or with the last one.
    """
    labels = {c.id for c in comparisons if c.counts}
    given = [r for r in rankings if r.status == "submitted"]
    own = sorted(
        (r.comparison_id for r in given if r.user_id == user_id), key=lambda name: order(user_id, f"{name} told")
    )
    others = sum(r.user_id != user_id and r.comparison_id in labels for r in given)
    if len(labels) == len(comparisons):
        return others + len(own)
    share = (2 * len(own) * len(labels) + len(comparisons)) // (2 * len(comparisons))  # rounded
    counted = own[WITHHELD:] if left else own
    if others + sum(name in labels for name in counted) >= needed:
        return max(needed, others + share)
    return min(needed - 1, others + share)
