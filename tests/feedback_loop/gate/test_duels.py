"""What the gate is told of people's answers to duels."""

from typing import Any

from feedback_loop.gate.duels import Foreseen, observed, unanswered
from feedback_loop.records import Comparison, Ranking
from tests.feedback_loop.store.samples import comparison, ranking


def duel(number: int) -> Comparison:
    """A comparison `cN` of the new policy's `cN-a` with the parent's `cN-b`."""
    plain = comparison(number)
    new, old = (
        c.model_copy(update={"policy": p}) for c, p in zip(plain.completions, ("round-000", "base"), strict=True)
    )
    return plain.model_copy(update={"purpose": "duel", "completions": (old, new) if number % 2 else (new, old)})


DUELS = [duel(n) for n in range(4)]


def points(*given: Ranking, **more: Any) -> list[float]:
    return [d.points for d in observed(DUELS, [], given, "round-000", more.get("per_comparison", 1))]


def test_the_new_answer_wins_wherever_it_stands_and_no_choice_counts_half():
    assert points(ranking(0), ranking(1), ranking(2, choice="c2-b"), ranking(3, choice="tie")) == [1.0, 1.0, 0.0, 0.5]
    assert points(ranking(0, choice="neither")) == [0.5]


def test_skips_repeats_and_other_comparisons_are_not_counted():
    assert points(ranking(0, choice=None), ranking(7), ranking(1)) == [1.0]


def test_duels_count_in_the_order_in_which_enough_people_had_answered_with_the_mean_of_what_they_said():
    given = [ranking(0), ranking(1), ranking(1, "ben", choice="c1-b"), ranking(0, "ben"), ranking(2)]
    assert points(*given, per_comparison=2) == [0.5, 1.0]


def test_a_duel_comes_with_what_the_reward_model_expected():
    known = [Foreseen(comparison_id="c1", probability=0.8, unasked=(0.3, 0.6))]
    found = observed(DUELS, known, [ranking(0), ranking(1)], "round-000", 1)
    assert [(d.predicted, d.unasked) for d in found] == [(None, ()), (0.8, (0.3, 0.6))]


def test_what_somebody_skipped_need_not_be_waited_for():
    assert unanswered(DUELS, [], 1) == 4
    assert unanswered(DUELS, [ranking(0), ranking(1, choice=None)], 1) == 2
    assert unanswered(DUELS, [ranking(0)], 2) == 4
