"""Whether every vote is in Argilla exactly once, by what those who voted know, not by the app's own journal."""

import contextlib
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.ranking_app.annotators import Vote
from feedback_loop.records import Comparison, Ranking
from feedback_loop.store.journal import Journal

SIDES = ("first", "second", "third", "fourth")
Said = tuple[str, str, str | None]
"""User, comparison, and the completion, `tie` or `neither`."""


@dataclass(frozen=True)
class Delivered:
    """What Argilla holds, beside what was voted."""

    votes: int
    held: int
    missing: int
    """Voted, and not there as it was said."""
    unexpected: int
    """There, and never said, said otherwise, or there twice."""
    seconds: float
    """Until the last one was there, from the last vote."""


def wait(journal_path: Path, longest: float) -> float:
    """Seconds until the courier has nothing left; `longest` where it still has then."""
    started = time.monotonic()
    with contextlib.closing(Journal(journal_path)) as journal:
        while journal.waiting() and time.monotonic() - started < longest:
            time.sleep(0.1)
    return time.monotonic() - started


def compare(
    votes: Iterable[Vote], comparisons: Sequence[Comparison], held: Sequence[Ranking], seconds: float
) -> Delivered:
    """Every vote against every answer that Argilla has."""
    asked = {comparison.id: comparison for comparison in comparisons}
    said = Counter(_said(vote, asked[vote.record]) for vote in votes)
    found = Counter[Said]((r.user_id, r.comparison_id, r.choice) for r in held)
    return Delivered(said.total(), found.total(), (said - found).total(), (found - said).total(), seconds)


def _said(vote: Vote, comparison: Comparison) -> Said:
    by_side = dict(zip(SIDES, (completion.id for completion in comparison.completions), strict=False))
    return vote.user, vote.record, by_side.get(vote.side, vote.side)
