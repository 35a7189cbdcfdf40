"""DPO's reference log-probabilities: computed once a pair and reference, and kept for the rounds to come."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from feedback_loop.models import resolve
from feedback_loop.run import sha256, write_text
from policies.task import Task, precision
from policies.trainable import parent_needed

FILE = "reference.jsonl"


def keep_reference_logprobs(task: Task, trainer: Any) -> None:
    """Give a DPOTrainer, whose reference is in place, that reference's log-probabilities of every row.

    TRL computes them anew each epoch, or with `precompute_ref_log_probs` anew whenever a single row is added. Here each
    is computed by TRL's own code, for its pair alone, so that it hangs on nothing but its content, and appended to a file.
    """
    known = _read(task.cache / FILE)
    reference = _reference(task)
    keys = [_key(reference, trainer, row) for row in trainer.train_dataset]
    missing = dict(zip(keys, trainer.train_dataset, strict=True))
    with (task.cache / FILE).open("a", encoding="utf-8") as file:
        for key, row in missing.items():
            if key not in known:
                known[key] = _compute(task, trainer, row)
                file.write(json.dumps([key, *known[key]]) + "\n")
    for column, place in (("ref_chosen_logps", 0), ("ref_rejected_logps", 1)):
        trainer.train_dataset = trainer.train_dataset.add_column(column, [known[key][place] for key in keys])
    trainer.precompute_ref_logps = True


def _compute(task: Task, trainer: Any, row: Mapping[str, Any]) -> tuple[float, float]:
    batch = {name: tensor.to(trainer.model.device) for name, tensor in trainer.data_collator([row]).items()}
    with precision(task.model):
        chosen, rejected = trainer.compute_ref_log_probs(trainer.model, batch)
    return float(chosen[0]), float(rejected[0])


def _reference(task: Task) -> str:
    """What the reference is, by content where that is at hand."""
    parent = parent_needed(task.policy, task.parent)
    adapter = parent if parent is not None and task.policy.reference == "parent" else None
    weights = sha256(adapter / "adapter_model.safetensors") if adapter else "base"
    folder = Path(resolve(task.model.name))
    files = sorted(folder.glob("*.safetensors")) if folder.is_dir() else []
    model = [(f.name, f.stat().st_size, f.stat().st_mtime_ns) for f in files] or task.model.name
    return json.dumps([model, task.model.model_dump(), weights])


def _key(reference: str, trainer: Any, row: Mapping[str, Any]) -> str:
    """sha256 of all that a row's reference log-probabilities hang on."""
    args = trainer.args
    parts = [reference, args.max_length, args.truncation_mode, args.ld_alpha]
    parts += [list(row[name]) for name in ("prompt_ids", "chosen_ids", "rejected_ids")]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _read(file: Path) -> dict[str, tuple[float, float]]:
    """What is kept so far; a last line that a kill cut off is removed."""
    if not file.exists():
        return {}
    text = file.read_text(encoding="utf-8")
    whole = text[: text.rfind("\n") + 1]
    if whole != text:
        write_text(file, whole)
    return {key: (chosen, rejected) for key, chosen, rejected in map(json.loads, whole.splitlines())}
