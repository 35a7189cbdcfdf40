"""The policy step by DPO: TRL's DPOTrainer on a LoRA adapter, with people's preferences of all rounds."""

from collections.abc import Callable, Sequence
from typing import Any

from feedback_loop.chat import end, render_prompt
from feedback_loop.errors import LoopError
from feedback_loop.records import ChatMessage, Preference
from policies.reference import keep_reference_logprobs
from policies.task import RANK, Task
from policies.trl_training import options, train


def train_dpo(task: Task, name: str = "dpo") -> dict[str, Any]:
    """Train an adapter on the task's pairs; returns the stage's facts. `name` is what the progress bar says.

    The loss is Rafailov et al. 2023 (arXiv 2305.18290) in TRL's implementation, with the recipe's `loss_type`. Ties are
    left out: they say nothing about which way to move. LoopError where no pair is left.
    """
    decisive = [p for p in task.pairs if not p.tie]
    if not decisive:
        raise LoopError(f"No ranking prefers one answer, so there is nothing to train on. {RANK}")
    return {"pairs": len(decisive)} | train_on_pairs(task, decisive, name)


def train_on_pairs(
    task: Task,
    pairs: Sequence[Preference],
    name: str,
    ready: Callable[[Any], None] = lambda _: None,
    **own: Any,
) -> dict[str, Any]:
    """DPO on these pairs, whoever chose.

    `own` are options of TRL's that go before the recipe's, `ready` as in `train`.
    """
    from datasets import Dataset
    from trl import DPOConfig, DPOTrainer

    def build(network: Any, fresh: Any, tokenizer: Any) -> Any:
        return DPOTrainer(
            model=network,
            args=DPOConfig(**options(task, task.policy.trl | own)),
            train_dataset=Dataset.from_list([row(tokenizer, p, thinking=task.model.thinking) for p in pairs]),
            processing_class=tokenizer,
            peft_config=fresh,
        )

    def begin(trainer: Any) -> None:
        keep_reference_logprobs(task, trainer)
        ready(trainer)

    return train(task, name, build, ready=begin)


def row(tokenizer: Any, pair: Preference, *, thinking: bool) -> dict[str, str]:
    """A preference as the text that sampling would have seen and written."""
    messages: list[ChatMessage] = [{"role": m.role, "content": m.content} for m in pair.prompt]
    return {
        "prompt": render_prompt(tokenizer, messages, thinking=thinking),
        "chosen": pair.chosen[-1].content + end(tokenizer),
        "rejected": pair.rejected[-1].content + end(tokenizer),
    }
