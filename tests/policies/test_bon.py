"""Best of n: the reward model picks, the pool is drawn once, and both ways of learning work from it."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from feedback_loop.errors import LoopError
from feedback_loop.policy_tables import BonTable, PolicyTable
from policies import bon
from policies.dpo import train_dpo
from policies.task import Task
from tests.models_fixture import BAD, GOOD, QUICK, adapter_bytes, make_task, obvious, preference, tiny_prompts


def recipe(**more: Any) -> PolicyTable:
    options = {
        "step": "bon",
        "trl": QUICK,
        "sft": QUICK,
        "probe": 0,
        "bon": BonTable(prompts=10, completions=4, min_accuracy=0),
    }
    return PolicyTable(**options | more)


@pytest.fixture
def task(tmp_path: Path, reward_adapter: Path) -> Task:
    return make_task(tmp_path, recipe(), pairs=obvious(8), reward=reward_adapter, prompt_count=10)


def test_best_and_worst_are_the_reward_models(task: Task):
    picked = bon.pick(task, *bon.opened(task), task.prompts)
    assert task.load_members is not None
    from policies.base import load_policy

    policy = load_policy(task.model, None, name="base")
    members = task.load_members(policy.model, policy.tokenizer)
    best = members([p for p, _, _ in picked], [b for _, b, _ in picked])
    worst = members([p for p, _, _ in picked], [w for _, _, w in picked])
    # Pairs of ended answers alone are sure to keep the order of the scores; the fine for the others is 1 deviation.
    better = sum(b[0] > w[0] for b, w in zip(best, worst, strict=True))
    assert better >= len(picked) - 1
    assert {p.id for p, _, _ in picked} <= {p.id for p in task.prompts}


def test_the_pool_is_drawn_once_however_it_is_learned(
    tmp_path: Path, task: Task, reward_adapter: Path, monkeypatch: pytest.MonkeyPatch
):
    bon.train_bon(task)
    drawn = sorted(p.name for p in task.cache.glob("pool-*"))
    assert len(drawn) == 2, "ten prompts are two groups"
    first = adapter_bytes(task)

    def never(*_: Any) -> Any:
        raise AssertionError("drawn again")

    monkeypatch.setattr(bon, "_draw", never)
    again = make_task(tmp_path, recipe(), pairs=obvious(8), reward=reward_adapter, prompt_count=10)
    bon.train_bon(again)
    assert adapter_bytes(again) == first
    sft = make_task(
        tmp_path,
        recipe(bon=BonTable(prompts=10, completions=4, learn="sft", min_accuracy=0)),
        pairs=obvious(8),
        reward=reward_adapter,
        prompt_count=10,
    )
    facts = bon.train_bon(sft)
    assert facts["learn"] == "sft"
    assert (facts["samples"], facts["step"]) == (40, "bon")
    assert adapter_bytes(sft) != first


def pools(tmp_path: Path, reward: Path, pool: str, *rounds: dict[str, Any]) -> int:
    """Files of answers after these rounds; two a pool."""
    how = recipe(bon=BonTable(prompts=10, completions=4, pool=pool))
    for more in rounds:
        task = make_task(tmp_path, how, reward=reward, prompt_count=10, **more)
        bon.pick(task, *bon.opened(task), task.prompts)
    return len(list(task.cache.glob("pool-*")))


def test_the_bases_answers_are_drawn_once_a_run(tmp_path: Path, reward_adapter: Path, adapter: Path):
    rounds = {"seed": 7}, {"seed": 8}, {"seed": 9, "parent": adapter}
    assert pools(tmp_path, reward_adapter, "base", *rounds) == 2
    assert pools(tmp_path, reward_adapter, "base", {"run_seed": 8}) == 4


def test_the_policys_own_answers_are_drawn_each_round(tmp_path: Path, reward_adapter: Path, adapter: Path):
    assert pools(tmp_path, reward_adapter, "parent", {"seed": 7}, {"seed": 8}, {"seed": 7, "parent": adapter}) == 6


def test_a_kill_while_drawing_costs_one_group_at_most(tmp_path: Path, task: Task, monkeypatch: pytest.MonkeyPatch):
    calm = make_task(tmp_path / "calm", recipe(), reward=task.reward, prompt_count=10)
    bon.pick(calm, *bon.opened(calm), calm.prompts)
    real, calls = bon._draw, 0

    def dies(*args: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise KeyboardInterrupt
        return real(*args)

    with monkeypatch.context() as patch:
        patch.setattr(bon, "_draw", dies)
        with pytest.raises(KeyboardInterrupt):
            bon.pick(task, *bon.opened(task), task.prompts)
    assert len(list(task.cache.glob("pool-*"))) == 1
    bon.pick(task, *bon.opened(task), task.prompts)
    for file in calm.cache.glob("pool-*"):
        assert (task.cache / file.name).read_bytes() == file.read_bytes()


def test_answers_that_are_all_equally_good_teach_nothing(tmp_path: Path, reward_adapter: Path):
    task = make_task(tmp_path, recipe(end_penalty=0.0), pairs=obvious(8), reward=reward_adapter)
    constant = dataclasses.replace(task, load_members=lambda *_: lambda asked, texts: [[1.0] for _ in texts])
    with pytest.raises(LoopError, match="equally good"):
        bon.train_bon(constant)


@pytest.mark.parametrize(
    ("accuracy", "said"),
    [(None, "nobody knows how often"), (0.49, "may be right in 49% only; policy.bon.min_accuracy is 50%")],
)
def test_a_reward_model_that_may_be_guessing_is_not_learned_from(
    tmp_path: Path, reward_adapter: Path, monkeypatch: pytest.MonkeyPatch, accuracy: float | None, said: str
):
    pairs = obvious(4)
    doubted = make_task(tmp_path / "bon", recipe(bon=BonTable()), pairs=pairs, reward=reward_adapter)
    monkeypatch.setattr(bon, "_draw", lambda *_: pytest.fail("answers were drawn for nothing"))
    facts = bon.train_bon(dataclasses.replace(doubted, accuracy=accuracy))
    assert said in facts["doubt"]
    plain = make_task(tmp_path / "dpo", recipe(step="dpo"), pairs=pairs, reward=reward_adapter)
    train_dpo(plain)
    assert adapter_bytes(doubted) == adapter_bytes(plain), "it is DPO on people's pairs"


def test_of_a_handful_of_labels_peoples_pairs_alone_are_learned_whatever_the_recipe_trusts(
    tmp_path: Path, reward_adapter: Path, monkeypatch: pytest.MonkeyPatch
):
    """Ties prefer nothing, and an edit and its choice are one label."""
    few = [*obvious(7), *(p.model_copy(update={"source": "edit"}) for p in obvious(7))]
    ties = [p.model_copy(update={"tie": True, "user_id": "ben"}) for p in obvious(8)]
    task = make_task(tmp_path / "few", recipe(), pairs=[*few, *ties], reward=reward_adapter)
    assert not bon.doubted(dataclasses.replace(task, pairs=obvious(bon.FEWEST)))
    monkeypatch.setattr(bon, "_draw", lambda *_: pytest.fail("answers were drawn for nothing"))
    facts = bon.train_bon(task)
    assert facts["doubt"] == "7 labels prefer an answer, and of fewer than 8 the reward model knows too little"
    assert facts["pairs"] == 14
    with pytest.raises(LoopError, match=r"^No ranking prefers one answer.*redo RUN rankings"):
        bon.train_bon(dataclasses.replace(task, pairs=ties))


def test_both_learns_peoples_pairs_but_those_that_the_reward_model_contradicts(tmp_path: Path, reward_adapter: Path):
    asked = BonTable(prompts=4, completions=4, learn="both")
    slips = [preference(p, BAD, GOOD) for p in tiny_prompts(8)[6:]]
    task = make_task(tmp_path, recipe(bon=asked), pairs=[*obvious(6), *slips], reward=reward_adapter)
    facts = bon.train_bon(dataclasses.replace(task, accuracy=0.9))
    assert (facts["pairs"], facts["contradicted"]) == (6, 2)
    assert "doubt" not in facts
