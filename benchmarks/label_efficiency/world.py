"""What all arms of a seed share: prompts, the base's answers to them with their features, and its answers to held-out ones."""

import hashlib
import json
import os
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.common import several
from benchmarks.label_efficiency.arms import CANDIDATES, PLAIN, SHARED, Tier
from feedback_loop import prompts, recipe
from feedback_loop.begin import shipped
from feedback_loop.models import fingerprint
from feedback_loop.progress import silent
from feedback_loop.prompts import DATA
from feedback_loop.recipe import Recipe
from feedback_loop.records import Completion, Prompt
from feedback_loop.run import read_jsonl, write_jsonl
from policies.base import Policy, load_policy
from policies.sampler import sample
from reward.features import features
from reward.head import Frame, frame

Features = dict[tuple[str, str], np.ndarray]
"""By prompt id and answer."""


@dataclass(frozen=True)
class World:
    """Fixed by model, prompts and seed; the persona has no part in it."""

    model: str
    read: Recipe
    seed: int
    prompts: list[Prompt]
    """In the order in which every arm asks."""
    heldout: list[Prompt]
    base: Policy
    candidates: dict[str, list[Completion]]
    """The base's different answers, by prompt."""
    drawn: list[list[str]]
    """CANDIDATES answers of the base to each held-out prompt, for best of n."""
    plain: list[list[str]]
    """PLAIN others, which policies are compared with."""
    known: Features
    """Grows as answers are read."""
    background: np.ndarray
    """Features of the base's candidates."""
    view: Frame
    """By them."""
    base_seconds: dict[str, float]
    """What the base's `candidates` and their `features` took to make, here or by the cell that left them in the cache."""

    def rows(self, asked: Sequence[Prompt], texts: Sequence[str]) -> np.ndarray:
        """Features of answers, (answers, columns); those not known are read by the base."""
        missing = {(p.id, t): p for p, t in zip(asked, texts, strict=True) if (p.id, t) not in self.known}
        if missing:
            read = _features(self.base, self.read, list(missing.values()), [text for _, text in missing])
            self.known.update(zip(missing, read, strict=True))
        return np.stack([self.known[p.id, t] for p, t in zip(asked, texts, strict=True)])


def recipe_of(model: str, settings: Sequence[str]) -> Recipe:
    """The recipe of the benchmark on a model, with an arm's settings."""
    file, shared = ("demo", SHARED["tiny"]) if model == "tiny" else ("default", SHARED["other"])
    return recipe.load(DATA / "recipes" / f"{file}.toml", [f"model.name={model}", *shared, *settings])


def open_world(model: str, tier: Tier, seed: int, *, tuning: bool, cache: Path) -> World:
    """Draw the base's answers, or read them where an earlier cell of this seed left them in `cache`."""
    read = recipe_of(model, tier.settings)
    pool, heldout = prompts_of(model, tuning=tuning)
    random.Random(seed).shuffle(pool)
    pool, heldout = pool[: tier.prompts], heldout[: tier.heldout]
    base = load_policy(read.model, None, name="base")
    made = sorted(_candidates(cache, read, base, pool, seed), key=lambda c: c.id)
    known = _known(cache, read, base, pool, made, seed)
    background = np.stack([known[c.prompt_id, c.completion] for c in made])
    by_prompt: dict[str, list[Completion]] = {p.id: [] for p in pool}
    for one in made:
        by_prompt[one.prompt_id].append(one)
    answers = _answers(cache, read, base, heldout, seed)
    return World(
        model=model,
        read=read,
        seed=seed,
        prompts=pool,
        heldout=heldout,
        base=base,
        candidates=by_prompt,
        drawn=[texts[PLAIN:] for texts in answers],
        plain=[texts[:PLAIN] for texts in answers],
        known=known,
        background=background,
        view=frame(background),
        base_seconds={
            "candidates": _took(_file(cache, "candidates", read, pool, seed, "jsonl")),
            "features": _took(_file(cache, "features", read, pool, seed, "safetensors")),
        },
    )


def neutral(read: Recipe, asked: Sequence[Prompt]) -> list[Prompt]:
    """The chats that hold a policy, as in a run: none that is among the prompts that people are asked about."""
    own = {p.prompt for p in asked}
    return [p for p in prompts.load(neutral_file(read)) if p.prompt not in own]


def neutral_file(read: Recipe) -> Path:
    """Where they stand."""
    return shipped("prompts", read.policy.neutral_file, ".jsonl")


def prompts_of(model: str, *, tuning: bool) -> tuple[list[Prompt], list[Prompt]]:
    """All training prompts and all held-out ones."""
    first, *others = map(prompts.load, prompt_files(model, tuning=tuning))
    return (first, others[0]) if others else prompts.split(first, 0.25, seed=int(tuning))


def prompt_files(model: str, *, tuning: bool) -> list[Path]:
    """Training prompts and held-out ones, or one file of both."""
    name = "everyday" if model != "tiny" else "tiny_tuning" if tuning else "tiny"
    return [DATA / "prompts" / f"{name}{end}.jsonl" for end in (("", "_heldout") if model == "tiny" else ("",))]


def _candidates(cache: Path, read: Recipe, base: Policy, pool: list[Prompt], seed: int) -> list[Completion]:
    def make(path: Path) -> None:
        drawn = sample(base, pool, read.sampling, completions=CANDIDATES, thinking=False, seed=seed, report=silent)
        write_jsonl(path, drawn.completions)

    file = _file(cache, "candidates", read, pool, seed, "jsonl")
    _once(file, make)
    return read_jsonl(file, Completion)


def _known(cache: Path, read: Recipe, base: Policy, pool: list[Prompt], made: list[Completion], seed: int) -> Features:
    from safetensors.numpy import load_file, save_file

    by_id = {p.id: p for p in pool}

    def make(path: Path) -> None:
        found = _features(base, read, [by_id[c.prompt_id] for c in made], [c.completion for c in made])
        save_file({"features": found}, path)

    file = _file(cache, "features", read, pool, seed, "safetensors")
    _once(file, make)
    rows = load_file(file)["features"]
    return {(c.prompt_id, c.completion): row for c, row in zip(made, rows, strict=True)}


def _answers(cache: Path, read: Recipe, base: Policy, heldout: list[Prompt], seed: int) -> list[list[str]]:
    def make(path: Path) -> None:
        drawn = several(read, base, heldout, PLAIN + CANDIDATES, seed + 1)
        path.write_text(json.dumps(drawn), encoding="utf-8")

    file = _file(cache, "heldout", read, heldout, seed, "json")
    _once(file, make)
    texts: list[list[str]] = json.loads(file.read_text(encoding="utf-8"))
    return texts


def _features(base: Policy, read: Recipe, asked: Sequence[Prompt], texts: Sequence[str]) -> np.ndarray:
    return features(
        base.model, base.tokenizer, asked, texts, thinking=False, batch_size=read.sampling.batch_size, report=silent
    )


def _file(cache: Path, what: str, read: Recipe, asked: Sequence[Prompt], seed: int, end: str) -> Path:
    """Named by all that its content hangs on."""
    parts = [fingerprint(read.model), read.sampling.model_dump(), CANDIDATES, PLAIN, [p.model_dump() for p in asked]]
    digest = hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:12]
    return cache / f"{what}-{seed}-{digest}.{end}"


def _once(file: Path, make: Callable[[Path], None]) -> None:
    """Another cell may be at the same file: it comes whole, and the same whoever is last; beside it the seconds that it took."""
    if file.exists() and _seconds(file).exists():
        return
    start, mine = time.monotonic(), file.with_name(f"{os.getpid()}-{file.name}")
    make(mine)
    _seconds(mine).write_text(str(time.monotonic() - start), encoding="ascii")
    _seconds(mine).rename(_seconds(file))
    mine.rename(file)


def _seconds(file: Path) -> Path:
    return file.with_name(f"{file.name}.seconds")


def _took(file: Path) -> float:
    return float(_seconds(file).read_text(encoding="ascii"))
