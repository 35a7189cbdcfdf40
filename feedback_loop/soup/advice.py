"""What to do next, in fixed sentences: from the gains, their intervals, and how the reward model has grown with its labels."""

import math
from collections.abc import Callable, Mapping, Sequence
from itertools import groupby
from typing import Any

from feedback_loop.evaluate import wilson
from feedback_loop.records import Record
from feedback_loop.soup.cells import Cell, Gain, Said, Saying, Tried

WORDS: Mapping[Saying, str] = {
    "add": "Next: {ingredient}. It gains {gain} points ({low} to {high}) over {cell}.",
    "maybe": "No ingredient is surely better. {ingredient} looks best: {gain} points ({low} to {high}) over {cell}.",
    "nothing": "Nothing that was tried looks better than {cell}.",
    "paste": "For now go on pasting the brief: before {cell} it still gains {gain} points ({low} to {high}).",
    "cheaper": "{cell} is not surely worse than the best, {best}, and costs {tokens} tokens a request in place of {of}.",
    "harm": "Leave out {ingredient}: it loses {loss} points ({low} to {high}) where it is added to {cell}.",
    "minutes": "A minute of people's time gained {gain} points by {ingredient} and {other_gain} by {other}.",
    "unneeded": "Requirement {number} of the brief is no longer needed: {share} of the answers of {cell} meet it unasked.",
    "unneeded_then": "Requirement {number} of the brief would no longer be needed with {cell}: "
    "{share} of its answers meet it unasked.",
    "missed": "Requirement {number} is met by {share} of the answers of {cell} ({low} to {high}): say or show more of it.",
    "labels": "More comparisons should help: the reward model was right on {before} of {asked} choices after {few} pairs, "
    "on {after} of {tested} after {pairs}.",
    "enough": "More comparisons may add little: the reward model was right on {before} of {asked} choices after {few} pairs, "
    "on {after} of {tested} after {pairs}.",
}
"""In English. `cell` and `best` are places in the table, rates, gains and losses shares; the rest are counts and names."""
MANY: Mapping[Saying, str] = {
    "unneeded": "Requirements {number} of the brief are no longer needed: "
    "at least {share} of the answers of {cell} meet each unasked.",
    "unneeded_then": "Requirements {number} of the brief would no longer be needed with {cell}: "
    "at least {share} of its answers meet each unasked.",
}
"""The same of several requirements."""
NEAR = 0.02
"""Win-rate points that are no reason to prefer what costs more."""
MET = 0.8
"""Lower bound of the share of answers from which a requirement is met unasked."""
MISSED = 0.7
"""Upper bound of the share of answers below which a requirement is missed."""
RIGHT = 0.9
"""Share right from which a reward model has little left to learn."""
MOST = 2
"""Sentences of a kind."""

Over = Callable[[int, int], Gain]
"""What the first of two cells gains over the second, by their places."""


class Grown(Record):
    """How often the reward model was right on the choices that came next, after so many pairs."""

    pairs: int
    tested: int
    """How many choices these were."""
    accuracy: float


def advise(cells: Sequence[Tried], gains: Sequence[Gain], over: Over, now: int, grown: Sequence[Grown]) -> list[Said]:
    """The sentences, the next step first; `now` is the cell that people get today."""
    step = next_step(cells, over, now)
    then = now if step is None else _place(cells, step.of)
    return [
        _first(step, now),
        *_paste(cells, over, then),
        *_cheaper(cells, over),
        *_harm(cells, gains),
        *_minutes(gains),
        *_requirements(cells, then, now),
        *_labels(grown),
    ]


def next_step(cells: Sequence[Tried], over: Over, now: int) -> Gain | None:
    """The surest gain of one ingredient, added to `now` or trained in place of its training, under no more of the brief; or None.

    The surest has the highest lower bound, so what the judge knows little of comes last. Of those within NEAR of it the one
    with the fewest tokens, then with the fewest minutes of people. See `_fair` for where the reward model judges.
    """
    today = cells[now].cell
    found = [
        over(place, now)
        for place, tried in enumerate(cells)
        if tried.cell.level == today.level and tried.cell.shots >= today.shots
        if _is_one(tried.cell.parts - today.parts, cells, today)
        if tried.cell.training != "none" or today.training == "none"
    ]
    better = [gain for gain in found if gain.gain > 0]
    surest = max((gain.low for gain in better), default=0.0)
    near = [gain for gain in better if gain.low >= surest - NEAR]
    step = min(near, key=lambda g: (g.tokens, g.human_minutes, -g.low), default=None)
    return step if step is None or cells[now].judge != "reward model" else _fair(cells, over, step, better)


def _is_one(more: frozenset[str], cells: Sequence[Tried], today: Cell) -> bool:
    """Whether these are one ingredient, or trainings that were not tried apart."""
    apart = any(frozenset() < tried.cell.steps - today.parts < more for tried in cells)
    return len(more) == 1 or (bool(more) and "examples" not in more and not apart)


def _fair(cells: Sequence[Tried], over: Over, step: Gain, better: Sequence[Gain]) -> Gain:
    """The step, or the surest that uses no label where it is not surely better than that by a judge who learned from the labels.

    The reward model errs where the labels err, and a training on the same labels errs with it, so it is read too high.
    """
    free = [gain for gain in better if not cells[_place(cells, gain.of)].human_minutes]
    if not free or step in free:
        return step
    other = max(free, key=lambda g: g.low)
    return step if over(_place(cells, step.of), _place(cells, other.of)).low > 0 else other


def named(cell: Cell) -> str:
    """A cell in words."""
    name = "the base" if cell.training == "none" else cell.training
    brief = (
        "" if not cell.level else " with the whole brief" if cell.level == 1 else f" with {cell.level:.0%} of the brief"
    )
    shown = f" and {cell.shots} examples" if brief else f" with {cell.shots} examples"
    return name + brief + (shown if cell.shots else "")


def in_words(said: Sequence[Said], cells: Sequence[Tried]) -> str:
    """The advice in English."""
    return " ".join(sentences(said, cells))


def sentences(said: Sequence[Said], cells: Sequence[Tried]) -> list[str]:
    """The same, sentence by sentence; requirements that need no pasting are one."""
    found = list[str]()
    for key, group in groupby(said, key=lambda one: one.key):
        same = list(group)
        if key in MANY and len(same) > 1:
            least = min(same, key=lambda one: one.values["share"])
            numbers = ", ".join(str(one.values["number"]) for one in same)
            found.append(MANY[key].format_map({**_shown(least, cells), "number": numbers}))
        else:
            found += [WORDS[key].format_map(_shown(one, cells)) for one in same]
    return found


def _shown(said: Said, cells: Sequence[Tried]) -> dict[str, str]:
    shown = {}
    for name, value in said.values.items():
        if name in ("cell", "best"):
            shown[name] = named(cells[int(value)].cell)
        elif name in ("share", "before", "after") or (name in ("low", "high") and said.key == "missed"):
            shown[name] = f"{float(value):.0%}"
        elif isinstance(value, float) and name not in ("tokens", "of"):
            shown[name] = f"{100 * value:.1f}" if said.key == "minutes" else f"{100 * value:.0f}"
        else:
            shown[name] = f"{value:.0f}" if isinstance(value, float) else str(value)
    return shown


def _first(step: Gain | None, now: int) -> Said:
    if step is None:
        return Said(key="nothing", values={"cell": now})
    values = {"ingredient": step.ingredient, "gain": step.gain, "low": step.low, "high": step.high, "cell": now}
    return Said(key="add" if step.low > 0 else "maybe", values=values)


def _paste(cells: Sequence[Tried], over: Over, then: int) -> list[Said]:
    """Where the whole brief surely still helps the cell that is advised."""
    whole = next((n for n, t in enumerate(cells) if t.cell == cells[then].cell.model_copy(update={"level": 1.0})), None)
    if whole is None or whole == then:
        return []
    gain = over(whole, then)
    values = {"gain": gain.gain, "low": gain.low, "high": gain.high, "cell": then}
    return [Said(key="paste", values=values)] if gain.low > 0 else []


def _cheaper(cells: Sequence[Tried], over: Over) -> list[Said]:
    """The cell of the fewest tokens that is not surely worse than the best, where it needs half as many or fewer."""
    best = max(range(len(cells)), key=lambda n: (cells[n].win_rate, -cells[n].tokens))
    few = [
        n for n, t in enumerate(cells) if t.tokens <= cells[best].tokens / 2 and n != best and over(best, n).low <= 0
    ]
    if not few or not cells[best].tokens:
        return []
    found = min(few, key=lambda n: (cells[n].tokens, -cells[n].win_rate))
    return [
        Said(
            key="cheaper",
            values={"cell": found, "best": best, "tokens": cells[found].tokens, "of": cells[best].tokens},
        )
    ]


def _harm(cells: Sequence[Tried], gains: Sequence[Gain]) -> list[Said]:
    """The ingredients that surely lose, the worst first."""
    worst = dict[str, Gain]()
    for gain in sorted(gains, key=lambda g: g.gain):
        if gain.high < 0:
            worst.setdefault(gain.ingredient, gain)
    return [
        Said(
            key="harm",
            values={
                "ingredient": g.ingredient, "loss": -g.gain, "low": -g.high, "high": -g.low,
                "cell": _place(cells, g.over),
            },
        )
        for g in list(worst.values())[:MOST]
    ]  # fmt: skip


def _minutes(gains: Sequence[Gain]) -> list[Said]:
    """What a minute of people's time gained by the two ingredients that surely gain and cost the most of it."""
    plain = [g for g in gains if g.low > 0 and g.human_minutes > 0 and not g.over.parts and not g.over.level]
    best = sorted(plain, key=lambda g: -g.gain / g.human_minutes)
    of = {g.ingredient: g for g in reversed(best)}
    ordered = sorted(of.values(), key=lambda g: -g.gain / g.human_minutes)
    if len(ordered) < 2:
        return []
    one, other = ordered[0], ordered[1]
    return [
        Said(
            key="minutes",
            values={
                "ingredient": one.ingredient, "gain": one.gain / one.human_minutes,
                "other": other.ingredient, "other_gain": other.gain / other.human_minutes,
            },
        )
    ]  # fmt: skip


def _requirements(cells: Sequence[Tried], then: int, now: int) -> list[Said]:
    """What the advised cell does unasked, which is so already where it is what people get today; and what it misses."""
    key: Saying = "unneeded" if then == now else "unneeded_then"
    found = cells[then].requirements
    unasked = [m for m in found if m.low >= MET and not cells[then].cell.level]
    missed = sorted((m for m in found if m.high < MISSED), key=lambda m: m.share)[:MOST]
    return [
        *(Said(key=key, values={"number": m.number, "share": m.share, "cell": then}) for m in unasked),
        *(
            Said(
                key="missed",
                values={"number": m.number, "share": m.share, "low": m.low, "high": m.high, "cell": then},
            )
            for m in missed
        ),
    ]


def _labels(grown: Sequence[Grown]) -> list[Said]:
    """Whether the last doubling of the labels made a reward model that is not right already surely better, or no better."""
    if len(grown) < 2:
        return []
    before, after = grown[-2:]
    values: dict[str, Any] = {
        "before": before.accuracy, "asked": before.tested, "few": before.pairs,
        "after": after.accuracy, "tested": after.tested, "pairs": after.pairs,
    }  # fmt: skip
    if _least_gain(before, after) > 0 and after.accuracy < RIGHT:
        return [Said(key="labels", values=values)]
    return [Said(key="enough", values=values)] if after.accuracy <= before.accuracy else []


def _least_gain(before: Grown, after: Grown) -> float:
    """Lower 90 % bound of a difference of two shares, by Newcombe 1998 (Statistics in Medicine 17, 873-890, method 10)."""
    low, high = (
        wilson(after.accuracy * after.tested, after.tested)[0],
        wilson(before.accuracy * before.tested, before.tested)[1],
    )
    return after.accuracy - before.accuracy - math.hypot(after.accuracy - low, high - before.accuracy)


def _place(cells: Sequence[Tried], cell: Cell) -> int:
    return next(n for n, tried in enumerate(cells) if tried.cell == cell)
