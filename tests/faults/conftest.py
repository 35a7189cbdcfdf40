"""What the tests of faults share: a run made once, and a round of it that nobody disturbed."""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from feedback_loop.argilla_local import Connection
from feedback_loop.run import STAGES
from tests.conftest import init_small
from tests.faults.rounds import QUICK, environment, finish, simulate


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that the workers of pytest-xdist have in common."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "faults"
    folder.mkdir(exist_ok=True)
    return folder


@contextmanager
def once(folder: Path) -> Iterator[bool]:
    """Whether this process is the one to make the folder; others wait for it."""
    descriptor = os.open(folder.with_name(f"{folder.name}.lock"), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield not folder.exists()
    finally:
        os.close(descriptor)


def made(path: Path, *more: str) -> Path:
    """A new run of quick rounds."""
    return init_small(path, *QUICK, *more)


@pytest.fixture(scope="session")
def template(shared: Path) -> Path:
    """A run in which nothing was done yet; not to be changed."""
    path = shared / "template"
    with once(path) as mine:
        return made(path) if mine else path


@pytest.fixture(scope="session")
def calm(shared: Path, template: Path, argilla: Connection) -> Path:
    """The same run after a round that nobody disturbed; not to be changed."""
    path = shared / "calm"
    with once(path) as mine:
        if mine:
            making = shutil.copytree(template, shared / "calm-making" / "calm")
            finish(simulate(making, 1, environment(argilla)))
            making.rename(path)
    return path


@pytest.fixture
def run_folder(template: Path, tmp_path: Path) -> Path:
    """A run of the test's own, of the same seed as `calm`, in which nothing was done yet."""
    return copy(template, tmp_path / "run")


@pytest.fixture
def decided(calm: Path, tmp_path: Path) -> Path:
    """A run of the test's own whose first round is decided."""
    return copy(calm, tmp_path / "run")


def copy(source: Path, path: Path, upto: str = "") -> Path:
    """A copy of a run that is a run of its own: Argilla does not take the two for one. Returns `path`.

    With `upto`, its first round has only what comes before that stage.
    """
    later = STAGES[STAGES.index(upto) :] if upto else ()
    shutil.copytree(source, path, ignore=shutil.ignore_patterns(*(f"?-{stage}" for stage in later), "cache"))
    record = path / "run.json"
    text = record.read_text(encoding="utf-8")
    identity = text.split('"id": "')[1].split('"')[0]
    record.write_text(text.replace(identity, os.urandom(4).hex()), encoding="utf-8")
    return path
