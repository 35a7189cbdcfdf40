"""The step `bake` in a round: no labels are needed, people's pairs may follow, and the base is baked once a run."""

import dataclasses
import json
from pathlib import Path

import pytest

from feedback_loop.errors import UsageError
from feedback_loop.policy_tables import BakeTable, PolicyTable
from feedback_loop.records import Preference
from policies import baking
from policies.base import load_policy
from policies.logprobs import completion_logprobs
from policies.task import Task
from tests.models_fixture import BAD, GOOD, QUICK, TINY, adapter_bytes, make_task, obvious, tiny_prompts

BRIEF = "Write one sentence. Do not greet the user."


def task_of(folder: Path, then: str, pairs: list[Preference], cache: Path | None = None) -> Task:
    table = BakeTable(steps=2, rollouts=8, learning_rate=5e-3, then=then)
    policy = PolicyTable(step="bake", bake=table, start="base", reference="base", probe=4, trl=QUICK)
    task = make_task(folder, policy, pairs=pairs)
    return dataclasses.replace(task, brief=BRIEF, cache=cache or task.cache)


def test_without_a_brief_it_says_where_to_write_one(tmp_path: Path):
    task = dataclasses.replace(task_of(tmp_path, "none", []), brief="")
    with pytest.raises(UsageError, match=r"there is none\. Write RUN/brief\.md, then: feedback-loop redo RUN prompts$"):
        baking.train_bake(task)


def test_it_needs_no_labels_and_from_the_base_it_is_done_once_a_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    first = task_of(tmp_path / "first", "none", [])
    assert baking.train_bake(first)["steps"] == 2
    monkeypatch.setattr(baking, "bake", None)
    later = task_of(tmp_path / "later", "none", obvious(2), cache=first.cache)
    tracked: list[float] = []
    later = dataclasses.replace(later, seed=99, track=lambda row, _: tracked.append(row["step"]))
    facts = baking.train_bake(later)
    assert (facts["steps"], facts["kept"]) == (2, True)
    assert adapter_bytes(later) == adapter_bytes(first)
    assert tracked == [0, 1, 2], "its curves are shown all the same"
    other = dataclasses.replace(later, brief="Be formal.")
    with pytest.raises(TypeError):
        baking.train_bake(other)


def test_then_people_are_learned_from_the_baked_adapter_on(tmp_path: Path):
    task = task_of(tmp_path, "dpo", obvious(6))
    facts = baking.train_bake(task)
    assert (facts["step"], facts["pairs"], facts["then"]["step"]) == ("bake", 6, "dpo")
    rows = [json.loads(line) for line in (task.out / "curves.jsonl").read_text().splitlines()]
    steps = [row["step"] for row in rows]
    assert steps == sorted(steps)
    assert steps[-1] == facts["steps"] == 2 + facts["then"]["steps"]
    preferred = next(row for row in rows if "rewards/margins" in row)
    assert preferred["rewards/chosen"] == pytest.approx(0, abs=1e-3), "the reference is where it starts"
    (baked,) = task.cache.glob("baked-*")
    assert _margin(task.out / "adapter") > _margin(baked / "adapter") + 1


def test_where_nobody_prefers_anything_the_baking_stands(tmp_path: Path):
    ties = [p.model_copy(update={"tie": True}) for p in obvious(2)]
    facts = baking.train_bake(task_of(tmp_path, "dpo", ties))
    assert "then" not in facts


def _margin(adapter: Path) -> float:
    """How much more likely the good answer is than the bad one, nats."""
    policy = load_policy(TINY, adapter, name="p")
    (good,), (bad,) = (
        completion_logprobs(policy, tiny_prompts(1), [text], thinking=False, batch_size=1) for text in (GOOD, BAD)
    )
    return good - bad
