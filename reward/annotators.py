"""Whose labels to believe how much, from how often a reward model of everybody's labels agrees with each."""

from collections.abc import Mapping, Sequence

from reward.calibrate import Checked

STRENGTH = 10.0
"""Pairs' worth of belief that an annotator is like the others: with fewer labels than this, little is made of them."""
LEAST = 0.1


def measured_weights(checked: Sequence[Checked]) -> dict[str, float]:
    """A weight for each annotator, 1 for the most reliable; all 1 where there is one annotator.

    An annotator who is right with probability a about pairs that a coin decides otherwise has 2a - 1 of a perfect one's pull;
    that is the weight, a taken from agreement on pairs that the model never saw, shrunk towards everybody's. Nobody is
    silenced: the least is LEAST.
    """
    names = sorted({c.user_id for c in checked})
    decided = [c for c in checked if c.source == "ranking" and not c.tie]
    if len(names) < 2 or not decided:
        return dict.fromkeys(names, 1.0)
    overall = _right(decided) / len(decided)
    shares = {}
    for name in names:
        own = [c for c in decided if c.user_id == name]
        shares[name] = (_right(own) + STRENGTH * overall) / (len(own) + STRENGTH)
    pulls = {name: max(0.0, 2 * share - 1) for name, share in shares.items()}
    most = max(pulls.values())
    return {name: max(LEAST, pull / most) if most > 0 else 1.0 for name, pull in pulls.items()}


def still_to_take_off(measured: Mapping[str, float], consistency: Mapping[str, float]) -> dict[str, float]:
    """What labels that weigh `consistency` already must be multiplied by, so that each person weighs the lower of both.

    The two are evidence of the same: whoever clicks without reading contradicts themselves and everybody else. Their product
    would take that off twice.
    """
    return {name: min(1.0, weight / consistency.get(name, 1.0)) for name, weight in measured.items()}


def _right(checked: Sequence[Checked]) -> float:
    return sum(1.0 if c.margin > 0 else 0.5 if c.margin == 0 else 0.0 for c in checked)
