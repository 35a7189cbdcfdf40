"""The peer: PPOTrainer of TRL 1.12, which must come first on PYTHONPATH (see trl112.py).

    python -m benchmarks.ppo_vs_trl.peer --mode full --model FOLDER --out DIR

`full` trains all weights of a policy and a value model beside a frozen reference and a reward model. `lora` trains
adapters on the policy, which is its own reference with them off, and on a separate value model. Writes result.json,
and with `--capture N` the tensors of update N. Nothing of TRL is changed: functions that its trainer calls are wrapped.
"""

import argparse
import inspect
import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.ppo_vs_trl import prompts
from benchmarks.ppo_vs_trl.meter import Meter, imports
from benchmarks.ppo_vs_trl.trl112 import VERSION
from benchmarks.ppo_vs_trl.weights import fold_head, own

LORA: dict[str, Any] = {"r": 16, "lora_alpha": 32, "target_modules": "all-linear"}
ROLLOUT = (
    "query_responses", "responses", "logprobs", "ref_logprobs", "values", "scores", "padding_mask", "padding_mask_p1",
    "rewards", "advantages", "returns",
)  # fmt: skip
MINIBATCH = ("micro_batch_inds", "new_logprobs", "vpred", "pg_loss", "vf_loss", "ratio")
STATS = ("pg_clipfrac_stats", "vf_clipfrac_stats", "pg_loss_stats", "vf_loss_stats", "ratio_stats")
SETTINGS = ("kl_coef", "gamma", "lam", "cliprange", "cliprange_value", "vf_coef", "num_ppo_epochs", "num_mini_batches")


def parser() -> argparse.ArgumentParser:
    """The options, which both arms share."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--model", required=True)
    options.add_argument("--out", type=Path, required=True)
    options.add_argument("--steps", type=int, default=1)
    options.add_argument("--batch", type=int, default=8)
    options.add_argument("--prompt-length", type=int, default=32)
    options.add_argument("--response-length", type=int, default=32)
    options.add_argument("--dtype", choices=["float32", "bfloat16"], default="bfloat16")
    options.add_argument("--epochs", type=int, default=1)
    options.add_argument("--minibatches", type=int, default=2)
    options.add_argument("--learning-rate", type=float, default=1e-5)
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--ragged", action="store_true", help="prompts of unequal length")
    options.add_argument("--checkpointing", action="store_true", help="activation checkpointing")
    return options


def main() -> None:
    """Train and write what was measured."""
    options = parser()
    options.add_argument("--mode", choices=["full", "lora"], required=True)
    options.add_argument("--fold-head", action="store_true", help="see weights.py")
    options.add_argument("--stop", choices=["eos", "none"], default="eos", help="none: every answer has full length")
    options.add_argument("--clip", type=float, default=0.2)
    options.add_argument("--value-clip", type=float, default=0.2)
    options.add_argument("--autocast", action="store_true", help="bfloat16 as by accelerate launch --mixed_precision")
    options.add_argument("--capture", type=int, default=0, help="the update whose tensors are written; 0 is none")
    asked = options.parse_args()

    import trl

    if trl.__version__ != VERSION:
        raise SystemExit(f"This is TRL {trl.__version__}. Put {VERSION} first on PYTHONPATH.")
    from transformers import set_seed
    from trl.experimental.ppo import ppo_trainer

    imports()
    if asked.autocast:
        os.environ["ACCELERATE_MIXED_PRECISION"] = (
            "bf16"  # as `accelerate launch` would; PPOConfig(bf16=True) does nothing
        )
    meter = Meter()
    set_seed(asked.seed)  # the trainer shuffles with numpy's generator, which it does not seed
    trainer = build(asked)
    watch_phases(ppo_trainer, meter)
    if asked.capture:
        capture(trainer, asked.capture, asked.out)
    began = time.perf_counter()
    trainer.train()
    result = {
        **meter.stop(),
        "train_seconds": time.perf_counter() - began,
        "trl": trl.__version__,
        "mode": asked.mode,
        "mixed_precision": trainer.accelerator.mixed_precision,
        "checkpointing": bool(trainer.policy_model.is_gradient_checkpointing),
        "trainable": sum(p.numel() for p in trainer.model.parameters() if p.requires_grad),
        "settings": {name: getattr(trainer.args, name) for name in SETTINGS},
        "metrics": [row for row in trainer.state.log_history if "objective/kl" in row],
    }
    (asked.out / "result.json").write_text(json.dumps(result, indent=1), encoding="utf-8")


def build(asked: argparse.Namespace) -> Any:
    """The trainer with its models."""
    import torch
    from datasets import Dataset
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification, GenerationConfig
    from trl.experimental.ppo import PPOConfig, PPOTrainer

    from feedback_loop.models import load_tokenizer
    from feedback_loop.recipe import ModelTable

    tokenizer = load_tokenizer(ModelTable(name=asked.model))
    tokenizer.padding_side = "left"
    drawn = prompts.make(tokenizer, asked.batch * asked.steps, asked.prompt_length, ragged=asked.ragged)

    def load(kind: Any, seed: int, **more: Any) -> Any:
        torch.manual_seed(seed)
        network = own(kind.from_pretrained(asked.model, dtype=getattr(torch, asked.dtype), **more))
        network.config.pad_token_id = tokenizer.pad_token_id
        return network

    policy = load(AutoModelForCausalLM, 0)
    if asked.fold_head:
        fold_head(policy)
    # A model's own generation_config.json may hold a repetition penalty, which TRL would take over.
    policy.generation_config = GenerationConfig(
        eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id, do_sample=True
    )
    reward = load(AutoModelForSequenceClassification, 1, num_labels=1).eval().requires_grad_(requires_grad=False)
    value = load(AutoModelForSequenceClassification, 2, num_labels=1)
    if asked.mode == "lora":
        # PPOTrainer takes `value.model` for the backbone, which in a PeftModel is the whole classifier: hand it the
        # classifier itself, whose layers PEFT has replaced in place.
        torch.manual_seed(3)
        lora = LoraConfig(**LORA, task_type="SEQ_CLS", modules_to_save=["score"])
        value = get_peft_model(value, lora).get_base_model()
    if (
        asked.checkpointing
    ):  # the trainer has a loop of its own, in which PPOConfig(gradient_checkpointing=True) does nothing
        for network in (policy, value):
            network.gradient_checkpointing_enable({"use_reentrant": False})
    config = PPOConfig(
        output_dir=str(asked.out / "trainer"),
        per_device_train_batch_size=asked.batch,  # with no accumulation: an optimizer step for each minibatch
        gradient_accumulation_steps=1,
        num_mini_batches=asked.minibatches,
        num_ppo_epochs=asked.epochs,
        total_episodes=asked.batch * asked.steps,
        local_rollout_forward_batch_size=asked.batch,
        response_length=asked.response_length,
        stop_token="eos" if asked.stop == "eos" else None,
        temperature=1.0,
        cliprange=asked.clip,
        cliprange_value=asked.value_clip,
        learning_rate=asked.learning_rate,
        lr_scheduler_type="constant",
        num_sample_generations=0,
        report_to="none",
        save_strategy="no",
        logging_steps=1,
        disable_tqdm=True,
        use_cpu=True,
        bf16=False,  # the weights are in bfloat16 themselves where --dtype says so
        gradient_checkpointing=False,
        seed=asked.seed,
    )
    return PPOTrainer(
        args=config,
        processing_class=tokenizer,
        model=policy,
        ref_model=load(AutoModelForCausalLM, 0).eval() if asked.mode == "full" else None,
        reward_model=reward,
        value_model=value,
        train_dataset=Dataset.from_list([{"input_ids": prompts.ids(tokenizer, p)} for p in drawn]),
        peft_config=LoraConfig(**LORA, task_type="CAUSAL_LM") if asked.mode == "lora" else None,
    )


def watch_phases(module: Any, meter: Meter) -> None:
    """Tell the meter what goes on: generation, then scoring and log-probabilities, then training from the first forward
    pass with gradients to the next generation.
    """
    import torch

    generate, forward = module.batch_generation, module.forward

    def timed_generate(*args: Any, **named: Any) -> Any:
        meter.enter("sampling")
        found = generate(*args, **named)
        meter.enter("scoring")
        return found

    def timed_forward(*args: Any, **named: Any) -> Any:
        if torch.is_grad_enabled():
            meter.enter("training")
        return forward(*args, **named)

    module.batch_generation, module.forward = timed_generate, timed_forward


def capture(trainer: Any, update: int, out: Path) -> None:
    """Write the locals of `PPOTrainer.train` at one update: rollout.safetensors, minibatches.safetensors.

    Read from the frame that calls `accelerator.backward` (a minibatch) and `trainer.log` (the update's statistics).
    """
    from safetensors.torch import save_file

    rollout: dict[str, Any] = {}
    minibatches: dict[str, Any] = {}

    def at_backward(there: dict[str, Any]) -> None:
        if there["update"] != update:
            return
        if not rollout:
            rollout.update({name: _copy(there[name]) for name in ROLLOUT})
        where = f"{there['ppo_epoch_idx']}.{there['minibatch_idx']}"
        minibatches.update({f"{where}.{name}": _copy(there[name]) for name in MINIBATCH})

    def at_log(there: dict[str, Any]) -> None:
        if there["update"] != update:
            return
        minibatches.update({name: _copy(there[name]) for name in STATS})
        save_file(rollout, out / "rollout.safetensors")
        save_file(minibatches, out / "minibatches.safetensors")

    trainer.accelerator.backward = _looking(trainer.accelerator.backward, at_backward)
    trainer.log = _looking(trainer.log, at_log)


def _looking(call: Callable[..., Any], look: Callable[[dict[str, Any]], None]) -> Callable[..., Any]:
    """`call`, but its caller's locals are shown to `look` first."""

    def wrapped(*args: Any, **named: Any) -> Any:
        frame = inspect.currentframe()
        assert frame is not None
        assert frame.f_back is not None
        look(frame.f_back.f_locals)
        return call(*args, **named)

    return wrapped


def _copy(value: Any) -> Any:
    import torch

    return torch.as_tensor(value).detach().clone().contiguous()


if __name__ == "__main__":
    main()
