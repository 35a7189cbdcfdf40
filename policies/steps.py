"""The policy steps by name: each takes a task, writes adapter/, curves.jsonl and samples.jsonl, and returns the facts."""

from collections.abc import Callable
from typing import Any

from feedback_loop import training
from feedback_loop.errors import UsageError
from feedback_loop.policy_tables import PolicyTable
from policies.baking import train_bake
from policies.bon import train_bon
from policies.ditto import train_ditto
from policies.dpo import train_dpo
from policies.kto import train_kto
from policies.ppo import train_ppo
from policies.rloo import SAMPLED, train_rloo
from policies.sft import train_sft
from policies.task import Task

STEPS: dict[str, Callable[[Task], dict[str, Any]]] = {
    "dpo": train_dpo,
    "ppo": train_ppo,
    "rloo": train_rloo,
    "bon": train_bon,
    "kto": train_kto,
    "sft": train_sft,
    "bake": train_bake,
    "ditto": train_ditto,
}


def check_options(policy: PolicyTable) -> None:
    """UsageError where a table of TRL's options holds a key that its config class does not know."""
    from trl import DPOConfig, KTOConfig, RLOOConfig, SFTConfig

    tables = {"trl": DPOConfig, "sft": SFTConfig, "kto": KTOConfig, "rloo": RLOOConfig}
    for table, config in tables.items():
        training.check_options(f"policy.{table}", getattr(policy, table), config)
    if policy.trl.get("precompute_ref_log_probs"):
        raise UsageError("policy.trl.precompute_ref_log_probs: the loop keeps them itself, across rounds. Remove it.")
    for key in SAMPLED:
        if key in policy.rloo:
            raise UsageError(f"policy.rloo.{key}: comes from [sampling]. Remove it.")
