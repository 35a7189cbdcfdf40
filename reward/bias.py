"""What a reward model, or the person who taught it, may follow instead of the answers' worth: length, and position."""

import math
from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from feedback_loop.evaluate import Z, effective, wilson
from feedback_loop.records import Preference

LENGTH = ("length_correlation", "length_correlation_low", "length_correlation_high")
Floats = NDArray[np.float64]
Ints = NDArray[np.intp]


def length_correlation(
    margins: Sequence[float],
    differences: Sequence[float],
    counts: Sequence[float] = (),
    groups: Sequence[Hashable] = (),
) -> dict[str, Any]:
    """Pearson's r between score and length differences of pairs, with its 90 % interval (Fisher's z) and their number.

    The differences are of log(1 + characters), the unit in which `length_slope` takes length out. `counts` and `groups` are as
    of `share`; by how much a pair moves r is its influence (Devlin, Gnanadesikan and Kettenring 1975).
    Which answer of a pair comes first says nothing, so each pair counts in both orders: r = sum(m d) / sqrt(sum m² sum d²).
    None where nothing varies, or there are fewer than 4 pairs, of which any r could come by chance.
    """
    m, d = np.asarray(margins, float), np.asarray(differences, float)
    n = np.asarray(counts, float) if counts else np.ones(len(m))
    total, pairs = float(n.sum()), {"length_pairs": round(float(n.sum()))}
    size = math.sqrt(float((n * m * m).sum()) * float((n * d * d).sum()))
    if total < 4 or size == 0:
        return dict.fromkeys(LENGTH) | pairs
    r = float((n * m * d).sum()) / size
    moves = total * (m * d / size - r / 2 * (m * m / (n * m * m).sum() + d * d / (n * d * d).sum()))
    independent = effective(moves.tolist(), n.tolist(), groups or [None] * len(m))
    if independent < 4:
        return dict.fromkeys(LENGTH) | pairs
    place, width = math.atanh(max(-0.999999, min(0.999999, r))), Z / math.sqrt(independent - 3)
    return dict(zip(LENGTH, (r, math.tanh(place - width), math.tanh(place + width)), strict=True)) | pairs


def share(hits: Sequence[float], counts: Sequence[float] = (), groups: Sequence[Hashable] = ()) -> dict[str, Any]:
    """A share (halves count half) with its 90 % Wilson interval: {share, low, high, pairs}; all None of nothing.

    `counts` says how much of a judgement each hit is, 1 where it is left out; `pairs` is their sum, rounded. `groups` names what
    hits may have in common (`evaluate.effective`), None nothing; the interval is of so many independent judgements as they tell.
    """
    if not hits:
        return {"share": None, "low": None, "high": None, "pairs": 0}
    parts = counts or [1.0] * len(hits)
    total = sum(parts)
    found = sum(h * n for h, n in zip(hits, parts, strict=True)) / total
    independent = effective([h - found for h in hits], parts, groups or [None] * len(hits))
    low, high = wilson(found * independent, independent)
    return {"share": found, "low": low, "high": high, "pairs": round(total)}


def more_characters(pair: Preference) -> float:
    """log(1 + characters) of the chosen answer less that of the rejected one."""
    return longer(len(pair.chosen[-1].content), len(pair.rejected[-1].content))


def longer(one: int, other: int) -> float:
    """log(1 + characters) of an answer less that of another."""
    return math.log1p(one) - math.log1p(other)


def length_slope(scores: Floats, lengths: Floats, prompts: Sequence[object] | Ints) -> Floats:
    """Least-squares slope of each member's score on log(1 + characters), over completions, within prompts.

    `scores` is (completions, members) or (completions,), `lengths` (completions,) in characters, `prompts` names each one's
    prompt; the result is (members,) or a number. Both are measured from their prompt's mean: answers are compared with others
    to the same prompt alone, and how scores differ from prompt to prompt nobody ever said. 0 where lengths do not vary so. In
    the spirit of ODIN (Chen et al. 2024, arXiv 2402.07319), which trains a head for length apart and throws it away; here
    what a straight line explains is taken out afterwards.
    """
    place = np.unique(np.asarray(prompts), return_inverse=True)[1].reshape(-1)
    x, y = _from_mean(np.log1p(lengths), place), _from_mean(scores, place)
    square = float(x @ x)
    return np.asarray(x @ y / square if square > 1e-12 else np.zeros(scores.shape[1:]))


def _from_mean(values: Floats, place: Ints) -> Floats:
    """Values less the mean of their group; `place` are the groups' numbers."""
    sums = np.zeros((place.max(initial=-1) + 1, *values.shape[1:]))
    np.add.at(sums, place, values)
    means = sums.T / np.bincount(place)
    centred: Floats = values - means.T[place]
    return centred
