"""Accuracy, calibration and temperature: known answers by hand, planted truths recovered, and sense made of too little."""

import json
from typing import Any

import numpy as np
import pytest

from feedback_loop.errors import LoopError
from feedback_loop.scores import choice_logit
from reward import calibrate
from reward.bias import Floats
from reward.calibrate import Checked, calibration_error, reliability, temperature


def checked(margin: float, **changes: Any) -> Checked:
    base: dict[str, Any] = {
        "margin": margin, "spread": 0.1, "tie": False, "chosen_first": True, "length_chosen": 30, "length_rejected": 20,
        "user_id": "anna", "round": 0,
    }  # fmt: skip
    return Checked(**base | changes)


def figures(pairs: list[Checked], tie: float = 0.0) -> dict[str, Any]:
    return calibrate.figures(pairs, tie)


def sure(margins: Floats | list[float]) -> tuple[Floats, Floats, float]:
    """Margins without doubt, of people who call no tie."""
    return np.array(margins), np.zeros(len(margins)), 0.0


def planted(count: int, scale: float, seed: int = 0) -> Floats:
    """Margins that are calibrated once divided by `scale`: positive as often as their size says."""
    rng = np.random.default_rng(seed)
    logits = np.abs(rng.normal(0, 2, count))
    right = rng.random(count) < 1 / (1 + np.exp(-logits))
    return np.where(right, logits, -logits) * scale


@pytest.mark.parametrize("scale", [0.05, 1.0, 20.0])
def test_the_temperature_recovers_a_planted_scale(scale: float):
    assert temperature(*sure(planted(4000, scale))) == pytest.approx(scale, rel=0.1)


def test_the_temperature_goes_with_the_scale_whatever_the_number_of_pairs():
    few = planted(7, 1.0)
    one, other = temperature(*sure(few)), temperature(*sure(1000 * few))
    assert one is not None
    assert other == pytest.approx(1000 * one)


@pytest.mark.parametrize(
    ("margins", "least", "most"),
    [([2.0], 0.5, 2.0), ([1.0] * 40, 0.15, 0.5), ([-1.0] * 40, 3.0, 60.0), ([1.0, -1.0] * 20, 3.0, 60.0)],
    ids=["one pair", "all right", "all wrong", "one person contradicts themselves"],
)
def test_the_temperature_stays_sensible(margins: list[float], least: float, most: float):
    """All right: nearly sure, not infinitely. No better than chance: nothing is to be read off the margins."""
    found = temperature(*sure(margins))
    assert found is not None
    assert least < found < most


@pytest.mark.parametrize("margins", [[], [0.0, 0.0]], ids=["no pairs", "all scores equal"])
def test_without_a_margin_there_is_no_temperature(margins: list[float]):
    assert temperature(*sure(margins)) is None


def test_a_calibrated_sample_has_hardly_an_error_and_an_overconfident_one_a_great_one():
    calibrated, bold = planted(5000, 1.0), planted(5000, 5.0)
    assert calibration_error(calibrated) == pytest.approx(0, abs=0.03)
    error = calibration_error(bold)
    assert error is not None
    assert error > 0.12
    scale = temperature(*sure(bold))
    assert scale is not None
    assert calibration_error(bold / scale) == pytest.approx(0, abs=0.03)


def felt(count: int, tie: float, spread: float) -> Floats:
    """Margins of the chosen answers in pairs that nobody called a tie, by a reward model whose every belief is true.

    A person feels the true difference, which lies about the margin by `spread`, and logistic noise.
    """
    rng = np.random.default_rng(5)
    margins = rng.normal(0, 1.5, count)
    difference = margins + spread * rng.normal(size=count) + rng.logistic(size=count)
    return (margins * np.sign(difference))[np.abs(difference) > tie]


@pytest.mark.parametrize(("tie", "spread"), [(1.2, 0.0), (0.0, 1.5), (0.8, 1.0)])
def test_a_reward_model_that_knows_ties_and_its_own_doubt_is_calibrated_as_it_comes(tie: float, spread: float):
    margins = felt(12000, tie, spread)
    doubt = np.full(len(margins), spread)
    assert calibration_error(choice_logit(margins, doubt, tie)) == pytest.approx(0, abs=0.02)
    assert temperature(margins, doubt, tie) == pytest.approx(1, rel=0.08)
    found = figures([checked(float(m), spread=spread) for m in margins[:2000]], tie)
    assert found["tie_threshold"] == tie
    assert found["calibration_error"] < 0.05


def test_where_ties_are_called_a_decided_pair_is_surer_than_its_margin_alone():
    margins = felt(12000, 1.2, 0.0)
    assert temperature(*sure(margins)) < 0.8, "which a temperature would have to make good"
    assert float(choice_logit(1.0, 0.0, 0.0)) == pytest.approx(1.0)
    assert float(choice_logit(1.0, 0.0, 1.2)) > 1.4
    assert float(choice_logit(1.0, 2.0, 0.0)) < 0.7, "and one that is doubted less sure"


def test_a_calibration_error_by_hand():
    """Sure by 0.8 and right in 6 of 10: off by 0.2."""
    sure = np.log(4) * np.array([1.0] * 6 + [-1.0] * 4)
    assert calibration_error(sure) == pytest.approx(0.2)
    (point,) = reliability(sure)
    assert (point["predicted"], point["observed"], point["pairs"]) == (pytest.approx(0.8), 0.6, 10)
    assert point["low"] < 0.6 < point["high"]


def test_bins_hold_equal_counts_from_unsure_to_sure_and_never_too_few():
    assert [b["pairs"] for b in reliability(planted(39, 1.0))] == [39]
    assert [b["pairs"] for b in reliability(planted(61, 1.0))] == [21, 20, 20]
    bins = reliability(planted(1000, 1.0))
    assert [b["pairs"] for b in bins] == [100] * 10
    assert [b["predicted"] for b in bins] == sorted(b["predicted"] for b in bins)


def test_accuracy_has_wilsons_interval():
    found = figures([checked(1.0)] * 8 + [checked(-1.0)] * 2)
    assert found["accuracy"] == 0.8
    assert (found["accuracy_low"], found["accuracy_high"]) == pytest.approx((0.541, 0.931), abs=1e-3)
    assert (found["checked_pairs"], found["checked_random"]) == (10, True)
    assert found["margin"] == pytest.approx(0.6)


def test_ties_count_for_no_accuracy_and_equal_scores_count_half():
    assert figures([checked(1.0), checked(-5.0, tie=True)])["accuracy"] == 1.0
    assert figures([checked(1.0), checked(0.0)])["accuracy"] == 0.75


def test_pairs_chosen_for_being_hard_do_not_count_where_there_are_random_ones():
    hard = [checked(-1.0, selection="uncertainty")] * 6
    mixed = figures([checked(1.0), checked(1.0), *hard])
    assert (mixed["accuracy"], mixed["checked_pairs"], mixed["checked_random"]) == (1.0, 2, True)
    alone = figures(hard)
    assert (alone["accuracy"], alone["checked_pairs"], alone["checked_random"]) == (0.0, 6, False)


def test_edits_flatter_no_figure_but_count_for_length():
    ranked = [checked(1.0), checked(-1.0), checked(2.0, user_id="ben", length_chosen=9), checked(0.5, length_chosen=25)]
    edits = [checked(5.0, source="edit", user_id="eve", round=1, length_chosen=90 + n) for n in range(9)]
    mixed, alone = figures([*ranked, *edits]), figures(ranked)
    lengths = {name for name in mixed if name.startswith("length_")}
    assert {name: value for name, value in mixed.items() if name not in lengths} == {
        name: value for name, value in alone.items() if name not in lengths
    }
    assert (mixed["length_pairs"], alone["length_pairs"]) == (13, 4)
    assert (figures(edits)["accuracy"], figures(edits)["temperature"]) == (None, None)


def test_by_annotator_and_by_round():
    found = figures([checked(1.0), checked(-1.0, user_id="ben", round=1), checked(1.0, user_id="ben", round=1)])
    assert {name: (a["accuracy"], a["pairs"]) for name, a in found["by_annotator"].items()} == {
        "anna": (1.0, 1),
        "ben": (0.5, 2),
    }
    assert list(found["by_round"]) == ["0", "1"]
    assert found["by_round"]["1"]["low"] < 0.5 < found["by_round"]["1"]["high"]


def test_position_is_the_share_of_choices_that_stood_first():
    pairs = [checked(1.0, chosen_first=n < 3) for n in range(4)]
    apart = [checked(1.0, chosen_first=None), checked(0.0, tie=True)]
    found = figures([*pairs, *apart, checked(1.0, chosen_first=False, user_id="ben")])
    assert (found["position_share"], found["position_pairs"]) == (0.6, 5)
    assert found["position_by_annotator"]["anna"]["share"] == 0.75
    assert found["position_by_annotator"]["ben"]["share"] == 0.0


def test_what_people_chose_by_length_stands_beside_the_scores_correlation():
    pairs = [checked(1.0, length_chosen=c, length_rejected=r) for c, r in ((9, 3), (8, 4), (2, 5), (7, 7), (9, 1))]
    found = figures(pairs)
    assert found["longer_share"] == 0.75
    edits = [checked(1.0, source="edit"), checked(1.0, selection="chat")]
    assert figures([*pairs, *edits])["longer_share"] == 0.75, "which nobody chose from two that were shown"
    assert found["length_correlation"] is not None


@pytest.mark.parametrize(
    "pairs",
    [
        [],
        [checked(1.0)],
        [checked(0.3, tie=True)] * 9,
        [checked(0.0)] * 9,
        [checked(1.0)] * 9,
        [checked(1.0), checked(-1.0)] * 9,
    ],
    ids=[
        "no pairs",
        "one pair",
        "all ties",
        "constant scores",
        "constant margins",
        "one person contradicts themselves",
    ],
)
def test_too_little_gives_figures_that_are_none_or_sensible(pairs: list[Checked]):
    found = figures(pairs)
    assert "NaN" not in json.dumps(found)
    assert "Infinity" not in json.dumps(found)
    decisive = [p for p in pairs if not p.tie]
    assert (found["accuracy"] is None) == (not decisive)
    assert found["accuracy"] is None or 0 <= found["accuracy_low"] <= found["accuracy"] <= found["accuracy_high"] <= 1


def test_a_contradiction_is_a_coins_toss():
    found = figures([checked(1.0), checked(-1.0)] * 9)
    assert found["accuracy"] == 0.5
    assert found["temperature"] > 2
    assert found["calibration_error"] == pytest.approx(0.231, abs=1e-3)
    assert found["calibration_error_scaled"] < found["calibration_error"]


@pytest.mark.parametrize(
    "bad", [{"margin": float("nan")}, {"margin": float("inf")}, {"margin": 1.0, "spread": float("nan")}]
)
def test_scores_that_are_not_numbers_are_refused_in_one_line(bad: dict[str, float]):
    with pytest.raises(LoopError, match=r"1 of 3 pairs are NaN or infinite.*Lower reward.trl.learning_rate") as told:
        figures([checked(1.0), checked(2.0), checked(1.0).model_copy(update=bad)])
    assert "\n" not in str(told.value)


def test_a_repeat_counts_for_position_and_for_nothing_else():
    asked = [checked(1.0, user_id=u, length_chosen=n) for u in ("anna", "otto") for n in (10, 40)]
    again = [checked(-1.0, user_id="anna", repeat=True, chosen_first=False)] * 4
    found, alone = figures([*asked, *again]), figures(asked)
    assert (found["accuracy"], found["checked_pairs"], found["by_annotator"]) == (1.0, 4, alone["by_annotator"])
    assert found["length_pairs"] == 4
    assert (found["position_pairs"], found["position_share"]) == (8, 0.5)


def test_the_pairs_of_an_order_count_as_the_choices_it_holds():
    order_of_four = [checked(1.0, share=0.5)] * 5 + [checked(-1.0, share=0.5)]
    found = figures([*order_of_four, checked(1.0)])
    assert found["checked_pairs"] == 4
    assert found["accuracy"] == pytest.approx(3.5 / 4)
    whole = figures([checked(m) for m in (1.0, 1.0, 1.0, 1.0, 1.0, -1.0, 1.0)])
    assert found["accuracy_high"] - found["accuracy_low"] > whole["accuracy_high"] - whole["accuracy_low"]


def test_labels_of_the_same_prompt_make_no_interval_narrower_by_saying_the_same():
    """Accuracy, by annotator and position: of ten prompts that three people answered alike, not of thirty labels."""
    once = [checked(1.0 if n < 8 else -1.0, prompt_id=f"p{n}", chosen_first=n < 5) for n in range(10)]
    thrice = [c.model_copy(update={"user_id": user}) for user in ("anna", "ben", "cleo") for c in once]
    one, all_ = figures(once), figures(thrice)
    assert (all_["accuracy"], all_["checked_pairs"]) == (0.8, 30)
    for name in ("accuracy_low", "accuracy_high", "position_low", "position_high"):
        assert all_[name] == pytest.approx(one[name], abs=0.01)
    assert all_["by_annotator"]["ben"]["low"] == one["accuracy_low"]
    assert all_["reliability"][0]["high"] - all_["reliability"][0]["low"] > 0.25
