"""Write a Qwen2 of a given shape with random weights: `python -m benchmarks.ppo_vs_trl.make_model SHAPE FOLDER`.

The tokenizer is the tiny Qwen's, for prompts and the ids of end and padding; most ids of a large vocabulary mean nothing.
"""

import argparse
import json
import math
from pathlib import Path
from typing import Any

from feedback_loop.models import load_tokenizer
from feedback_loop.recipe import ModelTable

SHAPES: dict[str, dict[str, Any]] = {
    "0.5B": {
        "vocab_size": 151_936,
        "hidden_size": 896,
        "intermediate_size": 4864,
        "num_hidden_layers": 24,
        "num_attention_heads": 14,
        "num_key_value_heads": 2,
        "tie_word_embeddings": True,
    },
    "small": {
        "vocab_size": 1440,
        "hidden_size": 128,
        "intermediate_size": 352,
        "num_hidden_layers": 4,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "tie_word_embeddings": False,
    },
}


def make(shape: str, out: Path, *, end: float = 0.0, seed: int = 0) -> Path:
    """Save model and tokenizer in bfloat16; `end` is about the chance that a token ends the answer (small shape only)."""
    import torch
    from transformers import GenerationConfig, Qwen2Config, Qwen2ForCausalLM

    tokenizer = load_tokenizer(ModelTable(name="tiny"))
    special = {"bos_token_id": None, "eos_token_id": tokenizer.eos_token_id, "pad_token_id": tokenizer.pad_token_id}
    torch.manual_seed(seed)
    config = Qwen2Config(**SHAPES[shape], **special, rope_parameters={"rope_type": "default", "rope_theta": 1e6})
    model = Qwen2ForCausalLM(config).eval()
    if end:
        _likely(model, tokenizer.eos_token_id, tokenizer.pad_token_id, end)
    model.generation_config = GenerationConfig(**special, do_sample=True)
    model.to(torch.bfloat16).save_pretrained(out)
    tokenizer.save_pretrained(out)
    return out


def full_length(model: Path, out: Path, tokens: int) -> Path:
    """The same model, by links, as a folder whose generation_config.json lets no answer end before `tokens` tokens."""
    out.mkdir(parents=True)
    for file in model.resolve().iterdir():
        if file.name != "generation_config.json":
            (out / file.name).symlink_to(file)
    config = json.loads((model / "config.json").read_text(encoding="utf-8"))
    kept = {name: config[name] for name in ("eos_token_id", "pad_token_id")}
    text = json.dumps(kept | {"do_sample": True, "min_new_tokens": tokens})
    (out / "generation_config.json").write_text(text, encoding="utf-8")
    return out


def reward_adapter(model: Path, out: Path, *, rank: int, alpha: int) -> Path:
    """A reward model as the loop saves it, LoRA and a score head, with random weights."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForSequenceClassification

    torch.manual_seed(1)
    network = AutoModelForSequenceClassification.from_pretrained(model, dtype=torch.bfloat16, num_labels=1)
    lora = LoraConfig(
        r=rank, lora_alpha=alpha, target_modules="all-linear", modules_to_save=["score"], task_type="SEQ_CLS",
        init_lora_weights=False,
    )  # fmt: skip
    get_peft_model(network, lora).save_pretrained(str(out))
    return out


def _likely(model: Any, end: int, pad: int, share: float) -> None:
    """Give every hidden state a part in common, on which the head reads how likely the end is; padding is never drawn."""
    import torch

    with torch.no_grad():
        model.get_input_embeddings().weight[:, 0] = 0.3
        some = torch.randint(model.config.vocab_size, (8, 32))
        common = float(model.model(some).last_hidden_state[..., 0].mean())
        head = model.get_output_embeddings().weight
        head[:, 0] = 0
        head[end, 0] = math.log(share / (1 - share) * len(head)) / common
        head[pad, 0] = -30 / common


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("shape", choices=sorted(SHAPES))
    arguments.add_argument("out", type=Path)
    arguments.add_argument("--end", type=float, default=0.0)
    arguments.add_argument("--seed", type=int, default=0)
    make(**vars(arguments.parse_args()))
