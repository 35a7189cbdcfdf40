"""Write the tiny world's prompt files: `python -m data.tiny_qwen.prompts`. The same bytes each time."""

import json
import random

from data.tiny_qwen import world

NEUTRAL = 96
"""Chats that say themselves how to answer, so that no brief has anything to say of them."""


def main() -> None:
    """One line for each request of each set; no set shares a verb-noun pair with another or with the training."""
    folder = world.HERE.parent / "prompts"
    folder.mkdir(exist_ok=True)
    for name in world.PROMPT_SETS:
        rows = ({"id": f"{name}-{n:03d}", "prompt": r.text} for n, r in enumerate(world.prompt_set(name)))
        text = "".join(json.dumps(row) + "\n" for row in rows)
        (folder / f"{name}.jsonl").write_text(text, encoding="utf-8")
    (folder / "tiny_neutral.jsonl").write_text(neutral(), encoding="utf-8")


def neutral() -> str:
    """Chats whose system message states three to eight directives, drawn at random, of the pairs that the model knows."""
    rng, pairs = random.Random("prompts tiny_neutral"), world.training_pairs()
    lines = []
    for number in range(NEUTRAL):
        stated = rng.sample(world.DIRECTIVES, rng.randint(3, len(world.DIRECTIVES)))
        chat = [
            {"role": "system", "content": world.instruction(world.draw_style(rng), rng, stated)},
            {"role": "user", "content": world.draw_request(rng, pairs).text},
        ]
        lines.append(json.dumps({"id": f"tiny_neutral-{number:03d}", "prompt": chat}) + "\n")
    return "".join(lines)


if __name__ == "__main__":
    main()
