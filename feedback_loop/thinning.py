"""Labels' weights for a policy step: TRL's trainers take no weight, so a pair is there as often as its weight says."""

import hashlib
import math
from collections.abc import Sequence

from feedback_loop.records import Preference


def thinned(pairs: Sequence[Preference], seed: int) -> list[Preference]:
    """Each pair as many times as its person weighs on average: at 0.3 once with probability 0.3, at 2 twice.

    The expected gradient is that of the weighted loss. What an order of several answers shares out among its pairs is not
    thinned: leaving out some of what a person said would lose it, and TRL counts pairs, not people. Which pairs stay hangs on
    the seed and each pair alone, and a pair that stays at one weight stays at every greater one. Where no pair that prefers an
    answer would stay, the nearest does.
    """
    copies = [math.floor(p.weight / p.share + _draw(seed, p)) for p in pairs]
    decided = [n for n, p in enumerate(pairs) if not p.tie]
    if decided and not any(copies[n] for n in decided):
        copies[max(decided, key=lambda n: pairs[n].weight / pairs[n].share + _draw(seed, pairs[n]))] = 1
    return [p for p, count in zip(pairs, copies, strict=True) for _ in range(count)]


def _draw(seed: int, pair: Preference) -> float:
    """A number from 0 to 1, 1 left out, that the seed and the pair fix."""
    name = f"{seed}/{pair.comparison_id}/{pair.user_id}/{pair.source}/{pair.chosen[-1].content}/{pair.rejected[-1].content}"
    return (int.from_bytes(hashlib.sha256(name.encode()).digest()[:8]) >> 11) / 2**53
