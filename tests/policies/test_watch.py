"""When a training must stop, and that it says why in words."""

import pytest

from feedback_loop.errors import LoopError
from policies.watch import Reading, refuse_if_nothing_learned, trouble

FIRST = Reading(step=0, reward=0.0, reward_sd=0.1, kl=0.0, entropy=1.2, length=20, ended=1.0)


def after(**figures: float) -> Reading:
    return FIRST.model_copy(update={"step": 3, **figures})


def test_a_calm_training_goes_on():
    assert trouble([FIRST], 10) is None
    assert trouble([FIRST, after(kl=9.9, entropy=0.5, reward=3.0)], 10) is None


@pytest.mark.parametrize(
    ("last", "said"),
    [
        (after(reward=float("nan")), "reward became NaN"),
        (after(kl=float("inf")), "kl became NaN or infinite"),
        (after(kl=10.1), "KL from the reference reached 10.1 nats a completion, over policy.max_kl = 10"),
        (after(entropy=0.1), "entropy collapsed from 1.20 to 0.100 nats a token"),
    ],
)
def test_trouble_is_named(last: Reading, said: str):
    found = trouble([FIRST, last], 10)
    assert found is not None
    assert said in found


def test_a_training_that_left_nothing_good_is_refused_and_any_other_is_kept():
    refuse_if_nothing_learned(0, None)
    refuse_if_nothing_learned(2, "KL")
    with pytest.raises(LoopError, match=r"policy: KL, and nothing before it was trained.*feedback-loop advance"):
        refuse_if_nothing_learned(0, "KL")
