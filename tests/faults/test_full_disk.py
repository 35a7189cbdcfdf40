"""A disk that is full, or may not be written: one clear line, nothing lost, and on it goes once there is room."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from feedback_loop.argilla_local import Connection
from feedback_loop.errors import LoopError
from feedback_loop.run import open_run
from feedback_loop.store.journal import Journal
from tests.conftest import Cli, one_line
from tests.faults.conftest import copy
from tests.faults.rounds import environment
from tests.feedback_loop.store.samples import ranking
from tests.ui.app_parts import CSRF, app_of, comparison


def mounted(*arguments: object) -> bool:
    """Whether `mount` does this here: it takes root, and a machine that allows it."""
    command = ["mount", *map(str, arguments)]
    return os.geteuid() == 0 and subprocess.run(command, capture_output=True, check=False).returncode == 0


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of two megabytes."""
    disk = tmp_path / "disk"
    disk.mkdir()
    if not mounted("-t", "tmpfs", "-o", "size=2m", "none", disk):
        pytest.skip("no file system may be mounted here")
    yield disk
    subprocess.run(["umount", "--lazy", str(disk)], check=True)


def fill(disk: Path) -> Path:
    """A file that takes all the room there is; removing it makes room."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            return ballast


def test_a_vote_that_finds_no_room_is_not_acknowledged_and_counts_once_when_sent_again(small_disk: Path):
    asked = [comparison(n) for n in range(3)]
    app, journal = app_of(small_disk, asked)
    with TestClient(app, headers=CSRF) as http:
        http.post("/login", data={"name": "anna"})
        assert http.post("/api/vote", json={"comparison_id": "c0", "choice": "first"}).status_code == 200
        ballast = fill(small_disk)
        refused = http.post("/api/vote", json={"comparison_id": "c1", "choice": "second", "comment": "x" * 9000})
        assert refused.status_code == 503, "the page keeps a vote that met a 5xx, and sends it again"
        assert "full" in refused.json()["error"]
        assert "\n" not in refused.json()["error"]
        assert [r.comparison_id for r in journal.rankings(0)] == ["c0"]
        ballast.unlink()
        assert http.post("/api/vote", json={"comparison_id": "c1", "choice": "second"}).status_code == 200
    assert [(r.comparison_id, r.user_id) for r in journal.rankings(0)] == [("c0", "anna"), ("c1", "anna")]
    journal.close()


def test_a_journal_keeps_what_it_acknowledged_until_the_disk_was_full(small_disk: Path):
    journal, acknowledged = Journal(small_disk / "journal.sqlite"), list[str]()

    def vote() -> None:
        for n in range(10_000):
            journal.record(ranking(n, comment="why " * 200), 0)
            acknowledged.append(f"c{n}")

    with pytest.raises(LoopError, match="cannot be read or written"):
        vote()
    assert [r.comparison_id for r in Journal(small_disk / "journal.sqlite").rankings(0)] == acknowledged
    journal.close()


@pytest.mark.e2e
@pytest.mark.argilla
@pytest.mark.parametrize("stages", [("preferences", "reward"), ("reward",)])
def test_a_stage_on_a_full_disk_is_absent_and_is_done_when_there_is_room(
    cli: Cli, small_disk: Path, calm: Path, argilla: Connection, stages: tuple[str, ...]
):
    env, path = environment(argilla), copy(calm, small_disk / "run", upto=stages[0])
    ballast = fill(small_disk)
    one_line(cli("train-reward", path, env=env), 1, "No space left on device")
    run = open_run(path)
    assert not any(run.done(0, stage) for stage in stages)
    ballast.unlink()
    done = cli("train-reward", path, env=env)
    assert done.returncode == 0, done.stderr
    assert run.manifest(0, "reward").outputs == open_run(calm).manifest(0, "reward").outputs


@pytest.mark.e2e
@pytest.mark.argilla
def test_a_run_that_may_not_be_written_says_so_and_can_still_be_looked_at(
    cli: Cli, small_disk: Path, calm: Path, argilla: Connection
):
    env, path = environment(argilla), copy(calm, small_disk / "run", upto="reward")
    if not mounted("-o", "remount,ro", small_disk):
        pytest.skip("no file system may be made read-only here")
    one_line(cli("advance", path, env=env), 1, str(path), "Read-only file system")
    shown = cli("status", path, env=env)
    assert shown.returncode == 0, shown.stderr
    assert "[x] preferences" in shown.stdout
    assert mounted("-o", "remount,rw", small_disk)
    assert cli("train-reward", path, env=env).returncode == 0


@pytest.mark.e2e
def test_a_file_that_may_not_grow_further_is_named(template: Path, tmp_path: Path):
    """The same without a file system of its own: no file of this process may have more than a few bytes."""
    path = copy(template, tmp_path / "run")
    program = (
        "import resource, sys; from pathlib import Path; from feedback_loop.run import open_run\n"
        "from feedback_loop.loop import working, do_stage\n"
        "run = open_run(Path(sys.argv[1]))\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (600, 600))\n"
        "with working(run) as lock: do_stage(run, 0, 'prompts', print, lock)\n"
    )
    done = subprocess.run([sys.executable, "-c", program, str(path)], capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "File too large" in done.stderr.strip().splitlines()[-1]
    assert not open_run(path).done(0, "prompts")
