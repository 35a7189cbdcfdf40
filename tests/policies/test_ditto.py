"""DITTO: a demonstration beats all that the policy ever wrote, and what it wrote later beats what it wrote before."""

import dataclasses
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from feedback_loop.errors import LoopError
from feedback_loop.examples.demonstrations import Demonstration
from feedback_loop.policy_tables import DittoTable, PolicyTable
from policies import ditto
from policies.base import load_policy
from policies.logprobs import completion_logprobs
from policies.task import Task
from tests.models_fixture import BAD, GOOD, QUICK, TINY, adapter_bytes, make_task, obvious, tiny_prompts


def shown(count: int = 4) -> list[Demonstration]:
    """GOOD, to each of the first prompts."""
    return [
        Demonstration(request=p.prompt, text=GOOD, origin="edit", comparison_id=f"c-{p.id}", user_id="anna", worth=0.75)
        for p in tiny_prompts(count)
    ]


def task_of(folder: Path, count: int = 4, **more: Any) -> Task:
    table = DittoTable(**{"samples": 2, "turns": 2, "steps": 2, "learning_rate": 5e-3} | more)
    options = QUICK | {"per_device_train_batch_size": 4}
    policy = PolicyTable(step="ditto", ditto=table, start="base", reference="base", probe=0, trl=options, sft=options)
    return dataclasses.replace(make_task(folder, policy, pairs=obvious(6)), demonstrations=shown(count))


def curves(task: Task) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (task.out / "curves.jsonl").read_text().splitlines()]


def likelihood(adapter: Path | None, text: str) -> float:
    """Log-probability of a text after a request that nobody demonstrated."""
    policy = load_policy(TINY, adapter, name="p")
    return completion_logprobs(policy, tiny_prompts(9)[8:], [text], thinking=False, batch_size=1)[0]


def test_without_a_demonstration_it_says_what_to_do(tmp_path: Path):
    with pytest.raises(LoopError, match=r"nothing to learn from\. To rank more: feedback-loop redo RUN rankings"):
        ditto.train_ditto(task_of(tmp_path, count=0))


def test_it_imitates_then_learns_in_turns_held_near_the_imitation(tmp_path: Path):
    task = task_of(tmp_path)
    facts = ditto.train_ditto(task)
    assert (facts["step"], facts["demonstrations"], facts["turns"], facts["samples"]) == ("ditto", 4, 2, 24)
    assert (facts["start"], facts["reference"], facts["stopped"]) == ("base", "base", None)
    made = task.out / "adapter"
    assert likelihood(made, GOOD) - likelihood(made, BAD) > likelihood(None, GOOD) - likelihood(None, BAD) + 3
    rows = curves(task)
    steps = [row["step"] for row in rows]
    assert steps == sorted(steps)
    assert steps[-1] == facts["steps"]
    first, *_, last = [row for row in rows if "rewards/chosen" in row]
    assert first["rewards/chosen"] == pytest.approx(0, abs=1e-3), "the first turn starts at its reference"
    assert abs(last["rewards/chosen"]) > 0.01, "the second goes on from the first, and the reference stays"


@pytest.mark.nightly
def test_the_same_seed_gives_the_same_adapter(tmp_path: Path):
    one, other = task_of(tmp_path / "one"), task_of(tmp_path / "other")
    ditto.train_ditto(one)
    ditto.train_ditto(other)
    assert adapter_bytes(one) == adapter_bytes(other)


def test_the_best_are_learned_from_and_peoples_pairs_beside_them_where_the_recipe_says_so(tmp_path: Path):
    facts = ditto.train_ditto(task_of(tmp_path, demonstrations=2, turns=1, steps=1, learn="both"))
    assert (facts["learn"], facts["demonstrations"]) == ("both", 2)
    assert facts["pairs"] > 6, "six are people's"


def drawn(age: int, count: int) -> ditto.Draws:
    return [[(f"draw {n} of policy {age}", n > 0) for n in range(3)] for _ in range(count)]


def test_the_order_is_demonstrations_then_newer_draws_then_older_ones():
    pairs = ditto.ordered(shown(30), [drawn(age, 30) for age in range(3)], 100, seed=1)
    kinds = Counter[str]()
    for pair in pairs:
        better, worse = pair.chosen[0].content, pair.rejected[0].content
        if better == GOOD:
            kinds["newest" if worse[-1] == "2" else "older"] += 1
        else:
            kinds["between"] += 1
            assert better[-1] > worse[-1], "the later policy's"
            assert not better.startswith("draw 0"), "a cut answer is never the better one"
    assert kinds == {"newest": 70, "older": 20, "between": 10}
    assert len({p.prompt for p in pairs}) > 20
    assert pairs != ditto.ordered(shown(30), [drawn(age, 30) for age in range(3)], 100, seed=2)


def test_the_same_words_are_not_better_than_themselves():
    same = [[(GOOD, True)] for _ in range(4)]
    assert ditto.ordered(shown(4), [same, same], 100, seed=1) == []
