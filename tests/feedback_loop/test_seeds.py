"""Every random choice that trains or asks comes from a seed: read from the sources."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
ROOMS = ("feedback_loop", "policies", "reward")
FREE = {"run.py", "branch.py", "argilla_store.py", "credentials.py", "cli_chat.py", "talking.py"}
"""Who draws names and passwords, which must not follow from anything; and a chat, drawn as people speak."""


def calls(file: Path) -> Iterator[tuple[str, ast.Call]]:
    """Every call by its dotted name."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node


def unseeded(name: str, call: ast.Call) -> bool:
    """Whether a call draws from a state that no seed of ours set."""
    if name in ("random.Random", "np.random.default_rng"):
        return not call.args
    global_state = name.startswith(("random.", "np.random.")) and "(" not in name
    return global_state or name in ("os.urandom", "uuid.uuid4", "torch.seed", "torch.initial_seed")


def test_no_draw_is_without_a_seed():
    for room in ROOMS:
        for file in sorted((ROOT / room).rglob("*.py")):
            for name, call in calls(file):
                assert not unseeded(name, call), f"{file}:{call.lineno} {name}"
                assert not name.startswith("secrets.") or file.name in FREE, f"{file}:{call.lineno} {name}"
