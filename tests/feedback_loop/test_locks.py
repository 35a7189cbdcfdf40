"""One process works on a run at a time, and whoever samples more to rank gives way to it."""

import subprocess
import sys
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from feedback_loop import locks
from feedback_loop.errors import LoopError
from feedback_loop.run import Run
from tests.feedback_loop.test_run import make

HOLD = (
    "import sys, time; from pathlib import Path; from feedback_loop import locks; from feedback_loop.run import open_run\n"
    "with locks.{lock}(open_run(Path(sys.argv[1]))) as got: print('held', flush=True); time.sleep(60)"
)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return make(tmp_path / "run")


def holder(run: Run, lock: str) -> "subprocess.Popen[str]":
    code = HOLD.format(lock=lock)
    child = subprocess.Popen([sys.executable, "-c", code, str(run.path)], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    assert child.stdout.readline() == "held\n"
    return child


def test_a_second_process_is_refused_and_a_killed_one_leaves_no_lock(run: Run):
    child = holder(run, "lock")
    assert locks.locked(run)
    with pytest.raises(LoopError, match=f"another process \\({child.pid}\\) is working on this run"), locks.lock(run):
        pass
    child.kill()
    child.wait()
    assert not locks.locked(run)
    with locks.lock(run):
        assert locks.locked(run)


def test_a_soup_is_told_from_other_work_and_a_killed_one_is_none(run: Run):
    with locks.lock(run):
        assert locks.cooking_since(run) is None
        with locks.soup_lock(run):
            since = datetime.fromisoformat(locks.cooking_since(run) or "")
            assert abs((datetime.now(UTC) - since).total_seconds()) < 60
    child = holder(run, "soup_lock")
    assert locks.cooking_since(run)
    child.kill()
    child.wait()
    assert locks.cooking_since(run) is None


def test_nobody_samples_beside_another_sampler_or_while_the_run_is_worked_on(run: Run):
    with locks.sampler_lock(run) as mine, locks.sampler_lock(run) as second:
        assert (mine, second) == (True, False)
        assert locks.sampling(run)
    assert not locks.sampling(run)
    with locks.lock(run), locks.sampler_lock(run) as mine:
        assert not mine


def test_who_works_on_a_run_begins_when_the_sampler_has_left(run: Run):
    child = holder(run, "sampler_lock")
    threading.Timer(0.5, child.kill).start()
    began = time.monotonic()
    with locks.lock(run):
        assert 0.4 < time.monotonic() - began < 5
        assert not locks.sampling(run)
    child.wait()


def test_a_sampler_that_does_not_leave_is_named(run: Run, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(locks, "LEAVING", 0.2)
    child = holder(run, "sampler_lock")
    with pytest.raises(LoopError, match=f"does not end. Stop it: kill {child.pid}"), locks.lock(run):
        pass
    child.kill()
    child.wait()
    assert not locks.locked(run), "it is not kept by who was refused"


def test_looking_at_a_lock_never_takes_it_from_who_wants_it(run: Run):
    stopping = threading.Event()

    def look() -> None:
        while not stopping.is_set():
            locks.locked(run)
            time.sleep(0.002)

    lookers = [threading.Thread(target=look) for _ in range(4)]
    for looker in lookers:
        looker.start()
    try:
        for _ in range(50):
            with locks.lock(run):
                pass
    finally:
        stopping.set()
        for looker in lookers:
            looker.join()
