"""The reward model learns what people prefer, and that tied answers are worth the same."""

import json
from pathlib import Path
from statistics import pstdev
from typing import Any

import pytest

from feedback_loop.errors import LoopError, UsageError
from feedback_loop.models import load_base, load_tokenizer
from feedback_loop.progress import silent
from feedback_loop.recipe import ModelTable, RewardTable
from feedback_loop.records import Preference
from reward.score import load_members, load_scorer
from reward.train import check_options, train_reward
from tests.models_fixture import BAD, GOOD, QUICK, TINY, obvious, preference, tiny_prompts


def train(
    out: Path, pairs: list[Preference], heldout: list[Preference], model: ModelTable = TINY, **trl: Any
) -> dict[str, Any]:
    return train_reward(
        model,
        RewardTable(trl=QUICK | trl),
        pairs,
        heldout,
        out=out / "adapter",
        work=out / "work",
        seed=5,
        thinking=False,
        report=silent,
    )


def gap(folder: Path) -> float:
    """How much more GOOD is worth than BAD, on a prompt that was not trained on."""
    scorer = load_scorer(load_base(TINY), load_tokenizer(TINY), [folder / "adapter"], thinking=False, batch_size=2)
    prompt = tiny_prompts(20)[-1]
    good, bad = scorer([prompt, prompt], [GOOD, BAD])
    return good - bad


def test_it_learns_an_obvious_preference(tmp_path: Path):
    facts = train(tmp_path, obvious(8), obvious(12)[8:])
    assert facts["accuracy"] == 1.0
    assert facts["margin"] > 1
    assert (facts["pairs"], facts["heldout_pairs"], facts["ties"]) == (8, 4, 0)
    assert gap(tmp_path) > 1


def test_ties_pull_scores_together(tmp_path: Path):
    pairs = obvious(8)
    ties = [preference(p, GOOD, BAD, tie=True) for p in tiny_prompts(16)[8:]]
    train(tmp_path / "decisive", pairs, [])
    facts = train(tmp_path / "tied", pairs + ties, [])
    assert facts["ties"] == 8
    assert gap(tmp_path / "tied") < 0.6 * gap(tmp_path / "decisive")


def test_members_of_an_ensemble_differ_and_none_is_louder_than_another(tmp_path: Path):
    """Their mean decides win rates, so each has deviation 1 on what it was trained on, however far its training went."""
    train_reward(
        TINY, RewardTable(trl=QUICK, members=3), obvious(8), [], out=tmp_path / "adapter", work=tmp_path / "work",
        seed=5, thinking=False, report=silent,
    )  # fmt: skip
    folders = sorted(tmp_path.glob("adapter*"))
    assert [f.name for f in folders] == ["adapter", "adapter-1", "adapter-2"]
    asked = tiny_prompts(8)
    members = load_members(load_base(TINY), load_tokenizer(TINY), folders, thinking=False, batch_size=4)
    rows = members([*asked, *asked], [GOOD] * 8 + [BAD] * 8)
    spreads = [pstdev(column) for column in zip(*rows, strict=True)]
    assert spreads == pytest.approx([1.0] * 3, abs=0.1)
    assert len({tuple(column) for column in zip(*rows, strict=True)}) == 3


def test_without_decisive_heldout_pairs_nothing_is_claimed(tmp_path: Path):
    ties = [preference(p, GOOD, BAD, tie=True) for p in tiny_prompts(2)]
    facts = train(tmp_path, obvious(1), ties)
    assert (facts["accuracy"], facts["margin"], facts["checked_pairs"]) == (None, None, 0)


def test_the_same_seed_gives_the_same_reward_model_and_curves_without_timings(tmp_path: Path):
    for name in ("a", "b"):
        train(tmp_path / name, obvious(4), [])
    for file in ("adapter/adapter_model.safetensors", "curves.jsonl"):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()
    rows = [json.loads(line) for line in (tmp_path / "a" / "curves.jsonl").read_text().splitlines()]
    assert [row["step"] for row in rows if "loss" in row] == [1, 2]
    assert not any("second" in key or "runtime" in key for row in rows for key in row)


def test_with_nothing_to_learn_it_says_so(tmp_path: Path):
    with pytest.raises(LoopError, match="Rank more"):
        train(tmp_path, [], [])


def test_an_unknown_option_is_named():
    with pytest.raises(UsageError, match=r"reward\.trl\.beta: RewardConfig has no such option"):
        check_options(RewardTable(trl={"beta": 0.1}))


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_a_qwen2_is_trained_and_measured_too(tmp_path: Path, qwen2: ModelTable, dtype: Any):
    facts = train(
        tmp_path,
        obvious(4),
        obvious(6)[4:],
        qwen2.model_copy(update={"dtype": dtype}),
        activation_checkpointing=True,
    )
    assert facts["accuracy"] is not None
