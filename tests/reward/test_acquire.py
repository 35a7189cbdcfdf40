"""Which pair each strategy asks about, on scores whose answer is known."""

from collections import Counter
from itertools import permutations

import numpy as np
import pytest

from feedback_loop.errors import UsageError
from reward.acquire import NEED_SEVERAL, STRATEGIES, check_choice, fill

AGREED = np.array([[0.0, 0.0], [3.0, 3.0], [-2.0, -2.0], [1.0, 1.0]])
"""Two members of one mind: candidate 1 is best, candidate 2 worst."""
SPLIT = np.array([[5.0, 0.0, 5.0, 0.0], [0.0, 5.0, 0.0, 5.0], [-4.0, -4.0, -4.0, -4.0], [1.0, 1.0, 1.0, 1.0]])
"""Half of the members want candidate 0, half candidate 1; all know that candidate 2 is worst."""
DEGENERATE = {
    "all equal": np.zeros((3, 4)),
    "one member": np.array([[1.0], [2.0], [3.0]]),
    "no number": np.full((3, 4), np.nan),
    "infinite": np.array([[np.inf, 1.0], [0.0, 2.0], [-np.inf, 3.0]]),
    "two candidates": np.array([[1.0, 2.0], [2.0, 1.0]]),
}


def asked(strategy: str, scores: np.ndarray, times: int = 300) -> Counter[tuple[int, int]]:
    rng = np.random.default_rng(0)
    return Counter(STRATEGIES[strategy](scores, rng) for _ in range(times))


def test_random_asks_every_pair_alike_whatever_the_scores():
    found = asked("random", AGREED, 2400)
    assert set(found) == set(permutations(range(4), 2))
    assert max(found.values()) < 1.5 * min(found.values())
    assert found == asked("random", SPLIT, 2400)


def test_uncertainty_asks_where_members_disagree_most():
    assert {frozenset(pair) for pair in asked("uncertainty", SPLIT)} == {frozenset({0, 1})}
    leaning = np.array([[0.0, 0.0], [9.0, 9.0], [0.0, 1.0]])
    assert all(2 in pair for pair in asked("uncertainty", leaning)), "a sure difference teaches nothing, however great"


def test_thompson_asks_about_what_may_be_best():
    assert {frozenset(pair) for pair in asked("thompson", SPLIT)} == {frozenset({0, 1})}


def test_thompson_with_one_clear_best_asks_of_the_rival_it_knows_least():
    unsure = np.array([[0.0, 0.0], [9.0, 9.0], [-3.0, 3.0], [1.0, 1.0]])
    assert set(asked("thompson", unsure)) == {(1, 2)}


def test_drts_asks_the_best_by_one_member_against_the_worst_by_another():
    assert set(asked("drts", AGREED)) == {(1, 2)}
    assert set(asked("drts", SPLIT)) == {(0, 2), (1, 2)}


def test_deltaucb_asks_for_the_greatest_gap_that_may_be():
    assert set(asked("deltaucb", AGREED)) == {(1, 2)}
    hopeful = np.array([[0.0, 0.0], [2.0, 2.0], [-1.0, 9.0]])  # 4 more than candidate 0 at the mean, 9 with a deviation
    assert set(asked("deltaucb", hopeful)) == {(2, 0)}


def test_best_worst_asks_by_the_members_mean():
    assert set(asked("best_worst", AGREED)) == {(1, 2)}
    assert set(asked("best_worst", SPLIT)) == {(0, 2), (1, 2)}, "a tie for the best is broken at random"
    assert set(asked("best_worst", DEGENERATE["one member"])) == {(2, 0)}


@pytest.mark.parametrize("name", STRATEGIES)
@pytest.mark.parametrize("case", DEGENERATE)
def test_whatever_the_scores_two_different_candidates_are_asked(name: str, case: str):
    scores = DEGENERATE[case]
    for i, j in asked(name, scores, 30):
        assert i != j
        assert {i, j} <= set(range(len(scores)))


@pytest.mark.parametrize("name", STRATEGIES)
def test_scores_that_say_nothing_favour_no_place(name: str):
    found = asked(name, np.zeros((3, 2)), 600)
    assert {frozenset(pair) for pair in found} == {frozenset({0, 1}), frozenset({0, 2}), frozenset({1, 2})}


def test_a_member_that_gives_no_number_has_no_say():
    broken = np.column_stack([AGREED, [np.nan, 0.0, 99.0, 0.0]])
    assert set(asked("best_worst", broken)) == {(1, 2)}


def test_the_same_generator_asks_the_same():
    for name, choose in STRATEGIES.items():
        first, second = (choose(SPLIT, np.random.default_rng(5)) for _ in range(2))
        assert first == second, name


def test_what_needs_several_opinions_is_refused_with_one():
    for name in STRATEGIES:
        check_choice(name, 2, 6)
        if name in NEED_SEVERAL:
            with pytest.raises(UsageError, match=rf'"{name}".*reward.members is 1. Raise reward.members'):
                check_choice(name, 1, 6)
        else:
            check_choice(name, 1, 6)


def test_more_answers_need_more_candidates_to_choose_from():
    check_choice("uncertainty", 2, 4, 3)
    check_choice("random", 1, 2, 4)
    with pytest.raises(UsageError, match=r"picks 4 of .* is 4. Raise sampling.completions to 6"):
        check_choice("uncertainty", 2, 4, 4)


def filled(scores: np.ndarray, pair: tuple[int, int], count: int, times: int = 200) -> Counter[tuple[int, ...]]:
    rng = np.random.default_rng(0)
    return Counter(tuple(fill(scores, pair, count, rng)) for _ in range(times))


def test_further_answers_are_those_of_which_least_is_known_beside_the_pair():
    unsure = np.array([[0.0, 0.0], [9.0, 9.0], [-3.0, 3.0], [1.0, 1.0], [2.0, 1.0]])
    assert set(filled(unsure, (0, 1), 3)) == {(0, 1, 2)}
    assert set(filled(unsure, (0, 1), 4)) == {(0, 1, 2, 4)}


def test_where_members_are_sure_of_all_further_answers_are_those_farthest_from_the_others():
    one = np.array([[0.0], [8.0], [0.5], [4.5], [7.9]])
    assert set(filled(one, (0, 1), 3)) == {(0, 1, 3)}


def test_where_nothing_is_known_any_further_answer_may_come():
    found = filled(np.zeros((5, 1)), (3, 0), 3, 900)
    assert {picked[:2] for picked in found} == {(3, 0)}
    assert {picked[2] for picked in found} == {1, 2, 4}
    assert max(found.values()) < 1.5 * min(found.values())


@pytest.mark.parametrize("scores", DEGENERATE.values(), ids=DEGENERATE.keys())
def test_there_are_never_more_answers_than_candidates_and_none_twice(scores: np.ndarray):
    for picked in filled(scores, (0, 1), 4):
        assert sorted(picked) == list(range(len(scores)))
    assert set(filled(scores, (1, 0), 2)) == {(1, 0)}
