"""An answer is taken apart into what it says of each two completions."""

import pytest

from feedback_loop.verdicts import agreement, given, steadiness, verdicts
from tests.feedback_loop.team_samples import comparison, order, repeat, said


@pytest.mark.parametrize(("choice", "verdict"), [("b", "1-b"), ("tie", "tie"), ("neither", "neither")])
def test_of_two_completions_it_says_one_thing(choice: str, verdict: str):
    assert verdicts(comparison(1), said(comparison(1), choice)) == {("1-a", "1-b"): verdict}


def test_a_skip_says_nothing():
    assert verdicts(comparison(1), said(comparison(1), None)) == {}


def test_an_order_says_something_of_every_two():
    four = comparison(1, "dbca")
    answer = said(four, "b", order=order(1, "b", "ad", "c"))
    assert verdicts(four, answer) == {
        ("1-a", "1-b"): "1-b", ("1-a", "1-c"): "1-a", ("1-a", "1-d"): "tie",
        ("1-b", "1-c"): "1-b", ("1-b", "1-d"): "1-b", ("1-c", "1-d"): "1-d",
    }  # fmt: skip


def test_a_choice_of_three_without_an_order_says_nothing_of_the_others():
    three = comparison(1, "abc")
    assert verdicts(three, said(three, "c")) == {("1-a", "1-c"): "1-c", ("1-b", "1-c"): "1-c"}


def test_where_completions_stand_is_nothing_to_a_verdict():
    first, again = comparison(1), repeat(1)
    assert verdicts(first, said(first, "a")) == verdicts(again, said(again, "a"))


def test_agreement_is_over_what_both_compare():
    four, both = comparison(1, "abcd"), comparison(1, "abc")
    ours = verdicts(four, said(four, "a", order=order(1, "a", "b", "cd")))
    theirs = verdicts(both, said(both, "a", order=order(1, "a", "c", "b")))
    assert agreement(ours, theirs) == pytest.approx(2 / 3)
    assert agreement(ours, {}) is None


@pytest.mark.parametrize(
    ("one", "other", "steady"),
    [("a", "a", 1.0), ("a", "b", 0.0), ("a", "tie", 0.5), ("neither", "b", 0.5), ("tie", "tie", None), ("tie", "neither", None)],
)  # fmt: skip
def test_only_opposite_choices_are_a_slip(one: str, other: str, steady: float | None):
    first, again = comparison(1), repeat(1)
    assert steadiness(verdicts(first, said(first, one)), verdicts(again, said(again, other))) == steady


def test_answers_to_comparisons_that_are_not_there_are_left_out():
    assert given([comparison(1)], [said(comparison(2), "a")]) == []
