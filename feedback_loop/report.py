"""A run at one moment, read from its own files: what the Rounds page, `status` and the W&B summary show."""

import contextlib
import json
import math
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from feedback_loop import run as runs
from feedback_loop.lineage import current_policy, open_round, policy_name
from feedback_loop.overview import Curve, Overview, RoundView, Sample, StageView
from feedback_loop.records import Decision, Ranking
from feedback_loop.run import STAGES, Manifest, Run, read_jsonl, read_record
from feedback_loop.stage import progress_file
from feedback_loop.store.journal import Journal

OVER_ROUNDS = ("reward_accuracy", "reward_margin", "win_rate_parent", "win_rate_base", "kl", "length", "labels", "ties")


def overview(run: Run) -> Overview:
    """Everything about a run, for people."""
    busy, note = runs.locked(run), _json(run.path / "advance.json")
    numbers = run.rounds() or [0]
    if open_round(run) not in numbers:
        numbers.append(open_round(run))
    rounds = tuple(_round(run, n, busy, note) for n in numbers)
    lost = note.get("state") == "running" and not busy
    return Overview(
        run=run.path.name,
        folder=str(run.path),
        model=run.recipe.model.name,
        policy=current_policy(run),
        busy=busy,
        message=_message(run, note, lost=lost),
        failed=note.get("state") == "failed" or lost,
        labels=sum(r.labels for r in rounds),
        rounds=rounds,
        curves=_over_rounds(rounds),
    )


def _message(run: Run, note: dict[str, Any], *, lost: bool) -> str:
    """What the last work ended with; where it waits for people, how many rankings are there by now."""
    if lost:
        return f"The last work was cut off. Go on: feedback-loop advance {run.path}"
    if note.get("state") != "waiting":
        return str(note.get("message", ""))
    number = open_round(run)
    given, asked = sum(r.status == "submitted" for r in rankings(run, number)), needed(run, number)
    if given < asked:
        return f"Round {number:03d} has {given} of {asked} rankings. Label more: feedback-loop serve {run.path}"
    return f"Round {number:03d} has its {asked} rankings. Start it: feedback-loop advance {run.path}"


def as_text(view: Overview) -> str:
    """An overview for the terminal."""
    lines = [f"{view.run}: {view.model}, policy in force: {view.policy}, {view.labels} rankings"]
    for r in view.rounds:
        marks = {"done": "x", "running": ">", "waiting": "?", "failed": "!", "todo": " "}
        stages = " ".join(f"[{marks[s.state]}] {s.name}" for s in r.stages)
        lines += [f"round {r.round:03d}  {stages}", f"           {r.labels} of {r.needed} rankings"]
        if r.note:
            lines.append(f"           {r.note}")
        if r.metrics:
            lines.append("           " + ", ".join(f"{name} {value:.3g}" for name, value in r.metrics.items()))
        if r.decision:
            lines += [f"           {'kept' if r.decision.promoted else 'not kept'}: {r.decision.policy} is in force"]
            lines += [f"           - {reason}" for reason in r.decision.reasons]
    return "\n".join([*lines, *([view.message] if view.message else [])])


def needed(run: Run, number: int) -> int:
    """Rankings that complete a round: the recipe's, or fewer where fewer comparisons could be made."""
    asked = run.recipe.rankings.needed
    if not run.done(number, "comparisons"):
        return asked
    made: int = run.manifest(number, "comparisons").facts["comparisons"]
    return min(asked, made * run.recipe.rankings.per_comparison)


def rankings(run: Run, number: int) -> list[Ranking]:
    """A round's rankings: the snapshot where it is made, else the journal's."""
    snapshot = run.stage_folder(number, "rankings") / "rankings.jsonl"
    if run.done(number, "rankings"):
        return read_jsonl(snapshot, Ranking)
    if not (run.path / "journal.sqlite").exists():
        return []
    with contextlib.closing(Journal(run.path / "journal.sqlite")) as journal:
        return journal.rankings(number)


def _round(run: Run, number: int, busy: bool, note: dict[str, Any]) -> RoundView:
    given = [r for r in rankings(run, number) if r.status == "submitted"]
    judged = run.stage_folder(number, "evaluation")
    return RoundView(
        round=number,
        policy=policy_name(number),
        stages=tuple(_stage(run, number, name, busy, note) for name in STAGES),
        labels=len(given),
        needed=needed(run, number),
        metrics=metrics(run, number),
        curves=tuple(_training_curves(run, number)),
        note=_note(run, number),
        samples=tuple(read_jsonl(judged / "samples.jsonl", Sample)) if run.done(number, "evaluation") else (),
        decision=_decision(run, number),
    )


def metrics(run: Run, number: int) -> dict[str, float]:
    """A round's figures once it is evaluated: of the reward model, and of the policy that the round made."""
    if not run.done(number, "evaluation"):
        return {}
    reward, judged = run.manifest(number, "reward").facts, run.manifest(number, "evaluation").facts
    given = [n for m in range(number + 1) for n in rankings(run, m) if n.status == "submitted"]
    candidate = judged["policies"][judged["candidate"]]
    found = {
        "reward_accuracy": reward.get("accuracy"),
        "reward_margin": reward.get("margin"),
        "win_rate_parent": judged["win_rate_parent"],
        "win_rate_base": judged["win_rate_base"],
        "kl": candidate["kl"],
        "length": candidate["length"],
        "labels": len(given),
        "ties": sum(r.choice == "tie" for r in given),
    }
    return {name: float(value) for name, value in found.items() if value is not None}


def _note(run: Run, number: int) -> str:
    if not run.done(number, "policy"):
        return ""
    facts = run.manifest(number, "policy").facts
    steps = f"{facts.get('step', 'dpo').upper()}, {facts['steps']} steps"
    return f"{steps}. Stopped early: {facts['stopped']}." if facts.get("stopped") else f"{steps}."


def _stage(run: Run, number: int, name: str, busy: bool, note: dict[str, Any]) -> StageView:
    if run.done(number, name):
        return StageView(name=name, state="done", seconds=_seconds(run.manifest(number, name)))
    here = note.get("round") == number and note.get("stage") == name
    if busy and here:
        progress = _json(progress_file(run))
        return StageView(name=name, state="running", **progress)
    previous = STAGES[STAGES.index(name) - 1]
    if name == "rankings" and run.done(number, previous):
        count = sum(r.status == "submitted" for r in rankings(run, number))
        return StageView(name=name, state="waiting", done=count, total=needed(run, number))
    if here and note.get("state") in ("failed", "running"):
        return StageView(name=name, state="failed")
    return StageView(name=name, state="todo")


def _seconds(manifest: Manifest) -> float:
    times = datetime.fromisoformat(manifest.finished_at) - datetime.fromisoformat(manifest.started_at)
    return round(times.total_seconds(), 1)


def _training_curves(run: Run, number: int) -> list[Curve]:
    """A curve for each figure that the trainers logged, over steps: `reward/loss`, `policy/rewards/margins`, ..."""
    curves = []
    for stage in ("reward", "policy"):
        folder = run.stage_folder(number, stage) if run.done(number, stage) else run.resume_folder(number, stage)
        if not (folder / "curves.jsonl").exists():
            continue
        # A training under way may be in the middle of its last line.
        lines = (folder / "curves.jsonl").read_text(encoding="utf-8").split("\n")[:-1]
        points: dict[str, list[tuple[float, float]]] = {}
        for row in map(json.loads, lines):
            for name, value in row.items():
                if name not in ("step", "epoch") and isinstance(value, int | float) and math.isfinite(value):
                    points.setdefault(name, []).append((row["step"], value))
        curves += [_curve(f"{stage}/{name}", found) for name, found in points.items()]
    return curves


def _over_rounds(rounds: Sequence[RoundView]) -> tuple[Curve, ...]:
    return tuple(
        _curve(f"loop/{name}", [(r.round, r.metrics[name]) for r in rounds if name in r.metrics])
        for name in OVER_ROUNDS
    )


def _curve(name: str, points: Sequence[tuple[float, float]]) -> Curve:
    return Curve(name=name, x=tuple(x for x, _ in points), y=tuple(y for _, y in points))


def _decision(run: Run, number: int) -> Decision | None:
    if not run.done(number, "promotion"):
        return None
    return read_record(run.stage_folder(number, "promotion") / "decision.json", Decision)


def _json(path: Path) -> dict[str, Any]:
    """A small file that another process may be replacing, or that is not there."""
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found
