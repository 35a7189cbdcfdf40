"""A run of an older format is brought to the present one when it is opened, and a step that was cut off is done again."""

import fcntl
import json
from pathlib import Path

import pytest

from feedback_loop import lineage
from feedback_loop.errors import LoopError
from feedback_loop.migrations import migrate
from feedback_loop.run import FORMAT, Run, open_run, verify
from tests.feedback_loop.test_lineage import decide
from tests.feedback_loop.test_run import make


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A run of two decided rounds as format 1 had it."""
    run = make(tmp_path / "run")
    for number in range(2):
        decide(run, number, promoted=number == 0)
    for number in range(2):
        run.stage_folder(number, "promotion").rename(run.round_folder(number) / "8-promotion")
    record = json.loads((run.path / "run.json").read_text())
    (run.path / "run.json").write_text(json.dumps(record | {"format": 1}))
    return run.path


def told(run: Run) -> list[str]:
    return [d.policy for d in lineage.decisions(run)]


def test_a_run_of_format_1_opens_with_its_decisions_where_they_are_looked_for(old: Path):
    run = open_run(old)
    assert run.record.format == FORMAT == json.loads((old / "run.json").read_text())["format"]
    assert told(run) == ["round-000", "round-000"]
    assert lineage.open_round(run) == 2
    verify(run, 0, "promotion")
    assert told(open_run(old)) == told(run), "and is left as it is the next time"


def test_a_migration_that_was_cut_off_goes_on(old: Path):
    folder = old / "rounds" / "000"
    (folder / "8-promotion").rename(folder / "9-promotion")
    assert told(open_run(old)) == ["round-000", "round-000"]


def test_nothing_is_migrated_while_an_older_version_works_on_the_run(old: Path):
    with (old / ".lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        with pytest.raises(LoopError, match="an older version made this run and is working on it"):
            open_run(old)
    assert (old / "rounds" / "000" / "8-promotion").exists()


def test_a_run_of_the_present_format_is_not_touched(tmp_path: Path):
    run = make(tmp_path / "run")
    before = (run.path / "run.json").read_bytes()
    migrate(run.path, FORMAT)
    assert (run.path / "run.json").read_bytes() == before
