"""One way to render a chat, for sampling, scoring and both trainings: what is trained on is what is sampled."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

from feedback_loop.records import ChatMessage, Prompt

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


def render_prompt(tokenizer: "PreTrainedTokenizerBase", messages: Sequence[ChatMessage], *, thinking: bool) -> str:
    """The chat up to where the model writes. With thinking off, a Qwen3 template puts an empty thought there."""
    text = tokenizer.apply_chat_template(
        [dict(m) for m in messages], tokenize=False, add_generation_prompt=True, enable_thinking=thinking
    )
    return cast("str", text)


def end(tokenizer: "PreTrainedTokenizerBase") -> str:
    """What closes a completion: `<|im_end|>` where the model knows it, else its end-of-text token."""
    mark = "<|im_end|>"
    return mark if mark in tokenizer.get_vocab() else str(tokenizer.eos_token)


def end_id(tokenizer: "PreTrainedTokenizerBase") -> int:
    """Token id of `end`."""
    return int(tokenizer.convert_tokens_to_ids(end(tokenizer)))


def token_ids(
    tokenizer: "PreTrainedTokenizerBase", prompt: Prompt, completion: str, *, thinking: bool
) -> tuple[list[int], list[int]]:
    """Token ids of the prompt, and of the completion with its end."""
    text = render_prompt(tokenizer, prompt.messages, thinking=thinking)
    head = tokenizer(text, add_special_tokens=False)["input_ids"]
    tail = tokenizer(completion + end(tokenizer), add_special_tokens=False)["input_ids"]
    return head, tail


def without_thought(text: str) -> str:
    """A completion without the thought before it; a thought that was cut short leaves nothing."""
    if text.lstrip().startswith("<think>") and "</think>" not in text:
        return ""
    return text.rpartition("</think>")[2].strip()
