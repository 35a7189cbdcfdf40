"""The person and the judge, in a process of its own: what the utility is stays here.

    python -m benchmarks.label_efficiency.oracle

Reads a JSON object a line and answers with one. The first line says who it is; `open_oracle` in `person.py` is the other
end. Every want of the persona has a weight drawn from the seed, so nobody else knows the utility though they know the persona.
"""

import json
import random
import sys
from pathlib import Path
from typing import Any

from feedback_loop.evaluate import mean, win_rate
from feedback_loop.records import Comparison, Prompt
from feedback_loop.simulation.personas import Persona, answer, edit, gated, load, strength, utility

LOW, HIGH = 0.5, 1.5
"""Weights are uniform between these."""


def hidden(persona: Persona, annotator: dict[str, float], seed: int) -> Persona:
    """The persona with seeded weights, whose mean is 1, and with these ways to err."""
    rng = random.Random(f"weights/{persona.name}/{seed}")
    drawn = [rng.uniform(LOW, HIGH) for _ in persona.wants]
    wants = [
        want.model_copy(update={"weight": want.weight * weight / mean(drawn)})
        for want, weight in zip(persona.wants, drawn, strict=True)
    ]
    erring = persona.annotator.model_copy(update=annotator)
    return persona.model_copy(update={"wants": tuple(wants), "annotator": erring})


def choose(persona: Persona, seed: int, comparison: Comparison, answered: int) -> dict[str, Any]:
    """The answer to a comparison after `answered` earlier ones; the same slips at the same place in every arm."""
    status, choice = answer(persona, comparison, random.Random(f"{seed}/{answered}"), answered)
    return {"status": status, "choice": choice, "strength": strength(persona, comparison, choice)}


def judge(persona: Persona, prompts: list[Prompt], ours: list[str], plain: list[list[str]]) -> dict[str, float | None]:
    """Win rate of an answer a prompt against each of the base's, ties half.

    `win`: raw, an answer off topic is worth 0. `on_topic`: share of ours on topic. `win_on_topic`: of those pairs in which
    both are; None where there is none.
    """
    rows = [
        (utility(persona, p, mine), utility(persona, p, theirs), gated(persona, p, mine) and gated(persona, p, theirs))
        for p, mine, others in zip(prompts, ours, plain, strict=True)
        for theirs in others
    ]
    both = [(a, b) for a, b, on_topic in rows if on_topic]
    return {
        "win": win_rate([a for a, _, _ in rows], [b for _, b, _ in rows]),
        "on_topic": mean([gated(persona, p, text) for p, text in zip(prompts, ours, strict=True)]),
        "win_on_topic": win_rate(*zip(*both, strict=True)) if both else None,
    }


def reply(persona: Persona, seed: int, asked: dict[str, Any]) -> dict[str, Any]:
    """What the oracle says to one line."""
    match asked["ask"]:
        case "choose":
            return choose(persona, seed, Comparison.model_validate(asked["comparison"]), asked["answered"])
        case "edit":
            prompt = Prompt.model_validate(asked["prompt"])
            return {"text": edit(persona, prompt, asked["chosen"], asked["candidates"])}
    prompts = [Prompt.model_validate(p) for p in asked["prompts"]]
    if asked["ask"] == "judge":
        return judge(persona, prompts, asked["ours"], asked["plain"])
    best = [
        max(texts, key=lambda text: utility(persona, prompt, text))
        for prompt, texts in zip(prompts, asked["drawn"], strict=True)
    ]
    return judge(persona, prompts, best, asked["plain"])


def main() -> None:
    """Answer until the other end closes."""
    first = json.loads(sys.stdin.readline())
    persona = hidden(load(Path(first["persona"])), first["annotator"], first["seed"])
    for line in sys.stdin:
        print(json.dumps(reply(persona, first["seed"], json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
