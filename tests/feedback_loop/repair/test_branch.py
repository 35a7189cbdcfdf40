"""A branch is a run of its own: it goes on from an older round, and the run that it came from stays as it was."""

import shutil
from contextlib import closing
from pathlib import Path

import pytest

from feedback_loop.brief.brief import load, parse
from feedback_loop.brief.brief_edits import replace
from feedback_loop.errors import UsageError
from feedback_loop.lineage import current_policy, open_round, roll_back
from feedback_loop.repair.branch import branch
from feedback_loop.repair.repair import Wish, discard
from feedback_loop.repair.why import why
from feedback_loop.run import STAGES, Origin, Run, files_below, open_run, verify
from feedback_loop.store.journal import Journal
from tests.conftest import Cli
from tests.feedback_loop.decided_run import adapter, answers, collect, decided, duels, learn, names, new_run
from tests.feedback_loop.team_samples import said


@pytest.fixture
def run(tmp_path: Path) -> Run:
    run = new_run(tmp_path / "run")
    decided(run, 0, answers(0, "anna", "ben"), [said(c, "a") for c in duels(0)])
    decided(run, 1, answers(1))
    decided(run, 2, answers(2))
    return run


def test_the_new_run_has_the_rounds_and_goes_on_alone(run: Run, tmp_path: Path):
    before = {file: file.read_bytes() for file in files_below(run.path) if file.name != ".lock"}
    new = branch(run, tmp_path / "new", 1)
    assert new.id != run.id
    assert new.record.branched_from == Origin(run=run.id, round=1)
    assert (new.rounds(), open_round(new), current_policy(new)) == ([0, 1], 2, "round-001")
    for number in new.rounds():
        for stage in STAGES[1:]:
            verify(new, number, stage)
    decided(new, 2, answers(2, "cara"))
    assert adapter(new, 2) != adapter(run, 2)
    after = {file: file.read_bytes() for file in files_below(run.path) if not file.name.startswith(("journal", "."))}
    assert {file: before[file] for file in after} == after
    assert f"branched from run {run.id}" not in str(why(run))


def test_the_brief_and_its_earlier_versions_go_along(run: Run, tmp_path: Path):
    replace(run, "- One\n", who="anna", what="first")
    replace(run, "- Two\n", who="anna", what="second")
    new = branch(run, tmp_path / "new", 0)
    assert load(new) == parse("- Two\n")
    assert (new.path / "briefs" / "000.md").read_text() == "- One\n"


def test_the_same_answers_lead_to_the_same_adapter(run: Run, tmp_path: Path):
    new = branch(run, tmp_path / "new", 0)
    decided(new, 1, answers(1))
    assert adapter(new, 1) == adapter(run, 1)


def test_votes_of_the_rounds_go_along_and_later_ones_do_not(run: Run, tmp_path: Path):
    new = branch(run, tmp_path / "new", 1)
    with closing(Journal(new.path / "journal.sqlite")) as journal:
        assert len(journal.rankings(0)) == 10
        assert len(journal.rankings(1)) == 4
        assert journal.rankings(2) == []
        assert journal.waiting() == 0, "its Argilla has nothing to hear of rounds that it never asked"


def test_discards_and_rollbacks_of_the_rounds_go_along(run: Run, tmp_path: Path):
    discard(run, Wish(label="c10"), "a slip", "owner")
    learn(run, 1)
    roll_back(run, "round-000", who="anna", when="now")
    collect(run, 2, answers(2, "cara"))
    discard(run, Wish(annotator="cara"), "of the open round", "owner")
    new = branch(run, tmp_path / "new", 1)
    assert [file.name for file in files_below(new.path / "discards") if file.parent.name == "discards"] == ["000.json"]
    assert current_policy(new) == "round-000"
    assert names(new, 1) == names(run, 1)
    assert "c20@anna" in names(new, 1), "carried over"
    shutil.rmtree(run.path)
    decided(new, 2, answers(2))
    assert {"c11@anna", "c20@anna"} < names(open_run(new.path), 2), "it needs nothing of the run it came from"


def test_only_from_a_decided_round_and_into_a_new_folder(run: Run, tmp_path: Path, cli: Cli):
    with pytest.raises(UsageError, match=r"round 003 is not decided\. There are: 000, 001, 002"):
        branch(run, tmp_path / "new", 3)
    with pytest.raises(UsageError, match="already there and not empty"):
        branch(run, run.path, 0)
    done = cli("branch", run.path, tmp_path / "new", "--round", 0)
    assert done.returncode == 0, done.stderr
    assert f"Go on: feedback-loop advance {tmp_path / 'new'}" in done.stderr
    assert not list(tmp_path.glob(".new*"))
