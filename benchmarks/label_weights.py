"""Do weights from repeats and checks help? Simulated teams, one or two of them careless; the head's accuracy on clean pairs.

    python -m benchmarks.label_weights [--seeds 0 1 2 3] [--labels 64] [--out FILE]

With FILE, rows are appended to it and what it holds is reported too: seeds may be run one after another.
Everybody labels pairs of their own. What makes the weights sees no utility: it sees answers, as in a run. Accuracy is on pairs
of other prompts, where the true preference is known and there is one.
"""

import argparse
import json
import random
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

from feedback_loop import prompts
from feedback_loop.evaluate import mean
from feedback_loop.preferences import preferences
from feedback_loop.progress import silent
from feedback_loop.prompts import DATA
from feedback_loop.recipe import RewardTable, load
from feedback_loop.records import Comparison, Completion, Prompt, Ranking
from feedback_loop.simulation import personas
from feedback_loop.simulation.personas import Persona, answer, utility
from feedback_loop.team.consistency import evidence, weighed
from policies.base import load_policy
from policies.sampler import sample
from reward import head
from reward.features import features
from reward.fit import train_head

PERSONAS = ("brisk", "butler", "coach", "scholar", "conditional", "concise")
CARELESS = 0.5
"""Share of the careless one's answers that are a coin's toss."""
MISTAKE = 0.1
"""How often everybody means the other answer."""
LEANING = 0.7
TRAIN, HELDOUT, CANDIDATES = 256, 100, 4
TEAMS = {
    "one careless of 3": ("careful", "careful", "careless"),
    "one careless, one left-biased of 4": ("careful", "careful", "careless", "left"),
}
RATES = {"6 % repeats, 3 % checks": (0.06, 0.03), "15 % repeats, 5 % checks": (0.15, 0.05)}
ARMS = ("ignore", "weigh", "measured", "weigh and measured", "true error rates")
Features = dict[tuple[str, str], np.ndarray]
Row = dict[str, Any]


@dataclass(frozen=True)
class World:
    """What the base wrote, and what features it has of that."""

    asked: list[Prompt]
    candidates: dict[str, list[Completion]]
    known: Features


def open_world() -> World:
    """Sample the tiny base once; half a minute to some minutes."""
    recipe = load(DATA / "recipes" / "demo.toml", [])
    asked = prompts.load(DATA / "prompts" / "tiny.jsonl")[: TRAIN + HELDOUT]
    base = load_policy(recipe.model, None, name="base")
    drawn = sample(
        base, asked, recipe.sampling, completions=CANDIDATES, thinking=False, seed=5, report=silent
    ).completions
    by_id = {p.id: p for p in asked}
    rows = features(
        base.model, base.tokenizer, [by_id[c.prompt_id] for c in drawn], [c.completion for c in drawn], thinking=False,
        batch_size=recipe.sampling.batch_size,
    )  # fmt: skip
    own = {p.id: [c for c in drawn if c.prompt_id == p.id] for p in asked}
    known = {(c.prompt_id, c.completion): row for c, row in zip(drawn, rows, strict=True)}
    return World([p for p in asked if len(own[p.id]) > 1], own, known)


def team(
    world: World, persona: Persona, kinds: Sequence[str], labels: int, rates: tuple[float, float], seed: int
) -> tuple[list[Comparison], list[Ranking]]:
    """Everybody's comparisons and answers; repeats come with their sides changed, checks are pairs of the largest true gap."""
    rng = random.Random(f"{persona.name}/{seed}")
    drawn = list(world.asked[:-HELDOUT])
    rng.shuffle(drawn)
    asked: list[Comparison] = []
    given: list[Ranking] = []
    for place, kind in enumerate(kinds):
        user = f"{kind}-{place}"
        mine = [
            _pair(world, p, f"{user}-{n}", rng)
            for n, p in enumerate((drawn * len(kinds))[place * labels : (place + 1) * labels])
        ]
        again = [_again(c) for c in rng.sample(mine, round(rates[0] * labels))]
        checks = [
            _check(world, persona, p, f"{user}-check-{n}", rng)
            for n, p in enumerate(rng.sample(drawn, round(rates[1] * labels)))
        ]
        own = [*mine, *again, *(c for c in checks if c is not None)]
        asked += own
        given += [_said(persona, kind, c, user, rng) for c in own]
    return asked, given


def _again(first: Comparison) -> Comparison:
    changed = {"id": f"{first.id}-again", "completions": first.completions[::-1], "purpose": "repeat"}
    return first.model_copy(update=changed | {"repeat_of": first.id})


def _pair(world: World, prompt: Prompt, name: str, rng: random.Random) -> Comparison:
    return Comparison(id=name, round=0, prompt=prompt, completions=tuple(rng.sample(world.candidates[prompt.id], 2)))


def _check(world: World, persona: Persona, prompt: Prompt, name: str, rng: random.Random) -> Comparison | None:
    worth = sorted(world.candidates[prompt.id], key=lambda c: utility(persona, prompt, c.completion))
    worst, best = worth[0], worth[-1]
    if utility(persona, prompt, best.completion) == utility(persona, prompt, worst.completion):
        return None
    shown = tuple(rng.sample([worst, best], 2))
    return Comparison(id=name, round=0, prompt=prompt, completions=shown, purpose="check", expected=best.id)


def _said(persona: Persona, kind: str, comparison: Comparison, user: str, rng: random.Random) -> Ranking:
    slips = {"mistake": MISTAKE, "left_bias": LEANING if kind == "left" else 0.0}
    who = persona.model_copy(update={"annotator": persona.annotator.model_copy(update=slips)})
    status, choice = answer(who, comparison, rng)
    if kind == "careless" and rng.random() < CARELESS:
        choice = rng.choice(comparison.completions).id
    return Ranking(comparison_id=comparison.id, user_id=user, created_at="", status=status, choice=choice)


def heldout(world: World, persona: Persona) -> tuple[np.ndarray, np.ndarray]:
    """Features of the truly better and the truly worse answer of every pair of the held-out prompts where there is one."""
    better, worse = [], []
    for p in world.asked[-HELDOUT:]:
        for a, b in combinations(world.candidates[p.id], 2):
            u, v = (utility(persona, p, c.completion) for c in (a, b))
            if u != v:
                best, other = (a, b) if u > v else (b, a)
                better.append(world.known[p.id, best.completion])
                worse.append(world.known[p.id, other.completion])
    return np.stack(better), np.stack(worse)


def accuracies(
    world: World, persona: Persona, kinds: Sequence[str], labels: int, rates: tuple[float, float], seed: int
) -> Row:
    """What each arm makes of the same answers."""
    asked, given = team(world, persona, kinds, labels, rates, seed)
    pairs = preferences(asked, given)
    found = evidence(asked, given)
    weights = {name: e.weight for name, e in found.items()}
    best, other = heldout(world, persona)
    ideal = {name: _ideal(name.split("-")[0]) for name in found}

    def fitted(consistency: Mapping[str, float], annotators: str) -> float:
        with tempfile.TemporaryDirectory() as folder:
            recipe = load(DATA / "recipes" / "demo.toml", [])
            reward = RewardTable(form="head", members=16, annotators=annotators)  # type: ignore[arg-type]
            train_head(
                recipe.model, reward, weighed(pairs, consistency), [], known=world.known, out=Path(folder) / "head", seed=seed,
                thinking=False, batch_size=32, report=silent, track=lambda _: None, consistency=consistency,
            )  # fmt: skip
            scored = head.load(Path(folder) / "head")
        margins = scored.scores(best).mean(1) - scored.scores(other).mean(1)
        return float((margins > 0).mean() + 0.5 * (margins == 0).mean())

    arms: dict[str, Callable[[], float]] = {
        "ignore": lambda: fitted({}, "equal"),
        "weigh": lambda: fitted(weights, "equal"),
        "measured": lambda: fitted({}, "measured"),
        "weigh and measured": lambda: fitted(weights, "measured"),
        "true error rates": lambda: fitted(ideal, "equal"),
    }
    return {"weights": weights, "pairs": len(pairs), "heldout": len(best), **{arm: arms[arm]() for arm in ARMS}}


def _ideal(kind: str) -> float:
    """The weight by the error rates that the answers were made with."""
    error = {
        "careful": MISTAKE,
        "careless": CARELESS / 2 + (1 - CARELESS) * MISTAKE,
        "left": LEANING / 2 + (1 - LEANING) * MISTAKE,
    }
    careful, own = (float(np.log((1 - e) / e)) for e in (MISTAKE, error[kind]))
    return max(0.1, own / careful)


def report(rows: Sequence[Row]) -> str:
    """A line a setting and arm: accuracy, and what it is above `ignore` in the same cells, with a 90 % bootstrap interval."""
    rng, lines = np.random.default_rng(0), []
    for setting in dict.fromkeys((r["team"], r["rates"]) for r in rows):
        own = [r for r in rows if (r["team"], r["rates"]) == setting]
        kinds: dict[str, list[float]] = {}
        for r in own:
            for name, weight in r["weights"].items():
                kinds.setdefault(name.split("-")[0], []).append(weight)
        said = ", ".join(f"{kind} {mean(found):.2f}" for kind, found in kinds.items())
        lines.append(f"{setting[0]}; {setting[1]}: {len(own)} cells; mean weight: {said}")
        for arm in ARMS:
            gain = np.array([r[arm] - r["ignore"] for r in own])
            drawn = rng.choice(gain, (4000, len(gain))).mean(1)
            low, high = np.quantile(drawn, [0.05, 0.95])
            lines.append(
                f"  {arm:20} {mean([r[arm] for r in own]):.3f}  {gain.mean():+.3f} ({low:+.3f} to {high:+.3f})"
            )
    return "\n".join(lines)


def main() -> None:
    """Run all cells; a line of JSON each as it is done."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3], help="of each persona")
    parser.add_argument("--labels", type=int, default=64, help="labels a person")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    lines = options.out.read_text(encoding="utf-8").splitlines() if options.out and options.out.exists() else []
    world, rows = open_world(), [json.loads(line) for line in lines]
    for seed in options.seeds:
        for name in PERSONAS:
            persona = personas.find(name)
            for said, kinds in TEAMS.items():
                for rate, rates in RATES.items():
                    found = accuracies(world, persona, kinds, options.labels, rates, seed)
                    rows.append({"persona": name, "seed": seed, "team": said, "rates": rate, **found})
                    if options.out:
                        with options.out.open("a", encoding="utf-8") as file:
                            file.write(json.dumps(rows[-1]) + "\n")
    print(report(rows))


if __name__ == "__main__":
    main()
