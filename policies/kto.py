"""The policy step by KTO: TRL's KTOTrainer, for which an answer need only be good or bad, not better than another."""

from typing import Any

from feedback_loop.errors import LoopError
from policies.dpo import row
from policies.task import RANK, Task
from policies.trl_training import options, train


def train_kto(task: Task) -> dict[str, Any]:
    """Train an adapter; returns the stage's facts. LoopError where no ranking prefers an answer.

    Ethayarajh et al. 2024 (arXiv 2402.01306) in TRL's implementation. Chosen and edited answers are desirable, rejected
    ones undesirable, each once; an answer that was both is left out. So are ties.
    """
    from datasets import Dataset
    from trl import KTOConfig, KTOTrainer

    def build(network: Any, fresh: Any, tokenizer: Any) -> Any:
        pairs = [row(tokenizer, p, thinking=task.model.thinking) for p in task.pairs if not p.tie]
        liked = dict.fromkeys((p["prompt"], p["chosen"]) for p in pairs)
        disliked = dict.fromkeys((p["prompt"], p["rejected"]) for p in pairs)
        rows = [
            {"prompt": prompt, "completion": answer, "label": label}
            for mine, other, label in ((liked, disliked, True), (disliked, liked, False))
            for prompt, answer in mine
            if (prompt, answer) not in other
        ]
        if not rows:
            raise LoopError(f"No ranking prefers one answer, so there is nothing to train on. {RANK}")
        return KTOTrainer(
            model=network,
            args=KTOConfig(**options(task, task.policy.kto, learning_rate=1e-4)),
            train_dataset=Dataset.from_list(rows),
            processing_class=tokenizer,
            peft_config=fresh,
        )

    return train(task, "kto", build)
