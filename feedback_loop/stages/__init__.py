"""The stages of a round, in order: each reads earlier stages' files and writes one folder.

Only `rankings` is not here: it waits for people, so the loop does it with the store (`loop.collect`).
"""

from collections.abc import Callable
from dataclasses import dataclass

from feedback_loop.progress import Progress
from feedback_loop.run import Draft, Run
from feedback_loop.stages.asking import build_preferences, choose_prompts, make_comparisons
from feedback_loop.stages.judging import decide_promotion, evaluate_policy
from feedback_loop.stages.training import train_policy, train_reward

Work = Callable[[Run, int, Draft, Progress], None]
"""A stage's body: (run, round, draft to write into, progress)."""


@dataclass(frozen=True)
class Stage:
    """One step of a round."""

    work: Work
    models: bool = False
    """Needs models, so it runs in a process of its own."""


WORK = {
    "prompts": Stage(choose_prompts),
    "comparisons": Stage(make_comparisons, models=True),
    "preferences": Stage(build_preferences),
    "reward": Stage(train_reward, models=True),
    "policy": Stage(train_policy, models=True),
    "evaluation": Stage(evaluate_policy, models=True),
    "promotion": Stage(decide_promotion),
}
