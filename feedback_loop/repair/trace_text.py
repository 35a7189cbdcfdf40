"""What became of a label, for the terminal."""

from feedback_loop.records import Comparison, Ranking
from feedback_loop.repair.contradictions import short
from feedback_loop.repair.trace import Became, Heard, Reached, Told, Trace

SIDES = ("first", "second", "third", "fourth")
PURPOSES = {
    "label": "asked for its label",
    "duel": "a duel of the new policy with its parent",
    "repeat": "asked once more of the same person",
    "check": "a check whose answer is known",
}


def as_text(found: Trace) -> str:
    """The comparison, then each label; texts are cut, the JSON has them whole."""
    asked = found.comparison
    lines = [
        f"{asked.id}, round {asked.round:03d}, {PURPOSES[asked.purpose]}{'; set aside since' if found.set_aside else ''}",
        f"   {short(asked.prompt.request)}",
        *(f"   {side}: {short(c.completion)}" for side, c in zip(SIDES, asked.completions, strict=False)),
    ]
    lines += [line for told in found.labels for line in _told(asked, told)]
    return "\n".join(lines if found.labels else [*lines, "Nobody has answered it."])


def _told(asked: Comparison, told: Told) -> list[str]:
    heard = [(h.at[:19], _heard(asked, h)) for h in told.heard]
    lines = [told.label, *(f"   {at}  {words}" for at, words in heard)]
    if not told.heard and told.stands is not None:
        lines.append(f"   {told.stands.created_at[:19]}  {said(asked, told.stands)}")
    if told.discarded is not None:
        d = told.discarded
        lines.append(f"   DISCARDED {d.at[:19]} by {d.by} (discard {d.number}): {d.reason}")
    lines += [f"   became {_became(one)}" for one in told.became]
    if told.why_nothing:
        lines.append(f"   became nothing: {told.why_nothing}")
    return lines + [f"   reached {_reached(one)}" for one in told.reached]


def _heard(asked: Comparison, heard: Heard) -> str:
    if heard.ranking is None:
        return "taken back"
    return f"{'taken back, so again: ' if heard.kind == 'undo' else ''}{said(asked, heard.ranking)}"


def said(asked: Comparison, ranking: Ranking) -> str:
    """An answer in words."""
    sides = dict(zip((c.id for c in asked.completions), SIDES, strict=False))
    if ranking.status == "discarded":
        return f"skipped ({ranking.reason or 'no reason'})"
    if ranking.order is not None:
        best = " > ".join(" = ".join(sides[name] for name in group) for group in ranking.order)
    else:
        best = sides.get(ranking.choice or "", ranking.choice or "")
    more = [f"edit: {short(ranking.edit)}"] if ranking.edit else []
    more += [f"comment: {short(ranking.comment)}"] if ranking.comment else []
    return "; ".join([f"{best}{f' ({ranking.strength})' if ranking.strength else ''}", *more])


def _became(one: Became) -> str:
    part = {"train": "trains", "heldout": "kept from a LoRA reward model", "disliked": "trains"}[one.part]
    if one.kind == "disliked":
        return f"no good: {short(one.rejected, 50)} (weight {one.weight:.2g}, {part})"
    sign = "=" if one.kind == "tie" else ">"
    return f"{short(one.chosen, 50)} {sign} {short(one.rejected, 50)} ({one.kind}, weight {one.weight:.2g}, {part})"


def _reached(one: Reached) -> str:
    state = "set aside" if one.set_aside else "in force" if one.in_force else "not in force"
    what = f"the reward model of {one.name}" if one.stage == "reward" else one.name
    through = f", through {one.through}" if one.through else ""
    aside = " (set aside)" if one.set_aside else ""
    return f"{what}{aside}: {one.folder}" if one.stage == "reward" else f"{what} ({state}{through}): {one.folder}"
