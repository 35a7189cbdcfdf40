"""Pairs that the reward model ranks among fresh samples."""

from collections.abc import Sequence

from feedback_loop.records import Completion, Message, Preference, Prompt
from feedback_loop.scores import Score


def rank_pairs(
    prompts: Sequence[Prompt],
    completions: Sequence[Completion],
    score: Score,
    *,
    round: int,  # noqa: A002 - the records' own word
) -> list[Preference]:
    """For each prompt with two completions or more: the best by the reward model against the worst."""
    by_id = {p.id: p for p in prompts}
    scores = score([by_id[c.prompt_id] for c in completions], [c.completion for c in completions])
    answers: dict[str, list[tuple[float, Completion]]] = {}
    for value, completion in zip(scores, completions, strict=True):
        answers.setdefault(completion.prompt_id, []).append((value, completion))
    pairs = []
    for name, found in answers.items():
        ranked = sorted(found, key=lambda pair: (pair[0], pair[1].id))
        if len(ranked) > 1 and ranked[-1][0] > ranked[0][0]:
            pairs.append(_pair(by_id[name], ranked[-1][1], ranked[0][1], round))
    return pairs


def _pair(prompt: Prompt, best: Completion, worst: Completion, number: int) -> Preference:
    return Preference(
        prompt=prompt.prompt,
        chosen=(Message(role="assistant", content=best.completion),),
        rejected=(Message(role="assistant", content=worst.completion),),
        prompt_id=prompt.id,
        comparison_id=f"r{number:03d}-{best.id}-{worst.id}",
        user_id="reward_model",
        round=number,
        source="reward_model",
    )
