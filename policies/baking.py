"""The step `bake` as a round takes it: the brief is baked in, once a run where that is enough, and then what people prefer."""

import hashlib
import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from feedback_loop import training
from feedback_loop.errors import UsageError
from feedback_loop.models import fingerprint
from feedback_loop.records import Record
from feedback_loop.run import write_json
from policies.bake import bake
from policies.dpo import train_dpo
from policies.parts import rows
from policies.task import Curves, Task
from policies.trainable import parent_needed


def train_bake(task: Task) -> dict[str, Any]:
    """Bake, and with `policy.bake.then = "dpo"` learn people's pairs from there; returns the stage's facts.

    UsageError in one line where there is no brief, or where it does not fit into the model's context.
    """
    if not task.brief:
        raise UsageError(
            'policy.step = "bake" moves a brief into the adapter, and there is none. '
            "Write RUN/brief.md, then: feedback-loop redo RUN prompts"
        )
    facts = _once(task)
    if task.policy.bake.then == "none" or all(p.tie for p in task.pairs):
        return facts
    return _prefer(task, facts)


def _once(task: Task) -> dict[str, Any]:
    """Bake; from the base, the same comes out in each round, so it is kept."""
    if parent_needed(task.policy, task.parent) is not None:
        return bake(task)
    kept = task.cache / f"baked-{_key(task)}"
    if not kept.exists():
        facts = bake(task)
        making = kept.with_name(f".{kept.name}.making")
        shutil.rmtree(making, ignore_errors=True)
        shutil.copytree(task.out, making)
        write_json(making / "facts.json", facts)
        making.rename(kept)
        return facts
    for name in ("adapter", "curves.jsonl", "samples.jsonl"):
        (shutil.copytree if (kept / name).is_dir() else shutil.copy)(kept / name, task.out / name)
    Curves(task, rows(task.out / "curves.jsonl"))
    return {**json.loads((kept / "facts.json").read_text(encoding="utf-8")), "kept": True}


def _prefer(task: Task, baked: Mapping[str, Any]) -> dict[str, Any]:
    """DPO from the baked adapter, which is its reference too; its steps are counted on from the baking's."""
    start, resume = task.work / "baked", task.work / "preferring"
    (task.out / "adapter").rename(start)
    resume.mkdir()
    before, samples = rows(task.out / "curves.jsonl"), (task.out / "samples.jsonl").read_text(encoding="utf-8")
    last = int(before[-1]["step"])

    def track(row: Mapping[str, float], shown: Sequence[Record]) -> None:
        task.track({**row, "step": last + row["step"]}, shown)

    policy = task.policy.model_copy(update={"start": "parent", "reference": "parent"})
    facts = train_dpo(replace(task, policy=policy, parent=start, resume=resume, track=track))
    more = [{**row, "step": last + row["step"]} for row in rows(task.out / "curves.jsonl")]
    training.write_curves(task.out / "curves.jsonl", [*before, *more])
    with (task.out / "samples.jsonl").open("r+", encoding="utf-8") as file:
        preferred = file.read()
        file.seek(0)
        file.write(samples + preferred)
    reasons = [part["stopped"] for part in (baked, facts) if part["stopped"]]
    return {
        **baked,
        "steps": baked["steps"] + facts["steps"],
        "stopped": "; ".join(reasons) or None,
        "pairs": facts["pairs"],
        "then": facts,
    }


def _key(task: Task) -> str:
    """Hash of all that a baking from the base hangs on; what is learned on top is none of it."""
    policy = task.policy.model_dump(exclude={"bake": {"then"}})
    parts = [fingerprint(task.model), policy, task.sampling.model_dump(), task.brief, task.run_seed]
    chats = [[p.model_dump() for p in asked] for asked in (task.prompts, task.neutral)]
    return hashlib.sha256(json.dumps([*parts, chats]).encode()).hexdigest()[:24]
