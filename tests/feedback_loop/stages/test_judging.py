"""How the reward model of the round before fares on what its policy wrote, and what an evaluation leaves."""

import shutil
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from feedback_loop.gate.forgetting import NAMES
from feedback_loop.progress import silent
from feedback_loop.recipe import Recipe, RewardTable, SamplingTable
from feedback_loop.records import Preference
from feedback_loop.run import Draft, Run, commit, create, write_jsonl
from feedback_loop.stages.judging import evaluate_policy, foreseen, forget
from policies.base import load_policy
from policies.logprobs import completion_logprobs
from reward.score import load_scorer
from reward.train import train_reward
from tests.models_fixture import BAD, GOOD, QUICK, TINY, preference, tiny_prompts

ASKED = tiny_prompts(12)


def pair(number: int, *, right: bool = True, round_: int = 1, **changes: Any) -> Preference:
    made = preference(ASKED[number], *((GOOD, BAD) if right else (BAD, GOOD)))
    return made.model_copy(update={"round": round_, **changes})


def run_of(folder: Path, reward: Path, pairs: list[Preference]) -> Run:
    """A run whose round 0 has this reward model and whose round 1 has these pairs."""
    run = create(folder / "run", Recipe(model=TINY), ASKED[:8], ASKED[8:])
    with commit(run, 0, "reward") as draft:
        shutil.copytree(reward, draft.path / "adapter")
    with commit(run, 1, "preferences") as draft:
        write_jsonl(draft.path / "train.jsonl", pairs[1:])
        write_jsonl(draft.path / "heldout.jsonl", pairs[:1])
    return run


def draft_of(folder: Path) -> Draft:
    return Draft(folder / "draft", folder / "work", folder / "resume")


def test_agreement_is_the_share_of_this_rounds_choices_that_it_foresaw(
    tmp_path: Path, adapter: Path, reward_adapter: Path
):
    pairs = [pair(0), pair(1), pair(2), pair(3, right=False), pair(4, right=False, round_=0)]
    run, draft = run_of(tmp_path, reward_adapter, pairs), draft_of(tmp_path)
    found = foreseen(run, 1, draft, load_policy(TINY, adapter, name="round-000"))
    assert found is not None
    assert (found["agreement"], found["pairs"]) == (0.75, 4)
    assert found["low"] < 0.75 < found["high"]
    assert run.stage_folder(0, "reward") / "manifest.json" in draft.inputs


def test_nothing_is_said_of_the_first_round_or_without_a_choice(tmp_path: Path, reward_adapter: Path):
    run, base = (
        run_of(tmp_path, reward_adapter, [pair(0, tie=True), pair(1, tie=True)]),
        load_policy(TINY, None, name="base"),
    )
    assert foreseen(run, 0, draft_of(tmp_path), base) is None
    assert foreseen(run, 1, draft_of(tmp_path), base) is None


def test_afterwards_another_reward_model_of_another_rank_takes_its_place(
    tmp_path: Path, adapter: Path, reward_adapter: Path
):
    train_reward(
        TINY, RewardTable(lora_rank=4, trl=QUICK), [pair(n, right=False) for n in range(8)], [], out=tmp_path / "adapter",
        work=tmp_path / "work", seed=1, thinking=False, report=silent,
    )  # fmt: skip

    def scores(policy: Any, folder: Path) -> list[float]:
        load = load_scorer(policy.model, policy.tokenizer, [folder], thinking=False, batch_size=4)
        return load(ASKED[:2], [GOOD, BAD])

    policy = load_policy(TINY, adapter, name="p")
    before = completion_logprobs(policy, ASKED[:1], [GOOD], thinking=False, batch_size=1)
    scores(policy, reward_adapter)
    forget(policy.model, "reward")
    assert scores(policy, tmp_path / "adapter") == scores(load_policy(TINY, adapter, name="p"), tmp_path / "adapter")
    assert completion_logprobs(policy, ASKED[:1], [GOOD], thinking=False, batch_size=1) == before
    forget(load_policy(TINY, None, name="base").model, "reward")


def _note(shown: list[tuple[int, int, str]], *step: Any) -> None:
    shown.append(step)


def test_an_evaluation_holds_the_table_of_checks_and_a_second_round_measures_only_its_own_policy(
    tmp_path: Path, adapter: Path, reward_adapter: Path
):
    sampling = SamplingTable(max_new_tokens=24, batch_size=8)
    run = create(tmp_path / "run", Recipe(model=TINY, sampling=sampling), ASKED[:4], ASKED[4:])
    tables, asked = [], list[list[str]]()
    for number, parent in ((0, "base"), (1, "round-000")):
        with commit(run, number, "preferences") as draft:
            write_jsonl(draft.path / "train.jsonl", [])
            write_jsonl(draft.path / "heldout.jsonl", [])
        for stage, made in (("reward", reward_adapter), ("policy", adapter)):
            with commit(run, number, stage) as draft:
                shutil.copytree(made, draft.path / "adapter")
                draft.facts["parent"] = parent
        shown: list[tuple[int, int, str]] = []
        with commit(run, number, "evaluation") as draft:
            evaluate_policy(run, number, draft, partial(_note, shown))
        tables.append({row["name"]: row for row in run.manifest(number, "evaluation").facts["checks"]})
        asked.append([what for done, total, what in shown if done == total])
    first, second = tables
    assert tuple(first) == NAMES
    assert first["kl_parent"]["candidate"] == first["kl_base"]["candidate"] > 0
    assert second["kl_parent"]["candidate"] == pytest.approx(0.0, abs=1e-3), "the same adapter again"
    assert second["perplexity"]["candidate"] == second["perplexity"]["parent"] == first["perplexity"]["candidate"]
    assert second["perplexity"]["base"] == first["perplexity"]["base"]
    assert second["reward"]["candidate"] == 0.5
    assert [what.count("probes") for what in asked] == [2, 1]
