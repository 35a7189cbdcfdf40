"""Options of all steps are checked before anything runs, and a recipe that only names a step has it all."""

from typing import Any

import pytest

from feedback_loop import recipe
from feedback_loop.errors import UsageError
from feedback_loop.policy_tables import PolicyTable
from feedback_loop.prompts import DATA
from policies.steps import STEPS, check_options


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"trl": {"bata": 1}}, r"policy\.trl\.bata: DPOConfig has no such option"),
        ({"trl": {"seed": 1}}, r"policy\.trl\.seed: set by the loop"),
        ({"trl": {"precompute_ref_log_probs": True}}, r"policy\.trl\.precompute_ref_log_probs"),
        ({"sft": {"beta": 1}}, r"policy\.sft\.beta: SFTConfig has no such option"),
        ({"kto": {"loss": 1}}, r"policy\.kto\.loss: KTOConfig has no such option"),
        ({"rloo": {"clip": 1}}, r"policy\.rloo\.clip: RLOOConfig has no such option"),
        ({"rloo": {"temperature": 0.7}}, r"policy\.rloo\.temperature: comes from \[sampling\]"),
    ],
)
def test_an_option_that_cannot_be_is_named(options: dict[str, Any], said: str):
    with pytest.raises(UsageError, match=said):
        check_options(PolicyTable(**options))


@pytest.mark.parametrize("step", sorted(STEPS))
@pytest.mark.parametrize("name", ["demo", "default"])
def test_every_step_can_be_named_on_a_shipped_recipe(name: str, step: str):
    read = recipe.load(DATA / "recipes" / f"{name}.toml", [f"policy.step={step}"])
    assert read.policy.step == step
    check_options(read.policy)


def test_a_step_that_is_not_there_is_refused():
    with pytest.raises(UsageError, match=r"policy\.step = 'grpo'"):
        recipe.parse({"policy": {"step": "grpo"}}, "recipe.toml")
