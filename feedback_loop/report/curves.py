"""Curves over the steps of a round's trainings, from what the trainers left in the run's files."""

import json
import math
from collections.abc import Sequence

from feedback_loop.report.overview import Curve
from feedback_loop.run import Run


def training_curves(run: Run, number: int) -> list[Curve]:
    """A curve for each figure that the trainers logged, over steps: `reward/loss`, `policy/rewards/margins`, ..."""
    curves = []
    for stage in ("reward", "policy"):
        points: dict[str, list[tuple[float, float]]] = {}
        for row in training_rows(run, number, stage):
            for name, value in row.items():
                if name not in ("step", "epoch", "tested"):
                    points.setdefault(name, []).append((row["step"], value))
        curves += [curve(f"{stage}/{name}", found) for name, found in points.items()]
    return curves


def training_rows(run: Run, number: int, stage: str) -> list[dict[str, float]]:
    """What a stage's trainer logged, less what is not finite; of a training under way, up to its last whole line."""
    folder = run.stage_folder(number, stage) if run.done(number, stage) else run.resume_folder(number, stage)
    if not (folder / "curves.jsonl").exists():
        return []
    lines = (folder / "curves.jsonl").read_text(encoding="utf-8").split("\n")[:-1]
    return [
        {name: value for name, value in row.items() if isinstance(value, int | float) and math.isfinite(value)}
        for row in map(json.loads, lines)
    ]


def curve(name: str, points: Sequence[tuple[float, float]]) -> Curve:
    """A curve through these points."""
    return Curve(name=name, x=tuple(x for x, _ in points), y=tuple(y for _, y in points))
