"""Train the reward model: LoRA and a score head on the policy's own base, by TRL's RewardTrainer."""

import gc
import random
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean, pstdev
from typing import Any

from feedback_loop import training
from feedback_loop.chat import end, render_prompt
from feedback_loop.errors import LoopError
from feedback_loop.models import device, dtype, load_classifier, load_tokenizer
from feedback_loop.progress import Progress
from feedback_loop.recipe import ModelTable, RewardTable
from feedback_loop.records import ChatMessage, Preference

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
    """Train on `train`, write adapter and head to `out` and curves.jsonl beside it; accuracy and margin on `heldout`.

    The loss is Bradley-Terry's, -log sigmoid(r_chosen - r_rejected). A tie is both orders of its pair, which is the same
    loss with a target of one half: it pulls the two scores together. With `reward.members` of 2 or more, each is trained
    on a bootstrap sample of the pairs with a seed of its own; the others lie beside the first as `out`-1, `out`-2, ...
    Accuracy is the share of held-out decisive pairs whose chosen answer scores higher by the members' mean, margin their
    mean difference; both are None where there is no such pair. LoopError where there is nothing to train on.
    """
    if not train:
        raise LoopError("No ranking compares two answers, so the reward model has nothing to learn. Rank more.")
    tokenizer = load_tokenizer(model)
    measured = [row for p in heldout if not p.tie for row in _rows(tokenizer, p, thinking=thinking)]
    history: list[dict[str, Any]] = []
    margins: list[list[float]] = []
    for number in range(reward.members):
        pairs = train if reward.members == 1 else random.Random(seed + number).choices(train, k=len(train))
        rows = [row for p in pairs for row in _rows(tokenizer, p, thinking=thinking)]
        log, found = _member(
            model, reward, tokenizer, rows, measured, out=member_folder(out, number), work=work, seed=seed + number,
            report=report,
        )  # fmt: skip
        gc.collect()  # the trainer and its model refer to each other, and there is room for one base
        done = history[-1]["step"] if history else 0
        history += [row | {"step": row["step"] + done} for row in log]
        margins.append(found)
    training.write_curves(out.parent / "curves.jsonl", history)
    means = [fmean(column) for column in zip(*margins, strict=True)]
    return {
        "pairs": len(train),
        "ties": sum(p.tie for p in train),
        "members": reward.members,
        "heldout_pairs": len(measured),
        "steps": history[-1]["step"],
        "accuracy": fmean(m > 0 for m in means) if means else None,
        "margin": fmean(means) if means else None,
    }


def member_folder(out: Path, number: int) -> Path:
    """Where a member of the ensemble lies: `out` itself, then `out`-1, `out`-2, ..."""
    return out if number == 0 else out.with_name(f"{out.name}-{number}")


def _member(
    model: ModelTable, reward: RewardTable, tokenizer: Any, rows: list[dict[str, str]], measured: list[dict[str, str]],
    *, out: Path, work: Path, seed: int, report: Progress,
) -> tuple[list[dict[str, Any]], list[float]]:  # fmt: skip
    """Train one reward model on `rows` and save it; (TRL's log, its margins on `measured`).

    In an ensemble its head is divided by the standard deviation of its scores on what it was trained on: Bradley-Terry leaves
    the scale open, and the loudest member would decide.
    """
    import torch

    trainer = _train(model, reward, tokenizer, rows, work=work, seed=seed, report=report)
    if reward.members > 1:
        spread = pstdev(
            _scores(trainer.model, tokenizer, [row[side] for row in rows for side in ("chosen", "rejected")])
        )
        with torch.no_grad():
            for name, parameter in trainer.model.named_parameters():
                if name.endswith("score.modules_to_save.default.weight"):
                    parameter /= spread or 1.0
    training.save_adapter(trainer.model, out)
    return trainer.state.log_history, _margins(trainer.model, tokenizer, measured)


def _train(
    model: ModelTable, reward: RewardTable, tokenizer: Any, rows: list[dict[str, str]], *, work: Path, seed: int,
    report: Progress,
) -> Any:  # fmt: skip
    """TRL's trainer after one training."""
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
    return trainer


def _rows(tokenizer: Any, pair: Preference, *, thinking: bool) -> list[dict[str, str]]:
    """A pair as the text that scoring will see; a tie in both orders."""
    messages: list[ChatMessage] = [{"role": m.role, "content": m.content} for m in pair.prompt]
    prompt = render_prompt(tokenizer, messages, thinking=thinking)
    chosen, rejected = (prompt + m[-1].content + end(tokenizer) for m in (pair.chosen, pair.rejected))
    row = {"chosen": chosen, "rejected": rejected}
    return [row, {"chosen": rejected, "rejected": chosen}] if pair.tie else [row]


def _margins(network: Any, tokenizer: Any, rows: Sequence[dict[str, str]]) -> list[float]:
    """Score of the chosen less that of the rejected answer, for each pair."""
    chosen, rejected = (_scores(network, tokenizer, [row[side] for row in rows]) for side in ("chosen", "rejected"))
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
