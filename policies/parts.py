"""A step that is several trainings in a row: each has a folder of its own, and its steps are counted on from those before."""

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from feedback_loop import training
from feedback_loop.records import Record
from policies.task import Task


def part(task: Task, name: str, before: Sequence[Task]) -> Task:
    """The task of a training that follows those, which are done; what it leaves lies in the scratch space."""
    done, folder = sum(map(steps, before)), task.work / name
    for place in (folder / "out", folder / "work"):
        place.mkdir(parents=True)

    def track(row: Mapping[str, float], shown: Sequence[Record]) -> None:
        task.track({**row, "step": done + row["step"]}, shown)

    return replace(task, out=folder / "out", work=folder / "work", track=track)


def joined(task: Task, parts: Sequence[Task]) -> None:
    """Leave the curves and samples of all, and the last one's adapter, where the task wants them."""
    curves, samples, done = list[dict[str, Any]](), list[dict[str, Any]](), 0
    for one in parts:
        curves += [{**row, "step": done + row["step"]} for row in rows(one.out / "curves.jsonl")]
        samples += [{**row, "step": done + row["step"]} for row in rows(one.out / "samples.jsonl")]
        done += steps(one)
    training.write_curves(task.out / "curves.jsonl", curves)
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in samples)
    (task.out / "samples.jsonl").write_text(text, encoding="utf-8")
    shutil.copytree(parts[-1].out / "adapter", task.out / "adapter")


def steps(done: Task) -> int:
    """Where the curves of a training end that is done."""
    return max((int(row["step"]) for row in rows(done.out / "curves.jsonl")), default=0)


def rows(file: Path) -> list[dict[str, Any]]:
    """The lines of a JSONL file."""
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
