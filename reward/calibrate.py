"""How far a reward model can be trusted: on pairs that it never saw, is it right, as sure as it should be, and unbiased?"""

import math
from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np

from feedback_loop.errors import LoopError
from feedback_loop.records import Preference, Record, Selection, Strength
from feedback_loop.scores import choice_logit
from reward.bias import Floats, length_correlation, longer, share

BIN = 20
"""Pairs a bin of the reliability curve holds at least; with fewer, chance alone makes a calibration error."""
MOST_BINS = 10
PRIOR = math.log(4)
"""Standard deviation of the temperature's logarithm before any pair is seen."""


class Checked(Record):
    """A judged pair scored by a reward model that was not trained on its prompt."""

    margin: float
    """Mean score of the chosen less that of the rejected answer (of a tie, of the first less the second one spelled)."""
    spread: float
    """Standard deviation of that margin among the reward model's members; 0 where there is one."""
    tie: bool = False
    source: Literal["ranking", "edit", "reward_model"] = "ranking"
    chosen_first: bool | None = None
    length_chosen: int
    """Characters."""
    length_rejected: int
    prompt_id: str | None = None
    """None where an older version judged it."""
    user_id: str
    round: int
    selection: Selection = "random"
    strength: Strength | None = None
    share: float = 1.0
    """How much of a whole label the pair is: an order's pairs are not so many independent judgements."""
    repeat: bool = False
    comparison_id: str | None = None
    """By which the label is found again; None where an older version judged it."""

    @classmethod
    def of(cls, pair: Preference, margin: float, spread: float) -> "Checked":
        """A judged pair, with what its judgement may hang on."""
        return cls(
            margin=margin,
            spread=spread,
            tie=pair.tie,
            source=pair.source,
            chosen_first=pair.chosen_first,
            length_chosen=len(pair.chosen[-1].content),
            length_rejected=len(pair.rejected[-1].content),
            prompt_id=pair.prompt_id,
            user_id=pair.user_id,
            round=pair.round,
            selection=pair.selection,
            strength=pair.strength,
            share=pair.share,
            repeat=pair.repeat,
            comparison_id=pair.comparison_id,
        )


def figures(checked: Sequence[Checked], tie: float) -> dict[str, Any]:
    """All of a stage's facts about its reward model; each is None (or empty) where the pairs cannot say it.

    `tie` is the threshold by which it learned (`observations.thresholds`), in logits; 0 where ties are not told apart.
    Accuracy, calibration and the temperature are of decisive pairs, and of those drawn at random alone where there are any
    (`checked_random`): pairs chosen for being hard would make every reward model look bad. Edits count for none of these,
    nor for position, nor does what was corrected in a chat: an edit gives a pair with every answer shown,
    and is easy to tell from them, so it would flatter.
    `accuracy` is the share in which the chosen answer scores higher, equal scores counting half, with its 90 % Wilson
    interval. Correlation with length is of all pairs: a length difference is as random in a chosen pair as in another.
    Repeats count for position alone: of all else they would be the same judgement twice. A pair of an order counts by its
    `share` in accuracy, position, length and their intervals, which count what labels of one prompt have in common once
    (`evaluate.effective`); `checked_pairs` are whole labels.
    LoopError where a score is NaN or infinite.
    """
    _refuse_nan(checked)
    ranked = [c for c in checked if _shown(c)]
    once = [c for c in checked if not c.repeat]
    measured = [checked[i] for i in measuring(checked)]
    honest = [c for c in measured if not c.tie]
    margins, spreads = (np.array([getattr(c, name) for c in honest], float) for name in ("margin", "spread"))
    scale = temperature(margins, spreads, tie)
    said = choice_logit(margins, spreads, tie)
    scaled = choice_logit(margins / scale, spreads / scale, tie) if scale else None
    total, groups = _share(honest, _right(honest)), [c.prompt_id for c in honest]
    return {
        "accuracy": total["share"],
        "accuracy_low": total["low"],
        "accuracy_high": total["high"],
        "margin": float(margins.mean()) if honest else None,
        "spread": float(np.mean([c.spread for c in honest])) if honest else None,
        "checked_pairs": total["pairs"],
        "checked_random": any(c.selection == "random" for c in measured),
        "by_annotator": _accuracies(honest, lambda c: c.user_id),
        "by_round": _accuracies(honest, lambda c: str(c.round)),
        "tie_threshold": tie,
        "temperature": scale,
        "calibration_error": calibration_error(said),
        "calibration_error_scaled": calibration_error(scaled) if scaled is not None else None,
        "reliability": reliability(said, groups),
        **_length(once),
        **_position(ranked),
    }


def measuring(pairs: Sequence[Checked] | Sequence[Preference]) -> list[int]:
    """Places of the pairs that a reward model is measured on: those drawn at random, all choices where there is none."""
    first = [i for i in range(len(pairs)) if _shown(pairs[i]) and not pairs[i].repeat]
    return [i for i in first if pairs[i].selection == "random"] or first


def temperature(margins: Floats, spreads: Floats, tie: float) -> float | None:
    """What margins and their spreads must be divided by to be logits: as often right as they say, by maximum likelihood.

    The one parameter of Guo et al. 2017 (arXiv 1706.04599, section 4.2), under `scores.choice_logit`. Where all pairs are
    ranked right the likelihood has no maximum, so log T has a weak normal prior around the margins' root mean square: alone,
    and of people who call no ties, it makes a typical pair's odds e : 1. None where there are no margins or all are 0.
    (pairs,) twice -> a number above 0.
    """
    size = math.sqrt(float((margins**2).mean())) if len(margins) else 0.0
    if size == 0.0:
        return None

    def best(logs: Floats) -> float:
        scale = size * np.exp(logs)
        said = choice_logit(margins[:, None] / scale, spreads[:, None] / scale, tie)
        loss = np.logaddexp(0, -said).sum(0) + 0.5 * (logs / PRIOR) ** 2
        return float(logs[np.argmin(loss)])

    rough = best(np.linspace(-8, 8, 161))
    return size * math.exp(best(np.linspace(rough - 0.1, rough + 0.1, 201)))


def calibration_error(logits: Floats) -> float | None:
    """Expected calibration error (Guo et al. 2017, equation 3) over the bins of `reliability`.

    Given for margins as they come and again after division by the temperature: the first is what is wrong where a margin is
    used as it is, the second what no scale would mend. It is never 0 by chance: bins of 20 perfectly calibrated pairs give 0.07.
    """
    bins = reliability(logits)
    if not bins:
        return None
    return float(sum(b["pairs"] * abs(b["observed"] - b["predicted"]) for b in bins) / len(logits))


def reliability(logits: Floats, groups: Sequence[str | None] = ()) -> list[dict[str, Any]]:
    """How sure the reward model is of the answer that it prefers, against how often people agree, in bins of equal counts.

    `logits` are of the chosen answers, `groups` their prompts. A bin is {predicted: mean of sigmoid(|logit|), observed: share
    right, low, high: its 90 % Wilson interval, pairs}.
    """
    if not len(logits):
        return []
    order = np.argsort(np.abs(logits), kind="stable")
    found = []
    for places in np.array_split(order, max(1, min(MOST_BINS, len(order) // BIN))):
        part = logits[places]
        right = share(_points(part.tolist()), groups=[groups[i] for i in places] if groups else ())
        predicted = float((1 / (1 + np.exp(-np.abs(part)))).mean())
        found.append({"predicted": predicted, "observed": right.pop("share"), **right})
    return found


def _refuse_nan(checked: Sequence[Checked]) -> None:
    bad = sum(not (math.isfinite(c.margin) and math.isfinite(c.spread)) for c in checked)
    if bad:
        raise LoopError(
            f"The reward model's scores of {bad} of {len(checked)} pairs are NaN or infinite: its training ran away. "
            "Lower reward.trl.learning_rate in the recipe"
        )


def _shown(pair: Checked | Preference) -> bool:
    """Whether it is a choice between answers that were shown, and neither an edit nor a correction from a chat."""
    return pair.source == "ranking" and pair.selection != "chat"


def _right(pairs: Sequence[Checked]) -> list[float]:
    return _points([c.margin for c in pairs])


def _points(margins: Sequence[float]) -> list[float]:
    return [1.0 if m > 0 else 0.5 if m == 0 else 0.0 for m in margins]


def _share(pairs: Sequence[Checked], hits: Sequence[float]) -> dict[str, Any]:
    return share(hits, [c.share for c in pairs], [c.prompt_id for c in pairs])


def _accuracies(pairs: Sequence[Checked], key: Callable[[Checked], str]) -> dict[str, dict[str, Any]]:
    """{accuracy, low, high, pairs} of each group, by its name."""
    groups: dict[str, list[Checked]] = {}
    for pair in pairs:
        groups.setdefault(key(pair), []).append(pair)
    shares = {name: _share(g, _right(g)) for name, g in sorted(groups.items())}
    return {name: {"accuracy": s.pop("share"), **s} for name, s in shares.items()}


def _length(checked: Sequence[Checked]) -> dict[str, Any]:
    """The score's correlation with length, and beside it how often people themselves chose the longer of what was shown."""
    differences = [longer(c.length_chosen, c.length_rejected) for c in checked]
    said = [(c, d) for c, d in zip(checked, differences, strict=True) if d and not c.tie and _shown(c)]
    chosen = _share([c for c, _ in said], [float(d > 0) for _, d in said])
    counts, groups = [c.share for c in checked], [c.prompt_id for c in checked]
    found = length_correlation([c.margin for c in checked], differences, counts, groups)
    return found | {"longer_share": chosen["share"]}


def _position(checked: Sequence[Checked]) -> dict[str, Any]:
    """How often people chose what was shown first; which one that is, is drawn at random."""
    shown = [c for c in checked if not c.tie and c.chosen_first is not None]
    total = _first(shown)
    names = sorted({c.user_id for c in shown})
    return {
        "position_share": total["share"],
        "position_low": total["low"],
        "position_high": total["high"],
        "position_pairs": total["pairs"],
        "position_by_annotator": {name: _first([c for c in shown if c.user_id == name]) for name in names},
    }


def _first(shown: Sequence[Checked]) -> dict[str, Any]:
    return _share(shown, [float(bool(c.chosen_first)) for c in shown])
