"""Who says the same as whom, and Krippendorff's alpha of all."""

import random

import pytest

from feedback_loop.team.agreement import krippendorff_alpha, matches, with_majority
from feedback_loop.verdicts import given
from tests.feedback_loop.team_samples import comparison, order, said


def test_two_people_are_compared_on_what_both_answered():
    asked = [comparison(n) for n in range(4)]
    answers = [said(asked[0], "a"), said(asked[1], "b"), said(asked[2], "tie"), said(asked[3], "a")]
    answers += [said(asked[0], "a", "ben"), said(asked[1], "a", "ben"), said(asked[2], "tie", "ben")]
    answers += [said(asked[3], None, "ben"), said(asked[0], "b", "cara")]
    found = {(m.one, m.other): (m.same, m.count) for m in matches(given(asked, answers))}
    assert found == {("anna", "ben"): (2.0, 3), ("anna", "cara"): (0.0, 1), ("ben", "cara"): (0.0, 1)}


def test_the_majority_is_of_the_others_and_needs_one_mind():
    asked = [comparison(1), comparison(2)]
    answers = [said(asked[0], "a", name) for name in ("anna", "ben", "cara")] + [said(asked[0], "b", "dan")]
    answers += [said(asked[1], "a"), said(asked[1], "b", "ben")]
    found = with_majority(given(asked, answers))
    assert found == {"anna": [1.0, 0.0], "ben": [1.0, 0.0], "cara": [1.0], "dan": [0.0]}
    split = [said(asked[0], choice, name) for choice, name in (("a", "ben"), ("b", "cara"), ("a", "anna"))]
    assert "anna" not in with_majority(given(asked, split)), "ben and cara are of two minds"


def test_alpha_is_the_published_one():
    """The worked example in the encyclopedia's article: three coders, fifteen units, missing values; nominal alpha 0.691."""
    table = (".....34121133.3", "1.213343.......", "..21344.21133.4")
    meaning = {"1": "a", "2": "b", "3": "tie", "4": "neither"}
    asked = [comparison(n) for n in range(15)]
    answers = [
        said(asked[n], meaning[value], f"coder {who}")
        for who, row in enumerate(table)
        for n, value in enumerate(row)
        if value in meaning
    ]
    found = krippendorff_alpha(given(asked, answers))
    assert found is not None
    assert found.alpha == pytest.approx(0.691, abs=5e-4)
    assert (found.comparisons, found.answers) == (12, 26)


def test_alpha_is_one_where_all_agree_about_zero_by_chance_and_below_where_they_oppose():
    rng, asked = random.Random(1), [comparison(n) for n in range(300)]

    def alpha(theirs: dict[str, str] | None) -> tuple[float, float, float]:
        answers = []
        for c in asked:
            mine = rng.choice("ab")
            answers += [said(c, mine), said(c, theirs[mine] if theirs else rng.choice("ab"), "ben")]
        found = krippendorff_alpha(given(asked, answers))
        assert found is not None
        assert (found.comparisons, found.answers) == (300, 600)
        assert found.low <= found.alpha <= found.high
        return found.alpha, found.low, found.high

    assert alpha({"a": "a", "b": "b"}) == (1.0, 1.0, 1.0)
    assert alpha({"a": "b", "b": "a"})[2] < -0.9
    by_chance = alpha(None)
    assert abs(by_chance[0]) < 0.15
    assert by_chance[2] - by_chance[1] < 0.25


def test_people_who_all_follow_the_side_agree_no_more_than_chance():
    rng = random.Random(1)
    asked = [comparison(n, rng.choice(["ab", "ba"])) for n in range(200)]
    answers = [
        said(c, c.completions[0 if rng.random() < 0.9 else 1].id[-1], name) for c in asked for name in ("anna", "ben")
    ]
    (both,) = matches(given(asked, answers))
    found = krippendorff_alpha(given(asked, answers))
    assert both.same / both.count > 0.75
    assert found is not None
    assert found.high < 0.3


def test_too_few_or_all_alike_have_no_alpha():
    asked = [comparison(n) for n in range(9)]
    few = [said(c, x, name) for c in asked[:4] for x, name in (("a", "anna"), ("b", "ben"))]
    alike = [said(c, "a", name) for c in asked for name in ("anna", "ben")]
    assert krippendorff_alpha(given(asked, few)) is None
    assert krippendorff_alpha(given(asked, alike)) is None


def test_orders_are_compared_two_by_two_and_resampled_whole():
    asked = [comparison(n, "abc") for n in range(40)]
    answers = [said(c, "a", order=order(n, "a", "b", "c")) for n, c in enumerate(asked)]
    answers += [said(c, "a", "ben", order=order(n, "a", "c", "b")) for n, c in enumerate(asked)]
    (both,) = matches(given(asked, answers))
    assert (both.same, both.count) == (pytest.approx(40 * 2 / 3), 40)
    found = krippendorff_alpha(given(asked, answers))
    assert found is not None
    assert (found.comparisons, found.answers) == (40, 80)
    assert found.low == found.alpha == found.high, "all comparisons are alike, so drawing others changes nothing"
