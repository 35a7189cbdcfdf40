"""What the demo's recipe reaches: `feedback-loop simulate`, 3 rounds of 32 noiseless labels, a table as Markdown.

    python -m benchmarks.demo_rounds --seeds 0 1 2 --personas brisk butler coach

Everything goes through the command line, a real Argilla included; the recipe was chosen on other prompts, personas and seeds.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any


def main() -> None:
    """Run every cell and print a line a round."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--seeds", type=int, nargs="*", default=[10, 11, 12])
    arguments.add_argument("--personas", nargs="*", default=["brisk", "butler", "coach"])
    arguments.add_argument("--rounds", type=int, default=3)
    asked = arguments.parse_args()
    print(
        "| persona | seed | round | wins vs base | wins vs parent | on topic | KL | reward accuracy | kept | seconds |"
    )
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |", flush=True)
    for persona in asked.personas:
        for seed in asked.seeds:
            for row in cell(persona, seed, asked.rounds):
                print(line(persona, seed, row), flush=True)


def cell(persona: str, seed: int, rounds: int) -> list[dict[str, Any]]:
    """A whole run in a folder of its own."""
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder) / "run"
        loop("init", str(run), "--recipe", "demo", "--set", f"seed={seed}")
        found: list[dict[str, Any]] = json.loads(
            loop("simulate", str(run), "--persona", persona, "--rounds", str(rounds), "--json")
        )
    return found


def loop(*args: str) -> str:
    """`feedback-loop ARGS`; what it printed."""
    command = [sys.executable, "-m", "feedback_loop.cli", *args]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout


def line(persona: str, seed: int, row: dict[str, Any]) -> str:
    """A round as a line of the table."""
    accuracy = "-" if row["reward_accuracy"] is None else f"{row['reward_accuracy']:.2f}"
    cells = [persona, seed, row["round"], f"{row['win_rate_base']:.2f}", f"{row['win_rate_parent']:.2f}"]
    cells += [
        f"{row['on_topic']:.2f}",
        f"{row['kl']:.1f}",
        accuracy,
        "yes" if row["promoted"] else "no",
        row["seconds"],
    ]
    return f"| {' | '.join(map(str, cells))} |"


if __name__ == "__main__":
    main()
