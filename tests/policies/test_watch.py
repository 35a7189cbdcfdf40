"""When a training must stop, and that it says why in words."""

import pytest

from feedback_loop.errors import LoopError
from policies.base import load_policy
from policies.watch import Reading, is_alive, refuse_if_nothing_learned, refuse_start, trouble
from tests.models_fixture import TINY, tiny_prompts

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
    with pytest.raises(
        LoopError, match=r"^over policy\.max_kl, and no update .* Lower the learning rate, or raise policy"
    ):
        refuse_if_nothing_learned(0, "over policy.max_kl")
    with pytest.raises(LoopError, match=r"Lower the learning rate\.$"):
        refuse_if_nothing_learned(0, "entropy collapsed")


def test_a_start_that_is_too_far_away_is_refused_with_other_advice():
    refuse_start([FIRST], None)
    refuse_start([FIRST, after(kl=11)], "over policy.max_kl")
    with pytest.raises(LoopError, match=r'Before any training, KL .* set policy\.reference = "parent"'):
        refuse_start([FIRST], "KL 9 nats, over policy.max_kl = 1")


def test_a_policy_of_nan_is_not_alive():
    import torch

    policy = load_policy(TINY, None, name="base")
    (prompt,) = tiny_prompts(1)
    assert is_alive(policy, prompt, thinking=False)
    with torch.no_grad():
        policy.model.model.layers[1].mlp.up_proj.weight[0, 0] = float("nan")
    assert not is_alive(policy, prompt, thinking=False)
