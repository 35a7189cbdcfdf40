"""Sampling: reproducible, different answers to one prompt, and nothing but the answer in the text."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from feedback_loop.progress import silent
from feedback_loop.recipe import ModelTable, SamplingTable
from feedback_loop.simulation.checks import met
from policies.base import Policy, load_policy
from policies.sampler import Sampled, greedy, sample
from tests.models_fixture import TINY, tiny_prompts

SETTINGS = SamplingTable(max_new_tokens=24, batch_size=8)


def draw(policy: Policy, *, seed: int = 3, settings: SamplingTable = SETTINGS, thinking: bool = False) -> Sampled:
    return sample(policy, tiny_prompts(8), settings, completions=2, thinking=thinking, seed=seed, report=silent)


@pytest.fixture(scope="module", params=["base", "with adapter"])
def policy(request: pytest.FixtureRequest, adapter: Path) -> Policy:
    return load_policy(TINY, None if request.param == "base" else adapter, name="p")


def test_the_same_seed_draws_the_same_answers_and_another_seed_others(policy: Policy):
    assert draw(policy) == draw(policy)
    assert [c.completion for c in draw(policy).completions] != [c.completion for c in draw(policy, seed=4).completions]


def test_answers_come_in_the_order_of_prompts_and_no_prompt_gets_one_twice(policy: Policy):
    sampled = draw(policy)
    assert sampled.dropped == []
    assert [c.prompt_id for c in sampled.completions] == [p.id for p in tiny_prompts(8) for _ in range(2)]
    assert max(Counter((c.prompt_id, c.completion) for c in sampled.completions).values()) == 1
    assert len({c.id for c in sampled.completions}) == 16
    assert {c.policy for c in sampled.completions} == {"p"}


def test_a_prompt_that_only_gets_one_answer_is_reported_as_dropped():
    cold = SETTINGS.model_copy(update={"temperature": 1e-4})
    sampled = draw(load_policy(TINY, None, name="base"), settings=cold)
    assert sampled.dropped
    assert Counter(c.prompt_id for c in sampled.completions)[sampled.dropped[0]] == 1


@pytest.mark.parametrize("thinking", [False, True])
def test_no_thought_is_left_in_an_answer(thinking: bool):
    for completion in draw(load_policy(TINY, None, name="base"), thinking=thinking).completions:
        assert "think>" not in completion.completion
        assert "<|im" not in completion.completion
        assert completion.completion == completion.completion.strip() != ""


def test_progress_ends_at_the_total():
    seen: list[tuple[int, int, str]] = []
    sample(
        load_policy(TINY, None, name="base"),
        tiny_prompts(2),
        SETTINGS,
        completions=2,
        thinking=False,
        seed=0,
        report=lambda done, total, what: seen.append((done, total, what)),
    )
    assert seen[-1] == (4, 4, "sampling")
    assert [s[0] for s in seen] == sorted(s[0] for s in seen)


def test_greedy_answers_are_the_likeliest_ones_whatever_is_batched_with_them(policy: Policy):
    def asked(size: int) -> list[str]:
        return greedy(policy, tiny_prompts(5), max_new_tokens=24, batch_size=size, report=silent)

    cold = SETTINGS.model_copy(update={"temperature": 1e-4})
    sampled = sample(policy, tiny_prompts(5), cold, completions=1, thinking=False, seed=1, report=silent)
    assert asked(1) == asked(5) == [c.completion for c in sampled.completions]


def test_a_qwen2_is_sampled_too(qwen2: ModelTable):
    sampled = draw(load_policy(qwen2, None, name="base"))
    assert len(sampled.completions) == 16


def test_the_answers_to_one_prompt_are_written_under_the_instructions_in_turn_and_say_at_which_level(policy: Policy):
    prompts = tiny_prompts(4)
    sampled = sample(
        policy, prompts, SETTINGS, completions=3, thinking=False, seed=3, report=silent,
        instructions=((1.0, "Start with a greeting."), (0.0, "")),
    )  # fmt: skip
    for prompt in prompts:
        assert Counter(c.level for c in sampled.completions if c.prompt_id == prompt.id) == {1.0: 2, 0.0: 1}
    assert {c.level for c in draw(policy).completions} == {None}
    greet = Counter(c.level for c in sampled.completions if met("greeting", c.completion, True, prompts[0]))
    assert greet[1.0] >= 6, "of eight"


def test_the_base_writes_under_the_whole_brief_where_it_is_asked_to_and_is_named_for_it(adapter: Path):
    policy, base = (load_policy(TINY, folder, name=name) for folder, name in ((adapter, "round-000"), (None, "base")))
    how: Any = {"completions": 2, "thinking": False, "seed": 3, "report": silent}
    levels = ((1.0, "Start with a greeting."), (0.0, ""))
    made = sample(policy, tiny_prompts(4), SETTINGS, instructions=levels, whole_by="base", **how).completions
    assert {(c.policy, c.level) for c in made} == {("base", 1.0), ("round-000", 0.0)}
    assert len({c.id for c in made}) == 8
    by_base = sample(base, tiny_prompts(4), SETTINGS, instructions=levels[:1], **how | {"completions": 1}).completions
    assert [c.completion for c in made if c.level == 1] == [c.completion for c in by_base]
    plain = sample(policy, tiny_prompts(4), SETTINGS, instructions=levels[1:], **how | {"completions": 1}).completions
    assert [c.completion for c in made if c.level == 0] == [c.completion for c in plain], "the policy is in force again"
