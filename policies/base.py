"""A policy: the base model and, after the first round, an adapter."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from feedback_loop.models import load_base, load_tokenizer
from feedback_loop.recipe import ModelTable


@dataclass(frozen=True)
class Policy:
    """A model ready to sample from. `model` is a PEFT model where the policy has an adapter."""

    name: str
    model: Any
    tokenizer: Any


def load_policy(model: ModelTable, adapter: Path | None, *, name: str) -> Policy:
    """Load base and adapter, in evaluation mode, on the recipe's device."""
    base = load_base(model)
    if adapter is not None:
        from peft import PeftModel

        base = PeftModel.from_pretrained(base, str(adapter))
    return Policy(name, base.eval(), load_tokenizer(model))
