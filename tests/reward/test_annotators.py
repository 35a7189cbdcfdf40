"""Whose labels count how much, from how often each agrees with what everybody's labels say."""

import pytest

from reward.annotators import LEAST, measured_weights, still_to_take_off
from reward.calibrate import Checked


def checked(user: str, right: int, wrong: int = 0, ties: int = 0) -> list[Checked]:
    base = {"spread": 0.1, "length_chosen": 3, "length_rejected": 2, "user_id": user, "round": 0}
    margins = [1.0] * right + [-1.0] * wrong
    return [Checked(margin=m, **base) for m in margins] + [Checked(margin=0.5, tie=True, **base)] * ties


def test_the_most_reliable_weighs_one_and_others_by_what_is_left_of_chance():
    found = measured_weights(checked("anna", 900, 100) + checked("ben", 700, 300))
    assert found["anna"] == 1.0
    assert found["ben"] == pytest.approx((2 * 0.7 - 1) / (2 * 0.9 - 1), abs=0.02)


def test_who_answers_by_a_coin_or_worse_hardly_counts_but_is_not_silenced():
    found = measured_weights(checked("anna", 400, 20) + checked("coin", 100, 100) + checked("spite", 20, 180))
    assert found["coin"] == pytest.approx(LEAST, abs=0.1)
    assert found["spite"] == LEAST


def test_a_few_labels_decide_little():
    found = measured_weights(checked("anna", 80, 20) + checked("new", 0, 2))
    assert found["new"] > 0.4


def test_ties_are_no_evidence():
    assert measured_weights(checked("anna", 8, 2) + checked("ben", 8, 2, ties=30)) == {"anna": 1.0, "ben": 1.0}


def test_edits_are_no_evidence():
    edits = [c.model_copy(update={"source": "edit"}) for c in checked("ben", 90)]
    ranked = checked("anna", 80, 20) + checked("ben", 60, 40)
    assert measured_weights(ranked + edits) == measured_weights(ranked)


@pytest.mark.parametrize(
    "given",
    [[], checked("anna", 3, 9), checked("anna", 0, 0, ties=3) + checked("ben", 0, 0, ties=3)],
    ids=["nothing", "one annotator", "ties alone"],
)
def test_where_nothing_can_be_said_all_weigh_the_same(given: list[Checked]):
    assert set(measured_weights(given).values()) <= {1.0}


def test_where_all_are_worse_than_chance_all_weigh_the_same():
    assert measured_weights(checked("anna", 1, 50) + checked("ben", 1, 60)) == {"anna": 1.0, "ben": 1.0}


@pytest.mark.parametrize(
    ("measured", "consistent", "counts"), [(0.5, 0.5, 0.5), (0.3, 0.6, 0.3), (0.8, 0.4, 0.4), (1.0, 1.0, 1.0)]
)
def test_agreement_and_consistency_are_not_taken_off_twice(measured: float, consistent: float, counts: float):
    left = still_to_take_off({"anna": measured}, {"anna": consistent})["anna"]
    assert consistent * left == pytest.approx(counts)
    assert still_to_take_off({"anna": measured}, {}) == {"anna": measured}
