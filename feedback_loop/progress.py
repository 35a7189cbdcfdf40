"""Progress of long work: a bar in the terminal, and a file that the web app reads."""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TextIO

from tqdm import tqdm

Progress = Callable[[int, int, str], None]
"""Called with (steps done, steps in all, what is being done)."""


def silent(done: int, total: int, what: str) -> None:
    """Show nothing."""


def bar(file: TextIO | None = None) -> Progress:
    """A bar on standard error (or another terminal), a new one for each thing being done."""
    current: list[tqdm[Any]] = []

    def show(done: int, total: int, what: str) -> None:
        if not current or current[0].desc != what:
            if current:
                current.pop().close()
            current.append(tqdm(total=total, desc=what, file=file or sys.stderr, mininterval=0.3, leave=True))
        current[0].total = total
        current[0].update(done - current[0].n)
        if done >= total:
            current[0].refresh()

    return show


def to_file(path: Path, beside: Progress = silent, every: float = 0.3) -> Progress:
    """Write the latest step to a small JSON file, at most once in `every` seconds, and pass it on."""
    last: list[Any] = [0.0, ""]

    def show(done: int, total: int, what: str) -> None:
        beside(done, total, what)
        if done < total and what == last[1] and time.monotonic() - last[0] < every:
            return
        last[:] = [time.monotonic(), what]
        temporary = path.with_name(f"{path.name}.writing")
        temporary.write_text(json.dumps({"done": done, "total": total, "what": what}), encoding="utf-8")
        temporary.rename(path)

    return show
