"""The PPO step on real, tiny models: one base, honest ratios, frozen adapters, limits, and a kill that changes nothing."""

import dataclasses
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from feedback_loop import models, prompts
from feedback_loop.errors import LoopError
from feedback_loop.policy_tables import PolicyTable, PPOTable
from feedback_loop.recipe import ModelTable
from policies import ppo, ppo_math, watch
from policies.logprobs import read
from policies.ppo_state import Training, open_training
from policies.task import Task
from tests.models_fixture import TINY, adapter_bytes, make_task, weights

SMALL = {"steps": 3, "rollouts": 8, "epochs": 2, "minibatches": 2, "learning_rate": 3e-3, "batch_tokens": 200}


def recipe(ppo_options: dict[str, Any] | None = None, **policy: Any) -> PolicyTable:
    return PolicyTable(step="ppo", ppo=PPOTable(**SMALL | (ppo_options or {})), **policy)


def curves(task: Task) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (task.out / "curves.jsonl").read_text().splitlines()]


def first_step(task: Task) -> tuple[Training, ppo.Experience]:
    now, _ = open_training(task)
    return now, ppo._experience(task, now)


@pytest.mark.parametrize("value", ["trunk", "adapter"])
def test_curves_samples_and_facts_of_a_step(tmp_path: Path, reward_adapter: Path, value: str):
    seen: list[tuple[Any, Any]] = []
    task = make_task(
        tmp_path, recipe({"value": value}), reward=reward_adapter, track=lambda row, shown: seen.append((row, shown))
    )
    facts = ppo.train_ppo(task)
    rows = curves(task)
    assert [row["step"] for row in rows] == [0, 1, 2, 3]
    assert rows[0]["kl"] == pytest.approx(0, abs=1e-6), "the reference is where it starts"
    assert rows[0]["reward"] == pytest.approx(0, abs=1e-6), "rewards are whitened by the first rollouts"
    measured = {"reward", "reward_sd", "kl", "entropy", "length", "ended"}
    learned = {"clip_fraction", "update_kl", "policy_loss", "value_loss", "explained_variance", "grad_norm", "kl_coef"}
    assert all(measured <= set(row) for row in rows)
    assert all(learned <= set(row) for row in rows[:-1]), "the last row only measures"
    assert [row for row, _ in seen] == rows, "live curves are the same rows"
    samples = (task.out / "samples.jsonl").read_text().splitlines()
    assert len(samples) == 4 * 4 == len(seen[-1][1])
    assert (facts["step"], facts["steps"], facts["rollouts"], facts["stopped"]) == ("ppo", 3, 32, None)
    assert facts["measured"]["step"] == 3
    assert set(facts["seconds"]) == {"sampling", "scoring", "training"}
    assert sorted(p.name for p in (task.out / "adapter").iterdir() if p.suffix == ".safetensors") == [
        "adapter_model.safetensors"
    ]


def test_a_whole_step_loads_one_base(
    tmp_path: Path, reward_adapter: Path, adapter: Path, monkeypatch: pytest.MonkeyPatch
):
    loaded: list[Any] = []
    load = models._load
    monkeypatch.setattr(models, "_load", lambda *args, **more: loaded.append(load(*args, **more)) or loaded[-1])
    policy = recipe({"value": "adapter"}, start="parent", reference="parent")
    ppo.train_ppo(make_task(tmp_path, policy, reward=[reward_adapter, reward_adapter], parent=adapter))
    (base,) = loaded
    assert sum(p.numel() for name, p in base.named_parameters() if "lora_" not in name) == 1_399_520
    assert set(base.peft_config) == {"default", "ref", "reward0", "reward1", "value"}


def test_with_thinking_on_the_thought_is_trained_and_not_scored(tmp_path: Path, reward_adapter: Path):
    model = TINY.model_copy(update={"thinking": True})
    task = make_task(tmp_path, recipe({"steps": 1}), reward=reward_adapter, model=model)
    assert ppo.train_ppo(task)["steps"] == 1
    assert "think>" not in (task.out / "samples.jsonl").read_text()


def test_it_is_held_where_neutral_chats_say_so(tmp_path: Path, reward_adapter: Path):
    chats = prompts.load(prompts.DATA / "prompts" / "tiny_neutral.jsonl")[:4]
    task = dataclasses.replace(make_task(tmp_path, recipe({"steps": 1}), reward=reward_adapter), neutral=chats)
    assert ppo.train_ppo(task)["held"] == 4
    assert curves(task)[0]["held_kl"] > 0


def test_the_ratio_starts_at_exactly_1_and_clipping_comes_in_later_epochs(
    tmp_path: Path, reward_adapter: Path, monkeypatch: pytest.MonkeyPatch
):
    task = make_task(tmp_path, recipe({"epochs": 4, "learning_rate": 1e-2}), reward=reward_adapter)
    seen: list[tuple[float, float]] = []
    real = ppo_math.policy_loss

    def spy(new: Any, old: Any, *args: Any, **options: Any) -> Any:
        loss, clipped = real(new, old, *args, **options)
        seen.append((float((new - old).detach().abs().max()), float(clipped)))
        return loss, clipped

    monkeypatch.setattr(ppo_math, "policy_loss", spy)
    now, experience = first_step(task)
    ppo._update(task, now, experience, [])
    first = len(experience.minibatches[0])
    assert first > 1, "gradients are added up over micro-batches"
    assert [seen[i] for i in range(first)] == [(0.0, 0.0)] * first
    assert max(clipped for _, clipped in seen[first:]) > 0


@pytest.mark.parametrize("value", ["trunk", "adapter"])
def test_only_what_learns_changes(tmp_path: Path, reward_adapter: Path, adapter: Path, value: str):
    options = {"value": value, "activation_checkpointing": True}
    task = make_task(tmp_path, recipe(options), reward=reward_adapter, parent=adapter)
    now, experience = first_step(task)
    network = now.policy.model
    names = ("default", "ref", "reward0") + (("value",) if value == "adapter" else ())
    before = {name: weights(network, name) for name in names}
    base = {key: p.detach().clone() for key, p in network.named_parameters() if "lora_" not in key}
    ppo._update(task, now, experience, [])
    ppo._experience(task, now)
    for name in names:
        after = weights(network, name)
        same = all(torch.equal(before[name][key], after[key]) for key in after)
        assert same == (name in ("ref", "reward0")), name
    assert all(torch.equal(p, base[key]) for key, p in network.named_parameters() if key in base)


def test_a_value_adapter_starts_as_the_reward_model(tmp_path: Path, reward_adapter: Path):
    """Before any update the critic's value of a whole completion is its whitened reward."""
    task = make_task(tmp_path, recipe({"value": "adapter"}), reward=reward_adapter)
    now, _ = open_training(task)
    rollouts = ppo._experience(task, now).rollouts
    members = now.members(rollouts.prompts, rollouts.texts)
    assert now.white is not None
    from feedback_loop.adapters import active
    from policies.logprobs import states

    scored = [(row[0] - now.white.means[0]) / now.white.scale for row in members]
    with torch.no_grad(), active(now.policy.model, "value"):
        # One more token, so that the state after the end of the turn is among those read.
        rows = [(head, [*tail, 0]) for head, tail in rollouts.rows]
        values = now.critic(states(now.policy.model, rows, pad=now.policy.tokenizer.pad_token_id).hidden)
    ends = [float(values[i, len(tail)]) for i, (_, tail) in enumerate(rollouts.rows) if rollouts.ended[i]]
    assert ends == pytest.approx([s for s, end in zip(scored, rollouts.ended, strict=True) if end], abs=1e-3)


def test_it_learns_what_the_reward_model_likes(tmp_path: Path, reward_adapter: Path):
    options = {"steps": 8, "rollouts": 32, "batch_tokens": 2048, "kl_coef": 0.05}
    task = make_task(tmp_path, recipe(options), reward=reward_adapter, prompt_count=32)
    ppo.train_ppo(task)
    rows = curves(task)
    assert rows[-1]["reward"] > 0.5
    assert rows[-1]["kl"] > 0.1


def test_the_same_seed_gives_the_same_adapter_bit_for_bit_and_another_seed_another(
    tmp_path: Path, reward_adapter: Path
):
    tasks = [
        make_task(tmp_path / str(n), recipe(), reward=reward_adapter, seed=seed) for n, seed in enumerate((7, 7, 8))
    ]
    for task in tasks:
        ppo.train_ppo(task)
    assert adapter_bytes(tasks[0]) == adapter_bytes(tasks[1]) != adapter_bytes(tasks[2])


class KilledError(BaseException):
    """Stands for SIGKILL inside one process."""


@pytest.mark.parametrize("value", ["trunk", "adapter"])
@pytest.mark.parametrize("place", ["_experience", "_update", "save"])
def test_cut_off_anywhere_and_begun_again_it_is_the_same_step(
    tmp_path: Path, reward_adapter: Path, monkeypatch: pytest.MonkeyPatch, place: str, value: str
):
    policy = recipe({"value": value, "kl_target": 1.0})
    calm = make_task(tmp_path / "calm", policy, reward=reward_adapter)
    ppo.train_ppo(calm)
    task = make_task(tmp_path / "killed", policy, reward=reward_adapter)
    real, calls = getattr(ppo, place), 0

    def dies(*args: Any) -> Any:
        nonlocal calls
        calls += 1
        done = real(*args)
        if calls == 2:
            raise KilledError
        return done

    with monkeypatch.context() as patch:
        patch.setattr(ppo, place, dies)
        with pytest.raises(KilledError):
            ppo.train_ppo(task)
    begun: list[int] = []
    draws = ppo._experience
    monkeypatch.setattr(ppo, "_experience", lambda task, now: begun.append(now.step) or draws(task, now))
    ppo.train_ppo(task)
    assert begun == list(range(2 if place == "save" else 1, 4)), "it goes on, and does not begin anew"
    assert adapter_bytes(task) == adapter_bytes(calm)
    for name in ("curves.jsonl", "samples.jsonl"):
        assert (task.out / name).read_bytes() == (calm.out / name).read_bytes()


def test_over_its_kl_budget_it_stops_and_keeps_the_last_good_adapter(tmp_path: Path, reward_adapter: Path):
    free = make_task(
        tmp_path / "free", recipe({"steps": 4, "learning_rate": 1e-2, "kl_coef": 0.0}), reward=reward_adapter
    )
    ppo.train_ppo(free)
    kls = [row["kl"] for row in curves(free)]
    over = next(step for step, kl in enumerate(kls) if step >= 2 and kl > max(kls[:step]))
    budget = max(kls[:over]) + 1e-3
    held = make_task(
        tmp_path / "held",
        recipe({"steps": 4, "learning_rate": 1e-2, "kl_coef": 0.0}, max_kl=budget),
        reward=reward_adapter,
    )
    facts = ppo.train_ppo(held)
    assert "over policy.max_kl" in facts["stopped"]
    assert facts["steps"] == facts["measured"]["step"] == over - 1
    assert facts["measured"]["kl"] <= budget
    assert curves(held)[-1]["step"] == over, "what made it stop is on the curve"


def test_a_first_update_that_breaks_the_budget_is_an_error_in_one_line(tmp_path: Path, reward_adapter: Path):
    task = make_task(tmp_path, recipe({"learning_rate": 1.0, "max_grad_norm": 1e3}, max_kl=0.5), reward=reward_adapter)
    with pytest.raises(LoopError, match=r"no update before that was good\. Lower the learning rate"):
        ppo.train_ppo(task)
    assert not (task.out / "adapter").exists()


def test_nan_in_an_update_keeps_the_adapter_from_before_it(
    tmp_path: Path, reward_adapter: Path, monkeypatch: pytest.MonkeyPatch
):
    kept: list[dict[str, torch.Tensor]] = []
    real = watch.snapshot
    monkeypatch.setattr(watch, "snapshot", lambda network: kept.append(real(network)) or kept[-1])
    monkeypatch.setattr(ppo, "_targets", _poisoned(ppo._targets, at=1))
    task = make_task(tmp_path, recipe(), reward=reward_adapter)
    facts = ppo.train_ppo(task)
    assert "NaN" in facts["stopped"]
    assert facts["steps"] == 1
    saved = load_file(task.out / "adapter" / "adapter_model.safetensors")
    assert len(saved) == len(kept[1])
    for name, tensor in kept[1].items():
        assert torch.equal(saved[name.replace(".default", "")], tensor)


def test_weights_that_became_nan_stop_it_before_it_samples(
    tmp_path: Path, reward_adapter: Path, monkeypatch: pytest.MonkeyPatch
):
    real = ppo._update

    def breaks(task: Task, now: Training, *given: Any) -> Any:
        done = real(task, now, *given)
        if now.step == 1:
            with torch.no_grad():
                next(iter(now.optimizer.param_groups[0]["params"])).fill_(float("nan"))
        return done

    monkeypatch.setattr(ppo, "_update", breaks)
    facts = ppo.train_ppo(make_task(tmp_path, recipe(), reward=reward_adapter))
    assert facts["stopped"] == watch.DEAD
    assert facts["steps"] == facts["measured"]["step"] == 1


def test_a_start_over_the_budget_is_refused_with_its_own_advice(
    tmp_path: Path, reward_adapter: Path, adapter: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(watch, "kl_estimate", lambda *_: 9.2)
    policy = recipe(max_kl=5.0, start="parent", reference="base")
    with pytest.raises(LoopError, match=r"Before any training, KL .* 9\.2 nats .* policy\.reference = \"parent\""):
        ppo.train_ppo(make_task(tmp_path, policy, reward=reward_adapter, parent=adapter))


def _poisoned(real: Any, at: int) -> Any:
    def targets(task: Task, now: Training, experience: ppo.Experience) -> Any:
        advantages, returns = real(task, now, experience)
        return (advantages * float("nan") if now.step == at else advantages), returns

    return targets


def test_an_adapted_coefficient_follows_the_kl(tmp_path: Path, reward_adapter: Path):
    """Ziegler's rule: up where the KL is over its target, down where it is under, never far at once."""
    task = make_task(tmp_path, recipe({"kl_target": 0.3, "learning_rate": 1e-2, "steps": 5}), reward=reward_adapter)
    ppo.train_ppo(task)
    rows, coefficient = curves(task), 0.2
    for row in rows[:-1]:
        coefficient *= 1 + 0.5 * min(max(row["kl"] / 0.3 - 1, -0.2), 0.2)
        assert row["kl_coef"] == pytest.approx(coefficient)
    assert {row["kl"] > 0.3 for row in rows[:-1]} == {True, False}, "both happened"


def test_members_that_disagree_are_trusted_less(tmp_path: Path, reward_adapter: Path, adapter: Path):
    """Two reward models make the uncertainty more than 0; caution takes it off the rewards, not off the curve."""
    from feedback_loop.progress import silent
    from feedback_loop.recipe import RewardTable
    from reward.train import train_reward
    from tests.models_fixture import QUICK, obvious

    out = tmp_path / "reward" / "adapter"
    out.parent.mkdir()
    train_reward(
        TINY,
        RewardTable(trl=QUICK, members=2),
        obvious(6),
        [],
        out=out,
        work=tmp_path,
        seed=3,
        thinking=False,
        report=silent,
    )
    members = sorted(out.parent.glob("adapter*"))
    assert [m.name for m in members] == ["adapter", "adapter-1"]
    task = make_task(tmp_path / "task", recipe(caution=2.0), reward=members)
    now, experience = first_step(task)
    assert now.readings[0].reward_sd > 0
    assert now.readings[0].reward == pytest.approx(0, abs=1e-6)
    judged = experience.judged
    wary = [m - 2.0 * d for m, d in zip(judged.means, judged.spreads, strict=True)]
    assert judged.cautious == pytest.approx(wary)
    assert max(judged.spreads) > 0.01


def test_cut_off_completions_pay_and_so_do_tokens_the_reference_would_not_write(tmp_path: Path, reward_adapter: Path):
    task = make_task(tmp_path, recipe(end_penalty=0.0), reward=reward_adapter)
    now, experience = first_step(task)
    assert not all(experience.rollouts.ended), "24 tokens are too few for some"
    _, plain = ppo._targets(task, now, experience)
    fined = make_task(tmp_path, recipe(end_penalty=3.0), reward=reward_adapter)
    _, returns = ppo._targets(fined, now, experience)
    lengths = experience.seen.mask.sum(1) - 1
    for i, ended in enumerate(experience.rollouts.ended):
        last = float(returns[i, lengths[i]] - plain[i, lengths[i]])
        assert last == pytest.approx(0.0 if ended else -3.0, abs=1e-5)
    floored = make_task(tmp_path, recipe({"floor": 1e-6}, end_penalty=0.0), reward=reward_adapter)
    _, returns = ppo._targets(floored, now, experience)
    worst = min(experience.judged.cautious)
    assert [float(returns[i, lengths[i]]) for i in range(8)] == pytest.approx([worst] * 8, abs=1e-5)


def test_a_base_that_asks_for_dropout_still_starts_at_ratio_1(
    tmp_path: Path, qwen2: ModelTable, monkeypatch: pytest.MonkeyPatch
):
    folder = tmp_path / "model"
    shutil.copytree(qwen2.name, folder)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"attention_dropout": 0.5}))
    task = make_task(tmp_path / "task", recipe(), model=qwen2.model_copy(update={"name": str(folder)}))
    constant = dataclasses.replace(
        task, reward=tmp_path, load_members=lambda *_: lambda asked, texts: [[float(len(t))] for t in texts]
    )
    ppo.train_ppo(constant)
    assert curves(constant)[0]["step"] == 0
    now, experience = first_step(dataclasses.replace(constant, resume=tmp_path))
    network = now.policy.model.train()
    batch = experience.minibatches[0][0]
    rows = [experience.rollouts.rows[i] for i in batch]
    again = read(network, rows, pad=now.policy.tokenizer.pad_token_id).logprobs
    assert torch.equal(again, experience.seen.logprobs[batch][:, : again.shape[1]])


def test_without_a_reward_model_it_says_what_to_do(tmp_path: Path):
    with pytest.raises(LoopError, match="needs a reward model"):
        ppo.train_ppo(make_task(tmp_path, recipe()))


@pytest.mark.parametrize("value", ["trunk", "adapter"])
def test_a_qwen2_in_bfloat16_with_checkpointing(tmp_path: Path, qwen2: ModelTable, value: str):
    from feedback_loop.progress import silent
    from feedback_loop.recipe import RewardTable
    from reward.train import train_reward
    from tests.models_fixture import QUICK, obvious

    out = tmp_path / "reward" / "adapter"
    out.parent.mkdir()
    train_reward(
        qwen2, RewardTable(trl=QUICK), obvious(2), [], out=out, work=tmp_path, seed=0, thinking=False, report=silent
    )
    model = qwen2.model_copy(update={"dtype": "bfloat16"})
    options = {"value": value, "activation_checkpointing": True}
    task = make_task(tmp_path / "task", recipe(options), reward=out, model=model)
    assert ppo.train_ppo(task)["steps"] == 3
    assert all(row["update_kl"] > 0 for row in curves(task)[:-1]), "each epoch sees what the one before it learned"
