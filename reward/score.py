"""Score completions on the policy's own base model: a reward model is one more adapter and a head, or a head alone."""

import json
import math
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

from feedback_loop.adapters import active, score_head
from feedback_loop.chat import token_ids
from feedback_loop.errors import LoopError
from feedback_loop.records import Prompt
from feedback_loop.scores import Members, Score
from reward.features import features
from reward.head import FILE, load

ADAPTER = "reward"
LENGTH = "length.json"


def load_scorer(model: Any, tokenizer: Any, folders: Sequence[Path], *, thinking: bool, batch_size: int) -> Score:
    """A function of (prompts, completions) that gives a score each: the mean over the reward models in `folders`.

    `model` is the policy's model, with an adapter or without; between calls it answers as before.
    """
    members = load_members(model, tokenizer, folders, thinking=thinking, batch_size=batch_size)

    def score(prompts: Sequence[Prompt], completions: Sequence[str]) -> list[float]:
        return [fmean(row) for row in members(prompts, completions)]

    return score


def load_members(model: Any, tokenizer: Any, folders: Sequence[Path], *, thinking: bool, batch_size: int) -> Members:
    """The same with each reward model's own score, in the order of `folders`; completions are rendered as in training.

    A folder may hold a LoRA reward model, or a head on frozen features with all its members. LoopError where a score is
    NaN or infinite: compared with others, it would pass for the worst.
    """
    members = (
        _head_members(model, tokenizer, folders[0], thinking=thinking, batch_size=batch_size)
        if is_head(folders[0])
        else _lora_members(model, tokenizer, folders, thinking=thinking, batch_size=batch_size)
    )

    def scores(prompts: Sequence[Prompt], completions: Sequence[str]) -> list[list[float]]:
        rows = members(prompts, completions)
        bad = sum(not all(map(math.isfinite, row)) for row in rows)
        if bad:
            raise LoopError(
                f"The reward model's scores of {bad} of {len(rows)} answers are NaN or infinite. "
                'Set model.dtype = "float32" in RUN/recipe.toml, then: feedback-loop redo RUN reward'
            )
        return rows

    return scores


def is_head(folder: Path) -> bool:
    """Whether a reward model is a head on frozen features."""
    return (folder / FILE).exists()


def saved_slope(folder: Path) -> float:
    """Score for log(1 + characters) that is taken off a LoRA reward model's scores (`reward.length`)."""
    file = folder / LENGTH
    return float(json.loads(file.read_text(encoding="utf-8"))["slope"]) if file.exists() else 0.0


def _lora_members(model: Any, tokenizer: Any, folders: Sequence[Path], *, thinking: bool, batch_size: int) -> Members:
    network = _attach(model, folders)
    slopes = [saved_slope(folder) for folder in folders]
    heads = [score_head(folder)[0].to(network.device) for folder in folders]

    def scores(prompts: Sequence[Prompt], completions: Sequence[str]) -> list[list[float]]:
        pairs = zip(prompts, completions, strict=True)
        rows = [[*head, *tail] for head, tail in (token_ids(tokenizer, p, c, thinking=thinking) for p, c in pairs)]
        order = sorted(range(len(rows)), key=lambda i: len(rows[i]))
        found: list[list[float]] = [[] for _ in rows]
        for number, head in enumerate(heads):
            with active(network, _name(number)):
                for start in range(0, len(order), batch_size):
                    batch = order[start : start + batch_size]
                    values = _batch(network, head, [rows[i] for i in batch], tokenizer.pad_token_id)
                    for i, value in zip(batch, values, strict=True):
                        found[i].append(value - slopes[number] * math.log1p(len(completions[i])))
        return found

    return scores


def _head_members(model: Any, tokenizer: Any, folder: Path, *, thinking: bool, batch_size: int) -> Members:
    head = load(folder)

    def scores(prompts: Sequence[Prompt], completions: Sequence[str]) -> list[list[float]]:
        if not len(prompts):
            return []
        read = features(model, tokenizer, prompts, completions, thinking=thinking, batch_size=batch_size)
        rows: list[list[float]] = head.scores(read).tolist()
        return rows

    return scores


def _attach(model: Any, folders: Sequence[Path]) -> Any:
    """The PEFT model that holds the reward adapters, frozen, with what was in force before in force still."""
    from peft import PeftModel

    if isinstance(model, PeftModel):
        for number, folder in enumerate(folders):
            model.load_adapter(str(folder), adapter_name=_name(number))
        return model
    wrapped = PeftModel.from_pretrained(model, str(folders[0]), adapter_name=_name(0))
    for number, folder in enumerate(folders[1:], start=1):
        wrapped.load_adapter(str(folder), adapter_name=_name(number))
    wrapped.base_model.disable_adapter_layers()
    return wrapped


def _name(number: int) -> str:
    return f"{ADAPTER}{number}"


def _batch(network: Any, head: Any, rows: list[list[int]], pad: int) -> list[float]:
    """Scores of a batch; head of shape (hidden size,)."""
    import torch

    width = max(map(len, rows))
    where = head.device
    ids = torch.tensor([[*row, *[pad] * (width - len(row))] for row in rows], device=where)
    mask = torch.tensor([[1] * len(row) + [0] * (width - len(row)) for row in rows], device=where)
    with torch.inference_mode():
        hidden = network.get_base_model().model(input_ids=ids, attention_mask=mask, use_cache=False).last_hidden_state
        last = hidden[torch.arange(len(rows), device=where), mask.sum(1) - 1].float()
        values: list[float] = (last * head).sum(-1).tolist()
    return values
