"""How often the gate's interval (90 %) holds the true win rate when the gate has decided, and how wide it is then.

python -m benchmarks.gates.intervals [--gates 1000] [--seed 0]
"""

import argparse
from collections.abc import Iterator, Sequence

import numpy as np

from benchmarks.gates import world
from benchmarks.gates.report import wilson
from feedback_loop.gate.gate import Duel, Standing, stand
from feedback_loop.recipe import PromotionTable

RATES = (0.45, 0.5, 0.6, 0.7, 0.9)
MODELS = (None, "right in 75 %", "turncoat")


def main(given: Sequence[str] | None = None) -> None:
    """A line for each win rate and reward model; the default budget, no ties."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gates", type=int, default=1000, help="simulated gates for each figure")
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args(given)
    print("| model | win rate | interval holds it | mean width |", "| --- | --- | --- | --- |", sep="\n")
    for model in MODELS:
        for rate in RATES:
            said = list(standings(rate, model, asked.gates, asked.seed))
            held = sum(s.low <= rate <= s.high for s in said)
            low, high = wilson(held, len(said))
            width = float(np.mean([s.high - s.low for s in said]))
            print(f"| {model or '-'} | {rate:.2f} | {held / len(said):.1%} ({low:.1%} to {high:.1%}) | {width:.2f} |")


def standings(rate: float, model: str | None, gates: int, seed: int) -> Iterator[Standing]:
    """The gates' standings, decided."""
    rule = PromotionTable()
    drawn = world.draw(np.random.default_rng(seed), gates, rule.votes, rate, ties=0, model=model, unlabelled=2)
    for points, predicted, unasked in zip(drawn.points, drawn.predicted, drawn.unasked, strict=True):
        opinions = [None if np.isnan(f) else float(f) for f in predicted]
        rows = zip(points, opinions, unasked, strict=True)
        yield stand([Duel(points=x, predicted=f, unasked=tuple(u)) for x, f, u in rows], rule)


if __name__ == "__main__":
    main()
