"""What was flagged is found by whoever looks after the run, until it is taken back."""

import contextlib
import json
from pathlib import Path

import pytest

from feedback_loop import recipe
from feedback_loop.asking.labelling import open_desk
from feedback_loop.records import Answer
from feedback_loop.run import Run, commit, create, write_jsonl
from feedback_loop.store.journal import Journal
from feedback_loop.team.flags import as_text, flags
from tests.conftest import Cli
from tests.feedback_loop.store.samples import comparison
from tests.models_fixture import tiny_prompts


@pytest.fixture
def run(tmp_path: Path) -> Run:
    prompts = tiny_prompts(4)
    run = create(tmp_path / "run", recipe.load(None, []), prompts[:2], prompts[2:])
    with commit(run, 0, "prompts") as draft:
        write_jsonl(draft.path / "prompts.jsonl", prompts[:2])
    with commit(run, 0, "comparisons") as draft:
        write_jsonl(draft.path / "comparisons.jsonl", [comparison(n) for n in range(3)])
        draft.facts["comparisons"] = 3
    return run


def test_flags_are_listed_with_what_they_are_of(run: Run, cli: Cli):
    with contextlib.closing(Journal(run.path / "journal.sqlite")) as journal:
        desk = open_desk(run, journal)
        desk.vote("anna", "c1", Answer(choice="c1-b", flagged=True, comment="rude,\nand \x1b[31mred"))
        desk.vote("otto", "c1", Answer(status="discarded", reason="unsafe", flagged=True))
        desk.vote("otto", "c2", Answer(choice="tie"))
        found = flags(run)
        assert [(f.comparison_id, f.user_id, f.choice, f.reason) for f in found] == [
            ("c1", "anna", "second", None),
            ("c1", "otto", None, "unsafe"),
        ]
        assert found[0].answers == ("Answer a to 1", "Answer b to 1")
        assert "rude, and [31mred" in as_text(found), "on one line, and without control characters"
        assert json.loads(cli("flags", run.path, "--json").stdout)[1]["reason"] == "unsafe"
        desk.vote("anna", "c1", Answer(choice="c1-b"), revise=True)
        desk.undo("otto")
        desk.undo("otto")
    assert flags(run) == []
    assert cli("flags", run.path).stdout.strip() == "Nobody has flagged anything."
