"""Members of an ensemble are made comparable, averaged, and doubted where they disagree."""

import pytest

from feedback_loop.scores import judge, same, whitening


def test_the_completions_it_was_whitened_by_have_mean_0_and_deviation_1():
    rows = [[1.0, 100.0], [2.0, 300.0], [6.0, 200.0]]
    judged = judge(rows, whitening(rows), caution=0.0)
    assert sum(judged.means) == pytest.approx(0)
    one = judge([[r[0]] for r in rows], whitening([[r[0]] for r in rows]), caution=0.0)
    assert sum(m * m for m in one.means) / 3 == pytest.approx(1)


def test_members_that_agree_up_to_their_zero_leave_no_doubt():
    rows = [[1.0, 11.0], [2.0, 12.0], [3.0, 13.0]]
    judged = judge(rows, whitening(rows), caution=2.0)
    assert judged.spreads == pytest.approx([0, 0, 0])
    assert judged.cautious == pytest.approx(judged.means)


def test_a_member_that_learned_little_has_no_louder_voice_than_its_scores():
    rows = [[4.0, 0.0, 0.01], [2.0, 0.02, 0.02], [0.0, 0.03, 0.03]]
    means = judge(rows, whitening(rows), caution=0.0).means
    assert means == sorted(means, reverse=True), "as the mean of all members has it"


def test_caution_takes_off_deviations_where_they_disagree():
    white = whitening([[0.0, 0.0], [1.0, 1.0]])
    judged = judge([[1.0, 0.0], [0.5, 0.5]], white, caution=1.5)
    assert judged.means == pytest.approx([0, 0])
    assert judged.spreads == pytest.approx([1, 0])
    assert judged.cautious == pytest.approx([-1.5, 0])


def test_constant_scores_stay_finite():
    rows = [[4.0], [4.0]]
    assert judge(rows, whitening(rows), caution=1.0).cautious == [0.0, 0.0]


def test_a_member_that_varies_by_rounding_alone_is_not_blown_up():
    rows = [[4.0, 1.0], [4.0 + 5e-7, 2.0], [4.0 - 5e-7, 3.0]]
    assert whitening([row[:1] for row in rows]).scale == 1.0
    assert same(judge([row[:1] for row in rows], whitening([row[:1] for row in rows]), caution=0.0))


def test_members_that_mirror_one_another_find_all_the_same_though_each_has_its_own_mind():
    rows = [[1.0, -1.0 + 1e-8], [2.0, -2.0], [6.0, -6.0 - 1e-8]]
    assert same(judge(rows, whitening(rows), caution=0.0))
    leaning = [[a + 0.2 * n, b + 0.2 * n] for n, (a, b) in enumerate(rows)]
    assert not same(judge(leaning, whitening(leaning), caution=0.0))
