"""Train the reward model: LoRA and a score head on the policy's own base, by TRL's RewardTrainer."""

import bisect
import gc
import itertools
import random
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean, pstdev
from typing import Any

import numpy as np

from feedback_loop import training
from feedback_loop.chat import end, render_prompt
from feedback_loop.errors import LoopError
from feedback_loop.models import device, dtype, load_classifier, load_tokenizer
from feedback_loop.progress import Progress
from feedback_loop.recipe import ModelTable, RewardTable
from feedback_loop.records import ChatMessage, Preference
from feedback_loop.run import write_json, write_jsonl
from reward.bias import length_slope, more_characters
from reward.calibrate import Checked, figures
from reward.observations import NOTHING, Thresholds, margins, thresholds
from reward.score import LENGTH

BATCH = 8


def check_options(reward: RewardTable) -> None:
    """UsageError where `[reward.trl]` holds a key that trl.RewardConfig does not know."""
    from trl import RewardConfig

    training.check_options("reward.trl", reward.trl, RewardConfig)


def train_reward(
    model: ModelTable,
    reward: RewardTable,
    train: Sequence[Preference],
    heldout: Sequence[Preference],
    *,
    out: Path,
    work: Path,
    seed: int,
    thinking: bool,
    report: Progress,
) -> dict[str, Any]:
    """Train on `train`, write adapter and head to `out`, curves.jsonl and checked.jsonl beside it; the facts.

    The likelihood is `observations`', which TRL's loss with margins is. With `reward.members` of 2 or more, each is trained on
    a bootstrap sample of the pairs with a seed of its own; the others lie beside the first as `out`-1, `out`-2, ... Where
    labels weigh differently, those samples are drawn by their weights, that of a single member too. The facts hold `figures`
    of the held-out pairs. LoopError where there is nothing to train on.
    """
    if not train:
        raise LoopError(NOTHING)
    tokenizer, at = load_tokenizer(model), thresholds([*train, *heldout])
    measured = [_texts(tokenizer, p, thinking=thinking) for p in heldout]
    longer = [more_characters(p) for p in heldout]
    history: list[dict[str, Any]] = []
    found: list[list[float]] = []
    for number in range(reward.members):
        sample = _sample(train, reward.members, seed + number)
        log, differences = _member(
            model, reward, tokenizer, sample, measured, longer, at, out=member_folder(out, number), work=work, seed=seed + number,
            thinking=thinking, report=report,
        )  # fmt: skip
        gc.collect()  # the trainer and its model refer to each other, and there is room for one base
        done = history[-1]["step"] if history else 0
        history += [row | {"step": row["step"] + done} for row in log]
        found.append(differences)
    training.write_curves(out.parent / "curves.jsonl", history)
    checked = [Checked.of(p, fmean(own), pstdev(own)) for p, own in zip(heldout, zip(*found, strict=True), strict=True)]
    write_jsonl(out.parent / "checked.jsonl", checked)
    return {
        "form": "lora",
        "pairs": len(train),
        "ties": sum(p.tie for p in train),
        "members": reward.members,
        "heldout_pairs": len(heldout),
        "steps": history[-1]["step"],
        **figures(checked, at.tie),
    }


def member_folder(out: Path, number: int) -> Path:
    """Where a member of the ensemble lies: `out` itself, then `out`-1, `out`-2, ..."""
    return out if number == 0 else out.with_name(f"{out.name}-{number}")


def _sample(train: Sequence[Preference], members: int, seed: int) -> Sequence[Preference]:
    """What a member is trained on: as many pairs, drawn by their weights.

    Of an ensemble each draws anew. One alone takes every pair as often as its weight says, by even steps through all weights,
    so that equal weights are all pairs once.
    """
    weights = [p.weight for p in train]
    if members > 1:
        return random.Random(seed).choices(train, weights, k=len(train))
    step, until = sum(weights) / len(train), list(itertools.accumulate(weights))
    return [train[min(bisect.bisect_right(until, (i + 0.5) * step), len(train) - 1)] for i in range(len(train))]


def _member(
    model: ModelTable, reward: RewardTable, tokenizer: Any, pairs: Sequence[Preference], measured: list[tuple[str, str]],
    longer: list[float],
    at: Thresholds, *, out: Path, work: Path, seed: int, thinking: bool, report: Progress,
) -> tuple[list[dict[str, Any]], list[float]]:  # fmt: skip
    """Train one reward model on `pairs` and save it; (TRL's log, its score differences of `measured`).

    In an ensemble its head is divided by the standard deviation of its scores on what it was trained on: Bradley-Terry leaves
    the scale open, and the loudest member would decide.
    """
    import torch

    rows = [row for p in pairs for row in _rows(tokenizer, p, at, thinking=thinking)]
    trainer = _train(model, reward, tokenizer, rows, work=work, seed=seed, report=report)
    answers = [m[-1].content for p in pairs for m in (p.chosen, p.rejected)]
    texts = [text for p in pairs for text in _texts(tokenizer, p, thinking=thinking)]
    ensemble, even = reward.members > 1, reward.length == "remove"
    scores = np.array(_scores(trainer.model, tokenizer, texts)) if ensemble or even else np.zeros(len(texts))
    if ensemble:
        spread = float(scores.std()) or 1.0
        scores = scores / spread
        with torch.no_grad():
            for name, parameter in trainer.model.named_parameters():
                if name.endswith("score.modules_to_save.default.weight"):
                    parameter /= spread
    training.save_adapter(trainer.model, out)
    differences = _differences(trainer.model, tokenizer, measured)
    if even:
        asked = [p.prompt_id for p in pairs for _ in (p.chosen, p.rejected)]
        slope = float(length_slope(scores, np.array([float(len(a)) for a in answers]), asked))
        write_json(out / LENGTH, {"slope": slope})
        differences = [d - slope * more for d, more in zip(differences, longer, strict=True)]
    return trainer.state.log_history, differences


def _train(
    model: ModelTable, reward: RewardTable, tokenizer: Any, rows: list[dict[str, Any]], *, work: Path, seed: int,
    report: Progress,
) -> Any:  # fmt: skip
    """TRL's trainer after one training; LoopError where its weights are no longer numbers."""
    import torch
    from datasets import Dataset
    from peft import LoraConfig
    from trl import RewardConfig, RewardTrainer

    torch.manual_seed(seed)
    trainer = RewardTrainer(
        model=load_classifier(model, tokenizer),
        args=RewardConfig(
            **training.options(
                reward.trl, work=work, seed=seed, device=device(model), bf16=dtype(model) == torch.bfloat16
            )
        ),
        train_dataset=Dataset.from_list(rows),
        processing_class=tokenizer,
        peft_config=LoraConfig(
            r=reward.lora_rank,
            lora_alpha=reward.lora_alpha,
            target_modules="all-linear",
            modules_to_save=["score"],
            task_type="SEQ_CLS",
        ),
        callbacks=[training.reporter(report, "reward")],
    )
    trainer.train()
    if not all(bool(torch.isfinite(p).all()) for p in trainer.model.parameters() if p.requires_grad):
        raise LoopError(
            "The reward model's training ran away: its weights are NaN or infinite. "
            "Lower reward.trl.learning_rate in the recipe"
        )
    return trainer


def _texts(tokenizer: Any, pair: Preference, *, thinking: bool) -> tuple[str, str]:
    """Chosen and rejected answer as the text that scoring will see."""
    messages: list[ChatMessage] = [{"role": m.role, "content": m.content} for m in pair.prompt]
    prompt = render_prompt(tokenizer, messages, thinking=thinking)
    return prompt + pair.chosen[-1].content + end(tokenizer), prompt + pair.rejected[-1].content + end(tokenizer)


def _rows(tokenizer: Any, pair: Preference, at: Thresholds, *, thinking: bool) -> list[dict[str, Any]]:
    """A pair as TRL's rows; of a tie or a slight difference, two."""
    chosen, rejected = _texts(tokenizer, pair, thinking=thinking)
    return [
        {"chosen": rejected, "rejected": chosen, "margin": margin}
        if swapped
        else {"chosen": chosen, "rejected": rejected, "margin": margin}
        for swapped, margin in margins(pair, at)
    ]


def _differences(network: Any, tokenizer: Any, pairs: Sequence[tuple[str, str]]) -> list[float]:
    """Score of the chosen less that of the rejected answer, for each pair."""
    chosen, rejected = (_scores(network, tokenizer, [pair[side] for pair in pairs]) for side in (0, 1))
    return [a - b for a, b in zip(chosen, rejected, strict=True)]


def _scores(network: Any, tokenizer: Any, texts: list[str]) -> list[float]:
    import torch

    network.eval()
    found: list[float] = []
    with torch.inference_mode():
        for start in range(0, len(texts), BATCH):
            inputs = tokenizer(
                texts[start : start + BATCH], return_tensors="pt", padding=True, add_special_tokens=False
            ).to(network.device)
            found += (
                network(input_ids=inputs["input_ids"], attention_mask=inputs["attention_mask"]).logits[:, 0].tolist()
            )
    return found
