"""The same two answers put the other way round, and earlier labels that the reward model surely contradicts."""

from pathlib import Path

import pytest

from feedback_loop.labels import Said, Source
from feedback_loop.records import Comparison, Ranking
from feedback_loop.repair.contradictions import Judged, agreed, as_text, contradictions, direct, measured
from feedback_loop.repair.repair import Wish, discard
from feedback_loop.report.report import overview
from tests.feedback_loop.decided_run import answers, ask, decided, new_run
from tests.feedback_loop.team_samples import check, comparison, repeat, said


def given(*asked: tuple[Comparison, Ranking]) -> list[Said]:
    """Each answer with its comparison, as a round's."""
    return [Said(Source(c.round, "round", [], None, c.round), [c], [r]) for c, r in asked]


FIRST, LATER = comparison(1), comparison(1, "ba", "again", round=1)


def test_people_and_rounds_contradict_each_other_and_are_named():
    (found,) = direct(given((FIRST, said(FIRST, "a")), (FIRST, said(FIRST, "b", "ben")), (LATER, said(LATER, "b"))))
    assert found.request == "Question 1?"
    assert {(v.label, v.round) for v in found.for_first} == {("c1@anna", 0)}
    assert {(v.label, v.round) for v in found.for_second} == {("c1@ben", 0), ("again@anna", 1)}
    assert found.concerns(1)
    assert not found.concerns(2)


def test_the_same_said_again_ties_slips_on_repeats_and_checks_are_no_contradictions():
    again, known = repeat(1), check(1)
    assert direct(given((FIRST, said(FIRST, "a")), (LATER, said(LATER, "a")))) == []
    assert direct(given((FIRST, said(FIRST, "a")), (LATER, said(LATER, "tie")))) == []
    assert direct(given((FIRST, said(FIRST, "a")), (again, said(again, "b")))) == []
    assert direct(given((FIRST, said(FIRST, "a")), (known, said(known, "b", "ben")))) == []


def test_a_probability_takes_the_margins_scale_and_its_doubt_into_account():
    assert agreed(0, 1, None, 0) == 0.5
    assert agreed(-4, 0, None, 0) == pytest.approx(0.018, abs=0.001)
    assert agreed(-4, 0, 2, 0) > agreed(-4, 0, None, 0)
    assert agreed(-4, 3, None, 0) > agreed(-4, 0, None, 0)
    assert agreed(-9999, 0, None, 0) == pytest.approx(0)


def test_who_calls_ties_prefers_nothing_lightly():
    assert agreed(-2, 0, None, 1) < agreed(-2, 0, None, 0)
    row = Judged(margin=-2.2, spread=0.1, user_id="anna", round=0, comparison_id="c1")
    assert measured([row], 1, {"temperature": None}) == [], "as an older version's stage, which knew of no ties"
    assert [m.label for m in measured([row], 1, {"temperature": None, "tie_threshold": 1.5})] == ["c1@anna"]


def test_only_earlier_rounds_clear_choices_are_measured():
    row = Judged(margin=-5, spread=0.1, user_id="anna", round=0, comparison_id="c1")
    assert [m.label for m in measured([row], 1, {})] == ["c1@anna"]
    assert measured([row], 0, {}) == [], "a label of the round itself"
    for change in ({"tie": True}, {"source": "edit"}, {"comparison_id": None}, {"margin": -1}, {"spread": 9}):
        assert measured([row.model_copy(update=change)], 1, {}) == []


def test_a_run_shows_them_until_they_are_discarded(tmp_path: Path):
    run = new_run(tmp_path / "run")
    decided(run, 0, answers(0))
    decided(run, 1, answers(1))
    with_reward = contradictions(run)
    assert [m.label for m in with_reward.measured] == ["c0@anna"]
    assert with_reward.by_round == 1
    assert "c0@anna (round 000): probability 0%" in as_text(with_reward)
    ask(run, 2)
    discard(run, Wish(label="c0@anna"), "a slip", "owner")
    assert contradictions(run).measured == ()
    assert as_text(contradictions(run)) == "No label contradicts another."


def test_a_round_says_how_many_of_its_labels_say_the_opposite_of_others(tmp_path: Path):
    run = new_run(tmp_path / "run")
    decided(run, 0, [*answers(0), said(comparison(0), "b", "ben")])
    assert [r.contradictions for r in overview(run).rounds] == [1, 0]
