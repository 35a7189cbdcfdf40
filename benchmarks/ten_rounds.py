"""Ten rounds with people's slips, with the gate and without, going on from the parent or afresh: does the policy drift?

    python -m benchmarks.ten_rounds --seeds 0 1 --rounds 10 --mistake 0.25 --json FILE.json

Every stage is the program's own, with the demo's recipe on the tiny Qwen; they run in one process, and a list in memory stands
for Argilla. The loop hears only what the simulated person says. Afterwards each round's new policy is compared with its parent
and the base by the person's true utility, on held-out prompts, all of `--samples` answers of one against all of the other's.
"""

import argparse
import contextlib
import json
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.common import quiet, several
from feedback_loop import begin, lineage
from feedback_loop.evaluate import Z
from feedback_loop.loop import collect, judge
from feedback_loop.progress import silent
from feedback_loop.records import Answer, Comparison, Decision, Prompt, Ranking
from feedback_loop.run import STAGES, Run, commit, read_jsonl, read_record
from feedback_loop.simulation.personas import Persona, find, utility
from feedback_loop.simulation.simulate import label
from feedback_loop.stages import WORK
from feedback_loop.stages.more import sample_round
from policies.base import load_policy

ARMS = {
    "gate, from the base": ("people", "base"),
    "no gate, from the base": ("off", "base"),
    "gate, from the parent": ("people", "parent"),
    "no gate, from the parent": ("off", "parent"),
}
"""Who judges (`off`: every new policy is kept), and where each training starts."""


class Memory:
    """A store that nobody else answers in."""

    url, keeps = "memory:", frozenset(Answer.model_fields)

    def publish(self, comparisons: Sequence[Comparison]) -> None: ...

    def submit(self, user_id: str, ranking: Ranking) -> None: ...

    def withdraw(self, user_id: str, comparison_id: str) -> None: ...

    def rankings(self, round: int) -> list[Ranking]:  # noqa: A002, ARG002
        return []

    def lacks(self, user_id: str, comparison_id: str) -> bool:  # noqa: ARG002
        return False


def main() -> None:
    """Run every cell that the JSON file lacks, print a table."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--seeds", type=int, nargs="*", default=[0, 1])
    arguments.add_argument("--arms", nargs="*", default=list(ARMS), choices=list(ARMS))
    arguments.add_argument("--persona", default="brisk")
    arguments.add_argument("--rounds", type=int, default=10)
    arguments.add_argument("--mistake", type=float, default=0.25)
    arguments.add_argument("--samples", type=int, default=6)
    arguments.add_argument("--json", type=Path)
    asked = arguments.parse_args()
    os.environ["WANDB_MODE"] = "disabled"
    rows = json.loads(asked.json.read_text()) if asked.json and asked.json.exists() else []
    for arm in asked.arms:
        for seed in asked.seeds:
            key = [arm, seed, asked.persona, asked.rounds, asked.mistake]
            if any(row["key"] == key for row in rows):
                continue
            rows.append({"key": key, "rounds": cell(arm, seed, asked)})
            if asked.json:
                asked.json.write_text(json.dumps(rows, indent=1))
    print(table(rows))


def cell(arm: str, seed: int, asked: argparse.Namespace) -> list[dict[str, Any]]:
    """A whole run in a folder of its own; a row a round."""
    who, start = ARMS[arm]
    plain = find(asked.persona)
    slips = plain.annotator.model_copy(update={"mistake": asked.mistake})
    settings = [f"seed={seed}", f"policy.start={start}", "model.device=cpu", "policy.probe=0"]
    settings += (
        ["promotion.judge=people"] if who == "people" else ["promotion.judge=reward", "promotion.min_win_rate=0"]
    )
    with tempfile.TemporaryDirectory() as folder, quiet():
        run = begin.begin(Path(folder) / "run", "demo", None, settings)
        for number in range(asked.rounds):
            play(run, number, plain.model_copy(update={"annotator": slips}))
        return measured(run, plain, asked.rounds, asked.samples)


def play(run: Run, number: int, person: Persona) -> None:
    """All stages of a round, the person answering wherever the loop waits."""
    for name in STAGES:
        if run.done(number, name):
            continue
        if name == "comparisons":
            sample_round(run, number, silent)
        elif name in ("rankings", "promotion"):
            step = collect if name == "rankings" else judge
            while step(run, number, Memory) is not None:
                if not label(run, person):
                    raise SystemExit(f"round {number}: nothing is left to answer")
        else:
            with commit(run, number, name) as draft:
                WORK[name].work(run, number, draft, silent)


def measured(run: Run, person: Persona, rounds: int, samples: int) -> list[dict[str, Any]]:
    """What the person truly thinks of each round's new policy and of the one in force."""
    heldout = read_jsonl(run.path / "heldout.jsonl", Prompt)
    names = [lineage.BASE, *(lineage.policy_name(n) for n in range(rounds))]
    worth = {name: _worth(run, name, heldout, person, samples) for name in names}
    rows = []
    for number in range(rounds):
        decision = read_record(run.stage_folder(number, "promotion") / "decision.json", Decision)
        counted = run.manifest(number, "promotion").facts["rankings"]
        rate, low, high = against(worth[decision.candidate], worth[decision.parent])
        rows.append(
            {
                "round": number,
                "promoted": decision.promoted,
                "true_win_rate_parent": rate,
                "low": low,
                "high": high,
                "in_force_against_base": against(worth[decision.policy], worth[lineage.BASE])[0],
                "labels": len(read_jsonl(run.stage_folder(number, "rankings") / "rankings.jsonl", Ranking)),
                "duels": counted,
                "reason": decision.reasons[0],
            }
        )
    return rows


def _worth(run: Run, name: str, heldout: Sequence[Prompt], person: Persona, samples: int) -> np.ndarray:
    """True utility of each answer, (prompts, samples)."""
    policy = load_policy(run.recipe.model, lineage.adapter_folder(run, name), name=name)
    texts = several(run.recipe, policy, heldout, samples, seed=run.seed(0, f"truth of {name}"))
    return np.array([[utility(person, p, text) for text in row] for p, row in zip(heldout, texts, strict=True)])


def against(ours: np.ndarray, theirs: np.ndarray) -> tuple[float, float, float]:
    """Win rate of one policy against another, ties half, every answer against every answer to the same prompt; 90 % interval."""
    points = (np.sign(ours[:, :, None] - theirs[:, None, :]).mean((1, 2)) + 1) / 2
    half = Z * points.std(ddof=1) / np.sqrt(len(points))
    return float(points.mean()), float(points.mean() - half), float(points.mean() + half)


def table(rows: Sequence[dict[str, Any]]) -> str:
    """A line for each cell."""
    lines = [
        "| arm | seed | kept | of these worse by > 2 points | worst kept | best against base | final | labels + duels |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for row in rows:
        rounds = row["rounds"]
        kept = [r["true_win_rate_parent"] for r in rounds if r["promoted"]]
        force = [r["in_force_against_base"] for r in rounds]
        spent = sum(r["labels"] for r in rounds), sum(r["duels"] for r in rounds)
        cells = [row["key"][0], row["key"][1], len(kept), sum(rate < 0.48 for rate in kept)]
        cells += [f"{min(kept, default=0.5):.3f}", f"{max(force):.3f}", f"{force[-1]:.3f}", f"{spent[0]} + {spent[1]}"]
        lines.append(f"| {' | '.join(map(str, cells))} |")
    return "\n".join(lines)


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        main()
