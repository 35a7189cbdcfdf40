"""Parameters under AdamW as tensors by name, and back: what a checkpoint keeps of a training."""

from collections.abc import Mapping
from typing import Any


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
