"""What is counted of each person, and what of the team."""

import random

import pytest

from feedback_loop.team.team import me_of, sign_test, team_of
from tests.feedback_loop.team_samples import check, comparison, order, repeat, said


def test_a_persons_work_is_counted():
    asked = [comparison(n, round=n % 2) for n in range(6)]
    answers = [
        said(asked[0], "a", seconds=4.0),
        said(asked[1], "tie", seconds=10.0, flagged=True),
        said(asked[2], "neither", seconds=6.0, created_at="2026-11-25T12:00:00.000+00:00"),
        said(asked[3], None, seconds=8.0, reason="unsafe"),
        said(asked[4], None),
        said(asked[0], "b", "ben"),
    ]
    team = team_of(asked, answers)
    anna, ben = team.people
    assert (anna.name, anna.answers, anna.ties, anna.neither, anna.flagged) == ("anna", 3, 1, 1, 1)
    assert anna.by_round == {0: 2, 1: 1}
    assert anna.last_active == "2026-11-25T12:00:00.000+00:00"
    assert anna.seconds is not None
    assert (anna.seconds.median, anna.seconds.low, anna.seconds.high, anna.seconds.count) == (7.0, 5.5, 8.5, 4)
    assert anna.skips == {"unsafe": 1, "none": 1}
    assert (anna.shared, ben.shared) == (1, 1)
    assert ben.seconds is None
    assert (team.comparisons, team.answered, team.shared, team.answers) == (6, 3, 1, 4)
    assert team.between[0].same.share == 0.0


def test_repeats_and_checks_are_counted_apart_from_agreement():
    asked = [*(comparison(n) for n in range(4)), *(repeat(n) for n in range(4)), check(9)]
    answers = [said(c, "a") for c in asked[:4]] + [said(c, x) for c, x in zip(asked[4:8], "aaab", strict=True)]
    answers += [said(asked[8], "b"), said(asked[4], "a", "ben"), said(asked[8], "a", "ben")]
    team = team_of(asked, answers)
    anna, ben = team.people
    assert anna.self_agreement is not None
    assert (anna.self_agreement.share, anna.self_agreement.count) == (0.75, 4)
    assert anna.checks is not None
    assert (anna.checks.share, anna.checks.count) == (0.0, 1)
    assert ben.self_agreement is None
    assert team.between == (), "they have only a repeat and a check in common"
    assert (team.comparisons, team.repeats, team.checks, team.answers) == (4, 5, 2, 11)
    assert anna.first_chosen is not None
    assert anna.first_chosen.count == 4


def test_a_leaning_to_one_side_is_told_from_chance():
    rng = random.Random(2)
    asked = [comparison(n, rng.choice(["ab", "ba"])) for n in range(60)]
    answers = [said(c, c.completions[0 if rng.random() < 0.85 else 1].id[-1]) for c in asked]
    answers += [said(c, "a", "ben") for c in asked]
    anna, ben = team_of(asked, answers).people
    assert (anna.leans, ben.leans) == ("first", None)
    assert anna.first_chosen is not None
    assert anna.first_chosen.low > 0.7
    assert anna.first_chance is not None
    assert anna.first_chance < 1e-4
    last = team_of(asked, [said(c, c.completions[1].id[-1]) for c in asked]).people[0]
    assert last.leans == "second"


def test_among_many_honest_people_hardly_anybody_is_said_to_lean():
    found = 0
    for seed in range(20):
        rng = random.Random(seed)
        asked = [comparison(n, rng.choice(["ab", "ba"])) for n in range(30)]
        answers = [said(c, rng.choice("ab"), f"user {u}") for u in range(10) for c in asked]
        found += sum(p.leans is not None for p in team_of(asked, answers).people)
    assert found <= 3


def test_a_taste_for_length_is_seen_in_order_of_the_answers_too():
    asked = [comparison(n, "bca") for n in range(8)]
    answers = [said(c, "a", order=order(n, "a", "b", "c")) for n, c in enumerate(asked)]
    person = team_of(asked, answers).people[0]
    assert person.longer_chosen is not None
    assert (person.longer_chosen.share, person.longer_chosen.count) == (1.0, 8)
    assert person.first_chosen is not None
    assert person.first_chosen.share == pytest.approx(1 / 3), "b before c; but a, behind both, is better"


@pytest.mark.parametrize(("more", "less", "chance"), [(5, 0, 1 / 16), (8, 2, 112 / 1024), (5, 5, 1.0), (0, 0, None)])
def test_the_sign_test_is_exact(more: int, less: int, chance: float | None):
    assert sign_test(more, less) == (None if chance is None else pytest.approx(chance))


def test_nobody_yet():
    team = team_of([comparison(1)], [])
    assert (team.people, team.between, team.alpha, team.answers) == ((), (), None, 0)


def test_a_person_hears_of_themselves_in_steps_that_give_no_repeat_away():
    asked = [*(comparison(n) for n in range(12)), *(repeat(n) for n in range(12)), check(20)]
    first = [said(c, "a", seconds=3.0) for c in asked[:12]]

    def after(count: int) -> tuple[float, int] | None:
        again = [said(c, "b" if n == 1 else "a") for n, c in enumerate(asked[12 : 12 + count])]
        me = me_of(asked, [*first, *again, said(asked[24], "b")], "anna")
        return me.same and (me.same.share, me.same.count)

    assert after(4) is after(11) is None
    assert after(12) == (0.875, 8), "of 25 answers, the first 20: 12, and 8 repeats"
    me = me_of(asked, first, "anna")
    assert (me.answers, me.seconds, me.same) == (12, 3.0, None)
    assert me_of(asked, first, "ben").answers == 0
    assert "check" not in me.model_dump_json()
