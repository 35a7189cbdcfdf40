"""The half-a-word curve for the terminal: a table, what is met without being asked, and the headline."""

from collections.abc import Sequence
from pathlib import Path

from feedback_loop.brief.brief import Brief
from feedback_loop.brief.brief_checks import proposed
from feedback_loop.brief.curve import MATCH, Needed, Row, needed

WIDE = 48
"""Characters of a requirement that are shown."""
OTHER = "*"
"""Behind a policy that was measured under another brief than the base's rows."""


def as_text(rows: Sequence[Row]) -> str:
    """A line a policy and level, then the requirements that a check can tell, then how many tokens each policy needs."""
    rows = [row.model_copy(update={"policy": row.policy + OTHER * row.other_brief}) for row in rows]
    policies = list(dict.fromkeys(row.policy for row in rows))
    width = max(map(len, policies))
    lines = [f"{'policy':<{width}}  level  tokens  wins against the base with all of it"]
    for row in rows:
        how = f"{row.win_rate:>4.0%} ({row.low:.0%} to {row.high:.0%}, {row.answers} by {row.judge})"
        lines.append(f"{row.policy:<{width}}  {row.level:>5.0%}  {row.tokens:>6}  {how}")
    if any(row.other_brief for row in rows):
        lines.append(f"{OTHER} under another brief, against the base with all of that one")
    lines += _requirements(rows)
    lines.append(f"tokens of instruction needed to match the whole brief (win rate from {MATCH:.0%}):")
    found = [needed([row for row in rows if row.policy == name]) for name in policies]
    return "\n".join([*lines, *(f"  {said(one)}" for one in found if one)])


def countable(brief: Brief | None, run: Path) -> str:
    """A line where a program cannot count all requirements in scope, with what to type; else empty."""
    asked = [r for r in brief.requirements if r.mark != "out"] if brief else []
    counted = sum(bool(r.checks) for r in asked)
    if counted == len(asked):
        return ""
    could = [str(r.number) for r in asked if proposed(r)]
    how = f"{', '.join(could)} could be: feedback-loop brief {run} --check {','.join(could)}"
    own = f"where a check of docs/checks.md can tell, write it behind: feedback-loop brief {run} --edit FILE"
    return f"{counted} of {len(asked)} requirements can be counted; {how if could else own}"


def said(one: Needed) -> str:
    """The headline of a policy."""
    judge = "people and the reward model" if one.judge == "mixed" else one.judge
    if one.tokens is None:
        return f"{one.policy}: more than the whole brief ({one.of}), by {judge}"
    surely = f"surely {one.high}" if one.high is not None else "none surely"
    return f"{one.policy}: {one.tokens} of {one.of} (perhaps {one.low}, {surely}), by {judge}"


def _requirements(rows: Sequence[Row]) -> list[str]:
    """How often each requirement with a check is met: by the base with all of the brief, and by each policy without it.

    Requirements are told apart by what they ask for, as a number may mean another one in another brief.
    """
    shown = [row for row in rows if row.requirements and (row.level == 0.0 or row == rows[0])]
    if not shown:
        return []
    asked = dict[str, int]()
    for row in shown:
        for met in row.requirements:
            asked.setdefault(met.text, met.number)
    lines = ["requirements that a check can tell, share of answers that meet each"]
    for text, number in asked.items():
        said = " ".join(text.split())
        lines.append(f"{number:>3}  {said if len(said) <= WIDE else said[: WIDE - 1] + '…'}")
        lines += [
            f"     {row.policy} at {row.level:.0%}: {met.share:.0%} ({met.low:.0%} to {met.high:.0%})"
            for row in shown
            for met in row.requirements
            if met.text == text
        ]
    return lines
