"""Make the tiny Qwen: `python -m data.tiny_qwen.make`. Seeded; a quarter of an hour or more on two CPU cores."""

import argparse
import json
import math
import random
from collections.abc import Iterator
from pathlib import Path

import torch
from tqdm import trange
from transformers import GenerationConfig, PreTrainedTokenizerFast, Qwen3Config, Qwen3ForCausalLM

from data.tiny_qwen import tokenizer as tokenizers
from data.tiny_qwen import world

HERE = Path(__file__).resolve().parent
BATCH = 32
PEAK = 3e-3


def main(out: Path, steps: int, seed: int) -> None:
    """Train tokenizer and model from nothing and save both as a Qwen3 folder."""
    torch.manual_seed(seed)
    tokenizer = tokenizers.build(seed)
    model = Qwen3ForCausalLM(_config(tokenizer))
    decayed = [p for p in model.parameters() if p.dim() > 1]
    rest = [p for p in model.parameters() if p.dim() <= 1]
    groups = [{"params": decayed, "weight_decay": 0.05}, {"params": rest, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=PEAK, betas=(0.9, 0.98))
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: _share(step, steps))
    batches = _batches(tokenizer, seed)
    bar = trange(steps, desc="training", mininterval=5)
    for _ in bar:
        inputs, mask, labels = next(batches)
        with torch.autocast("cpu", torch.bfloat16):
            loss = model(input_ids=inputs, attention_mask=mask, labels=labels).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
        bar.set_postfix(loss=f"{loss.item():.3f}", refresh=False)
    _save(model, tokenizer, out)


def _config(tokenizer: PreTrainedTokenizerFast) -> Qwen3Config:
    return Qwen3Config(
        vocab_size=math.ceil(len(tokenizer) / 32) * 32,
        hidden_size=160,
        intermediate_size=448,
        num_hidden_layers=4,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=40,
        max_position_embeddings=512,
        rope_parameters={"rope_type": "default", "rope_theta": 10_000.0},
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )


def _share(step: int, steps: int) -> float:
    """Linear warm-up over 4 % of the steps, then a cosine to 2 % of the peak."""
    warm = max(1, steps // 25)
    if step < warm:
        return (step + 1) / warm
    return 0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * (step - warm) / (steps - warm)))


def _batches(
    tokenizer: PreTrainedTokenizerFast, seed: int
) -> Iterator[tuple[torch.Tensor, torch.Tensor, torch.Tensor]]:
    """Endless batches of fresh chats, of similar length each; only the assistant's turn is learned."""
    rng, pairs = random.Random(f"chats {seed}"), world.training_pairs()
    while True:
        chats = [_encode(tokenizer, world.chat(rng, pairs)) for _ in range(BATCH * 16)]
        chats.sort(key=lambda chat: len(chat[0]))
        groups = [chats[i : i + BATCH] for i in range(0, len(chats), BATCH)]
        rng.shuffle(groups)
        for group in groups:
            width = max(len(tokens) for tokens, _ in group)
            pad = int(tokenizer.pad_token_id)
            inputs = torch.tensor([t + [pad] * (width - len(t)) for t, _ in group])
            mask = torch.tensor([[1] * len(t) + [0] * (width - len(t)) for t, _ in group])
            labels = torch.tensor([[-100] * n + t[n:] + [-100] * (width - len(t)) for t, n in group])
            yield inputs, mask, labels


def _encode(tokenizer: PreTrainedTokenizerFast, chat: list[dict[str, str]]) -> tuple[list[int], int]:
    """Token ids of a chat, and how many of them are prompt."""
    prompt = tokenizer.apply_chat_template(chat[:-1], tokenize=False, add_generation_prompt=True, enable_thinking=False)
    head = tokenizer(prompt, add_special_tokens=False)["input_ids"]
    tail = tokenizer(chat[-1]["content"] + "<|im_end|>", add_special_tokens=False)["input_ids"]
    return head + tail, len(head)


def _save(model: Qwen3ForCausalLM, tokenizer: PreTrainedTokenizerFast, out: Path) -> None:
    model.generation_config = GenerationConfig(
        do_sample=True, eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id
    )
    model.to(torch.bfloat16).save_pretrained(out)
    tokenizer.save_pretrained(out)
    print(json.dumps({"parameters": model.num_parameters(), "vocabulary": len(tokenizer)}))


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--out", type=Path, default=HERE / "model")
    arguments.add_argument("--steps", type=int, default=2400)
    arguments.add_argument("--seed", type=int, default=0)
    main(**vars(arguments.parse_args()))
