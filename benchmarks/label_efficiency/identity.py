"""What a row is known by: its cell, and a hash of all else that its figures hang on."""

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.label_efficiency.arms import ARMS, CANDIDATES, DRAWS, NOISE, PLAIN, REFIT, SECONDS, Arm, Tier
from benchmarks.label_efficiency.world import neutral_file, prompt_files, recipe_of
from feedback_loop.prompts import DATA

READ = {"model", "sampling", "reward", "policy"}
"""The recipe's tables that a training or an answer here hangs on."""


@dataclass(frozen=True)
class Spec:
    """Which cell."""

    model: str
    persona: str
    noise: str
    seed: int
    tuning: bool


def persona_file(spec: Spec) -> Path:
    """Who the person is."""
    return DATA / "personas" / ("tuning" if spec.tuning else "") / f"{spec.persona}.toml"


def settings_hash(spec: Spec, tier: Tier, arm: Arm) -> str:
    """What a row hangs on beside its cell, so that a row made by other settings is not taken for this one.

    That is what recipes, persona and prompts say, not what they are called. An arm is known by what it changes, so a field that
    is new, and left as it is, makes no row stale. Neither the code nor the model's weights are in it.
    """
    arms = [arm, *([ARMS[arm.labels_of]] if arm.labels_of else [])]
    reads = [recipe_of(spec.model, (*one.settings, *tier.settings)) for one in arms]
    files = [persona_file(spec), *prompt_files(spec.model, tuning=spec.tuning)]
    files += [neutral_file(read) for one, read in zip(arms, reads, strict=True) if one.held]
    texts = [file.read_text(encoding="utf-8") for file in files]
    recipes = [read.model_dump(include=READ) for read in reads]
    much = [tier.prompts, tier.heldout, tier.checkpoints, CANDIDATES, PLAIN, REFIT, DRAWS, SECONDS, NOISE[spec.noise]]
    return digest([[changed(one) for one in arms], recipes, texts, much])


def changed(arm: Arm) -> dict[str, Any]:
    """What an arm sets otherwise than by default."""
    plain = asdict(Arm("base", ()))
    return {name: value for name, value in asdict(arm).items() if value != plain[name]}


def digest(parts: Any) -> str:
    """A short name for plain data."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]
