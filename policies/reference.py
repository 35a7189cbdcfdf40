"""DPO's reference log-probabilities: computed once a pair and reference, and kept for the rounds to come."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from feedback_loop.adapters import adapter_sha256
from feedback_loop.durable import write_text
from feedback_loop.models import fingerprint
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
    """What the reference is: the base, and the parent's adapter where that is the reference."""
    parent = parent_needed(task.policy, task.parent) if task.policy.reference == "parent" else None
    return json.dumps([fingerprint(task.model), adapter_sha256(parent)])


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
