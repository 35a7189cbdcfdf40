"""A run's brief for the terminal: its requirements, and what each level of the recipe holds."""

from pathlib import Path

from feedback_loop.brief.brief import Criterion, Requirement, cut, load
from feedback_loop.brief.brief_checks import line, proposed
from feedback_loop.brief.brief_tokens import tokens
from feedback_loop.errors import UsageError
from feedback_loop.records import Record
from feedback_loop.run import Run

WIDE = 72
"""Characters of a requirement that are shown."""


class Asked(Requirement):
    """A requirement with its length for the run's model."""

    tokens: int
    proposed: tuple[Criterion, ...] = ()
    """Checks that would count it, where it has none."""


class Held(Record):
    """What a level of the recipe holds."""

    level: float
    tokens: int
    """Of the run's model."""
    ends: str
    """The last words that are in."""


class Listing(Record):
    """A brief as `feedback-loop brief RUN` shows it."""

    requirements: tuple[Asked, ...]
    levels: tuple[Held, ...]


def listing(run: Run) -> Listing:
    """The run's brief, measured; UsageError where it has none."""
    brief = load(run)
    if brief is None:
        raise UsageError(f"{run.path}: it has no brief. Give it one: feedback-loop brief {run.path} --edit FILE")
    levels = sorted({*run.recipe.brief.levels, *run.recipe.brief.sampled}, reverse=True)
    texts = [cut(brief, level) for level in levels]
    counts = tokens(run.recipe.model, [*(r.text for r in brief.requirements), *texts])
    numbered = zip(brief.requirements, counts, strict=False)
    asked = [Asked(**r.model_dump(), tokens=n, proposed=proposed(r)) for r, n in numbered]
    held = zip(levels, counts[len(asked) :], texts, strict=True)
    return Listing(
        requirements=tuple(asked), levels=tuple(Held(level=x, tokens=n, ends=_end(text)) for x, n, text in held)
    )


def as_text(found: Listing, run: Path) -> str:
    """The requirements a line each, then the levels, then the checks that are proposed, as lines to write."""
    lines, section = list[str](), ""
    for r in found.requirements:
        if r.section != section:
            section = r.section
            lines.append(section)
        said = " ".join(r.text.split())
        said = said if len(said) <= WIDE else said[: WIDE - 1] + "…"
        checks = "".join(f" [check: {c.check}]" for c in r.checks)
        lines.append(f"{r.number:>3}  {r.mark:<4}  {r.tokens:>5} tokens  {said}{checks}")
    lines.append("levels, of what is in scope")
    lines += [f"{h.level:>6.0%}      {h.tokens:>5} tokens  {h.ends}" for h in found.levels]
    could = [r for r in found.requirements if r.proposed]
    if could:
        lines.append(
            f"a program could count these; to write what it counts by: feedback-loop brief {run} --check NUMBERS"
        )
        lines += [f"{r.number:>3}  {line(r)}" for r in could]
    return "\n".join(lines)


def _end(text: str) -> str:
    words = text.split()
    return "" if not words else ("… " if len(words) > 6 else "") + " ".join(words[-6:])
