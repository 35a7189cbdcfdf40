"""Write the tiny world's prompt files: `python -m data.tiny_qwen.prompts`. The same bytes each time."""

import json

from data.tiny_qwen import world


def main() -> None:
    """One line for each request of each set; no set shares a verb-noun pair with another or with the training."""
    folder = world.HERE.parent / "prompts"
    folder.mkdir(exist_ok=True)
    for name in world.PROMPT_SETS:
        rows = ({"id": f"{name}-{n:03d}", "prompt": r.text} for n, r in enumerate(world.prompt_set(name)))
        text = "".join(json.dumps(row) + "\n" for row in rows)
        (folder / f"{name}.jsonl").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
