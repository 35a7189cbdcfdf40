"""What every test gets: a quiet W&B, no GPU, no model hub, and the real command line."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stderr, redirect_stdout
from fnmatch import fnmatchcase
from io import StringIO
from pathlib import Path

import pytest

pytest_plugins = ["tests.argilla_fixture", "tests.browser_fixture", "tests.models_fixture"]

os.environ |= {
    "WANDB_MODE": "offline",
    "WANDB_SILENT": "true",
    "HF_HUB_OFFLINE": "1",
    "CUDA_VISIBLE_DEVICES": "",
    "GRADIO_ANALYTICS_ENABLED": "False",
    "TOKENIZERS_PARALLELISM": "false",
    "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", "1"),
}

Cli = Callable[..., "subprocess.CompletedProcess[str]"]

SMALL = (
    "rankings.needed=8",
    "prompts.per_round=10",
    "asking.repeats=0",
    "asking.checks=0",
    "evaluation.prompts=12",
    "sampling.max_new_tokens=48",
    "reward.form=head",
    "reward.members=4",
    "policy.trl.num_train_epochs=1",
    "policy.hold=0",  # the base would answer a hundred chats first
    "guard.probes=",
    "promotion.judge=reward",
)
"""Overrides that make a round on the tiny Qwen take seconds; every part stays real."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What `nightly.txt` lists is nightly."""
    lines = Path(__file__).with_name("nightly.txt").read_text(encoding="utf-8").splitlines()
    dear = [line for line in lines if line and not line.startswith("# ")]
    for item in items:
        if any(fnmatchcase(item.nodeid, line) for line in dear):
            item.add_marker(pytest.mark.nightly)


def command(*args: object) -> list[str]:
    """`feedback-loop ARGS` as a list for subprocess."""
    return [sys.executable, "-m", "feedback_loop.cli", *map(str, args)]


@pytest.fixture(scope="session")
def cli() -> Cli:
    """Run `feedback-loop ARGS` to its end."""

    def run(
        *args: object, env: Mapping[str, str] | None = None, timeout: float = 400
    ) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            command(*args),
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
            env={**os.environ, **(env or {})},
        )

    return run


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> Cli:
    """The same in this process, which imports the libraries once: for commands that start nothing."""
    from feedback_loop.cli import main

    def run(*args: object) -> "subprocess.CompletedProcess[str]":
        monkeypatch.setattr(sys, "argv", ["feedback-loop", *map(str, args)])
        out, err, status = StringIO(), StringIO(), 0
        before = signal.getsignal(signal.SIGTERM)
        with redirect_stdout(out), redirect_stderr(err):
            try:
                main()
            except SystemExit as ended:
                status = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
        signal.signal(signal.SIGTERM, before)
        return subprocess.CompletedProcess(args, status, out.getvalue(), err.getvalue())

    return run


def init_small(run: Path, *more: str) -> Path:
    """A run on the tiny Qwen whose rounds take seconds; made in this process, which imports the libraries once."""
    from feedback_loop.begin import begin

    begin(run, None, None, [*SMALL, *more])
    return run


def kill(process: "subprocess.Popen[str]") -> None:
    """SIGKILL a process and all that it started."""
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def one_line(done: "subprocess.CompletedProcess[str]", status: int, *said: str) -> None:
    """The command failed as users should see it: the status, and one line that says all of this."""
    assert done.returncode == status, (done.returncode, done.stderr)
    lines: Sequence[str] = done.stderr.strip().splitlines()
    assert "Traceback" not in done.stderr
    for text in said:
        assert text in lines[-1], lines
