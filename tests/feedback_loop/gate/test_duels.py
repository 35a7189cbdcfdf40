"""What the gate is told of people's answers to duels."""

from collections.abc import Collection
from typing import Any

from feedback_loop.gate.duels import Foreseen, observed, unanswered
from feedback_loop.gate.votes import Votes
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


def test_what_more_people_say_of_a_counted_duel_changes_nothing():
    assert points(ranking(0), ranking(1), ranking(0, "ben", choice="c0-b")) == [1.0, 1.0]


def left(people: str, *given: Ranking, counted: Collection[Ranking] | None = None, each: int = 1) -> int:
    """How many duels may still get answers; each answer that stands is counted unless said otherwise."""
    answers = [r for r in given if r.status == "submitted"]
    votes = Votes(
        standing=given, counted=tuple(answers if counted is None else counted), people=frozenset(people.split())
    )
    return len(unanswered(DUELS, votes, each))


def test_one_person_alone_is_waited_for_until_they_answered_or_skipped_each():
    assert left("anna") == 4
    assert left("anna", ranking(0), ranking(1, choice=None)) == 2
    assert left("anna", ranking(0), *(ranking(n, choice=None) for n in (1, 2, 3))) == 0


def test_nobody_of_a_team_ends_the_asking_by_skipping():
    skips = [ranking(n, choice=None) for n in range(4)]
    assert left("anna ben", *skips) == 4
    assert left("anna ben", *skips, ranking(0, "ben"), ranking(1, "ben", choice=None)) == 2
    assert left("anna ben", *skips, *(ranking(n, "ben", choice=None) for n in range(4))) == 0


def test_a_duel_that_lacks_answers_waits_for_as_many_people_as_it_needs():
    all_ = [ranking(n) for n in range(4)]
    assert left("anna", *all_, counted=[], each=2) == 4
    assert left("anna ben", *all_, ranking(0, "ben"), counted=[all_[0], ranking(0, "ben")], each=2) == 3
