"""Repeats and checks lower the weight of careless people's choices, and of nobody else's."""

import random
from collections.abc import Sequence

import pytest

from feedback_loop.preferences import disliked, preferences
from feedback_loop.recipe import PreferencesTable
from feedback_loop.records import Comparison, Ranking
from feedback_loop.team.consistency import CAREFUL, LEAST, Evidence, consistent, evidence, weighed, weighed_disliked
from tests.feedback_loop.team_samples import check, comparison, order, repeat, said

FIRST = [comparison(n) for n in range(40)]
AGAIN = [repeat(n) for n in range(40)]
CHECKS = [check(n) for n in range(100, 110)]
ASKED: Sequence[Comparison] = [*FIRST, *AGAIN, *CHECKS]


def steady(user: str, count: int) -> list[Ranking]:
    """Somebody who always chooses `a`, wherever it stands."""
    return [said(c, "a", user) for c in [*FIRST[:count], *AGAIN[:count]]]


def flipping(user: str, count: int) -> list[Ranking]:
    """Somebody who always chooses what stands first."""
    return [said(c, c.completions[0].id[-1], user) for c in [*FIRST[:count], *AGAIN[:count]]]


def of(rankings: Sequence[Ranking]) -> dict[str, Evidence]:
    return evidence(ASKED, rankings)


def test_without_repeats_or_checks_everybody_counts_in_full():
    found = of([said(FIRST[0], "a"), said(FIRST[0], "b", "ben"), said(FIRST[1], None, "cara")])
    assert {e.weight for e in found.values()} == {1.0}
    assert {e.error for e in found.values()} == {CAREFUL}


def test_a_slip_or_two_are_forgiven():
    one_slip = [*steady("ben", 5), *flipping("anna", 1), *[said(c, "a") for c in [*FIRST[1:5], *AGAIN[1:5]]]]
    assert (of(one_slip)["anna"].repeats, of(one_slip)["anna"].same) == (5, 4)
    assert of(one_slip)["anna"].weight > 0.9
    assert of([*flipping("anna", 1), said(FIRST[0], "a", "ben")])["anna"].weight > 0.8


def test_whoever_follows_the_side_weighs_less_the_more_is_known_but_is_never_silenced():
    weights = [of([*flipping("anna", n), *steady("ben", n)])["anna"].weight for n in (2, 5, 10, 20, 40)]
    assert weights == sorted(weights, reverse=True)
    assert weights[0] > 0.7
    assert LEAST < weights[-1] < 0.3
    assert of([*flipping("anna", 40), *steady("ben", 40)])["ben"].weight == 1.0


def test_missed_checks_count_like_slips():
    missed = of([said(c, "b") for c in CHECKS] + [said(c, "a", "ben") for c in CHECKS])
    assert (missed["anna"].checks, missed["anna"].passed, missed["ben"].passed) == (10, 0, 10)
    assert missed["anna"].weight < 0.5 < missed["ben"].weight == 1.0


def test_a_check_of_several_answers_is_passed_by_the_expected_one_alone():
    three = check(1, "cab")
    whole, shared = (said(three, "a", order=order(1, *groups)) for groups in (("a", "bc"), ("ac", "b")))
    assert [evidence([three], [answer])["anna"].passed for answer in (whole, shared)] == [1.0, 0.5]
    assert [evidence([three], [said(three, c)])["anna"].passed for c in ("tie", "neither", "b")] == [0.5, 0.5, 0.0]
    assert evidence([three], [said(three, None)])["anna"].checks == 0


def test_undecided_answers_say_little():
    both = of([said(FIRST[0], "tie"), said(AGAIN[0], "neither")])
    assert both["anna"].repeats == 0, "of two undecided answers neither is a slip"
    half = of([said(FIRST[0], "tie"), said(AGAIN[0], "a")])
    assert (half["anna"].repeats, half["anna"].same) == (1, 0.5)


def test_a_repeat_counts_for_whoever_answered_both_showings():
    assert of([said(FIRST[0], "a"), said(AGAIN[0], "b", "ben")])["ben"].repeats == 0
    assert of([said(FIRST[0], None), said(AGAIN[0], "a")])["anna"].repeats == 0


def test_that_everybody_finds_a_task_hard_lowers_nobody():
    alone = of(flipping("anna", 20))
    assert alone["anna"].error > 0.3
    assert alone["anna"].weight == 1.0
    hard = of([*flipping("anna", 20), *flipping("ben", 20)])
    assert [e.weight for e in hard.values()] == [1.0, 1.0]


@pytest.mark.parametrize("error", [0.05, 0.1, 0.15, 0.3])
def test_the_error_rate_that_made_the_answers_is_found(error: float):
    rng, asked = random.Random(3), [f(n) for n in range(800) for f in (comparison, repeat)]
    given = [said(c, "b" if rng.random() < error else "a") for c in asked]
    found = evidence(asked, given)["anna"]
    assert found.error == pytest.approx(error, abs=0.05)
    assert found.error_low < found.error < found.error_high


def test_the_interval_covers_the_truth_about_as_often_as_it_says():
    rng, covered = random.Random(5), 0
    asked = [f(n) for n in range(30) for f in (comparison, repeat)]
    for _ in range(100):
        error = rng.betavariate(2, 8) / 2
        found = evidence(asked, [said(c, "b" if rng.random() < error else "a") for c in asked])["anna"]
        covered += found.error_low <= error <= found.error_high
    assert 80 <= covered <= 98


def test_choices_and_dislikes_are_weighed_and_edits_are_not():
    given = [said(FIRST[0], "a", edit="Better."), said(FIRST[1], "neither")]
    pairs = weighed(preferences(FIRST, given, {"anna": 2.0}), {"anna": 0.25})
    assert {(p.source, p.weight) for p in pairs} == {("ranking", 0.5), ("edit", 2.0)}
    assert {d.weight for d in weighed_disliked(disliked(FIRST, given), {"anna": 0.25})} == {0.25}


def test_a_recipe_may_ignore_it():
    given = [*flipping("anna", 10), *steady("ben", 10)]
    assert consistent(PreferencesTable(), evidence(ASKED, given))["anna"] < 0.6
    assert consistent(PreferencesTable(consistency="ignore"), evidence(ASKED, given)) == {}
