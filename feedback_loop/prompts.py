"""Prompt files: JSONL, one request a line, checked line by line."""

import hashlib
import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from feedback_loop.errors import UsageError
from feedback_loop.records import Prompt

DATA = Path(__file__).resolve().parent.parent / "data"


def load(path: Path) -> list[Prompt]:
    """Read prompts from JSONL; UsageError names the file and the line that is wrong.

    A line is `{"prompt": "text"}` or `{"prompt": [{"role": "user", "content": "text"}, ...]}`; it may have an `id`.
    """
    prompts: list[Prompt] = []
    seen: dict[str, str] = {}
    for where, data in read_lines(path, "prompts", "prompts.file"):
        prompt = parse(where, data)
        for key, what in ((json.dumps(prompt.messages), "prompt"), (f"id {prompt.id!r}", f"id {prompt.id!r}")):
            if key in seen:
                raise UsageError(f"{where}: the {what} is already on {seen[key]}. Remove one.")
            seen[key] = where.rpartition(", ")[2]
        prompts.append(prompt)
    if not prompts:
        raise UsageError(f'{path}: no prompts. Add lines such as {{"prompt": "What should I cook today?"}}')
    return prompts


def split(prompts: Sequence[Prompt], share: float, seed: int) -> tuple[list[Prompt], list[Prompt]]:
    """Training and held-out prompts: a seeded share, at least one on each side; UsageError where that cannot be."""
    if len(prompts) < 2:
        raise UsageError("The prompts file has one prompt; two are needed, one of them held out. Add prompts.")
    shuffled = sorted(prompts, key=lambda p: p.id)
    random.Random(f"heldout/{seed}").shuffle(shuffled)
    count = min(max(1, round(share * len(prompts))), len(prompts) - 1)
    heldout = {p.id for p in shuffled[:count]}
    return [p for p in prompts if p.id not in heldout], [p for p in prompts if p.id in heldout]


def choose(prompts: Sequence[Prompt], used: dict[str, int], count: int, seed: int) -> list[Prompt]:
    """`count` prompts for a round, the least used first, then by the seed; one may come again if they run out."""
    uses = {p.id: used.get(p.id, 0) for p in prompts}
    order = random.Random(seed)
    chosen: list[Prompt] = []
    while len(chosen) < count:
        fewest = min(uses.values())
        pool = [p for p in prompts if uses[p.id] == fewest]
        order.shuffle(pool)
        for prompt in pool[: count - len(chosen)]:
            chosen.append(prompt)
            uses[prompt.id] += 1
    return chosen


def read_lines(path: Path, what: str, key: str) -> list[tuple[str, dict[str, Any]]]:
    """(where, object) of each line of a JSONL file that is not blank; UsageError names the file and the line that is none."""
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except OSError as error:
        raise UsageError(f"{path}: cannot read the {what} ({error.strerror}). Check {key}.") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path}: not UTF-8 text ({error.reason}). Save it as UTF-8.") from error
    numbered = ((f"{path}, line {number}", line) for number, line in enumerate(lines, start=1) if line.strip())
    return [(where, _object(where, line)) for where, line in numbered]


def parse(where: str, data: dict[str, Any]) -> Prompt:
    """A prompt from a line's data, its text put into a chat and its id made where it has none."""
    if isinstance(data["prompt"], str):
        data["prompt"] = [{"role": "user", "content": data["prompt"]}]
    digest = hashlib.sha256(json.dumps(data["prompt"], sort_keys=True).encode()).hexdigest()
    data.setdefault("id", f"p-{digest[:10]}")
    try:
        prompt = Prompt.model_validate(data)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise UsageError(f"{where}: {place}: {first['msg']}. Correct that line.") from error
    if prompt.prompt[-1].role != "user" or not prompt.request.strip():
        raise UsageError(f"{where}: the last message must be the user's, and not empty. Correct that line.")
    return prompt


def _object(where: str, line: str) -> dict[str, Any]:
    try:
        data: Any = json.loads(line)
    except json.JSONDecodeError as error:
        raise UsageError(f"{where}: not JSON ({error.msg} at column {error.colno}). Correct that line.") from error
    if not isinstance(data, dict) or "prompt" not in data:
        raise UsageError(f'{where}: no "prompt" there. Write {{"prompt": "..."}}')
    return data
