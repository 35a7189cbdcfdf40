"""Which of a prompt's candidates to ask people about: two, and where more are shown, those that add most to them.

Each strategy is a function of `scores`, float (candidates, members): every candidate's score by every member of the reward
model, and of a random generator. It gives the places of two different candidates, the better one first where it has an
opinion. Ties are broken at random. A member whose scores are not all finite has no say; where none is left, all candidates
are equal. A single member knows no doubt: with it the strategies that need several are refused beforehand (`check_choice`).
"""

from collections.abc import Callable

import numpy as np

from feedback_loop.errors import UsageError
from feedback_loop.records import Strategy

Choose = Callable[[np.ndarray, np.random.Generator], tuple[int, int]]
REDRAWS = 30
"""Draws for a second candidate that differs from the first (the reference implementation of DRTS has as many)."""


def check_choice(strategy: Strategy, members: int, candidates: int, answers: int = 2) -> None:
    """UsageError where the strategy has nothing to choose from, or compares the members' opinions and there is but one."""
    if strategy != "random" and candidates <= answers:
        raise UsageError(
            f'asking.strategy = "{strategy}" picks {answers} of a prompt\'s candidates, and sampling.completions is '
            f"{candidates}. Raise sampling.completions to {answers + 2} or more"
        )
    if strategy in NEED_SEVERAL and members < 2:
        raise UsageError(
            f'asking.strategy = "{strategy}" asks where the reward model\'s members disagree, and reward.members is {members}. '
            'Raise reward.members to 4 or more, or set asking.strategy = "best_worst"'
        )


def random(scores: np.ndarray, rng: np.random.Generator) -> tuple[int, int]:
    """Any two, all pairs alike."""
    first, second = rng.choice(len(scores), size=2, replace=False)
    return int(first), int(second)


def uncertainty(scores: np.ndarray, rng: np.random.Generator) -> tuple[int, int]:
    """The pair on whose difference the members disagree most.

    The "infomax" of Dwaracherla et al. 2024, Efficient Exploration for LLMs, arXiv 2402.00396, on scores, not probabilities.
    """
    return _greatest_pair(_differences(_known(scores)).var(-1), rng)


def thompson(scores: np.ndarray, rng: np.random.Generator) -> tuple[int, int]:
    """Double Thompson sampling: the best by a member drawn at random against the best by another.

    Where the redraws give the first again, its rival is the candidate whose difference from it is most uncertain (Wu and Liu
    2016, arXiv 1604.07101; for language models Dwaracherla et al. 2024, arXiv 2402.00396, who take any other one there).
    """
    known = _known(scores)
    first = _drawn_best(known, rng)
    for _ in range(REDRAWS):
        second = _drawn_best(known, rng)
        if second != first:
            return first, second
    return first, _most_uncertain_rival(known, first, rng)


def drts(scores: np.ndarray, rng: np.random.Generator) -> tuple[int, int]:
    """Double reversed Thompson sampling: the best by a member drawn at random against the worst by another.

    Melikidze et al. 2026, ActiveUltraFeedback, arXiv 2603.09692; the members are the draws of the reward function.
    """
    known = _known(scores)
    first = _drawn_best(known, rng)
    for _ in range(REDRAWS):
        second = _drawn_best(-known, rng)
        if second != first:
            return first, second
    return first, _most_uncertain_rival(known, first, rng)


def deltaucb(scores: np.ndarray, rng: np.random.Generator) -> tuple[int, int]:
    """The greatest gap that may well be: mean difference plus its standard deviation.

    Melikidze et al. 2026, arXiv 2603.09692, take the first one's upper less the second one's lower confidence bound, which
    adds both deviations. Our members score all candidates, so the difference's own deviation is known and used.
    """
    differences = _differences(_known(scores))
    return _greatest_pair(differences.mean(-1) + differences.std(-1), rng)


def best_worst(scores: np.ndarray, rng: np.random.Generator) -> tuple[int, int]:
    """The best against the worst by the members' mean: the greatest expected gap."""
    return _greatest_pair(_differences(_known(scores)).mean(-1), rng)


STRATEGIES: dict[Strategy, Choose] = {
    "random": random,
    "uncertainty": uncertainty,
    "thompson": thompson,
    "drts": drts,
    "deltaucb": deltaucb,
    "best_worst": best_worst,
}
NEED_SEVERAL: frozenset[Strategy] = frozenset({"uncertainty", "thompson", "drts", "deltaucb"})


def fill(scores: np.ndarray, pair: tuple[int, int], count: int, rng: np.random.Generator) -> list[int]:
    """The pair, and further candidates one by one until there are `count`; all of them where there are fewer.

    Each is the one whose differences from those already there the members are least sure of, by the sum of the variances:
    an order of them all would then teach most, as `uncertainty` has it of two. Where they are sure of all alike, as one
    member is, it is the one whose mean is farthest from the nearest one there; where all are alike, any.
    """
    known, picked = _known(scores), list(pair)
    while len(picked) < min(count, len(known)):
        differences = known[:, None, :] - known[picked][None, :, :]
        unsure = differences.var(-1).sum(1)
        apart = np.abs(differences.mean(-1)).min(1)
        unsure[picked] = apart[picked] = -np.inf
        best = np.isclose(unsure, unsure.max())
        picked.append(_greatest(np.where(best, apart, -np.inf), rng))
    return picked


def _known(scores: np.ndarray) -> np.ndarray:
    """The members whose scores are all finite; a column of zeros where there is none."""
    known = np.asarray(scores, float)
    known = known[:, np.isfinite(known).all(0)]
    return known if known.shape[1] else np.zeros((len(known), 1))


def _differences(known: np.ndarray) -> np.ndarray:
    """Score of the first less that of the second, (candidates, candidates, members)."""
    differences: np.ndarray = known[:, None, :] - known[None, :, :]
    return differences


def _greatest_pair(values: np.ndarray, rng: np.random.Generator) -> tuple[int, int]:
    """Places (i, j), i != j, of the greatest of the values (candidates, candidates)."""
    count = len(values)
    place = _greatest(np.where(np.eye(count, dtype=bool), -np.inf, values).ravel(), rng)
    return place // count, place % count


def _drawn_best(known: np.ndarray, rng: np.random.Generator) -> int:
    return _greatest(known[:, rng.integers(known.shape[1])], rng)


def _most_uncertain_rival(known: np.ndarray, first: int, rng: np.random.Generator) -> int:
    variances = (known - known[first]).var(-1)
    variances[first] = -np.inf
    return _greatest(variances, rng)


def _greatest(values: np.ndarray, rng: np.random.Generator) -> int:
    return int(rng.choice(np.flatnonzero(values == values.max())))
