"""Pairs ranked by the reward model: the best of a prompt's answers against the worst."""

from collections.abc import Sequence

from feedback_loop.records import Completion, Prompt
from reward.pseudo import rank_pairs
from tests.models_fixture import tiny_prompts


def completions(prompt: Prompt, *texts: str) -> list[Completion]:
    return [
        Completion(id=f"{prompt.id}-{n}", prompt_id=prompt.id, completion=text, policy="base", seed=0)
        for n, text in enumerate(texts)
    ]


def length(prompts: Sequence[Prompt], texts: Sequence[str]) -> list[float]:
    return [float(len(text)) for text in texts]


def test_the_best_stands_against_the_worst():
    first, second = tiny_prompts(2)
    made = completions(first, "aa", "a", "aaa") + completions(second, "bbbb", "b")
    pairs = rank_pairs([first, second], made, length, round=3)
    assert [(p.prompt_id, p.chosen[0].content, p.rejected[0].content) for p in pairs] == [
        (first.id, "aaa", "a"),
        (second.id, "bbbb", "b"),
    ]
    assert {(p.source, p.user_id, p.round, p.tie) for p in pairs} == {("reward_model", "reward_model", 3, False)}
    assert pairs[0].prompt == first.prompt


def test_one_answer_or_equal_scores_make_no_pair():
    first, second = tiny_prompts(2)
    assert rank_pairs([first, second], completions(first, "a") + completions(second, "b", "c"), length, round=0) == []
