"""Write what the tiny Qwen must not unlearn: `python -m data.tiny_qwen.probes`. The same bytes each time.

It knows no arithmetic, facts or ordinary prose. It speaks of what it was asked, whatever the style, knows its own sentences, and
follows what a chat states.
"""

import json
import random
from dataclasses import asdict

from data.tiny_qwen import world


def probes(count: int = 24) -> list[dict[str, object]]:
    """Requests whose answers must have their content words and no others; of no verb-noun pair in a prompts file."""
    rng, pairs = random.Random("probes tiny"), world.training_pairs()
    made = [world.draw_request(rng, pairs).text for _ in range(count)]
    return [
        {"id": f"tiny-{n:02d}", "kind": "copying", "prompt": text, "checks": {"on_topic": True}}
        for n, text in enumerate(made)
    ]


def instructions(count: int = 24) -> list[dict[str, object]]:
    """Chats that state four directives, all of which are to be followed; none is among the neutral chats of training."""
    rng, pairs = random.Random("probes instructions"), world.training_pairs()
    made: list[dict[str, object]] = []
    for number in range(count):
        style, stated = asdict(world.draw_style(rng)), rng.sample(world.DIRECTIVES, 4)
        chat = [
            {"role": "system", "content": world.instruction(style, rng, stated)},
            {"role": "user", "content": world.draw_request(rng, pairs).text},
        ]
        checks = {"on_topic": True} | {name: style[name] for name in stated}
        row = {"id": f"stated-{number:02d}", "kind": "instruction", "prompt": chat, "checks": checks, "tokens": 96}
        made.append(row)
    return made


def passages(count: int = 12) -> list[str]:
    """Plain sentences, formal and casual in turn, without greetings, questions or anything else that people may like or not."""
    rng, pairs = random.Random("neutral tiny"), world.training_pairs()
    made = []
    for number in range(count):
        phrases = world.PHRASES["replies"][("formal", "casual")[number % 2]]
        kinds = ("plain", "more", "hedged", "more", "plain", "more")
        made.append(" ".join(world.draw_request(rng, pairs).fill(rng.choice(phrases[kind])) for kind in kinds))
    return made


def main() -> None:
    """`data/probes/tiny.jsonl` and `data/probes/neutral/tiny.txt`."""
    folder = world.HERE.parent / "probes"
    (folder / "neutral").mkdir(parents=True, exist_ok=True)
    (folder / "tiny.jsonl").write_text(
        "".join(json.dumps(row) + "\n" for row in [*probes(), *instructions()]), encoding="utf-8"
    )
    (folder / "neutral" / "tiny.txt").write_text("\n\n".join(passages()) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
