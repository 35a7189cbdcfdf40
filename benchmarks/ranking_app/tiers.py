"""How much is run."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Tier:
    """A size of the benchmark."""

    comparisons: int
    votes: int
    """Of the scripted annotator whose page is timed, alone and beside the others."""
    annotators: int
    every: float
    """Seconds from one answer of a simulated annotator to the next."""
    least_seconds: float
    """How long they go on at least."""
    fast: tuple[float, ...]
    """Seconds of reading in which the fast annotator is tried; none: that part is left out."""
    fast_votes: int


TIERS = {
    "quick": Tier(comparisons=40, votes=12, annotators=4, every=0.5, least_seconds=4, fast=(), fast_votes=0),
    "full": Tier(
        comparisons=300, votes=200, annotators=32, every=2.0, least_seconds=110, fast=(0.0, 1.0), fast_votes=60
    ),
}

PAUSE_MS = 400.0
"""From a comparison's being painted to its answer: the page takes none in its first 350 ms, since it may be a double click."""
QUIET_MS = 150.0
"""A comparison is fully painted by the last frame that changed it, once nothing has changed it for so long."""

GOALS = {"painted_p50": 50.0, "painted_p95": 100.0, "server_p95": 100.0}
"""Milliseconds, on an idle machine."""
