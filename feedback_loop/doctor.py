"""`feedback-loop doctor`: what on this machine or in a run would stop the loop, a line each."""

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from feedback_loop import argilla_local, tracking
from feedback_loop.errors import LoopError
from feedback_loop.locks import locked
from feedback_loop.records import Record
from feedback_loop.run import STAGES, Run, open_run, verify

ROOM = 3 * 2**30
"""Bytes that the Argilla environment and a few adapters need."""


class Finding(Record):
    """One thing looked at."""

    ok: bool
    what: str


def examine(path: Path | None) -> list[Finding]:
    """Look at the machine, and at a run where one is named."""
    findings = [_python(), _device(), _argilla(), Finding(ok=True, what=f"W&B: {tracking.mode()}")]
    if path is None:
        return [*findings, _room(Path.cwd())]
    try:
        run = open_run(path)
    except LoopError as error:
        return [*findings, Finding(ok=False, what=str(error))]
    return [*findings, _room(run.path), _writable(run), *_model(run), *_files(run)]


def _python() -> Finding:
    return Finding(ok=sys.version_info >= (3, 11), what=f"Python {sys.version.split()[0]} (3.11 or newer is needed)")


def _device() -> Finding:
    import torch

    kind = torch.cuda.get_device_name() if torch.cuda.is_available() else f"CPU, {os.cpu_count()} cores"
    return Finding(ok=True, what=f"torch {torch.__version__} on {kind}")


def _argilla() -> Finding:
    try:
        found = argilla_local.connection()
    except LoopError as error:
        return Finding(ok=False, what=str(error))
    where = f"at {found.api_url}" if found else "embedded, not running now (it starts when it is needed)"
    return Finding(ok=True, what=f"Argilla {where}")


def _room(folder: Path) -> Finding:
    free = shutil.disk_usage(folder).free
    return Finding(ok=free > ROOM, what=f"{free / 2**30:.1f} GiB free at {folder} ({ROOM / 2**30:.0f} are needed)")


def _writable(run: Run) -> Finding:
    state = "being worked on now" if locked(run) else "free"
    return Finding(ok=os.access(run.path, os.W_OK), what=f"{run.path}: writable, {state}")


def _model(run: Run) -> Iterator[Finding]:
    from feedback_loop.models import check_model

    yield _try(lambda: check_model(run.recipe.model), f"model {run.recipe.model.name}")


def _files(run: Run) -> Iterator[Finding]:
    """Every file of every finished stage and batch, by its checksum; one whose manifest is gone is named too."""
    for number in run.rounds():
        for stage in (*STAGES[:2], *run.batches(number), *STAGES[2:]):
            if run.stage_folder(number, stage).exists():
                where = f"round {number:03d}, {stage}: all files as they were written"
                yield _try(partial(verify, run, number, stage), where)


def _try(look: Callable[[], None], what: str) -> Finding:
    try:
        look()
    except LoopError as error:
        return Finding(ok=False, what=str(error))
    return Finding(ok=True, what=what)
