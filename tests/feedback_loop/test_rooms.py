"""Who may import whom, read from the sources; and torch stays out of the quick commands."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
ROOMS = ("feedback_loop", "policies", "reward", "ui")
SHARED = {
    *("adapters", "chat", "checkpoint", "durable", "errors", "evaluate", "models", "policy_tables", "progress"),
    *("prompts", "recipe", "records", "run", "scores", "store", "tracking", "training", "brief.brief", "brief.curve"),
    *(
        "examples.demonstrations",
        "intent.profile",
        "report.overview",
        "simulation.checks",
        "soup.cells",
        "talk.talking",
    ),
    *("taught.lessons", "taught.traits", "team.flags", "team.team"),
}
"""What every room may use of `feedback_loop`."""
WIRING = {"asking.refitting", "begin", "cli", "doctor", "loop", "serving", "stages", "talk.talker", "users"}
WIRING |= {"soup.dishes", "soup.trained"}
"""What in `feedback_loop` may use the other rooms."""
HEAVY = ("torch", "transformers", "trl", "peft", "gradio", "argilla", "wandb", "datasets")


def imports(file: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names


def folder(name: str) -> Path:
    return ROOT.joinpath(*name.split("."))


def sources(room: str) -> list[Path]:
    return sorted((ROOT / room).rglob("*.py"))


@pytest.mark.parametrize("room", ["policies", "reward", "ui"])
def test_rooms_use_the_nouns_and_never_one_another(room: str):
    for file in sources(room):
        for name in imports(file):
            top, *rest = name.split(".")
            assert top not in ROOMS or top in (room, "feedback_loop"), f"{file} imports {name}"
            if top == "feedback_loop" and rest and not folder(name).is_dir():
                assert {rest[0], ".".join(rest[:2])} & SHARED, f"{file} imports {name}"


def test_in_the_loop_only_the_wiring_uses_other_rooms():
    for file in sources("feedback_loop"):
        part = file.relative_to(ROOT / "feedback_loop").with_suffix("").parts
        if not {part[0], ".".join(part)} & WIRING:
            used = {name for name in imports(file) if name.split(".")[0] in ("policies", "reward", "ui")}
            assert not used, f"{file} imports {used}"


@pytest.mark.parametrize("command", ["--help", "status"])
def test_quick_commands_import_no_heavy_library(command: str, tmp_path: Path):
    code = (
        "import sys\nfrom feedback_loop.cli import app\n"
        "try: app(sys.argv[1:], standalone_mode=False)\nexcept BaseException as e: print(e)\n"
        f"print('heavy:', sorted(set(sys.modules) & {set(HEAVY)!r}))"
    )
    args = [command] if command == "--help" else [command, str(tmp_path)]
    done = subprocess.run([sys.executable, "-c", code, *args], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "heavy: []"
