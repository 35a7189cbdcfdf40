"""A duel is counted once, as it was answered then; labels go on."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from feedback_loop.gate.duels import standing, wanted
from feedback_loop.gate.votes import as_counted, in_journal, votes
from feedback_loop.records import Ranking
from feedback_loop.report.report import overview
from feedback_loop.run import Run, commit, set_aside
from feedback_loop.stages.judging import decide_promotion
from feedback_loop.store.journal import Journal
from tests.feedback_loop.decided_run import answers, collect, duels, learn, new_run, vote
from tests.feedback_loop.store.samples import ranking
from tests.feedback_loop.team_samples import said

FIRST, SECOND = duels(0)


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with closing(Journal(tmp_path / "journal.sqlite")) as opened:
        yield opened


def counted(journal: Journal, each: int = 1, out: tuple[str, ...] = ()) -> list[tuple[str, str | None]]:
    events = sorted((e for events in journal.events(0).values() for e in events), key=lambda e: e.sequence)
    return [(r.label, r.choice) for r in as_counted(events, each, out)]


def give(journal: Journal, *given: Ranking) -> None:
    for answer in given:
        assert journal.record(answer, 0)


def test_an_answer_that_is_changed_or_taken_back_later_stays_as_it_was_counted(journal: Journal):
    give(journal, ranking(0), ranking(1), ranking(2))
    before = counted(journal)
    journal.revise(ranking(0, choice="c0-b"), 0)
    journal.undo("anna", 0, {"c2"})
    assert counted(journal) == before == [("c0@anna", "c0-a"), ("c1@anna", "c1-a"), ("c2@anna", "c2-a")]
    assert [r.label for r in journal.rankings(0)] == ["c1@anna", "c0@anna"], "as labels they changed"


def test_until_enough_people_answered_a_change_counts(journal: Journal):
    give(journal, ranking(0), ranking(1))
    journal.revise(ranking(0, choice="c0-b"), 0)
    journal.undo("anna", 0, {"c1"})
    give(journal, ranking(1, "ben"), ranking(0, "ben"), ranking(0, "cleo"))
    assert counted(journal, 2) == [("c0@anna", "c0-b"), ("c0@ben", "c0-a")]


def test_discarded_answers_leave_a_duel_to_the_others(journal: Journal):
    give(journal, ranking(0, "ben", choice="c0-b"), ranking(0))
    assert counted(journal, out=("c0@ben",)) == [("c0@anna", "c0-a")]


@pytest.fixture
def open_gate(tmp_path: Path) -> Run:
    """Anna and Ben have ranked the round; its two duels are asked."""
    run = new_run(tmp_path / "run")
    collect(run, 0, answers(0, "anna", "ben"))
    learn(run, 0, [])
    set_aside(run.stage_folder(0, "promotion"))
    return run


def test_who_skips_every_duel_does_not_refuse_the_policy(open_gate: Run):
    vote(open_gate, 0, [said(c, None) for c in (FIRST, SECOND)])
    found = standing(open_gate, 0, votes(open_gate, 0))
    assert (found.verdict, found.votes) == ("ask", 0)
    assert "waits for the others" in found.reason
    vote(open_gate, 0, [said(FIRST, None, "ben")])
    with closing(Journal(open_gate.path / "journal.sqlite")) as journal:
        assert wanted(open_gate, journal), "Ben may still answer the second"
        journal.record(said(SECOND, None, "ben"), 0)
        assert not wanted(open_gate, journal)
        assert standing(open_gate, 0, in_journal(open_gate, 0, journal)).verdict == "keep"


def test_a_decided_round_keeps_what_stood_and_what_was_counted(open_gate: Run):
    vote(open_gate, 0, [said(FIRST, "a"), said(SECOND, "a")])
    with closing(Journal(open_gate.path / "journal.sqlite")) as journal:
        journal.revise(said(FIRST, "b"), 0)
    given = votes(open_gate, 0)
    before = standing(open_gate, 0, given)
    with commit(open_gate, 0, "promotion") as draft:
        decide_promotion(open_gate, 0, draft, given, before)
    assert votes(open_gate, 0).counted == given.counted
    assert [(r.label, r.choice) for r in votes(open_gate, 0).standing] == [("c6@anna", "6-a"), ("c5@anna", "5-b")]
    shown = overview(open_gate).rounds[0].gate
    assert shown is not None
    assert shown.win_rate == before.win_rate
