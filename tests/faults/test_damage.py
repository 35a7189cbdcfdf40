"""A file of a finished stage that is cut, changed or gone: it is found by its checksum, named, and made again."""

from collections.abc import Callable
from pathlib import Path

import pytest

from feedback_loop import doctor
from feedback_loop import run as runs
from feedback_loop.argilla_local import Connection
from feedback_loop.errors import LoopError
from feedback_loop.progress import silent
from feedback_loop.repair.repair import redo
from feedback_loop.run import STAGES, commit, open_run
from feedback_loop.stages import WORK
from tests.conftest import Cli, one_line
from tests.faults.rounds import environment

pytestmark = [pytest.mark.e2e, pytest.mark.argilla]
READ_BY = [
    ("prompts/prompts.jsonl", "comparisons"),
    ("comparisons/comparisons.jsonl", "preferences"),
    ("rankings/rankings.jsonl", "preferences"),
    ("preferences/train.jsonl", "reward"),
    ("comparisons/features.safetensors", "reward"),
    ("preferences/heldout.jsonl", "policy"),
    ("reward/head/head.safetensors", "policy"),
    ("policy/adapter/adapter_model.safetensors", "evaluation"),
    ("reward/head/head.safetensors", "evaluation"),
    ("policy/adapter/adapter_model.safetensors", "duels"),
    ("evaluation/completions.jsonl", "duels"),
]
"""A file, and a stage that builds on it."""


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def change(file: Path) -> None:
    """One bit, in the last byte that is not the end of a line."""
    data = bytearray(file.read_bytes())
    data[-4] ^= 1
    file.write_bytes(data)


DAMAGES: dict[str, Callable[[Path], None]] = {"cut": cut, "changed": change, "gone": Path.unlink}


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize(("name", "reader"), READ_BY)
def test_no_stage_builds_on_a_damaged_file(decided: Path, name: str, reader: str, damage: str):
    run, (stage, _, file_name) = open_run(decided), name.partition("/")
    for later in reversed(STAGES[STAGES.index(reader) :]):
        runs.set_aside(run.stage_folder(0, later))
    file = run.stage_folder(0, stage) / file_name
    DAMAGES[damage](file)
    with pytest.raises(LoopError) as said, commit(run, 0, reader) as draft:
        WORK[reader].work(run, 0, draft, silent)
    assert str(said.value) == (
        f"{file}: damaged or missing (sha256 differs from the manifest). "
        f"Make it again: feedback-loop redo {run.path} {stage} --round 0"
    )
    assert not run.done(0, reader)


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_manifest_is_named_and_its_stage_can_be_done_again(decided: Path, damage: str):
    run = open_run(decided)
    file = run.stage_folder(0, "reward") / "manifest.json"
    DAMAGES[damage](file) if damage != "changed" else file.write_text(file.read_text().replace("{", "[", 1))
    looked = [f.what for f in doctor._files(run) if not f.ok]
    assert len(looked) == 1
    assert looked[0].startswith(str(file))
    assert f"feedback-loop redo {run.path} reward --round 0" in looked[0]
    assert len(redo(run, "reward", 0, "owner")) == 5
    assert all(f.ok for f in doctor._files(run))


def test_the_doctor_names_every_damaged_file(decided: Path):
    run = open_run(decided)
    damaged = {run.stage_folder(0, name.partition("/")[0]) / name.partition("/")[2] for name, _ in READ_BY}
    damaged |= {run.stage_folder(0, "promotion") / "decision.json"}
    for file in damaged:
        change(file)
    looked = [f.what for f in doctor._files(run) if not f.ok]
    stages = {file.relative_to(run.round_folder(0)).parts[0] for file in damaged}
    assert len(looked) == len(stages), "the first of each stage"
    assert all("damaged or missing" in line and "feedback-loop redo" in line for line in looked)


def test_what_it_says_to_type_makes_the_same_again(cli: Cli, decided: Path, argilla: Connection):
    run, env = open_run(decided), environment(argilla)
    before = run.manifest(0, "reward").outputs
    for stage in reversed(STAGES[STAGES.index("policy") :]):
        runs.set_aside(run.stage_folder(0, stage))
    change(run.stage_folder(0, "reward") / "head" / "head.safetensors")
    one_line(cli("advance", decided, env=env), 1, "head.safetensors: damaged", f"redo {decided} reward --round 0")
    assert cli("redo", decided, "reward", "--round", 0).returncode == 0
    assert cli("train-reward", decided, env=env).returncode == 0
    assert run.manifest(0, "reward").outputs == before
