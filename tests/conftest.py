"""What every test gets: a quiet W&B, no GPU, no model hub, and the real command line."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
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
    "promotion.judge=reward",
)
"""Overrides that make a round on the tiny Qwen take seconds; every part stays real."""


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
