"""What a checkpoint keeps of a training of our own: parameters under AdamW, the last good adapter, the measurements."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from feedback_loop import checkpoint
from feedback_loop.records import Record


class Ongoing(Protocol):
    """A training under way: `ppo_state.Training`, `bake_state.Baking`."""

    optimizer: Any
    step: int
    good: dict[str, Any]
    good_step: int
    readings: list[Any]
    shown: list[Any]
    seconds: dict[str, float]


def save(
    file: Path, now: Ongoing, learning: Mapping[str, Any], curves: Sequence[Mapping[str, float]], **more: Any
) -> None:
    """Write the checkpoint over the one before; `more` is what else a training keeps, as JSON."""
    tensors = {f"good.{name}": tensor for name, tensor in now.good.items()} | pack(learning, now.optimizer)
    facts = {
        "step": now.step,
        "good_step": now.good_step,
        "readings": [row.model_dump() for row in now.readings],
        "shown": [row.model_dump() for row in now.shown],
        "seconds": now.seconds,
        "curves": curves,
    }
    checkpoint.save(file, tensors, facts | more)


def restore(
    file: Path, now: Ongoing, learning: Mapping[str, Any], reading: type[Record], sample: type[Record]
) -> dict[str, Any]:
    """Bring a training to where its checkpoint stands; what it kept as JSON, `curves` among it, nothing where there is none."""
    found = checkpoint.load(file)
    if found is None:
        return {}
    tensors, facts = found
    unpack(learning, now.optimizer, tensors)
    now.good = {name.removeprefix("good."): t for name, t in tensors.items() if name.startswith("good.")}
    now.step, now.good_step, now.seconds = facts["step"], facts["good_step"], facts["seconds"]
    now.readings = [reading(**row) for row in facts["readings"]]
    now.shown = [sample(**row) for row in facts["shown"]]
    return facts


def pack(learning: Mapping[str, Any], optimizer: Any) -> dict[str, Any]:
    """`now.NAME` of each parameter, and its moments and count of updates as `exp_avg.NAME`, `exp_avg_sq.NAME`, `step.NAME`."""
    tensors: dict[str, Any] = {}
    for name, parameter in learning.items():
        tensors[f"now.{name}"] = parameter
        tensors |= {f"{key}.{name}": value for key, value in optimizer.state[parameter].items()}
    return tensors


def unpack(learning: Mapping[str, Any], optimizer: Any, tensors: Mapping[str, Any]) -> None:
    """Bring parameters and optimiser to where `pack` found them."""
    import torch

    with torch.no_grad():
        for name, parameter in learning.items():
            parameter.copy_(tensors[f"now.{name}"])
            moments = {key: tensors[f"{key}.{name}"].to(parameter.device) for key in ("exp_avg", "exp_avg_sq")}
            optimizer.state[parameter] = {"step": tensors[f"step.{name}"], **moments}
