"""The policy step by RLOO: TRL's RLOOTrainer, rewarded by the round's reward model on the very same base."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

from feedback_loop import scores
from feedback_loop.chat import end_id, render_prompt, without_thought
from feedback_loop.errors import LoopError
from feedback_loop.scores import Members, Whitening
from policies.task import Task, precision, refuse_equal
from policies.trl_training import options, train

SAMPLED = ("temperature", "top_p", "max_completion_length")
"""Options that come from `[sampling]`."""
DEFAULTS = {"learning_rate": 1e-4, "beta": 0.2, "num_generations": 4, "per_device_train_batch_size": 16}


def train_rloo(task: Task) -> dict[str, Any]:
    """Train an adapter; returns the stage's facts. LoopError where the round has no reward model, or one
    that finds all answers equally good.

    REINFORCE with leave-one-out baselines, Ahmadian et al. 2024 (arXiv 2402.14740), in TRL's implementation: `beta` is
    the KL coefficient, in standard deviations of the reward a nat, as PPO's `kl_coef`.
    """
    from datasets import Dataset
    from trl import RLOOConfig, RLOOTrainer

    if task.load_members is None:
        raise LoopError("RLOO needs a reward model, and this round has none.")
    load_once, drawn = cache(task.load_members), list[int]()

    def build(network: Any, fresh: Any, tokenizer: Any) -> Any:
        sampling = dict(zip(SAMPLED, (task.sampling.temperature, 1.0, task.sampling.max_new_tokens), strict=True))
        settings = RLOOConfig(**options(task, task.policy.rloo, **DEFAULTS) | sampling)
        trainer = RLOOTrainer(
            model=network,
            reward_funcs=_reward(task, tokenizer, lambda: load_once(trainer.model, tokenizer), drawn),
            args=settings,
            train_dataset=Dataset.from_list(
                [
                    {"prompt": render_prompt(tokenizer, p.messages, thinking=task.model.thinking), "place": place}
                    for place, p in enumerate(task.prompts)
                ]
                * -(-settings.generation_batch_size // len(task.prompts))  # TRL draws whole batches of prompts, or none
            ),
            processing_class=tokenizer,
            peft_config=fresh,
        )
        load_once(trainer.model, tokenizer)  # now, for it draws random numbers that sampling would miss later
        return trainer

    facts = train(replace(task, load_members=load_once), "rloo", build)
    return facts | {"rollouts": sum(drawn)}


def _reward(task: Task, tokenizer: Any, members: Callable[[], Members], drawn: list[int]) -> Any:
    """TRL's reward function: the cautious score, whitened by the first batch, less the penalty for a cut-off answer.

    TRL wants it before the network is there that the reward model lies on. `drawn` gets the number of completions.
    """
    stop = end_id(tokenizer)
    white: list[Whitening] = []

    def reward(completions: list[str], completion_ids: list[list[int]], place: list[int], **_: Any) -> list[float]:
        with precision(task.model):
            opinions = members()([task.prompts[i] for i in place], [without_thought(text) for text in completions])
        drawn.append(len(completions))
        first_time = not white
        if first_time:
            white.append(scores.whitening(opinions))
        judged = scores.judge(opinions, white[0], task.policy.caution)
        if first_time:
            refuse_equal(judged)
        cut = [ids[-1] != stop for ids in completion_ids]
        return [w - task.policy.end_penalty * c for w, c in zip(judged.cautious, cut, strict=True)]

    return reward
