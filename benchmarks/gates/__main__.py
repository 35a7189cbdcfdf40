"""Simulated gates: how often ours is wrong and how many votes it takes, beside other ways to decide.

    python -m benchmarks.gates [--gates 200] [--seed 0] [--votes 60 200] [--ties 0 0.2] [--json FILE]
                               [--margin 0.6] [--miss-rate 0.2] [--unlabelled 2]

Prints Markdown. What the figures mean stands in docs/gate.md.
"""

import argparse
import json
import zlib
from collections.abc import Iterator, Sequence
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.gates import report, ways, world
from feedback_loop.recipe import PromotionTable

RATES = (0.45, 0.5, 0.55, 0.6, 0.7)
"""True win rates, ties half."""
PEOPLE = "ours, people alone"
Row = dict[str, Any]


def arguments(given: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gates", type=int, default=200, help="simulated gates for each figure")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--votes", type=int, nargs="+", default=[60, 200], help="budgets")
    parser.add_argument("--ties", type=float, nargs="+", default=[0.0, 0.2], help="shares of ties")
    parser.add_argument("--margin", type=float, default=PromotionTable().margin)
    parser.add_argument("--miss-rate", type=float, default=PromotionTable().miss_rate)
    parser.add_argument("--unlabelled", type=int, default=2, help="further duels for each, for the model alone")
    parser.add_argument("--json", type=Path)
    return parser.parse_args(given)


def main(given: Sequence[str] | None = None) -> None:
    """All settings, one after another."""
    asked = arguments(given)
    rows: list[Row] = []
    for votes, ties in product(asked.votes, asked.ties):
        rule = PromotionTable(votes=votes, margin=asked.margin, miss_rate=asked.miss_rate, unlabelled=asked.unlabelled)
        rows += (found := list(measure(rule, ties, asked.gates, asked.seed)))
        print(report.markdown(found, rule, ties, asked.gates))
    if asked.json:
        asked.json.write_text(json.dumps(rows, indent=1), encoding="utf-8")


def measure(rule: PromotionTable, ties: float, gates: int, seed: int) -> Iterator[Row]:
    """A row for each way and win rate: how many gates promoted, votes in all, and how many the budget ended."""

    def drawn(rate: float, model: str | None) -> world.Duels:
        # People say the same at the same seed whoever else is listened to.
        rng = np.random.default_rng([seed, zlib.crc32(f"{rule.votes} {ties} {rate}".encode())])
        return world.draw(rng, gates, rule.votes, rate, ties=ties, model=model, unlabelled=rule.unlabelled)

    def row(way: str, rate: float, ends: ways.Ends) -> Row:
        return {
            "way": way, "rate": rate, "budget": rule.votes, "ties": ties, "gates": gates,
            "promoted": int(ends.promoted.sum()), "votes": int(ends.votes.sum()), "undecided": int(ends.undecided.sum()),
        }  # fmt: skip

    alone = {rate: drawn(rate, None) for rate in (*RATES, rule.margin)}
    power = float(ways.ours(alone[rule.margin], rule).promoted.mean())
    for rate in RATES:
        yield row(PEOPLE, rate, ways.ours(alone[rate], rule))
        for model in world.MODELS:
            yield row(f"ours, model {model}", rate, ways.ours(drawn(rate, model), rule))
        yield row("z-test after every vote", rate, ways.z_test(alone[rate], rule))
        yield row("fixed size, same power", rate, ways.fixed_size(alone[rate], rule, power))
        yield row("SPRT", rate, ways.sprt(alone[rate], rule))


if __name__ == "__main__":
    main()
