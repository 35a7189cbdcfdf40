"""What a run has made, for use elsewhere: an adapter, a whole model, what people said, and a card that says what it rests on."""

import json
import shutil
import tempfile
from contextlib import ExitStack
from pathlib import Path

from feedback_loop.durable import write_text
from feedback_loop.errors import UsageError
from feedback_loop.export import card, merging
from feedback_loop.export.merging import public_name
from feedback_loop.labels import everything
from feedback_loop.lineage import BASE, adapter_folder, current_policy, verified_adapter
from feedback_loop.preferences import preferences
from feedback_loop.run import Run, write_json, write_jsonl


def export(run: Run, out: Path, policy: str = "", *, merged: bool = False, gguf: bool = False) -> list[str]:
    """Write what a run has made into a new folder; a line on each part. UsageError if `out` exists, or there is no such policy.

    adapter/; rankings.jsonl, and comparisons.jsonl with what their ids speak of; preferences.jsonl; README.md, Modelfile;
    merged/ and model.gguf where asked for. `policy` is the one in force by default.
    """
    if out.exists():
        raise UsageError(f"{out}: already there. Name a new folder.")
    name = policy or current_policy(run)
    verified_adapter(run, name)
    converter = merging.find_converter() if gguf else []
    making = out.with_name(f".{out.name}.making")
    shutil.rmtree(making, ignore_errors=True)
    making.mkdir(parents=True)
    try:
        made = [_adapter(run, name, making), *_model(run, name, making, merged, converter), *_labels(run, making)]
        write_text(making / "Modelfile", merging.modelfile(run, making))
        write_text(making / "README.md", card.card(run, name, sorted(p.name for p in making.iterdir())))
        write_json(making / "about.json", {"run": run.id, "model": public_name(run.recipe.model.name), "policy": name})
        making.rename(out)
    finally:
        shutil.rmtree(making, ignore_errors=True)
    lines = [f"{out}/{line}" for line in (*made, "README.md: the model card", "Modelfile: for Ollama") if line]
    return lines if name != BASE else [*lines, "No adapter: no round was kept yet, so the base model is in force."]


def _adapter(run: Run, name: str, folder: Path) -> str:
    """As the round wrote it, but that its base goes by the name that others know it by, and that the card is ours."""
    adapter = adapter_folder(run, name)
    if adapter is None:
        return ""
    shutil.copytree(adapter, folder / "adapter", ignore=shutil.ignore_patterns("README.md"))
    file = folder / "adapter" / "adapter_config.json"
    if file.exists():
        base = public_name(run.recipe.model.name)
        write_json(file, json.loads(file.read_text(encoding="utf-8")) | {"base_model_name_or_path": base})
    return f"adapter: {name}, a PEFT adapter for {public_name(run.recipe.model.name)}"


def _model(run: Run, name: str, folder: Path, merged: bool, converter: list[str]) -> list[str]:
    if not merged and not converter:
        return []
    with ExitStack() as closing:
        place = folder / "merged" if merged else Path(closing.enter_context(tempfile.TemporaryDirectory(dir=folder)))
        lines = [f"merged: {merging.merge(run, name, place)}"] if merged else []
        if not merged:
            merging.merge(run, name, place)
        if converter:
            merging.convert(converter, place, folder / "model.gguf")
            lines.append("model.gguf: the same for llama.cpp and Ollama")
        return lines


def _labels(run: Run, folder: Path) -> tuple[str, ...]:
    """Rankings as they were given, less those that were discarded; preferences in TRL's conversational format, ties left out.

    Beside `prompt`, `chosen` and `rejected`, which TRL reads, a preference says where it comes from.
    """
    said = everything(run)
    shown, given = (
        list({c.id: c for one in said for c in one.comparisons}.values()),
        [r for one in said for r in one.rankings],
    )
    pairs = [p for p in preferences(shown, given, run.recipe.preferences.weights) if not p.tie]
    write_jsonl(folder / "comparisons.jsonl", shown)
    write_jsonl(folder / "rankings.jsonl", given)
    rows = (p.model_dump(exclude={"tie"}, mode="json") for p in pairs)
    write_text(folder / "preferences.jsonl", "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
    return (
        f"comparisons.jsonl: {len(shown)} comparisons",
        f"rankings.jsonl: {len(given)} rankings",
        f"preferences.jsonl: {len(pairs)} pairs for TRL",
    )
