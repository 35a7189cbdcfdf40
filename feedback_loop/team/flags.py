"""What people flagged: the comparisons that they think somebody should look at."""

from feedback_loop.labels import everything
from feedback_loop.records import Record
from feedback_loop.run import Run


class Flag(Record):
    """One person's flag, with all that is needed to look at it."""

    round: int
    comparison_id: str
    user_id: str
    created_at: str
    request: str
    answers: tuple[str, ...]
    choice: str | None
    """`first` to `fourth` as shown, `tie`, `neither`; None of a skip."""
    reason: str | None
    comment: str | None


def flags(run: Run) -> list[Flag]:
    """All flags of a run whose answers stand and count, the oldest round's first."""
    found = []
    for said in everything(run):
        shown = {c.id: c for c in said.comparisons}
        for given in said.rankings:
            comparison = shown.get(given.comparison_id)
            if comparison is None or not given.flagged:
                continue
            sides = dict(
                zip((c.id for c in comparison.completions), ("first", "second", "third", "fourth"), strict=False)
            )
            found.append(
                Flag(
                    round=comparison.round,
                    comparison_id=comparison.id,
                    user_id=given.user_id,
                    created_at=given.created_at,
                    request=comparison.prompt.request,
                    answers=tuple(c.completion for c in comparison.completions),
                    choice=sides.get(given.choice or "", given.choice),
                    reason=given.reason,
                    comment=given.comment,
                )
            )
    return found


def as_text(found: list[Flag]) -> str:
    """The flags for the terminal; the answers in full are in the JSON."""
    if not found:
        return "Nobody has flagged anything."
    return "\n".join(line for flag in found for line in _lines(flag))


def _lines(flag: Flag) -> list[str]:
    said = f"skipped ({flag.reason or 'no reason'})" if flag.choice is None else flag.choice
    about = [f"   {_short(flag.comment)}"] if flag.comment else []
    return [
        f"round {flag.round:03d}  {flag.comparison_id}  {flag.user_id}: {said}",
        f"   {_short(flag.request)}",
        *about,
        *(f"   {number}. {_short(text)}" for number, text in enumerate(flag.answers, 1)),
    ]


def _short(text: str, most: int = 100) -> str:
    plain = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return plain if len(plain) <= most else plain[: most - 1] + "…"
