"""The trainings that a soup compares, each afresh from the base on a round's labels, by the very step that a round takes."""

import gc
import hashlib
import json
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from feedback_loop.begin import shipped
from feedback_loop.brief.brief import file_of
from feedback_loop.damage import checked
from feedback_loop.errors import LoopError
from feedback_loop.models import fingerprint
from feedback_loop.progress import Progress
from feedback_loop.run import Draft, Run, write_json
from feedback_loop.soup.cells import folder
from feedback_loop.soup.plan import policy
from feedback_loop.stages.training import policy_task
from feedback_loop.versions import packages


@dataclass(frozen=True)
class Trained:
    """What a training left."""

    name: str
    key: str
    """Hash of all that it hangs on."""
    adapter: Path | None = None
    """None for the base."""
    minutes: float = 0.0
    """That it took when it was made, on this machine; of one that was stopped, those of the last attempt."""
    failed: str = ""
    """Why there is none."""


def trained(run: Run, number: int, name: str, report: Progress) -> Trained:
    """The training of that name on a round's labels, made unless it is kept. What the step itself refuses is said, not raised."""
    if name == "none":
        return Trained(name, _digest([fingerprint(run.recipe.model)]))
    fresh = replace(run, recipe=run.recipe.model_copy(update={"policy": policy(run.recipe, name)}))
    key = _key(fresh, number)
    kept = folder(run) / f"trained-{key}"
    if not kept.exists():
        _train(fresh, number, kept, lambda done, total, what: report(done, total, f"{name}: {what}"))
    facts = json.loads((kept / "facts.json").read_text(encoding="utf-8"))
    return Trained(name, key, kept / "adapter", facts["minutes"], facts["failed"])


def _train(run: Run, number: int, kept: Path, report: Progress) -> None:
    """`kept`, with adapter and facts.json, appears at once or not at all; what a step goes on from lies beside it till then."""
    from policies.steps import STEPS

    making, work, resume = (kept.with_name(f".{part}-{kept.name}") for part in ("making", "work", "resume"))
    for place in (making, work):
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(parents=True)
    started, facts, failed = time.monotonic(), dict[str, Any](), ""
    try:
        task = policy_task(run, number, Draft(making, work, resume), report, lambda *_: None, file_of(run))
        facts = STEPS[run.recipe.policy.step](task)
    except LoopError as error:
        failed = str(error)
    write_json(making / "facts.json", {"minutes": (time.monotonic() - started + _before(facts)) / 60, "failed": failed})
    making.rename(kept)
    for place in (work, resume):
        shutil.rmtree(place, ignore_errors=True)
    gc.collect()


def _before(facts: Mapping[str, Any]) -> float:
    """Seconds of a baking that was kept, and so not done again."""
    return sum(facts["seconds"].values()) if facts.get("kept") else 0.0


def _key(run: Run, number: int) -> str:
    recipe = run.recipe
    files = [*run.files(number, "preferences"), *run.files(number, "reward"), run.path / "prompts.jsonl"]
    if recipe.policy.step == "bake":
        files.append(file_of(run))
    if recipe.policy.step == "bake" or recipe.policy.hold:
        files.append(shipped("prompts", recipe.policy.neutral_file, ".jsonl"))
    parts: list[Any] = [fingerprint(recipe.model), recipe.policy.model_dump(), recipe.sampling.model_dump(), packages()]
    parts += [run.seed(number, "policy"), run.seed(0, "policy"), *(checked(file) for file in files if file.is_file())]
    return _digest(parts)


def _digest(parts: list[Any]) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:24]
