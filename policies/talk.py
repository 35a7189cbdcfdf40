"""Talking to policies: one base in memory, each policy an adapter on it, and an answer heard while it is written."""

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from feedback_loop.adapters import active
from feedback_loop.chat import end_id, render_prompt
from feedback_loop.errors import UsageError
from feedback_loop.models import load_base, load_tokenizer
from feedback_loop.recipe import ModelTable, SamplingTable
from feedback_loop.records import ChatMessage
from policies.sampler import TRIES, as_text

Heard = Callable[[str], bool]
"""Takes a further piece of the answer; gives whether it is to stop."""


@dataclass(frozen=True)
class Reply:
    """A finished answer."""

    text: str
    stopped: bool
    """By whoever heard it."""
    cut: bool
    """At the most tokens that were allowed."""
    forgotten: int
    """First messages that were left out."""


class Talker:
    """A base and the adapters that were asked for so far."""

    def __init__(self, model: ModelTable) -> None:
        self.network: Any = load_base(model).eval()
        self.tokenizer = load_tokenizer(model)
        self._thinking, self._worn = model.thinking, set[str]()

    def reply(
        self,
        name: str,
        adapter: Path | None,
        messages: Sequence[ChatMessage],
        settings: SamplingTable,
        *,
        most: int,
        seed: int,
        heard: Heard,
        unlike: str = "",
    ) -> Reply:
        """An answer of at most `most` tokens by the policy of that name, whose adapter lies there (None: the base).

        Where there is an answer already that it must be `unlike`, up to `TRIES` are drawn and nothing is heard before the end.
        UsageError where the last message is longer than the model can read.
        """
        self._wear(name, adapter)
        text, room, forgotten = self._fitted(messages, most)
        with active(self.network, name if adapter else None) if self._worn else nullcontext():
            for attempt in range(TRIES if unlike else 1):
                made = self._write(text, room, settings, seed + attempt, (lambda _: heard("")) if unlike else heard)
                if made.text and made.text != unlike:
                    break
        return Reply(made.text, made.stopped, made.cut, forgotten)

    def _wear(self, name: str, adapter: Path | None) -> None:
        if adapter is None or name in self._worn:
            return
        from peft import PeftModel

        if self._worn:
            self.network.load_adapter(str(adapter), adapter_name=name)
        else:
            self.network = PeftModel.from_pretrained(self.network, str(adapter), adapter_name=name).eval()
        self._worn.add(name)

    def _fitted(self, messages: Sequence[ChatMessage], most: int) -> tuple[str, int, int]:
        """(The chat as the model reads it, tokens left to write, first messages left out so that it fits)."""
        context = int(getattr(self.network.config, "max_position_embeddings", 32_768))
        least = min(most, context // 4)
        system, turns = [m for m in messages[:1] if m["role"] == "system"], list(messages)
        turns = turns[len(system) :]
        for forgotten in range(len(turns)):
            if forgotten and turns[forgotten]["role"] != "user":
                continue  # a chat begins with somebody's turn
            text = render_prompt(self.tokenizer, [*system, *turns[forgotten:]], thinking=self._thinking)
            left = context - len(self.tokenizer(text, add_special_tokens=False)["input_ids"])
            if left >= least:
                return text, min(most, left), forgotten
        raise UsageError(f"That is longer than the model can read ({context} tokens). Shorten it")

    def _write(self, text: str, room: int, settings: SamplingTable, seed: int, heard: Heard) -> Reply:
        import torch
        from transformers import StoppingCriteriaList

        torch.manual_seed(seed)
        given = self.tokenizer(text, return_tensors="pt", add_special_tokens=False)["input_ids"].to(self.network.device)
        listener, stop = _Listener(self.tokenizer, given.shape[1], heard), end_id(self.tokenizer)
        with torch.inference_mode():
            output = self.network.generate(
                input_ids=given,
                attention_mask=torch.ones_like(given),
                do_sample=True,
                temperature=settings.temperature,
                top_p=settings.top_p,
                top_k=0,
                repetition_penalty=1.0,
                max_new_tokens=room,
                eos_token_id=stop,
                pad_token_id=self.tokenizer.pad_token_id,
                stopping_criteria=StoppingCriteriaList([listener]),
            )
        ids: list[int] = output[0, given.shape[1] :].tolist()
        cut = not listener.stopped and stop not in ids
        return Reply(as_text(self.tokenizer, ids), listener.stopped, cut, 0)


class _Listener:
    """A stopping criterion of transformers: it is asked after every token, passes on what became readable, and may end it."""

    def __init__(self, tokenizer: Any, start: int, heard: Heard) -> None:
        self._tokenizer, self._start, self._heard = tokenizer, start, heard
        self._told = ""
        self.stopped = False

    def __call__(self, input_ids: Any, *_: Any, **__: Any) -> Any:
        import torch

        # A letter of several tokens is not whole yet where it ends in a replacement character.
        text = as_text(self._tokenizer, input_ids[0, self._start :].tolist()).rstrip("\ufffd")
        piece = text[len(self._told) :] if text.startswith(self._told) else ""
        self._told += piece
        self.stopped = self._heard(piece) or self.stopped
        return torch.full((input_ids.shape[0],), self.stopped, dtype=torch.bool, device=input_ids.device)
