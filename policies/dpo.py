"""The policy step by DPO: TRL's DPOTrainer on a LoRA adapter, with people's preferences of all rounds."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from feedback_loop import training
from feedback_loop.chat import end, render_prompt
from feedback_loop.errors import LoopError, UsageError
from feedback_loop.models import device, dtype, load_base, load_tokenizer
from feedback_loop.progress import Progress
from feedback_loop.recipe import ModelTable, PolicyTable
from feedback_loop.records import Preference


def check_options(policy: PolicyTable) -> None:
    """UsageError where `[policy.trl]` holds a key that trl.DPOConfig does not know."""
    from trl import DPOConfig

    training.check_options("policy", policy.trl, DPOConfig)
    if policy.trl.get("precompute_ref_log_probs"):
        raise UsageError(
            "policy.trl.precompute_ref_log_probs: would fix the reference before it is in place. Remove it."
        )


def train_dpo(
    model: ModelTable,
    policy: PolicyTable,
    pairs: Sequence[Preference],
    *,
    parent_adapter: Path | None,
    out: Path,
    work: Path,
    seed: int,
    report: Progress,
) -> dict[str, Any]:
    """Train an adapter and write it to `out`, the trainer's log to curves.jsonl beside it; returns the stage's facts.

    The loss is Rafailov et al. 2023 (arXiv 2305.18290) in TRL's implementation, with the recipe's `loss_type`. Ties are
    left out: they say nothing about which way to move. LoopError where no pair is left.
    """
    import torch
    from datasets import Dataset
    from trl import DPOConfig, DPOTrainer

    decisive = [p for p in pairs if not p.tie]
    if not decisive:
        raise LoopError("No ranking prefers one answer, so there is nothing to train on. Rank more, then: advance")
    if policy.start == policy.reference == "base":
        parent_adapter = None
    torch.manual_seed(seed)
    tokenizer = load_tokenizer(model)
    settings = training.options(
        policy.trl, work=work, seed=seed, device=device(model), bf16=dtype(model) == torch.bfloat16
    )
    network, fresh = _trainable(model, policy, parent_adapter)
    trainer = DPOTrainer(
        model=network,
        args=DPOConfig(**settings),
        train_dataset=Dataset.from_list([_row(tokenizer, p, thinking=model.thinking) for p in decisive]),
        processing_class=tokenizer,
        peft_config=fresh,
        callbacks=[training.reporter(report, "policy")],
    )
    if parent_adapter is not None:
        _place(trainer.model, policy)
    trainer.train()
    training.save_adapter(trainer.model, out)
    training.write_curves(out.parent / "curves.jsonl", trainer.state.log_history)
    last: dict[str, Any] = next((row for row in reversed(trainer.state.log_history) if "loss" in row), {})
    return {
        "step": "dpo",
        "pairs": len(decisive),
        "start": policy.start if parent_adapter else "base",
        "reference": policy.reference if parent_adapter else "base",
        "steps": trainer.state.global_step,
        "loss": last.get("loss"),
        "margin": last.get("rewards/margins"),
    }


def _trainable(model: ModelTable, policy: PolicyTable, parent_adapter: Path | None) -> tuple[Any, Any]:
    """The model to train, and the LoRA configuration that TRL is to add to it where it has no adapter yet."""
    from peft import LoraConfig, PeftModel

    base = load_base(model)
    if parent_adapter is not None:
        network = PeftModel.from_pretrained(base, str(parent_adapter), is_trainable=True)
        _check_rank(network.peft_config["default"].r, policy)
        return network, None
    lora = LoraConfig(
        r=policy.lora_rank, lora_alpha=policy.lora_alpha, target_modules="all-linear", task_type="CAUSAL_LM"
    )
    return base, lora


def _check_rank(rank: int, policy: PolicyTable) -> None:
    if rank != policy.lora_rank:
        raise UsageError(
            f"policy.lora_rank = {policy.lora_rank}, but the adapter to start from or to stay near has rank {rank}. "
            f'Set it to {rank}, or set policy.start and policy.reference to "base".'
        )


def _place(network: Any, policy: PolicyTable) -> None:
    """TRL has made `ref`, a frozen copy of the parent; turn either of the two into the base where the recipe says so.

    A LoRA adapter whose B matrices are zero is the base.
    """
    import torch

    for module in network.modules():
        if not hasattr(module, "lora_B") or "default" not in module.lora_B:
            continue
        if policy.start == "base":
            module.reset_lora_parameters("default", init_lora_weights=True)
        if policy.reference == "base":
            with torch.no_grad():
                module.lora_B["ref"].weight.zero_()


def _row(tokenizer: Any, pair: Preference, *, thinking: bool) -> dict[str, str]:
    """A preference as the text that sampling would have seen and written."""
    prompt = [{"role": m.role, "content": m.content} for m in pair.prompt]
    chosen, rejected = pair.chosen[-1].content, pair.rejected[-1].content
    return {
        "prompt": render_prompt(tokenizer, prompt, thinking=thinking),  # type: ignore[arg-type]
        "chosen": chosen + end(tokenizer),
        "rejected": rejected + end(tokenizer),
    }
