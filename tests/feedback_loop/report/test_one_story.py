"""Which policy is in force, who put it there, and what it learned from: status, why, trace and the overview tell one story."""

from pathlib import Path

import pytest

from feedback_loop.lineage import roll_back
from feedback_loop.repair.repair import Wish, discard
from feedback_loop.repair.trace import trace
from feedback_loop.repair.why import why
from feedback_loop.repair.why_text import as_text as why_text
from feedback_loop.report.report import overview
from feedback_loop.report.report_text import as_text
from feedback_loop.run import Run
from tests.feedback_loop.decided_run import answers, collect, decided, learn, new_run

WHEN = "2026-11-26T10:00:00.000+00:00"


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Ben's labels are discarded; the second round is refused, and Anna puts its policy in force all the same."""
    run = new_run(tmp_path / "run")
    decided(run, 0, answers(0, "anna", "ben"))
    discard(run, Wish(annotator="ben"), "was not well", "olga")
    learn(run, 0)
    collect(run, 1, answers(1))
    learn(run, 1, promoted=False)
    roll_back(run, "round-001", who="anna", when=WHEN, why="the tone is right")
    return run


def test_which_policy_is_in_force(run: Run):
    assert overview(run).policy == why(run).in_force == "round-001"
    assert "policy in force: round-001" in as_text(overview(run)).splitlines()[0]
    assert [one.policy for one in why(run).chain if one.in_force] == ["round-001"]
    reached = trace(run, "c10@anna").labels[0].reached
    assert [r.name for r in reached if r.in_force] == ["round-001"]


def test_who_put_it_there_against_whose_decision_and_why(run: Run):
    view, told = overview(run), why_text(why(run))
    (back,) = view.rollbacks
    assert (back.round, back.before, back.policy) == (1, "round-000", "round-001")
    assert (back.by, back.at, back.reason) == ("anna", WHEN, "the tone is right")
    status = as_text(view)
    refused = status.index("not kept: round-000 stayed in force, decided by people")
    assert refused < status.index(
        "rolled back from round-000 to round-001 by anna, 2026-11-26T10:00: the tone is right"
    )
    assert "is in force" not in status, "what was decided once may hold no more"
    assert "by people: not kept" in told
    assert "anna rolled back from round-000 to round-001: the tone is right" in told


def test_what_it_learned_from_and_what_no_longer_counts(run: Run):
    (out,) = overview(run).discarded
    assert (out.by, out.labels, out.reason) == ("olga", 4, "was not well")
    assert f"discard {out.number}: 4 labels (annotator ben) by olga, {out.at[:16]}: was not well" in as_text(
        overview(run)
    )
    assert why(run).chain[0].learned.by_person == {"anna": 8}
    assert overview(run).labels == 8
    (ben,) = trace(run, "c0@ben").labels
    assert ben.discarded is not None
    assert not [r for r in ben.reached if r.in_force]


def test_a_round_that_was_kept_and_left_behind_is_told_in_the_past(run: Run):
    roll_back(run, "base", who="anna", when=WHEN)
    status = as_text(overview(run))
    assert "policy in force: base" in status.splitlines()[0]
    assert "kept: round-000 came into force, decided by people" in status
    assert "rolled back from round-001 to base by anna, 2026-11-26T10:00: no reason given" in status
