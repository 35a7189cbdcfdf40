"""A stage folder is whole or absent; a run says what is wrong with it in one line."""

import contextlib
import json
import os
from pathlib import Path

import pytest

from feedback_loop import run as runs
from feedback_loop.errors import LoopError, UsageError
from feedback_loop.recipe import Recipe
from feedback_loop.records import Message, Prompt
from feedback_loop.run import Run, commit, create, open_run


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return make(tmp_path / "run")


def make(path: Path) -> Run:
    asked = [Prompt(id=f"p{n}", prompt=(Message(role="user", content=f"Question {n}?"),)) for n in range(3)]
    return create(path, Recipe(), asked[:2], asked[2:])


def test_a_committed_stage_carries_inputs_outputs_and_checksums(run: Run):
    with commit(run, 0, "prompts") as draft:
        draft.read(run.path / "prompts.jsonl", Prompt)
        (draft.path / "out.txt").write_text("hello")
        draft.facts["count"] = 1
    manifest = run.manifest(0, "prompts")
    assert manifest.outputs == {"out.txt": "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"}
    assert list(manifest.inputs) == ["prompts.jsonl"]
    assert manifest.recipe == run.recipe_digest
    assert manifest.packages["torch"]
    assert manifest.facts == {"count": 1}


def fail_halfway(folder: Path) -> None:
    (folder / "half.txt").write_text("half")
    raise RuntimeError


def test_a_stage_that_fails_or_is_killed_leaves_nothing_and_is_done_anew(run: Run):
    with pytest.raises(RuntimeError), commit(run, 0, "prompts") as draft:
        fail_halfway(draft.path)
    assert not run.done(0, "prompts")
    with commit(run, 0, "prompts"):
        pass
    assert runs.files_below(run.stage_folder(0, "prompts")) == [run.stage_folder(0, "prompts") / "manifest.json"]


def fail_with(run: Run, key: str) -> list[str]:
    """Begin a stage that may be resumed, and fail in it; what it found of an earlier attempt."""
    found: list[str] = []
    with contextlib.suppress(RuntimeError), commit(run, 0, "policy") as draft:
        found += [file.name for file in draft.resumed(key).iterdir() if file.name != "key"]
        fail_halfway(draft.resume)
    return found


def test_what_a_stage_would_go_on_from_outlives_a_failure_for_the_very_same_work(run: Run):
    assert fail_with(run, "this") == []
    assert fail_with(run, "this") == ["half.txt"]
    assert fail_with(run, "other") == []
    assert fail_with(run, "this") == []
    with commit(run, 0, "policy") as draft:
        draft.resumed("this")
    assert not run.resume_folder(0, "policy").exists(), "gone once the stage is there"
    assert run.rounds() == [0]


def test_a_finished_stage_is_never_overwritten(run: Run):
    with commit(run, 0, "prompts"):
        pass
    with (
        pytest.raises(LoopError, match=r"already there\. Make it again: feedback-loop redo"),
        commit(run, 0, "prompts"),
    ):
        pass


def test_a_changed_file_is_found_by_its_checksum(run: Run):
    with commit(run, 0, "prompts") as draft:
        (draft.path / "out.txt").write_text("hello")
    runs.verify(run, 0, "prompts")
    (run.stage_folder(0, "prompts") / "out.txt").write_text("HELLO")
    with pytest.raises(LoopError, match=r"out\.txt: damaged or missing"):
        runs.verify(run, 0, "prompts")


def test_seeds_differ_between_rounds_and_stages_and_follow_the_recipe(run: Run, tmp_path: Path):
    seeds = {run.seed(n, s) for n in range(3) for s in runs.STAGES}
    assert len(seeds) == 3 * len(runs.STAGES)
    assert make(tmp_path / "other").seed(1, "policy") == run.seed(1, "policy")


def test_a_folder_in_use_is_refused(run: Run):
    with pytest.raises(UsageError, match="already there and not empty"):
        make(run.path)


def test_no_run_there_says_how_to_make_one(tmp_path: Path):
    with pytest.raises(UsageError, match=f"no run there. Make one: feedback-loop init {tmp_path}"):
        open_run(tmp_path)


def test_a_newer_format_is_refused(run: Run):
    file = run.path / "run.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"format": 99}))
    with pytest.raises(LoopError, match=r"run format 99 is newer than this program's 2\. Upgrade"):
        open_run(run.path)


def test_a_damaged_record_is_named(run: Run):
    (run.path / "run.json").write_text("{")
    with pytest.raises(LoopError, match=r"run\.json: not readable"):
        open_run(run.path)


def test_a_bad_line_is_named_by_number(run: Run):
    file = run.path / "prompts.jsonl"
    file.write_text(file.read_text() + '{"id": "x"}\n')
    with pytest.raises(LoopError, match=r"prompts\.jsonl, line 3: prompt: Field required"):
        runs.read_jsonl(file, Prompt)


def test_a_batch_lies_beside_its_stage_and_is_committed_like_it(run: Run):
    for name in ("comparisons", "comparisons.more-001"):
        with commit(run, 0, name) as draft:
            (draft.path / "out.txt").write_text(name)
    with contextlib.suppress(RuntimeError), commit(run, 0, "comparisons.more-002") as draft:
        fail_halfway(draft.path)
    assert run.batches(0) == ["comparisons.more-001"], "half a batch is none"
    assert run.stage_folder(0, "comparisons.more-001").name == "2-comparisons.more-001"
    assert run.manifest(0, "comparisons.more-001").seed != run.manifest(0, "comparisons").seed
    (run.stage_folder(0, "comparisons.more-001") / "out.txt").write_text("changed")
    with pytest.raises(LoopError, match=r"out\.txt: damaged .* redo .* comparisons --round 0"):
        runs.verify(run, 0, "comparisons.more-001")
    runs.set_aside(run.stage_folder(0, "comparisons.more-001"))
    assert run.batches(0) == []
    runs.sweep(run, 0)
    assert not list(run.round_folder(0).glob(".*")), "nothing is left of what was cut off"


def test_setting_aside_keeps_every_earlier_try(run: Run):
    names = []
    for _ in range(2):
        with commit(run, 0, "prompts"):
            pass
        aside = runs.set_aside(run.stage_folder(0, "prompts"))
        assert aside is not None
        names.append(aside.name)
    assert names == ["1-prompts.aside-1", "1-prompts.aside-2"]
    assert runs.set_aside(run.stage_folder(0, "prompts")) is None


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_an_unwritable_folder_is_an_os_error_naming_it(tmp_path: Path):
    tmp_path.chmod(0o500)
    with pytest.raises(OSError, match="Permission denied"):
        make(tmp_path / "run")
    tmp_path.chmod(0o700)
