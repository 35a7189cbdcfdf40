"""The tables, as Markdown."""

from collections.abc import Sequence
from math import sqrt
from typing import Any

from feedback_loop.recipe import PromotionTable

Row = dict[str, Any]


def markdown(rows: Sequence[Row], rule: PromotionTable, ties: float, gates: int) -> str:
    """A line for each way to decide, a column for each true win rate."""
    rates = list(dict.fromkeys(r["rate"] for r in rows))
    lines = [
        f"### Budget {rule.votes} duels, {ties:.0%} ties, {gates} gates",
        "",
        f"| way | {' | '.join(f'{rate:.2f}' for rate in rates)} |",
        f"| --- |{' --- |' * len(rates)}",
    ]
    for way in dict.fromkeys(r["way"] for r in rows):
        cells = [cell(r) for r in rows if r["way"] == way]
        lines.append(f"| {way} | {' | '.join(cells)} |")
    return "\n".join([*lines, ""])


def cell(row: Row) -> str:
    """Share promoted with its interval (95 %), mean votes, and the share that the budget ended."""
    n = row["gates"]
    low, high = wilson(row["promoted"], n)
    return (
        f"{100 * row['promoted'] / n:.1f} ({100 * low:.1f} to {100 * high:.1f}); "
        f"{row['votes'] / n:.0f}; {row['undecided'] / n:.0%}"
    )


def wilson(hits: int, of: int, z: float = 1.96) -> tuple[float, float]:
    """Wilson's score interval of a share."""
    share, more = hits / of, z * z / of
    middle = (share + more / 2) / (1 + more)
    half = sqrt(share * (1 - share) * more + more * more / 4) / (1 + more)
    return max(0.0, middle - half), min(1.0, middle + half)
