"""Times to figures."""

from collections.abc import Sequence

import numpy as np

QUANTILES = {"p50": 50, "p95": 95, "p99": 99, "max": 100}
Spread = dict[str, float]


def spread(ms: Sequence[float]) -> Spread:
    """How many, and the quantiles (linear between ranks); quantiles are left out where there is nothing."""
    found = {name: round(float(np.percentile(ms, rank)), 2) for name, rank in QUANTILES.items()} if ms else {}
    return {"count": len(ms), **found}
