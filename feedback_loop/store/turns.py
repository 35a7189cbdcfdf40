"""Whose turn it is: which of the open comparisons a user is shown next."""

import hashlib
from collections import Counter
from collections.abc import Collection, Mapping, Sequence

from feedback_loop.records import Comparison, Ranking

SPREAD = 4
"""Among how many of the most useful comparisons each of several people is shown one: two at once seldom get the same."""
APART = 5
"""Least number of comparisons between one and its repeat."""
LATER = 5
"""Most by which a repeat comes later than that, drawn from user and comparison: it should not be told by its place."""


def next_for(
    user_id: str,
    comparisons: Sequence[Comparison],
    rankings: Sequence[Ranking],
    *,
    skip: Collection[str],
    per_comparison: int,
    priorities: Mapping[str, float],
) -> Comparison | None:
    """What the user is shown next: a repeat or a check whose turn it is, else what is asked for its label.

    The user has neither answered it nor is it in `skip`, which holds what they will have answered before. A repeat's turn is
    `APART` to `APART + LATER` comparisons after the user answered what it repeats, a check's a place in the round drawn
    from user and check; what is left of both comes at the end.
    """
    mine = {r.comparison_id: r for r in rankings if r.user_id == user_id}
    seen = [*mine, *(name for name in skip if name not in mine)]
    asked = [c for c in comparisons if c.counts]
    open_ = [c for c in still_to_show(comparisons, mine) if c.id not in skip]
    labels = [c for c in open_ if c.counts]
    beside = [c for c in open_ if c.purpose == "check" or c.repeat_of in mine]
    due = [c for c in beside if _is_due(user_id, c, seen, len(asked))]
    if due or not labels:
        return min(due or beside, key=lambda c: order(user_id, c.id), default=None)
    return _next_label(user_id, asked, labels, rankings, seen, per_comparison, priorities)


def still_to_show(comparisons: Sequence[Comparison], mine: Mapping[str, Ranking]) -> list[Comparison]:
    """What a user can be shown, now or later, who has given the answers `mine` (by comparison id).

    A repeat of what the user skipped is never shown.
    """

    def repeats_nothing(comparison: Comparison) -> bool:
        first = mine.get(comparison.repeat_of or "")
        return comparison.purpose == "repeat" and first is not None and first.status == "discarded"

    return [c for c in comparisons if c.id not in mine and not repeats_nothing(c)]


def _is_due(user_id: str, comparison: Comparison, seen: Sequence[str], places: int) -> bool:
    """Whether the turn of a repeat or a check has come, after the comparisons `seen` in their order, of some `places`."""
    drawn = int(order(user_id, f"turn of {comparison.id}")[:8], 16)
    if comparison.repeat_of is None:
        return len(seen) > drawn % max(1, places)
    since = len(seen) - 1 - seen.index(comparison.repeat_of)
    return since >= APART + drawn % (LATER + 1)


def _next_label(
    user_id: str,
    asked: Sequence[Comparison],
    open_: Sequence[Comparison],
    rankings: Sequence[Ranking],
    seen: Collection[str],
    per_comparison: int,
    priorities: Mapping[str, float],
) -> Comparison | None:
    """Of the open ones among those asked for their label, one of those furthest from `per_comparison` answers.

    Pairs picked at random and pairs picked by a strategy take turns, so that at every moment the random ones' share of what
    this user was shown differs from their share of the round by one comparison at most, as long as there are both. Random
    ones come in an order of the user's own, whatever was learned; the others by `priorities` (comparison id -> how much an
    answer teaches; 0 where it lacks one), in the user's own order where those are equal.
    """
    answers = Counter(r.comparison_id for r in rankings if r.status == "submitted")
    least = min((min(answers[c.id], per_comparison) for c in open_), default=0)
    front = [c for c in open_ if min(answers[c.id], per_comparison) == least]
    drawn = [c for c in front if c.selection == "random"]
    chosen = [c for c in front if c.selection != "random"]
    if not chosen or (drawn and _random_is_due(user_id, asked, seen)):
        return min(drawn, key=lambda c: order(user_id, c.id), default=None)
    people = len({user_id, *(r.user_id for r in rankings)})
    useful = sorted(chosen, key=lambda c: (-priorities.get(c.id, 0.0), order(user_id, c.id)))
    return min(useful[: 1 if people == 1 else SPREAD * people], key=lambda c: order(user_id, c.id))


def _random_is_due(user_id: str, comparisons: Sequence[Comparison], seen: Collection[str]) -> bool:
    """Whether one more random pair keeps to their share of the round, from a start that differs between users."""
    share = sum(c.selection == "random" for c in comparisons) / len(comparisons)
    shown = [c for c in comparisons if c.id in seen]
    start = int(order(user_id, "start")[:8], 16) / 2**32
    return sum(c.selection == "random" for c in shown) + 1 <= (len(shown) + 1) * share + start


def order(user_id: str, comparison_id: str) -> str:
    """A place drawn from user and comparison: an order of the user's own, the same at any time."""
    return hashlib.sha256(f"{user_id}\n{comparison_id}".encode()).hexdigest()
