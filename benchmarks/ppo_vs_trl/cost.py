"""What a PPO step costs, ours and TRL 1.12's: `python -m benchmarks.ppo_vs_trl.cost [--shape 0.5B]`, a Markdown table.

Each arm is a process of its own, one after the other, with the same prompts, batch, epochs, minibatches and LoRA rank;
every answer has full length. The weights are random; `--model FOLDER` takes real ones. Memory is the peak of the
steps over the process before any model is loaded (`meter.py`); seconds are means of the steps after the first.
"""

import argparse
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.ppo_vs_trl import make_model, trl112
from benchmarks.ppo_vs_trl.meter import PHASES
from benchmarks.ppo_vs_trl.peer import LORA

ARMS = {
    "ours": "ours: one base, value on the policy's states",
    "ours-adapter": "ours: one base, value adapter",
    "trl-full": "TRL: four models, all weights",
    "trl-lora": "TRL: three models, LoRA",
}
SAME = ("batch", "prompt_length", "response_length", "epochs", "minibatches", "steps", "dtype")


def main() -> None:
    """Run the arms and print a line each."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--shape", choices=sorted(make_model.SHAPES), default="0.5B")
    options.add_argument("--model", type=Path, help="a folder with real weights, in place of random ones of a shape")
    options.add_argument("--arms", nargs="*", choices=list(ARMS), default=list(ARMS))
    options.add_argument("--steps", type=int, default=3)
    options.add_argument("--batch", type=int, default=8)
    options.add_argument("--prompt-length", type=int, default=32)
    options.add_argument("--response-length", type=int, default=32)
    options.add_argument("--epochs", type=int, default=1)
    options.add_argument("--minibatches", type=int, default=2)
    options.add_argument("--dtype", choices=["float32", "bfloat16"], default="bfloat16")
    options.add_argument("--fold-head", action="store_true", help="for TRL too; see weights.py")
    options.add_argument("--checkpointing", action="store_true", help="activation checkpointing, in all arms")
    options.add_argument("--autocast", action="store_true", help="bfloat16 autocast in TRL's arms, as ours has")
    options.add_argument("--work", type=Path, help="a new folder to keep models, logs and results in")
    asked = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        work = asked.work or Path(folder)
        given = asked.model or make_model.make(asked.shape, work / "random")
        model = make_model.full_length(given, work / "model", asked.response_length)
        print(f"{', '.join(f'{name} {getattr(asked, name)}' for name in SAME)}, {asked.model or asked.shape}\n")
        print("| | peak memory, GiB | times the first | seconds a step | sampling | scoring | training |")
        print("| --- | ---: | ---: | ---: | ---: | ---: | ---: |", flush=True)
        first: dict[str, Any] = {}
        for name in asked.arms:
            result = arm(name, asked, model, work)
            first = first or result
            print(line(name, result, first["peak_bytes"]), flush=True)


def arm(name: str, asked: argparse.Namespace, model: Path, work: Path) -> dict[str, Any]:
    """One arm's result."""
    options = [part for key in SAME for part in (f"--{key.replace('_', '-')}", getattr(asked, key))]
    options += ["--model", model, *(["--checkpointing"] if asked.checkpointing else [])]
    who, _, mode = name.partition("-")
    if who == "trl":
        options += ["--mode", mode, "--stop", "none", *(["--autocast"] if asked.autocast else [])]
        options += ["--fold-head"] if asked.fold_head else []
        return trl112.run("benchmarks.ppo_vs_trl.peer", work / name, *options, peer=True)
    reward = work / "reward"
    if not reward.exists():
        make_model.reward_adapter(model, reward, rank=LORA["r"], alpha=LORA["lora_alpha"])
    options += ["--reward", reward, "--value", mode or "trunk"]
    return trl112.run("benchmarks.ppo_vs_trl.ours", work / name, *options, peer=False)


def line(name: str, result: dict[str, Any], base: int) -> str:
    """A row of the table."""
    steps = result["steps"][1:] or result["steps"]
    phases = [sum(step[phase] for step in steps) / len(steps) for phase in PHASES]
    cells = [ARMS[name], f"{result['peak_bytes'] / 2**30:.2f}", f"{result['peak_bytes'] / base:.2f}"]
    cells += [f"{sum(phases):.1f}", *(f"{seconds / sum(phases):.0%}" for seconds in phases)]
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
