"""True win rate against labels: how many answers of a person each way of learning needs.

    python -m benchmarks.label_efficiency --tier quick
    python -m benchmarks.label_efficiency --tier full --jobs 2 --json label-efficiency.json --plots docs

What is run, and by which settings, stands in `arms.py`; what the figures mean, in docs/benchmarks.md. Each row is appended to
a JSONL file beside `--json` (or `--resume FILE`) when its arm is done, and a run given the same file goes on from there.
Prints Markdown.
"""

import argparse
import json
import os
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from benchmarks.label_efficiency import plot, report, tables
from benchmarks.label_efficiency.arms import ARMS, NOISE, TIERS, Tier
from benchmarks.label_efficiency.cell import Row
from benchmarks.label_efficiency.identity import Spec
from benchmarks.label_efficiency.run import identity, key, rows_of, run_all


def arguments(given: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tier", choices=list(TIERS), default="quick")
    parser.add_argument("--model", default="tiny", help="tiny, or the folder of a model")
    parser.add_argument("--personas", nargs="+")
    parser.add_argument("--noise", nargs="+", choices=list(NOISE))
    parser.add_argument("--seeds", nargs="+", type=int)
    parser.add_argument("--arms", nargs="+", choices=list(ARMS))
    parser.add_argument("--checkpoints", nargs="+", type=int)
    parser.add_argument("--prompts", type=int, help="most training prompts")
    parser.add_argument("--heldout", type=int, help="most held-out prompts")
    parser.add_argument(
        "--set", nargs="+", metavar="KEY=VALUE", help="of the recipe, for all arms, after their own settings"
    )
    parser.add_argument("--tuning", action="store_true", help="other prompts and personas, to choose settings by")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--resume", type=Path, metavar="FILE.jsonl")
    parser.add_argument("--plots", type=Path, metavar="FOLDER")
    return parser.parse_args(given)


def main(given: Sequence[str] | None = None) -> None:
    """Run what is not there yet, and report on all of it."""
    asked = arguments(given)
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    tier = chosen(asked)
    with tempfile.TemporaryDirectory() as folder:
        file = asked.resume or (asked.json.with_suffix(".jsonl") if asked.json else Path(folder) / "rows.jsonl")
        cache = file.with_suffix(".cache")
        cache.mkdir(parents=True, exist_ok=True)
        wanted = specs(asked, tier)
        run_all(wanted, tier, file, cache, asked.jobs)
        found = [row for row in rows_of(file) if key(row) in {key(s) for s in _expected(wanted, tier)}]
    summary = report.summary(found, tier)
    print(tables.markdown(summary))
    if asked.json:
        asked.json.write_text(json.dumps(summary, indent=1), encoding="utf-8")
    if asked.plots:
        plot.write(summary, asked.plots)


def chosen(asked: argparse.Namespace) -> Tier:
    """The tier with what the command line says otherwise."""
    tier = TIERS[asked.tier]
    return replace(
        tier,
        personas=tuple(asked.personas or (tier.tuning if asked.tuning else tier.personas)),
        noise=tuple(asked.noise or tier.noise),
        seeds=tuple(asked.seeds or tier.seeds),
        arms=tuple(asked.arms or tier.arms),
        checkpoints=tuple(asked.checkpoints or tier.checkpoints),
        prompts=asked.prompts or tier.prompts,
        heldout=asked.heldout or tier.heldout,
        settings=(*tier.settings, *(asked.set or ())),
    )


def specs(asked: argparse.Namespace, tier: Tier) -> list[Spec]:
    """All cells, neighbours of different seeds, so that two processes seldom draw the same base answers."""
    return [
        Spec(asked.model, persona, noise, seed, asked.tuning)
        for noise in tier.noise
        for persona in tier.personas
        for seed in tier.seeds
    ]


def _expected(wanted: Sequence[Spec], tier: Tier) -> list[Row]:
    return [identity(spec, arm, tier) for spec in wanted for arm in tier.arms]


if __name__ == "__main__":
    main()
