"""What a run has made, for use elsewhere: the adapter in force, the rankings, the preferences."""

import json
import shutil
from pathlib import Path

from feedback_loop.errors import UsageError
from feedback_loop.labels import everything
from feedback_loop.lineage import adapter_folder, current_policy
from feedback_loop.preferences import preferences
from feedback_loop.run import Run, verify, write_json, write_jsonl, write_text


def export(run: Run, out: Path) -> list[str]:
    """Write what a run has made into a new folder; a line on each part. UsageError if `out` exists.

    adapter/; rankings.jsonl, and comparisons.jsonl with what their ids speak of; preferences.jsonl.
    """
    if out.exists():
        raise UsageError(f"{out}: already there. Name a new folder.")
    making = out.with_name(f".{out.name}.making")
    shutil.rmtree(making, ignore_errors=True)
    making.mkdir(parents=True)
    name = current_policy(run)
    lines = [f"{out}/{line}" for line in (_adapter(run, name, making), *_labels(run, making)) if line]
    write_json(making / "about.json", {"run": run.id, "model": run.recipe.model.name, "policy": name})
    making.rename(out)
    return lines if name != "base" else [*lines, "No adapter: no round was kept yet, so the base model is in force."]


def _adapter(run: Run, name: str, folder: Path) -> str:
    adapter = adapter_folder(run, name)
    if adapter is None:
        return ""
    verify(run, int(name.removeprefix("round-")), "policy")
    shutil.copytree(adapter, folder / "adapter")
    return f"adapter: {name}, a PEFT adapter for {run.recipe.model.name}"


def _labels(run: Run, folder: Path) -> tuple[str, ...]:
    """Rankings as they were given, less those that were discarded; preferences in TRL's conversational format, ties left out.

    Beside `prompt`, `chosen` and `rejected`, which TRL reads, a preference says where it comes from.
    """
    said = everything(run)
    shown, given = [c for one in said for c in one.comparisons], [r for one in said for r in one.rankings]
    pairs = [p for p in preferences(shown, given, run.recipe.preferences.weights) if not p.tie]
    write_jsonl(folder / "comparisons.jsonl", shown)
    write_jsonl(folder / "rankings.jsonl", given)
    rows = (p.model_dump(exclude={"tie"}, mode="json") for p in pairs)
    write_text(folder / "preferences.jsonl", "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
    return (
        f"comparisons.jsonl: {len(shown)} comparisons",
        f"rankings.jsonl: {len(given)} rankings",
        f"preferences.jsonl: {len(pairs)} pairs for TRL",
    )
