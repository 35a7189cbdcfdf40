"""A training's state on disk: tensors and figures in one safetensors file, replaced whole or not at all."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from feedback_loop.durable import sync_file, sync_folder


def save(file: Path, tensors: Mapping[str, Any], facts: Mapping[str, Any]) -> None:
    """Write under a temporary name, synced, and rename: after a kill the file is the old one or the new one."""
    from safetensors.torch import save_file

    temporary = file.with_name(f".{file.name}.writing")
    owned = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    save_file(owned, temporary, metadata={"facts": json.dumps(facts)})
    sync_file(temporary)
    temporary.rename(file)
    sync_folder(file.parent)


def load(file: Path) -> tuple[dict[str, Any], dict[str, Any]] | None:
    """Tensors (on the CPU) and figures as they were saved; None where there is no such file."""
    from safetensors import safe_open

    if not file.exists():
        return None
    with safe_open(file, framework="pt") as opened:
        facts: dict[str, Any] = json.loads(opened.metadata()["facts"])
        return {name: opened.get_tensor(name) for name in opened.keys()}, facts  # noqa: SIM118 - not a dict
