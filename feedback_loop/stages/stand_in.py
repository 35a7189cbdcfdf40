"""One base in memory, and whichever policy is asked for on it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from feedback_loop.lineage import adapter_folder
from feedback_loop.run import Run

if TYPE_CHECKING:
    from policies.base import Policy


@contextmanager
def as_policy(run: Run, policy: "Policy", name: str) -> Iterator["Policy"]:
    """Inside, the policy of that name is in force on the base of `policy`: its adapter, or none, takes the place of the other."""
    from feedback_loop.adapters import active
    from policies.base import Policy

    if name == policy.name:
        yield policy
        return
    folder = adapter_folder(run, name)
    if folder is not None and name not in policy.model.peft_config:
        policy.model.load_adapter(str(folder), adapter_name=name)
    with active(policy.model, None if folder is None else name):
        yield Policy(name, policy.model, policy.tokenizer)
