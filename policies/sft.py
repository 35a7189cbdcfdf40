"""The policy step by SFT: TRL's SFTTrainer on answers that people wrote themselves, or on others' choice."""

from collections.abc import Sequence
from typing import Any

from feedback_loop.chat import end, render_prompt
from feedback_loop.errors import LoopError
from feedback_loop.models import load_tokenizer
from feedback_loop.records import ChatMessage, Message
from policies.task import Task
from policies.trainable import open_network, parent_needed
from policies.trl_training import options, run


def train_sft(task: Task) -> dict[str, Any]:
    """Train an adapter on people's edits, each once; returns the stage's facts. LoopError where there is none."""
    edits = dict.fromkeys((p.prompt, p.chosen[-1].content) for p in task.pairs if p.source == "edit")
    if not edits:
        raise LoopError(
            "No ranking has an edited answer, so SFT has nothing to learn from. To edit some: feedback-loop redo RUN rankings, "
            'then: feedback-loop serve RUN. Or set policy.step = "dpo" in RUN/recipe.toml, then: feedback-loop advance RUN'
        )
    return {"demonstrations": len(edits)} | train_on_answers(task, list(edits), "sft")


def train_on_answers(task: Task, answers: Sequence[tuple[tuple[Message, ...], str]], name: str) -> dict[str, Any]:
    """SFT on (chat, answer), the loss on the answer alone."""
    import torch
    from datasets import Dataset
    from trl import SFTConfig, SFTTrainer

    torch.manual_seed(task.seed)
    tokenizer = load_tokenizer(task.model)
    trainer = SFTTrainer(
        model=open_network(task.model, task.policy, parent_needed(task.policy, task.parent)),
        args=SFTConfig(**options(task, task.policy.sft, learning_rate=1e-4, completion_only_loss=True)),
        train_dataset=Dataset.from_list(
            [_row(tokenizer, chat, answer, thinking=task.model.thinking) for chat, answer in answers]
        ),
        processing_class=tokenizer,
    )
    return run(task, name, trainer, tokenizer)


def _row(tokenizer: Any, chat: tuple[Message, ...], answer: str, *, thinking: bool) -> dict[str, str]:
    messages: list[ChatMessage] = [{"role": m.role, "content": m.content} for m in chat]
    return {"prompt": render_prompt(tokenizer, messages, thinking=thinking), "completion": answer + end(tokenizer)}
