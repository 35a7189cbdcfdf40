"""Train the reward model: LoRA and a score head on the policy's own base, by TRL's RewardTrainer."""

from collections.abc import Sequence
from pathlib import Path
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

    training.check_options("reward", reward.trl, RewardConfig)


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
    loss with a target of one half: it pulls the two scores together. Accuracy is the share of held-out decisive pairs
    whose chosen answer scores higher, margin their mean difference; both are None where there is no such pair.
    LoopError where there is nothing to train on.
    """
    import torch
    from datasets import Dataset
    from peft import LoraConfig
    from trl import RewardConfig, RewardTrainer

    if not train:
        raise LoopError("No ranking compares two answers, so the reward model has nothing to learn. Rank more.")
    torch.manual_seed(seed)
    tokenizer = load_tokenizer(model)
    rows = [row for p in train for row in _rows(tokenizer, p, thinking=thinking)]
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
    training.save_adapter(trainer.model, out)
    training.write_curves(out.parent / "curves.jsonl", trainer.state.log_history)
    measured = [row for p in heldout if not p.tie for row in _rows(tokenizer, p, thinking=thinking)]
    return {
        "pairs": len(train),
        "ties": sum(p.tie for p in train),
        "heldout_pairs": len(measured),
        "steps": trainer.state.global_step,
        **_measure(trainer.model, tokenizer, measured),
    }


def _rows(tokenizer: Any, pair: Preference, *, thinking: bool) -> list[dict[str, str]]:
    """A pair as the text that scoring will see; a tie in both orders."""
    messages: list[ChatMessage] = [{"role": m.role, "content": m.content} for m in pair.prompt]
    prompt = render_prompt(tokenizer, messages, thinking=thinking)
    chosen, rejected = (prompt + m[-1].content + end(tokenizer) for m in (pair.chosen, pair.rejected))
    row = {"chosen": chosen, "rejected": rejected}
    return [row, {"chosen": rejected, "rejected": chosen}] if pair.tie else [row]


def _measure(network: Any, tokenizer: Any, rows: Sequence[dict[str, str]]) -> dict[str, float | None]:
    if not rows:
        return {"accuracy": None, "margin": None}
    chosen, rejected = (_scores(network, tokenizer, [row[side] for row in rows]) for side in ("chosen", "rejected"))
    margins = [a - b for a, b in zip(chosen, rejected, strict=True)]
    return {"accuracy": sum(m > 0 for m in margins) / len(margins), "margin": sum(margins) / len(margins)}


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
