"""The reward model learns what people prefer, and that tied answers are worth the same."""

import json
import math
from pathlib import Path
from statistics import fmean, pstdev
from typing import Any

import pytest

from feedback_loop.errors import LoopError, UsageError
from feedback_loop.models import load_base, load_tokenizer
from feedback_loop.progress import silent
from feedback_loop.recipe import ModelTable, RewardTable
from feedback_loop.records import Preference
from feedback_loop.run import read_jsonl
from reward.calibrate import Checked
from reward.observations import thresholds
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


def rows_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pairs: list[Preference], **reward: Any) -> list[Any]:
    """What TRL is given for each member; nothing is trained."""
    given: list[Any] = []

    def caught(*args: Any, **more: Any) -> Any:
        given.append(args[3])
        raise LoopError("enough seen")

    monkeypatch.setattr("reward.train._train", caught)
    with pytest.raises(LoopError, match="enough seen"):
        train_reward(
            TINY, RewardTable(trl=QUICK, **reward), pairs, [], out=tmp_path / "adapter", work=tmp_path / "work", seed=5,
            thinking=False, report=silent,
        )  # fmt: skip
    return given[0]


def test_ties_and_strength_reach_trl_as_margins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    kinds = [{"tie": True}, {"strength": "slight"}, {"strength": "much"}, {}]
    pairs = [pair.model_copy(update=kind) for pair, kind in zip(obvious(4), kinds, strict=True)]
    at, rows = thresholds(pairs), rows_of(tmp_path, monkeypatch, pairs)
    assert [row["margin"] for row in rows] == [-at.tie, -at.tie, at.tie, -at.much, at.much, at.tie]
    first, second = rows[:2]
    assert (first["chosen"], first["rejected"]) == (second["rejected"], second["chosen"]), "a tie is learned both ways"
    assert GOOD in rows[2]["chosen"]
    assert GOOD in rows[3]["rejected"], "slightly better is not better by more than `much`"


def test_much_is_learned_as_a_greater_difference_than_slight(tmp_path: Path):
    for strength in ("slight", "much"):
        train(tmp_path / strength, [p.model_copy(update={"strength": strength}) for p in obvious(8)], [])
    assert gap(tmp_path / "slight") < gap(tmp_path / "much")


def test_a_label_that_weighs_more_is_seen_more_often(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    pairs = obvious(60)
    heavy = [p.model_copy(update={"weight": 9.0 if n < 30 else 1.0}) for n, p in enumerate(pairs)]
    loud = {row["chosen"] for row in rows_of(tmp_path / "a", monkeypatch, pairs[:30])}
    seen = rows_of(tmp_path / "b", monkeypatch, heavy)
    assert len(seen) == 60
    assert sum(row["chosen"] in loud for row in seen) > 45
    alike = [p.model_copy(update={"weight": 0.5}) for p in pairs]
    assert rows_of(tmp_path / "c", monkeypatch, alike) == rows_of(tmp_path / "d", monkeypatch, pairs)


def test_what_was_judged_is_kept_for_the_record(tmp_path: Path):
    heldout = [p.model_copy(update={"chosen_first": True, "strength": "much"}) for p in obvious(12)[8:]]
    facts = train(tmp_path, obvious(8), heldout)
    checked = read_jsonl(tmp_path / "checked.jsonl", Checked)
    assert [(c.user_id, c.length_chosen, c.chosen_first, c.strength) for c in checked] == [
        ("anna", len(GOOD), True, "much")
    ] * 4
    assert fmean(c.margin for c in checked) == pytest.approx(facts["margin"])


def test_length_is_taken_out_of_the_scores_where_that_is_asked_for(tmp_path: Path):
    """Longer is better in every pair, so nearly all of the score is length."""
    gaps = {}
    for length in ("keep", "remove"):
        reward = RewardTable(trl=QUICK, length=length)
        facts = train_reward(
            TINY, reward, obvious(8), obvious(12)[8:], out=tmp_path / length / "adapter", work=tmp_path / "work", seed=5,
            thinking=False, report=silent,
        )  # fmt: skip
        gaps[length] = gap(tmp_path / length)
        assert facts["margin"] == pytest.approx(gaps[length], rel=0.5, abs=0.2), "the figures are of what is used"
    assert gaps["keep"] > 1
    assert abs(gaps["remove"]) < 0.2 * gaps["keep"]


def test_a_training_that_ran_away_is_refused(tmp_path: Path):
    with pytest.raises(LoopError, match=r"ran away.*Lower reward.trl.learning_rate"):
        train(tmp_path, obvious(4), [], learning_rate=1e30)
    assert not (tmp_path / "adapter").exists()


@pytest.mark.parametrize(
    "pairs",
    [obvious(1), [p.model_copy(update={"tie": True}) for p in obvious(3)]],
    ids=["one pair", "all ties"],
)
def test_very_little_gives_a_reward_model_that_claims_nothing(tmp_path: Path, pairs: list[Preference]):
    facts = train(tmp_path, pairs, [])
    assert (facts["accuracy"], facts["checked_pairs"], facts["length_correlation"]) == (None, 0, None)
    assert math.isfinite(gap(tmp_path))


def test_with_nothing_to_learn_it_says_so(tmp_path: Path):
    with pytest.raises(LoopError, match="redo RUN rankings"):
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
