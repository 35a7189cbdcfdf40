"""Score completions on the policy's own base model: the reward model is a second adapter and a head, not a second copy."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from feedback_loop.chat import token_ids
from feedback_loop.records import Prompt

Score = Callable[[Sequence[Prompt], Sequence[str]], list[float]]
ADAPTER = "reward"


def load_scorer(model: Any, tokenizer: Any, folder: Path, *, thinking: bool, batch_size: int) -> Score:
    """A function of (prompts, completions) that gives a score each, rendered as in training.

    `model` is the policy's model, with an adapter or without; between calls it answers as before.
    """
    head = _head(folder).to(model.device)
    network, asleep = _attach(model, folder)

    def score(prompts: Sequence[Prompt], completions: Sequence[str]) -> list[float]:
        pairs = zip(prompts, completions, strict=True)
        rows = [[*head, *tail] for head, tail in (token_ids(tokenizer, p, c, thinking=thinking) for p, c in pairs)]
        order = sorted(range(len(rows)), key=lambda i: len(rows[i]))
        found = [0.0] * len(rows)
        with asleep():
            for start in range(0, len(order), batch_size):
                batch = order[start : start + batch_size]
                values = _batch(network, head, [rows[i] for i in batch], tokenizer.pad_token_id)
                for i, value in zip(batch, values, strict=True):
                    found[i] = value
        return found

    return score


def _attach(model: Any, folder: Path) -> tuple[Any, Callable[[], Any]]:
    """The PEFT model that holds the reward adapter, and a context in which that adapter is the active one."""
    from peft import PeftModel

    if isinstance(model, PeftModel):
        model.load_adapter(str(folder), adapter_name=ADAPTER)
        before = model.active_adapter

        @contextmanager
        def swapped() -> Iterator[None]:
            model.set_adapter(ADAPTER)
            try:
                yield
            finally:
                model.set_adapter(before)

        return model, swapped

    wrapped = PeftModel.from_pretrained(model, str(folder), adapter_name=ADAPTER)
    wrapped.base_model.disable_adapter_layers()

    @contextmanager
    def enabled() -> Iterator[None]:
        wrapped.base_model.enable_adapter_layers()
        try:
            yield
        finally:
            wrapped.base_model.disable_adapter_layers()

    return wrapped, enabled


def _head(folder: Path) -> Any:
    """The score head's weight, shape (1, hidden size), which PEFT drops when the adapter joins a causal model."""
    from safetensors.torch import load_file

    weights = load_file(folder / "adapter_model.safetensors")
    return next(tensor for name, tensor in weights.items() if name.endswith("score.weight"))


def _batch(network: Any, head: Any, rows: list[list[int]], pad: int) -> list[float]:
    import torch

    width = max(map(len, rows))
    where = head.device
    ids = torch.tensor([[*row, *[pad] * (width - len(row))] for row in rows], device=where)
    mask = torch.tensor([[1] * len(row) + [0] * (width - len(row)) for row in rows], device=where)
    with torch.inference_mode():
        hidden = network.get_base_model().model(input_ids=ids, attention_mask=mask).last_hidden_state
        last = hidden[torch.arange(len(rows)), mask.sum(1) - 1].to(head.dtype)
        return [float(value) for value in (last @ head.T)[:, 0]]
