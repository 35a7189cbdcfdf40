"""What the reference costs a round of DPO that replays earlier pairs: ours, which keeps its log-probabilities, beside TRL.

    python -m benchmarks.dpo_reference --shape tiny
    python -m benchmarks.dpo_reference --shape 0.5B --old 6 --new 2 --repeats 1

Round 0 puts the old pairs' log-probabilities in our cache (one step; not timed). Round 1 trains on old and new pairs by
each arm in turn, the first arm another one each time, with `data/recipes/default.toml` less its measurements:

- ours: `policies.dpo`, the cache as round 0 left it;
- plain TRL: the same trainer, which runs the reference at every step;
- TRL precompute: its own `precompute_ref_log_probs`, which keeps them for one dataset, so a new pair means all anew.

The goal is 0.75 of plain TRL's time. "step" is the whole policy step; "training" goes from the loaded model to the end of
`trainer.train()`: tokenizing, and whatever the arm does for its reference, included. Medians; in brackets the least and the
most of the repeats. The second table is what sharing a prompt's tokens between its two answers could save at most, if every
token cost the same: TRL's collator repeats them, but only answers pass the output layer, so it is less. Prints Markdown;
`--json FILE` keeps all of it. Where other work shares the cores, believe the processor seconds.
"""

import argparse
import gc
import json
import shutil
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import mean, median
from typing import Any
from unittest import mock

from benchmarks.common import quiet
from benchmarks.ppo_vs_trl import make_model
from feedback_loop import prompts, recipe, training
from feedback_loop.chat import token_ids
from feedback_loop.models import load_tokenizer
from feedback_loop.progress import silent
from feedback_loop.prompts import DATA
from feedback_loop.recipe import ModelTable, Recipe, SamplingTable
from feedback_loop.records import Message, Preference, Prompt
from policies import dpo, reference, trl_training
from policies.base import load_policy
from policies.sampler import sample
from policies.task import Task

OURS, PLAIN = "ours", "plain TRL"
ARMS = {OURS: [], PLAIN: [], "TRL precompute": ["policy.trl.precompute_ref_log_probs=true"]}
"""Settings of each arm; all but ours go without the cache."""
DRAWS = {"tiny": 1, "0.5B": 2}
"""Completions of the tiny Qwen that make an answer, one after the other, for each shape."""
POOL = DATA / "prompts" / "tiny_tuning.jsonl"


def main() -> None:
    """Make model and pairs, run every arm, print both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("settings", nargs="*", metavar="key=value")
    parser.add_argument("--shape", choices=list(DRAWS), default="tiny")
    parser.add_argument("--old", type=int, default=24)
    parser.add_argument("--new", type=int, default=8)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, quiet():
        name = "tiny" if asked.shape == "tiny" else str(make_model.make(asked.shape, Path(folder) / "model"))
        asked.settings += [f"model.name={name}", "policy.probe=0", f"policy.trl.num_train_epochs={asked.epochs}"]
        pairs = make_pairs(asked.old + asked.new, DRAWS[asked.shape])
        rows = measure(asked, pairs, Path(folder))
    counted = lengths(pairs)
    said = f"{asked.shape}, {asked.old} old and {asked.new} new pairs, {asked.epochs} epochs, {asked.repeats} repeats"
    print(f"{said}\n\n{costs(rows)}\n\n{sharing(counted)}")
    if asked.json:
        found = {name: getattr(asked, name) for name in ("settings", "shape", "old", "new", "epochs", "repeats")}
        asked.json.write_text(json.dumps(found | {"lengths": counted, "rows": rows}, indent=1), encoding="utf-8")


def make_pairs(count: int, draws: int) -> list[Preference]:
    """Pairs of the tiny Qwen's own answers; which of two is preferred costs nothing and means nothing here."""
    pool = prompts.load(POOL)[:count]
    if len(pool) < count:
        raise SystemExit(f"{POOL.name} has {len(pool)} prompts: --old and --new together must not be more.")
    base = load_policy(ModelTable(name="tiny"), None, name="base")
    settings = SamplingTable(max_new_tokens=96)
    drawn = sample(base, pool, settings, completions=2 * draws, thinking=False, seed=0, report=silent)
    texts: dict[str, list[str]] = {p.id: [] for p in pool}
    for c in drawn.completions:
        texts[c.prompt_id].append(c.completion)
    return [preference(p, " ".join(texts[p.id][::2]), " ".join(texts[p.id][1::2])) for p in pool]


def preference(prompt: Prompt, chosen: str, rejected: str) -> Preference:
    """`chosen` over `rejected`."""
    better, worse = ((Message(role="assistant", content=text),) for text in (chosen, rejected))
    origin = {"prompt_id": prompt.id, "comparison_id": prompt.id, "user_id": "bench", "round": 0}
    return Preference(prompt=prompt.prompt, chosen=better, rejected=worse, **origin)


def measure(asked: argparse.Namespace, pairs: Sequence[Preference], folder: Path) -> list[dict[str, Any]]:
    """A row for each arm, with and without activation checkpointing, and repeat."""
    kept = folder / "kept"
    read = load(asked, ["policy.trl.max_steps=1"], checkpointing=False)
    run(OURS, make_task(read, pairs[: asked.old], folder / "round-0", kept))
    rows = []
    names = list(ARMS)
    for repeat in range(asked.repeats):
        turn = repeat % len(names)
        for checkpointing in (False, True):
            for arm in names[turn:] + names[:turn]:
                read = load(asked, ARMS[arm], checkpointing=checkpointing)
                here = folder / "round-1"
                shutil.copytree(kept, here / "cache")
                row = {"checkpointing": checkpointing, "arm": arm, "repeat": repeat}
                rows.append(row | run(arm, make_task(read, pairs, here, here / "cache")))
                shutil.rmtree(here)
                gc.collect()
    return rows


def load(asked: argparse.Namespace, more: Sequence[str], *, checkpointing: bool) -> Recipe:
    """The shipped recipe for real models, with the settings asked for and `more`."""
    switch = f"policy.trl.activation_checkpointing={str(checkpointing).lower()}"
    return recipe.load(DATA / "recipes" / "default.toml", [*asked.settings, switch, *more])


def make_task(read: Recipe, pairs: Sequence[Preference], folder: Path, cache: Path) -> Task:
    """A policy step in a folder that is new."""
    places = {name: folder / name for name in ("out", "work", "resume")} | {"cache": cache}
    for place in places.values():
        place.mkdir(parents=True, exist_ok=True)
    return Task(
        model=read.model, policy=read.policy, sampling=read.sampling, pairs=pairs, prompts=(), parent=None, reward=None,
        load_members=None, accuracy=None, seed=0, run_seed=0, report=silent, track=lambda *_: None, **places,
    )  # fmt: skip


def run(arm: str, task: Task) -> dict[str, Any]:
    """Train; seconds of the step and of its training, the latter's processor seconds, and what was trained.

    `train` of `policies.trl_training` opens the model first and saves the adapter right after `trainer.train()`.
    """
    open_trainable, save_adapter, keep = trl_training.open_trainable, training.save_adapter, dpo.keep_reference_logprobs
    loaded: list[float] = []
    trained: list[float] = []

    def opening(*args: Any) -> Any:
        found = open_trainable(*args)
        loaded[:] = time.perf_counter(), time.process_time()
        return found

    def saving(*args: Any) -> None:
        trained[:] = time.perf_counter(), time.process_time()
        save_adapter(*args)

    before = known(task.cache)
    began = time.perf_counter()
    with (
        mock.patch.object(trl_training, "open_trainable", opening),
        mock.patch.object(training, "save_adapter", saving),
        mock.patch.object(dpo, "keep_reference_logprobs", keep if arm == OURS else lambda *_: None),
    ):
        facts = dpo.train_dpo(task)
    return {
        "step": time.perf_counter() - began,
        "training": trained[0] - loaded[0],
        "processor": trained[1] - loaded[1],
        "kept": known(task.cache) - before,
        "steps": facts["steps"],
        "loss": facts["loss"],
    }


def known(cache: Path) -> int:
    """Pairs whose reference log-probabilities are in a cache."""
    file = cache / reference.FILE
    return len(file.read_text(encoding="utf-8").splitlines()) if file.exists() else 0


def costs(rows: Sequence[dict[str, Any]]) -> str:
    """The table of the arms; ratios are to plain TRL in the same repeat."""
    heads = ("step s", "of plain", "training s", "of plain", "processor s", "of plain", "pairs added to the cache")
    lines = [f"| checkpointing | arm | {' | '.join(heads)} |", f"| {' | '.join(['---'] * 9)} |"]
    for checkpointing in (False, True):
        found = [row for row in rows if row["checkpointing"] == checkpointing]
        plain = [row for row in found if row["arm"] == PLAIN]
        for arm in ARMS:
            mine = [row for row in found if row["arm"] == arm]
            cells = ["on" if checkpointing else "off", arm]
            for name in ("step", "training", "processor"):
                ratios = [row[name] / other[name] for row, other in zip(mine, plain, strict=True)]
                cells.append(f"{median(row[name] for row in mine):.1f}")
                cells.append(f"{median(ratios):.2f} ({min(ratios):.2f}-{max(ratios):.2f})")
            cells.append(str(max(row["kept"] for row in mine)) if arm == OURS else "-")
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def lengths(pairs: Sequence[Preference]) -> list[tuple[int, int, int]]:
    """Tokens of prompt, chosen and rejected, by the tokenizer that both shapes have."""
    tokenizer = load_tokenizer(ModelTable(name="tiny"))
    found = []
    for pair in pairs:
        prompt = Prompt(id=pair.prompt_id, prompt=pair.prompt)
        better, worse = (
            token_ids(tokenizer, prompt, turn[-1].content, thinking=False) for turn in (pair.chosen, pair.rejected)
        )
        found.append((len(better[0]), len(better[1]), len(worse[1])))
    return found


def sharing(counted: Sequence[tuple[int, int, int]]) -> str:
    """The table of what a prompt seen once for both its answers could save: its tokens' share of all, padding apart."""
    prompt, chosen, rejected = (mean(column) for column in zip(*counted, strict=True))
    whole = 2 * prompt + chosen + rejected
    cells = [f"{n:.0f}" for n in (prompt, chosen, rejected, whole)] + [f"{100 * prompt / whole:.0f} %"]
    heads = ("prompt tokens", "chosen", "rejected", "a pair as TRL collates it", "its repeated prompt")
    return "\n".join(f"| {' | '.join(row)} |" for row in (heads, ["---"] * len(heads), cells))


if __name__ == "__main__":
    main()
