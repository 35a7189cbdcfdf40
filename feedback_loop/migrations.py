"""Older run folders brought to the present format, a step at a time; each step may be cut off and done again."""

import fcntl
import json
import os
from collections.abc import Callable
from pathlib import Path

from feedback_loop.durable import sync_folder, write_text
from feedback_loop.errors import LoopError


def migrate(path: Path, to: int) -> None:
    """Bring the run at `path` to format `to`; LoopError where somebody works on it, or where its folder cannot be written."""
    try:
        descriptor = os.open(path / ".lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise LoopError(
            f"{path}: an older version made this run, and it cannot be brought up to date ({error.strerror}). "
            "Copy it to a folder that you may write"
        ) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        _migrate(path, to)
    except BlockingIOError as error:
        raise LoopError(
            f"{path}: an older version made this run and is working on it. Wait until it has ended, then try again"
        ) from error
    finally:
        os.close(descriptor)


def _migrate(path: Path, to: int) -> None:
    record = json.loads((path / "run.json").read_text(encoding="utf-8"))
    while record["format"] < to:
        STEPS[record["format"]](path)
        record["format"] += 1
        write_text(path / "run.json", json.dumps(record, indent=2) + "\n")


def _duels_before_promotion(path: Path) -> None:
    """Duels became the eighth stage, so promotion is the ninth."""
    for folder in sorted((path / "rounds").glob("*/8-promotion")):
        folder.rename(folder.with_name("9-promotion"))
        sync_folder(folder.parent)


STEPS: dict[int, Callable[[Path], None]] = {1: _duels_before_promotion}
