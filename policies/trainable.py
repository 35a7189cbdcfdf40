"""The network that a policy step trains: one base, the adapter that learns, and the reference it is held near."""

from pathlib import Path
from typing import Any

from feedback_loop.adapters import freeze
from feedback_loop.errors import UsageError
from feedback_loop.models import load_base
from feedback_loop.policy_tables import PolicyTable
from feedback_loop.recipe import ModelTable

LEARNING, REFERENCE = "default", "ref"
"""Names of the adapters; they are TRL's."""


def parent_needed(policy: PolicyTable, parent: Path | None) -> Path | None:
    """The parent's adapter where the recipe starts from it or stays near it, else None."""
    return None if policy.start == policy.reference == "base" else parent


def open_trainable(model: ModelTable, policy: PolicyTable, parent: Path | None) -> tuple[Any, Any]:
    """The model to train, and the LoRA configuration still to be added where it has no adapter yet, as TRL wants them.

    UsageError where the parent has another rank than the recipe.
    """
    from peft import LoraConfig, PeftModel

    base = load_base(model)
    if parent is None:
        lora = LoraConfig(
            r=policy.lora_rank, lora_alpha=policy.lora_alpha, target_modules="all-linear", task_type="CAUSAL_LM"
        )
        return base, lora
    network = PeftModel.from_pretrained(base, str(parent), is_trainable=True)
    rank = network.peft_config[LEARNING].r
    if rank != policy.lora_rank:
        raise UsageError(
            f"policy.lora_rank = {policy.lora_rank}, but the adapter to start from or to stay near has rank {rank}. "
            f'Set it to {rank}, or set policy.start and policy.reference to "base".'
        )
    return network, None


def open_network(model: ModelTable, policy: PolicyTable, parent: Path | None) -> Any:
    """The same as one PEFT model that is ready to train, for steps in which TRL does not set it up."""
    from peft import get_peft_model

    network, fresh = open_trainable(model, policy, parent)
    if fresh is not None:
        return get_peft_model(network, fresh)
    network.add_adapter(REFERENCE, network.peft_config[LEARNING])
    for name, parameter in network.named_parameters():
        if f".{LEARNING}." in name:
            network.get_parameter(name.replace(f".{LEARNING}.", f".{REFERENCE}.")).data.copy_(parameter.data)
    freeze(network, REFERENCE)
    place(network, policy)
    return network


def place(network: Any, policy: PolicyTable) -> None:
    """Turn the learning adapter or its frozen copy into the base where the recipe says so.

    A LoRA adapter whose B matrices are zero is the base.
    """
    import torch

    for module in network.modules():
        if not hasattr(module, "lora_B") or LEARNING not in module.lora_B:
            continue
        if policy.start == "base":
            module.reset_lora_parameters(LEARNING, init_lora_weights=True)
        if policy.reference == "base":
            with torch.no_grad():
                module.lora_B[REFERENCE].weight.zero_()


def reference_of(network: Any) -> str | None:
    """The adapter that is the reference; None where it is the base alone."""
    return REFERENCE if REFERENCE in network.peft_config else None


def placed(policy: PolicyTable, parent: Path | None) -> dict[str, str]:
    """What the step started from and was held near, for the record."""
    if parent is None:
        return {"start": "base", "reference": "base"}
    return {"start": policy.start, "reference": policy.reference}


def without_dropout(network: Any) -> None:
    """A policy must agree with itself, read twice; a model whose configuration asks for dropout would break that."""
    for module in network.modules():
        for name in ("p", "attention_dropout"):
            if isinstance(getattr(module, name, None), float):
                setattr(module, name, 0.0)
