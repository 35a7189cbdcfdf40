"""A reward model that learned to prefer nothing teaches nothing: each step that learns from it says so in one line."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from feedback_loop.errors import LoopError
from feedback_loop.policy_tables import BonTable, PolicyTable, PPOTable
from feedback_loop.progress import silent
from feedback_loop.recipe import RewardTable
from feedback_loop.records import Preference
from policies.bon import opened, pick
from policies.steps import STEPS
from policies.task import Task
from reward.fit import train_head
from tests.models_fixture import BAD, GOOD, QUICK, TINY, make_task, obvious, preference, tiny_prompts

TIES = [p.model_copy(update={"tie": True}) for p in obvious(12)]
CONTRADICTIONS = [
    *obvious(12),
    *(preference(p, BAD, GOOD).model_copy(update={"user_id": "ben"}) for p in tiny_prompts(12)),
]
SETTINGS: dict[str, dict[str, Any]] = {
    "bon": {"trl": QUICK, "bon": BonTable(prompts=4, completions=4, learn="both", min_accuracy=0)},
    "rloo": {"rloo": QUICK | {"max_steps": 1, "per_device_train_batch_size": 8, "num_generations": 4}},
    "ppo": {"ppo": PPOTable(steps=1, rollouts=8)},
}
EQUAL = (
    r"^The reward model finds all answers to a prompt equally good.*Set policy.step = .dpo.*redo RUN rankings, then: "
)


def taught(folder: Path, step: str, pairs: Sequence[Preference]) -> Task:
    """A step, by a head that was fitted on these pairs, mirrored members and all."""
    train_head(
        TINY, RewardTable(form="head", members=16), pairs, [], known={}, out=folder / "head", seed=1, thinking=False,
        batch_size=8, report=silent, track=lambda _: None,
    )  # fmt: skip
    policy = PolicyTable(step=step, probe=0, **SETTINGS[step])
    return make_task(folder, policy, pairs=pairs, prompt_count=4, reward=folder / "head")


@pytest.mark.parametrize("step", SETTINGS)
def test_people_who_contradict_each_other_leave_nothing_to_learn_from_a_head(tmp_path: Path, step: str):
    """Its members cancel but for rounding, which whitened or compared would pass for an opinion."""
    with pytest.raises(LoopError, match=EQUAL):
        STEPS[step](taught(tmp_path, step, CONTRADICTIONS))


def test_a_head_of_ties_has_no_best_answer_though_some_were_cut(tmp_path: Path):
    task = taught(tmp_path, "bon", TIES)
    with pytest.raises(LoopError, match=EQUAL):
        pick(task, *opened(task), task.prompts)


def test_a_few_labels_are_an_opinion(tmp_path: Path):
    task = taught(tmp_path, "bon", obvious(2))
    assert pick(task, *opened(task), task.prompts)
