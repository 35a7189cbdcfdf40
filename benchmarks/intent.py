"""Which wishes does the intent profile find, and which does it invent? Five simulated people, and one who wants nothing.

    python -m benchmarks.intent [--seeds 20] [--labels 32 64 128] [--mistake 0.1] [--out FILE]

Each of the five wants five things. They choose between plain answers of the tiny base, drawn at random, and err as often as
`--mistake` says; with edits, a quarter of their labels hold the best of the base's answers to that request beside the choice.
Nothing of what they want reaches the inference.
"""

import argparse
import json
import random
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from feedback_loop import prompts
from feedback_loop.intent.inference import infer
from feedback_loop.intent.profile import Proposal
from feedback_loop.preferences import preferences
from feedback_loop.progress import silent
from feedback_loop.prompts import DATA
from feedback_loop.recipe import load
from feedback_loop.records import Comparison, Completion, Preference, Prompt, Ranking
from feedback_loop.simulation import personas
from feedback_loop.simulation.personas import Persona, edit, respond
from policies.base import load_policy
from policies.sampler import sample

PERSONAS = ("concierge", "desk", "chum", "clerk", "adviser")
NOBODY = "nobody"
"""Who wants nothing: each answer is a coin's toss."""
PROMPTS, CANDIDATES = 256, 4
EDITS = {"choices": 0.0, "a quarter edited": 0.25}
MEASURES = (
    {"sentences", "max_sentences", "min_sentences"},
    {"max_words", "min_words", "max_characters"},
    {"bullets", "numbered_steps"},
    {"ends_with_question", "question"},
)
"""Checks of the same thing: two sentences, at most three."""
World = list[tuple[Prompt, list[Completion]]]
Row = dict[str, Any]


def open_world() -> World:
    """Different plain answers of the tiny base to each request; some minutes."""
    recipe = load(DATA / "recipes" / "demo.toml", [])
    asked = prompts.load(DATA / "prompts" / "tiny.jsonl")[:PROMPTS]
    base = load_policy(recipe.model, None, name="base")
    drawn = sample(
        base, asked, recipe.sampling, completions=CANDIDATES, thinking=False, seed=5, report=silent
    ).completions
    own = [(p, [c for c in drawn if c.prompt_id == p.id]) for p in asked]
    return [(p, found) for p, found in own if len(found) > 1]


def said(world: World, persona: Persona, count: int, edits: float, seed: int) -> list[Preference]:
    """What the persona says of `count` pairs, as preferences."""
    rng = random.Random(f"{persona.name}/{seed}")
    asked, given = list[Comparison](), list[Ranking]()
    for n, (prompt, candidates) in enumerate(rng.sample(world, count)):
        pair = tuple(rng.sample(candidates, 2))
        asked.append(Comparison(id=f"c{n}", round=0, prompt=prompt, completions=pair))
        answer = respond(persona, asked[-1], rng, n)
        texts = {c.id: c.completion for c in pair}
        own = (
            edit(persona, prompt, texts[answer.choice], [c.completion for c in candidates])
            if answer.choice in texts
            else None
        )
        more = {"edit": own, "edit_of": answer.choice} if rng.random() < edits and own else {}
        given.append(Ranking(comparison_id=f"c{n}", user_id="anna", created_at="", **{**answer.model_dump(), **more}))
    return preferences(asked, given)


def kind(proposal: Proposal, persona: Persona | None) -> str:
    """true: one of the wants; near: another limit of the same measure; false: all else."""
    wants = persona.wants if persona else ()
    name = proposal.wish.name.split(".")[0]
    if any((w.check, w.value) == (proposal.wish.check, proposal.wish.value) for w in wants):
        return "true"
    return "near" if any({w.check, name} <= alike for w in wants for alike in MEASURES) else "false"


def cell(world: World, name: str, labels: int, edits: str, seed: int, mistake: float) -> Row:
    """What is proposed to one person after so many labels."""
    persona = personas.find(PERSONAS[0] if name == NOBODY else name)
    slips = {"mistake": 0.5 if name == NOBODY else mistake}
    who = persona.model_copy(update={"name": name, "annotator": persona.annotator.model_copy(update=slips)})
    pairs = said(world, who, labels, 0.0 if name == NOBODY else EDITS[edits], seed)
    found = infer(pairs, [], None, seed)[0]
    wants = None if name == NOBODY else persona
    counts = Counter(f"{p.confidence} {kind(p, wants)}" for p in found)
    wrong = [p.text for p in found if kind(p, wants) == "false"]
    return {
        "persona": name,
        "labels": labels,
        "edits": edits,
        "seed": seed,
        "mistake": mistake,
        "wants": len(wants.wants) if wants else 0,
        "decided": sum(not p.tie for p in pairs),
        "counts": dict(counts),
        "false": wrong,
        "found": [f"{p.wish.check}={p.wish.value}" for p in found if kind(p, wants) == "true"],
    }


def report(rows: Sequence[Row]) -> str:
    """A line a person and count of labels, means over seeds; then all five together."""
    lines = [
        "| person | labels | likely: true | near | false | perhaps: true | near | false |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for edits in dict.fromkeys(r["edits"] for r in rows):
        for name in (*dict.fromkeys(r["persona"] for r in rows), "all five"):
            for labels in dict.fromkeys(r["labels"] for r in rows):
                people = PERSONAS if name == "all five" else (name,)
                own = [r for r in rows if r["persona"] in people and (r["labels"], r["edits"]) == (labels, edits)]
                if own and not (name == NOBODY and edits != "choices"):
                    lines.append(_line(name, edits, labels, own))
    return "\n".join(lines)


def _line(name: str, edits: str, labels: int, rows: Sequence[Row]) -> str:
    def mean(key: str) -> str:
        return f"{sum(r['counts'].get(key, 0) for r in rows) / len(rows):.2f}"

    wants = f" of {rows[0]['wants']}" if rows[0]["wants"] else ""
    cells = [mean(f"likely {k}") for k in ("true", "near", "false")] + [
        mean(f"perhaps {k}") for k in ("true", "near", "false")
    ]
    cells[0] += wants
    said_by = name if edits == "choices" else f"{name}, {edits}"
    return f"| {said_by} | {labels} | {' | '.join(cells)} |"


def main() -> None:
    """Run all cells; with `--out`, a line of JSON each as it is done, and those that are there are not run again."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seeds", type=int, default=20, help="of each person")
    parser.add_argument("--labels", type=int, nargs="+", default=[32, 64, 128])
    parser.add_argument("--mistake", type=float, default=0.1, help="how often they mean the other answer")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    lines = options.out.read_text(encoding="utf-8").splitlines() if options.out and options.out.exists() else []
    rows = [json.loads(line) for line in lines]
    done = {(r["persona"], r["labels"], r["edits"], r["seed"], r["mistake"]) for r in rows}
    world = open_world()
    for seed in range(options.seeds):
        for name in (*PERSONAS, NOBODY):
            for labels in options.labels:
                for edits in EDITS:
                    if (name, labels, edits, seed, options.mistake) in done or (name == NOBODY and edits != "choices"):
                        continue
                    rows.append(cell(world, name, labels, edits, seed, options.mistake))
                    if options.out:
                        with options.out.open("a", encoding="utf-8") as file:
                            file.write(json.dumps(rows[-1]) + "\n")
    print(report(rows))


if __name__ == "__main__":
    main()
