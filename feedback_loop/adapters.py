"""Several LoRA adapters on one base. Which of them is in force changes often; which may learn is settled once."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

from feedback_loop.damage import sha256


@contextmanager
def active(network: Any, name: str | None) -> Iterator[None]:
    """Inside, the adapter of that name is in force; None is the base alone. `network` is a PEFT model.

    PEFT makes whatever it activates trainable and freezes the rest. Here every parameter keeps its `requires_grad`, so
    no gradient reaches an adapter that was loaded frozen, whatever is scored or compared in between.
    """
    before = in_force(network)
    _switch(network, name)
    try:
        yield
    finally:
        _switch(network, before)


@contextmanager
def bare(network: Any) -> Iterator[None]:
    """Inside, the base answers alone; `network` may be a PEFT model with any adapters, or a plain model.

    A plain model carries adapters too once a PEFT model was made around it: PEFT puts them into its layers.
    """
    with active(network, None) if _layers(network) else nullcontext():
        yield


def in_force(network: Any) -> str | None:
    """Name of the adapter that the next forward pass uses; None for the base alone."""
    layer = next(iter(_layers(network)))
    return None if layer.disable_adapters else str(layer.active_adapters[0])


def parameters(network: Any, name: str) -> dict[str, Any]:
    """An adapter's own parameters by name, in a fixed order."""
    mark = f".{name}."
    return {key: p for key, p in sorted(network.named_parameters()) if mark in key and "lora_" in key}


def freeze(network: Any, name: str) -> None:
    """Let an adapter learn no more."""
    for parameter in parameters(network, name).values():
        parameter.requires_grad_(False)


def score_head(folder: Path) -> Any:
    """The score head of a saved reward model, float32 (1, hidden size): PEFT drops it when it joins a causal model."""
    from safetensors.torch import load_file

    weights = load_file(folder / "adapter_model.safetensors")
    return next(tensor for name, tensor in weights.items() if name.endswith("score.weight")).float()


def adapter_sha256(folder: Path | None) -> list[str]:
    """Checksums of a saved adapter: weights and configuration. Empty for the base."""
    files = ("adapter_model.safetensors", "adapter_config.json")
    return [sha256(folder / name) for name in files] if folder else []


def _switch(network: Any, name: str | None) -> None:
    from peft import PeftModel

    learns = [(p, p.requires_grad) for layer in _layers(network) for p in layer.parameters()]
    if not isinstance(network, PeftModel):
        for layer in _layers(network):
            layer.enable_adapters(name is not None)
    elif name is None:
        network.base_model.disable_adapter_layers()
    else:
        network.base_model.enable_adapter_layers()
        network.set_adapter(name)
    for parameter, flag in learns:
        parameter.requires_grad_(flag)


def _layers(network: Any) -> list[Any]:
    from peft.tuners.tuners_utils import BaseTunerLayer

    return [module for module in network.modules() if isinstance(module, BaseTunerLayer)]
