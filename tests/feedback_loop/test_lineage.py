"""The policy in force is the last decision's; a rollback is a decision too."""

from pathlib import Path

import pytest

from feedback_loop import lineage
from feedback_loop.durable import write_text
from feedback_loop.errors import UsageError
from feedback_loop.records import Decision
from feedback_loop.run import Run, commit
from tests.feedback_loop.test_run import make


def decide(run: Run, number: int, *, promoted: bool) -> None:
    parent, candidate = lineage.current_policy(run), lineage.policy_name(number)
    decision = Decision(
        round=number,
        promoted=promoted,
        policy=candidate if promoted else parent,
        candidate=candidate,
        parent=parent,
        reasons=("because",),
        decided_by="rule",
        decided_at="2026-01-01T00:00:00+00:00",
    )
    with commit(run, number, "policy") as draft:
        (draft.path / "adapter").mkdir()
        (draft.path / "adapter" / "weights").write_text(candidate)
    with commit(run, number, "promotion") as draft:
        write_text(draft.path / "decision.json", decision.model_dump_json())


@pytest.fixture
def run(tmp_path: Path) -> Run:
    made = make(tmp_path / "run")
    for number, promoted in enumerate([True, False, True]):
        decide(made, number, promoted=promoted)
    return made


def test_the_base_is_in_force_before_any_decision(tmp_path: Path):
    fresh = make(tmp_path / "run")
    assert lineage.current_policy(fresh) == "base"
    assert lineage.adapter_folder(fresh, "base") is None
    assert lineage.open_round(fresh) == 0


def test_a_round_that_is_not_kept_leaves_its_parent_in_force(run: Run):
    assert [d.policy for d in lineage.decisions(run)] == ["round-000", "round-000", "round-002"]
    assert lineage.open_round(run) == 3


def test_rolling_back_is_on_record_and_the_next_round_goes_on_from_there(run: Run):
    lineage.roll_back(run, "round-000", who="anna", when="2020-01-01T00:00:00+00:00")
    assert lineage.current_policy(run) == "round-000"
    assert lineage.decisions(run)[-1].decided_by == "anna"
    decide(run, 3, promoted=True)
    assert lineage.current_policy(run) == "round-003"


@pytest.mark.parametrize(("to", "said"), [("round-009", "no policy round-009"), ("round-002", "already in force")])
def test_only_to_a_policy_that_is_there_and_not_in_force(run: Run, to: str, said: str):
    with pytest.raises(UsageError, match=said):
        lineage.roll_back(run, to, who="anna", when="now")


def test_a_policy_that_was_not_kept_can_be_put_in_force_with_a_reason(run: Run):
    for why in ("", " "):
        with pytest.raises(UsageError, match=r"round-001 was not kept by its round \(because\) .*--reason"):
            lineage.roll_back(run, "round-001", who="anna", when="now", why=why)
    made = lineage.roll_back(run, "round-001", who="anna", when="now", why="I read: it is better")
    assert (made.policy, lineage.reason_of(made)) == ("round-001", "I read: it is better")


def test_the_base_and_what_was_kept_need_no_reason(run: Run):
    for to in ("base", "round-000", "round-002"):
        assert lineage.reason_of(lineage.roll_back(run, to, who="anna", when="now")) == ""
    lineage.roll_back(run, "round-001", who="anna", when="now", why="once")
    lineage.roll_back(run, "base", who="anna", when="now")
    with pytest.raises(UsageError, match="not kept"):
        lineage.roll_back(run, "round-001", who="anna", when="now")
