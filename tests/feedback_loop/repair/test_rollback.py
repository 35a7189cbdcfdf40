"""A rollback sets aside what the open round made of the policy before, and loses nothing that people said in it."""

import shutil
from pathlib import Path

import pytest

from feedback_loop import loop
from feedback_loop.errors import UsageError
from feedback_loop.lineage import current_policy
from feedback_loop.repair import discards, repair
from feedback_loop.repair.trace import trace
from feedback_loop.run import Run, open_run
from tests.feedback_loop.decided_run import answers, collect, decided, duels, learn, names, new_run, vote
from tests.feedback_loop.repair.test_repair import OWNER, killed_at, stages
from tests.feedback_loop.team_samples import said


def judged_run(path: Path) -> Run:
    """Round 0 is decided; in round 1 one of its two duels is judged, so its policy waits for more."""
    run = new_run(path)
    decided(run, 0, answers(0))
    collect(run, 1, answers(1))
    learn(run, 1, [], until="duels")
    vote(run, 1, [said(duels(1)[0], "a")])
    return run


def test_a_rollback_loses_no_duel_that_was_judged(tmp_path: Path):
    run = judged_run(tmp_path / "run")
    repair.roll_back(run, "base", OWNER, "it rambles")
    assert (current_policy(run), stages(run, 1)) == (
        "base",
        {"2-comparisons", "3-rankings", "4-preferences", "5-reward"},
    )
    (record,) = discards.records(run)
    assert (record.kind, record.asked, record.reason, record.complete) == (
        "redo",
        "rollback to base",
        "it rambles",
        True,
    )
    assert trace(run, "c15@anna").labels[0].stands == said(duels(1)[0], "a")
    learn(run, 1)
    decided(run, 2, answers(2))
    assert "c15@anna" not in names(run, 1)
    assert "c15@anna" in names(run, 2), "a duel trains from the next round on"


def test_a_rollback_that_cannot_be_sets_nothing_aside(tmp_path: Path):
    run = judged_run(tmp_path / "run")
    for to in ("round-001", "round-000"):
        with pytest.raises(UsageError, match=r"no policy round-001|already in force"):
            repair.roll_back(run, to, OWNER)
    assert run.done(1, "duels")
    assert discards.records(run) == []


def test_a_rollback_killed_between_any_two_steps_keeps_the_duels_and_can_be_typed_again(tmp_path: Path):
    calm, steps = judged_run(tmp_path / "run"), 0
    while True:
        cut = open_run(shutil.copytree(calm.path, tmp_path / f"run-{steps}"))
        if not killed_at(cut, steps, lambda run: repair.roll_back(run, "base", OWNER)):
            break
        with loop.alone(cut):  # as `advance` begins
            assert cut.done(1, "policy") == (discards.records(cut) == [])
        if current_policy(cut) != "base":
            repair.roll_back(cut, "base", OWNER)
        assert (cut.done(1, "policy"), current_policy(cut), len(discards.records(cut))) == (False, "base", 1)
        assert trace(cut, "c15@anna").labels[0].stands == said(duels(1)[0], "a")
        steps += 1
    assert steps > 4
