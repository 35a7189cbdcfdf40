"""The power goes at any moment: after each sync and each rename a stage is whole or absent, and the run goes on."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from feedback_loop import lineage
from feedback_loop import run as runs
from feedback_loop.durable import make_folder, write_text
from feedback_loop.errors import UsageError
from feedback_loop.records import Decision, Prompt
from feedback_loop.repair.repair import redo
from feedback_loop.run import STAGES, Run, commit, open_run, verify
from tests.faults.disk import Disk, Tree, laid_out, watched
from tests.feedback_loop.test_run import make

Check = Callable[[Path], None]


def ends(disk: Disk) -> Iterator[tuple[str, Tree]]:
    """Every way in which it may end, at every moment."""
    for kind in ("after_kill", "after_cut", "torn"):
        for moment, tree in enumerate(getattr(disk, kind)):
            yield f"{kind}-{moment}", tree


def write_stage(run: Run, number: int, stage: str) -> None:
    """A stage with a folder of its own in it, as an adapter is."""
    with commit(run, number, stage) as draft:
        draft.read(run.path / "prompts.jsonl", Prompt)
        (draft.path / "adapter").mkdir()
        (draft.path / "adapter" / "weights").write_bytes(bytes(range(256)) * 20)
        write_text(draft.path / "figures.json", "{}")
        draft.facts["stage"] = stage


def whole_or_absent(run: Run) -> list[tuple[int, str]]:
    """The stages that are there, each as it was written."""
    there = [(n, s) for n in run.rounds() for s in STAGES if run.stage_folder(n, s).exists()]
    for number, stage in there:
        assert run.done(number, stage)
        verify(run, number, stage)
    return there


def test_a_new_run_is_whole_or_absent_and_can_be_made_then(tmp_path: Path):
    disk_of, seen = tmp_path / "disk", set()
    disk_of.mkdir()
    with watched(disk_of) as disk:
        run = make(disk_of / "run")
    for name, tree in ends(disk):
        folder = laid_out(tree, tmp_path / name)
        try:
            found = open_run(folder / "run")
            assert found.record == run.record
            assert (found.path / "prompts.jsonl").read_text() == (run.path / "prompts.jsonl").read_text()
            seen.add("whole")
        except UsageError:
            make(folder / "run")
            seen.add("absent")
    assert seen == {"whole", "absent"}
    assert open_run(laid_out(disk.after_cut[-1], tmp_path / "end") / "run").record == run.record, "made is made"


def test_a_stage_is_whole_or_absent_and_is_done_then(tmp_path: Path):
    run = make(tmp_path / "disk" / "run")
    write_stage(run, 0, "prompts")
    moments = 0
    with watched(tmp_path / "disk") as disk:
        write_stage(run, 0, "comparisons")
        write_stage(run, 1, "prompts")
    for name, tree in ends(disk):
        found = open_run(laid_out(tree, tmp_path / name) / "run")
        there, moments = whole_or_absent(found), moments + 1
        assert there in ([(0, "prompts")], [(0, "prompts"), (0, "comparisons")], EVERYTHING)
        for number, stage in EVERYTHING:
            if not found.done(number, stage):
                write_stage(found, number, stage)
            assert found.manifest(number, stage).outputs == run.manifest(number, stage).outputs
    assert moments > 60
    final = open_run(laid_out(disk.after_cut[-1], tmp_path / "end") / "run")
    assert whole_or_absent(final) == EVERYTHING, "what is done outlives a power cut"


EVERYTHING = [(0, "prompts"), (0, "comparisons"), (1, "prompts")]


def test_setting_aside_never_leaves_a_stage_without_what_it_was_made_from(tmp_path: Path):
    run = make(tmp_path / "disk" / "run")
    for number, stage in ((0, "prompts"), (0, "comparisons"), (0, "rankings"), (1, "prompts")):
        write_stage(run, number, stage)
    with watched(tmp_path / "disk") as disk:
        redo(run, "comparisons", 0, "owner")
    for name, tree in ends(disk):
        found = open_run(laid_out(tree, tmp_path / name) / "run")
        there = whole_or_absent(found)
        assert there == [(0, "prompts"), (0, "comparisons"), (0, "rankings"), (1, "prompts")][: len(there)]
        if (0, "comparisons") in there:
            redo(found, "comparisons", 0, "owner")
        assert whole_or_absent(found) == [(0, "prompts")]
    for left in ("2-comparisons.aside-1", "3-rankings.aside-1"):
        assert f"run/rounds/000/{left}/manifest.json" in disk.after_cut[-1], "nothing is deleted"


def test_a_rollback_that_was_acknowledged_stands(tmp_path: Path):
    run = make(tmp_path / "disk" / "run")
    decide(run)
    with watched(tmp_path / "disk") as disk:
        lineage.roll_back(run, "base", who="anna", when="then")
    for name, tree in ends(disk):
        found = open_run(laid_out(tree, tmp_path / name) / "run")
        assert lineage.current_policy(found) in ("round-000", "base")
    assert lineage.current_policy(open_run(laid_out(disk.after_cut[-1], tmp_path / "end") / "run")) == "base"


def decide(run: Run) -> None:
    """A round whose policy was kept, as far as the decision says."""
    write_stage(run, 0, "policy")
    decision = Decision(
        round=0,
        promoted=True,
        policy="round-000",
        candidate="round-000",
        parent="base",
        reasons=("so",),
        decided_by="loop",
        decided_at="then",
    )
    with commit(run, 0, "promotion") as draft:
        write_text(draft.path / "decision.json", decision.model_dump_json())


@pytest.mark.parametrize("name", ["new", "nested/new"])
def test_a_folder_that_was_made_outlives_a_power_cut(tmp_path: Path, name: str):
    (tmp_path / "disk").mkdir()
    with watched(tmp_path / "disk") as disk:
        make_folder(tmp_path / "disk" / name)
    assert name in disk.after_cut[-1]


def test_a_file_is_the_old_one_or_the_new_one(tmp_path: Path):
    (tmp_path / "disk").mkdir()
    file = tmp_path / "disk" / "note.json"
    write_text(file, "old")
    with watched(tmp_path / "disk") as disk:
        write_text(file, "new")
    assert {tree["note.json"] for _, tree in ends(disk)} == {b"old", b"new"}
    assert disk.after_cut[-1]["note.json"] == b"new"
    assert runs.files_below(tmp_path / "disk") == [file]
