"""What the reward model's and the policy's training share: options for TRL's configs, progress, curves."""

import json
import sys
from collections.abc import Iterable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from feedback_loop.errors import UsageError
from feedback_loop.progress import Progress

OURS = ("output_dir", "seed", "report_to", "save_strategy", "disable_tqdm", "use_cpu")
"""Options that the loop sets itself."""
PER_RUN = ("train_runtime", "train_samples_per_second", "train_steps_per_second", "total_flos", "step_time")
"""Logged figures that depend on the machine's mood."""


def check_options(table: str, options: dict[str, Any], config: type) -> None:
    """UsageError naming the first key that TRL's config class does not know, or that is the loop's own."""
    known = {field.name for field in fields(config)}
    for key in options:
        if key in OURS:
            raise UsageError(f"{table}.{key}: set by the loop itself. Remove it from the recipe.")
        if key not in known:
            raise UsageError(f"{table}.{key}: {config.__name__} has no such option. See TRL's documentation of it.")


def options(trl: dict[str, Any], *, work: Path, seed: int, device: str, bf16: bool) -> dict[str, Any]:
    """Keyword arguments for a TRL config: quiet defaults, then the recipe's own, then the loop's."""
    wandb = sys.modules.get("wandb")
    return {
        "logging_steps": 1,
        "bf16": bf16,
        "per_device_train_batch_size": 4,
        "dataloader_pin_memory": device == "cuda",
        **trl,
        "output_dir": str(work / "trainer"),
        "seed": seed,
        "save_strategy": "no",
        "disable_tqdm": True,
        "use_cpu": device == "cpu",
        "report_to": "wandb" if wandb is not None and wandb.run is not None else "none",
    }


def reporter(report: Progress, what: str) -> Any:
    """A trainer callback that reports each step."""
    from transformers import TrainerCallback

    class Reporter(TrainerCallback):
        def on_step_end(self, args: Any, state: Any, control: Any, **rest: Any) -> None:  # noqa: ARG002
            report(state.global_step, state.max_steps, what)

    return Reporter()


def save_adapter(network: Any, out: Path) -> None:
    """Write the adapter called `default`; PEFT lists its modules in no fixed order, so they are sorted."""
    network.save_pretrained(str(out), selected_adapters=["default"])
    file = out / "adapter_config.json"
    config = json.loads(file.read_text(encoding="utf-8"))
    ordered = {name: sorted(value) if name == "target_modules" else value for name, value in config.items()}
    file.write_text(json.dumps(ordered, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def numbers(row: Mapping[str, Any]) -> dict[str, float]:
    """The figures of a logged row, less those that depend on the machine's mood."""
    return {k: v for k, v in row.items() if isinstance(v, int | float) and k not in PER_RUN}


def write_curves(path: Path, history: Iterable[Mapping[str, Any]]) -> None:
    """A training's log as JSONL, a row a logged step, numbers only."""
    rows = map(numbers, history)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows if "step" in row), encoding="utf-8")
