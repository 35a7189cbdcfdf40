"""How much of its brief a policy still needs, before and after three rounds: simulated people who want what their brief says.

    python -m benchmarks.half_a_word --seeds 0 1 2 --json FILE.json
    python -m benchmarks.half_a_word --model FOLDER --personas host russian --rounds 1 --seeds 0 --json FILE.json

Rounds as in `ten_rounds`: every stage is the program's own, on the tiny Qwen with the demo's recipe; each new policy is kept.
With `--model`, a real Qwen by the default recipe, cut down to what two cores do in an hour (`REAL`).
Arms: `dpo` learns from rankings alone; `bake+dpo` moves the brief into the adapter first; `patient`, it is held four times as
firmly, and trained some two times as long, on rankings at half the rate; where they are `loose`, neutral chats do not hold the
policy where the person's wishes do not apply (`policy.hold = 0`). Everything is judged by the person's true utility, on
requests that nothing learned from, against the base with the whole brief. The probe beside it states eight other directives
in each chat: the share of answers that follow all of them, by the base and by the last policy; of a real Qwen, the guard's
instructions that a chat states, as its last evaluation found them.
"""

import argparse
import json
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.bake import follows
from benchmarks.common import quiet
from benchmarks.ten_rounds import play
from feedback_loop import begin, lineage
from feedback_loop.brief import brief_curve
from feedback_loop.evaluate import interval, mean
from feedback_loop.run import Run
from feedback_loop.simulation.personas import Persona, find, utility
from policies.base import load_policy

REAL = [
    *("model.dtype=float32", "prompts.per_round=20", "sampling.max_new_tokens=72", "sampling.batch_size=12"),
    *("rankings.needed=16", "policy.bake.steps=8", "policy.bake.rollouts=8", "policy.bake.learning_rate=2e-4"),
    *("policy.trl.learning_rate=2e-4", "policy.trl.num_train_epochs=1"),
    *("policy.trl.activation_checkpointing=false", "policy.bake.activation_checkpointing=false"),
]
CHATS = 1024
"""Of the probe: few lose what they tell by chance, 0.02 of 256."""
PERSONAS = ("concierge", "desk", "chum", "clerk", "adviser")
BAKED = ["policy.step=bake", "policy.bake.then=dpo"]
LOOSE = ["policy.hold=0"]
PATIENT = [
    *("policy.hold=64", "policy.bake.steps=120"),
    *("policy.trl.num_train_epochs=10", "policy.trl.learning_rate=2.5e-3"),
]
ARMS = {
    "dpo": ["policy.step=dpo"],
    "bake+dpo": BAKED,
    "bake+dpo, patient": [*BAKED, *PATIENT],
    "dpo, loose": ["policy.step=dpo", *LOOSE],
    "bake+dpo, loose": [*BAKED, *LOOSE],
}


def main() -> None:
    """Run every cell that the JSON file lacks, print the table."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--seeds", type=int, nargs="*", default=[0, 1, 2])
    arguments.add_argument("--personas", nargs="*", default=list(PERSONAS))
    arguments.add_argument("--arms", nargs="*", default=list(ARMS), choices=list(ARMS))
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--prompts", type=int, default=128)
    arguments.add_argument("--model", help="a real Qwen: hub name or folder")
    arguments.add_argument("--set", nargs="*", default=[], metavar="key=value")
    arguments.add_argument("--json", type=Path)
    asked = arguments.parse_args()
    os.environ["WANDB_MODE"] = "disabled"
    cells = json.loads(asked.json.read_text()) if asked.json and asked.json.exists() else []
    for seed in asked.seeds:
        for name in asked.personas:
            for arm in asked.arms:
                key = [name, arm, seed, asked.rounds, asked.prompts, asked.model, asked.set]
                if any(found["key"] == key for found in cells):
                    continue
                with quiet():
                    cells.append({"key": key, **cell(find(name), arm, seed, asked)})
                if asked.json:
                    asked.json.write_text(json.dumps(cells, indent=1), encoding="utf-8")
    print(table(cells))


def cell(person: Persona, arm: str, seed: int, asked: argparse.Namespace) -> dict[str, Any]:
    """A whole run in a folder of its own: the curve's rows with utilities, what the probe says, and the guard's table."""
    settings = [f"seed={seed}", f"brief.file={person.name}", f"brief.prompts={asked.prompts}", *ARMS[arm]]
    settings += ["model.device=cpu", "policy.probe=0", "asking.repeats=0", "asking.checks=0", "asking.ahead=0"]
    settings += ["promotion.judge=reward", "promotion.min_win_rate=0", *(REAL if asked.model else []), *asked.set]
    with tempfile.TemporaryDirectory() as folder:
        run = begin.begin(Path(folder) / "run", "default" if asked.model else "demo", asked.model, settings)
        for number in range(asked.rounds):
            play(run, number, person)
        last = lineage.policy_name(asked.rounds - 1)
        facts = run.manifest(asked.rounds - 1, "evaluation").facts
        return {
            "rows": measured(run, asked.rounds, person),
            **listens(run, last, facts["checks"]),
            "checks": facts["checks"],
        }


def listens(run: Run, last: str, checks: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The probe, of the base and of the last policy; on the tiny Qwen also what is lost, chat by chat, with its interval."""
    if run.recipe.model.name != "tiny":
        row = next(check for check in checks if check["name"] == "instructions")
        return {"base follows": row["base"], "last follows": row["candidate"]}
    folders = ((lineage.BASE, None), (last, lineage.adapter_folder(run, last)))
    base, kept = (follows(load_policy(run.recipe.model, folder, name=name), CHATS) for name, folder in folders)
    lost = [b - k for b, k in zip(base, kept, strict=True)]
    return {"base follows": mean(base), "last follows": mean(kept), "lost": [mean(lost), *interval(lost)]}


def measured(run: Run, rounds: int, person: Persona) -> list[dict[str, Any]]:
    """The curve's rows, base first, each with its answers' mean utility, of as many as there are wishes."""
    heldout, found = brief_curve.heldout(run), []
    for row in brief_curve.rows(run, person):
        number = rounds - 1 if row.policy == lineage.BASE else int(row.policy.rpartition("-")[2])
        answers = brief_curve.answers_of(run, number)[row.policy, row.level]
        worth = len(person.wants) * mean([utility(person, heldout[c.prompt_id], c.completion) for c in answers])
        kept = row.model_dump(include={"policy", "level", "tokens", "win_rate", "low", "high", "judge"})
        found.append(kept | {"utility": worth})
    return found


def table(cells: Sequence[dict[str, Any]]) -> str:
    """A line a cell: wins from nothing against the base with the whole brief, before and after each round."""
    if not cells:
        return ""
    rounds = max(found["key"][3] for found in cells)
    heads = [
        "base",
        *(f"round {n}" for n in range(rounds)),
        "utility: base, whole brief, last",
        "probe: base, last, points lost",
    ]
    lines = [f"| persona | arm | seed | {' | '.join(heads)} |", f"| --- | --- | ---: |{' ---: |' * len(heads)}"]
    for found in cells:
        name, arm, seed, *_ = found["key"]
        bare = [row for row in found["rows"] if row["level"] == 0]
        wins = [f"{row['win_rate']:.0%} ({row['low']:.0%} to {row['high']:.0%})" for row in bare]
        full = next(row for row in found["rows"] if row["level"] == 1)
        worth = f"{bare[0]['utility']:.2f}, {full['utility']:.2f}, {bare[-1]['utility']:.2f}"
        probe = f"{found['base follows']:.3f}, {found['last follows']:.3f}"
        if "lost" in found:
            probe += ", {:.1f} ({:.1f} to {:.1f})".format(*(100 * points for points in found["lost"]))
        lines.append(f"| {name} | {arm} | {seed} | {' | '.join([*wins, worth, probe])} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
