"""Cells in processes of their own, and the file to which their rows go as they are done."""

import fcntl
import json
import multiprocessing
import multiprocessing.connection
import os
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from pathlib import Path
from typing import Any

from tqdm import tqdm

from benchmarks.common import quiet
from benchmarks.label_efficiency.arms import ARMS, Tier
from benchmarks.label_efficiency.cell import Row, run_cell
from benchmarks.label_efficiency.identity import Spec, settings_hash
from feedback_loop.durable import write_text


def run_all(wanted: list[Spec], tier: Tier, file: Path, cache: Path, jobs: int) -> None:
    """Every missing row, in `jobs` processes."""
    if file.exists() and not file.read_bytes().endswith(b"\n"):
        write_text(file, "".join(json.dumps(row) + "\n" for row in rows_of(file)))
    done = {key(row) for row in rows_of(file)}
    missing = {s: [a for a in tier.arms if key(identity(s, a, tier)) not in done] for s in wanted}
    total = sum(map(len, missing.values()))
    before = len(rows_of(file))
    context = multiprocessing.get_context("spawn")
    with (
        ProcessPoolExecutor(jobs, context, _end_with_parent) as pool,
        tqdm(total=total, unit="arm", mininterval=5) as bar,
    ):
        waiting = [pool.submit(work, spec, tier, arms, file, cache) for spec, arms in missing.items() if arms]
        while not all(one.done() for one in waiting):
            time.sleep(0.5)
            bar.update(len(rows_of(file)) - before - bar.n)
            _raise_failed(waiting)
        _raise_failed(waiting)
        bar.update(len(rows_of(file)) - before - bar.n)


def work(spec: Spec, tier: Tier, arms: Sequence[str], file: Path, cache: Path) -> None:
    """One cell in a process of its own: rows go to the file as they are done."""
    with quiet():
        for row in run_cell(spec, tier, arms, cache):
            with file.open("a", encoding="utf-8") as out:
                fcntl.flock(out, fcntl.LOCK_EX)
                out.write(json.dumps(row) + "\n")


def rows_of(file: Path) -> list[Row]:
    """Whole rows in the file; a last line that a kill cut off is left out."""
    if not file.exists():
        return []
    text = file.read_text(encoding="utf-8")
    return [json.loads(line) for line in text[: text.rfind("\n") + 1].splitlines()]


def _end_with_parent() -> None:
    """No cell goes on writing rows when the run that asked for them was killed."""
    parent = multiprocessing.parent_process()
    assert parent is not None

    def watch() -> None:
        multiprocessing.connection.wait([parent.sentinel])
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _raise_failed(waiting: Sequence[Future[None]]) -> None:
    failed = next((one.exception() for one in waiting if one.done() and one.exception()), None)
    if failed:
        for one in waiting:
            one.cancel()
        raise failed


def identity(spec: Spec, arm: str, tier: Tier) -> Row:
    """What a row says of itself beside its figures."""
    return {**vars(spec), "arm": arm, "settings": settings_hash(spec, tier, ARMS[arm])}


def key(row: Row) -> tuple[Any, ...]:
    """By which a row is known."""
    return tuple(row[name] for name in ("model", "persona", "noise", "seed", "tuning", "arm", "settings"))
