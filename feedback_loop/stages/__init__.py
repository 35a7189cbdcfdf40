"""The stages of a round, in order: each reads earlier stages' files and writes one folder.

`rankings` and `promotion` are not here: they wait for people, so the loop does them with the store (`loop.collect` and
`loop.judge`).
"""

from collections.abc import Callable
from dataclasses import dataclass

from feedback_loop.progress import Progress
from feedback_loop.run import Draft, Run
from feedback_loop.stages.asking import build_preferences, choose_prompts, make_comparisons
from feedback_loop.stages.duelling import make_duels
from feedback_loop.stages.judging import evaluate_policy
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
    "duels": Stage(make_duels, models=True),
}
