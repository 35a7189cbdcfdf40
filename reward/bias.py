"""What a reward model, or the person who taught it, may follow instead of the answers' worth: length, and position."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from feedback_loop.evaluate import Z, wilson
from feedback_loop.records import Preference

LENGTH = ("length_correlation", "length_correlation_low", "length_correlation_high")
Floats = NDArray[np.float64]


def length_correlation(margins: Sequence[float], differences: Sequence[int]) -> dict[str, Any]:
    """Pearson's r between score and length differences of pairs, with its 90 % interval (Fisher's z) and their number.

    Which answer of a pair comes first says nothing, so each pair counts in both orders: r = sum(m d) / sqrt(sum m² sum d²).
    None where nothing varies, or there are fewer than 4 pairs, of which any r could come by chance.
    """
    m, d = np.asarray(margins, float), np.asarray(differences, float)
    size = math.sqrt(float((m * m).sum()) * float((d * d).sum()))
    if len(m) < 4 or size == 0:
        return {**dict.fromkeys(LENGTH), "length_pairs": len(m)}
    r = float((m * d).sum()) / size
    place, width = math.atanh(max(-0.999999, min(0.999999, r))), Z / math.sqrt(len(m) - 3)
    return dict(zip(LENGTH, (r, math.tanh(place - width), math.tanh(place + width)), strict=True)) | {
        "length_pairs": len(m)
    }


def share(hits: Sequence[float], counts: Sequence[float] = ()) -> dict[str, Any]:
    """A share (halves count half) with its 90 % Wilson interval: {share, low, high, pairs}; all None of nothing.

    `counts` says how much of a judgement each hit is, 1 where it is left out; `pairs` is their sum, rounded.
    """
    if not hits:
        return {"share": None, "low": None, "high": None, "pairs": 0}
    parts = counts or [1.0] * len(hits)
    right, total = sum(h * n for h, n in zip(hits, parts, strict=True)), sum(parts)
    low, high = wilson(right, total)
    return {"share": right / total, "low": low, "high": high, "pairs": round(total)}


def more_characters(pair: Preference) -> float:
    """log(1 + characters) of the chosen answer less that of the rejected one."""
    return math.log1p(len(pair.chosen[-1].content)) - math.log1p(len(pair.rejected[-1].content))


def length_slope(scores: Floats, lengths: Floats) -> Floats:
    """Least-squares slope of each member's score on log(1 + characters), over completions.

    `scores` is (completions, members) or (completions,), `lengths` (completions,) in characters; the result is (members,) or
    a number. 0 where all lengths are the same. In the spirit of ODIN (Chen et al. 2024, arXiv 2402.07319), which trains a
    head for length apart and throws it away; here what a straight line explains is taken out afterwards.
    """
    x = np.log1p(lengths) - np.log1p(lengths).mean()
    square = float(x @ x)
    centred: Floats = scores - scores.mean(0)
    return np.asarray(x @ centred / square if square > 1e-12 else np.zeros(scores.shape[1:]))
