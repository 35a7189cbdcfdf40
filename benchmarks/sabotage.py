"""A round whose labels are all flipped: is it refused, what does it leave behind, and is it gone once it is discarded?

    python -m benchmarks.sabotage --seeds 0 1 2 --round 1

Rounds as in `ten_rounds`, without slips. In one of them somebody else gives every label the wrong way round; its duels are judged
by the honest person. Then that somebody's labels are discarded, and the round is made again.
"""

import argparse
import os
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.common import quiet
from benchmarks.ten_rounds import Memory, measured, play
from feedback_loop import begin
from feedback_loop.loop import collect
from feedback_loop.progress import silent
from feedback_loop.repair.repair import Wish, discard
from feedback_loop.run import Run, commit
from feedback_loop.simulation.personas import Persona, find
from feedback_loop.simulation.simulate import label
from feedback_loop.stages import WORK
from feedback_loop.stages.more import sample_round

SABOTEUR = "saboteur"


def main() -> None:
    """Play each seed and print a line for each round as it was decided."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--seeds", type=int, nargs="*", default=[0, 1, 2])
    arguments.add_argument("--persona", default="brisk")
    arguments.add_argument("--round", type=int, default=1)
    arguments.add_argument("--samples", type=int, default=6)
    asked = arguments.parse_args()
    os.environ["WANDB_MODE"] = "disabled"
    print("| seed | round | | kept | true win rate against its parent | labels, duels | why |")
    print("| ---: | ---: | --- | --- | --- | --- | --- |")
    for seed in asked.seeds:
        for what, row in cell(seed, asked):
            kept, rate = "yes" if row["promoted"] else "no", row["true_win_rate_parent"]
            said = f"{rate:.3f} ({row['low']:.3f} to {row['high']:.3f})"
            counts = f"{row['labels']}, {row['duels']}"
            print(f"| {seed} | {row['round']} | {what} | {kept} | {said} | {counts} | {row['reason']} |", flush=True)


def cell(seed: int, asked: argparse.Namespace) -> list[tuple[str, dict[str, Any]]]:
    """What became of each round up to the sabotaged one, as it was and without its labels."""
    honest = find(asked.persona)
    flipped = honest.model_copy(
        update={"name": SABOTEUR, "annotator": honest.annotator.model_copy(update={"mistake": 1.0})}
    )
    settings = [f"seed={seed}", "model.device=cpu", "policy.probe=0", "asking.checks=0"]
    with tempfile.TemporaryDirectory() as folder, quiet():
        run = begin.begin(Path(folder) / "run", "demo", None, settings)
        for number in range(asked.round):
            play(run, number, honest)
        sabotage(run, asked.round, flipped)
        play(run, asked.round, honest)
        before = measured(run, honest, asked.round + 1, asked.samples)
        discard(run, Wish(annotator=f"persona-{SABOTEUR}"), "labels were flipped", "benchmark")
        play(run, asked.round, honest)
        after = measured(run, honest, asked.round + 1, asked.samples)
    told = [("honest", row) for row in before[:-1]]
    return [*told, ("flipped labels", before[-1]), ("these discarded", after[-1])]


def sabotage(run: Run, number: int, person: Persona) -> None:
    """The round's labels, all the wrong way round."""
    with commit(run, number, "prompts") as draft:
        WORK["prompts"].work(run, number, draft, silent)
    sample_round(run, number, silent)
    while collect(run, number, Memory) is not None:
        if not label(run, person):
            raise SystemExit(f"round {number}: nothing is left to flip")


if __name__ == "__main__":
    main()
