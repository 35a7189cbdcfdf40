"""What a round asks: the comparisons of its stage and of the batches beside it. Every reader of them goes through here."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from feedback_loop.damage import written
from feedback_loop.errors import LoopError
from feedback_loop.lineage import open_round
from feedback_loop.records import Comparison, Completion, Prompt
from feedback_loop.repair import discards
from feedback_loop.run import Run, read_jsonl

if TYPE_CHECKING:
    import numpy as np

T = TypeVar("T")

FEATURES = "features.safetensors"
CLOSING = ("rankings", "duels", "promotion")
"""Stages that end what people are shown, or begin it."""


def parts(run: Run, number: int) -> list[str]:
    """The stage and the batches that make up a round, in order; once its rankings are taken, those that they cover.

    A batch that landed later is not part of the round, whatever it holds.
    """
    if not run.done(number, "comparisons"):
        return []
    there = run.batches(number)
    if run.done(number, "rankings"):
        covered = {Path(name).parent.name for name in run.manifest(number, "rankings").inputs}
        there = [name for name in there if run.stage_folder(number, name).name in covered]
    return ["comparisons", *there]


def version(run: Run, number: int) -> tuple[tuple[str, int], ...]:
    """Changes whenever what is asked does, and when it is closed; cheap enough to ask at each vote."""
    names = [*parts(run, number), *(name for name in CLOSING if run.done(number, name))]
    files = [run.stage_folder(number, name) / "manifest.json" for name in names]
    files += [folder for folder in [run.path / "discards"] if folder.exists()]
    return tuple((str(file), file.stat().st_mtime_ns) for file in files)


def remembered(run: Run, read: Callable[[Run, int], T]) -> Callable[[], T]:
    """A function that gives `read(run, the open round)`, the very same object until the round's parts change."""
    kept: dict[tuple[object, ...], T] = {}

    def ask() -> T:
        number = open_round(run)
        key = (number, version(run, number))
        if key not in kept:
            kept.clear()
            kept[key] = read(run, number)
        return kept[key]

    return ask


def files(run: Run, number: int) -> list[Path]:
    """The files that hold a round's comparisons: what a snapshot of its rankings covers."""
    return [run.stage_folder(number, name) / "comparisons.jsonl" for name in parts(run, number)]


def asked(run: Run, number: int) -> list[Comparison]:
    """All comparisons of a round, in the order in which they were made; none where there are none yet."""
    return [comparison for file in files(run, number) for comparison in read_jsonl(file, Comparison)]


def duels(run: Run, number: int) -> list[Comparison]:
    """The duels by which the round's policy is judged, with repeats and checks beside; none where there are none (yet)."""
    file = run.stage_folder(number, "duels") / "comparisons.jsonl"
    return read_jsonl(file, Comparison) if run.done(number, "duels") else []


def duelling(run: Run, number: int) -> bool:
    """Whether people are asked the round's duels now."""
    return not run.done(number, "promotion") and most_duels(run, number) > 0


def open_now(run: Run, number: int) -> list[Comparison]:
    """What people are shown of a round at the moment: its comparisons, or later its duels; none in between."""
    if not run.done(number, "rankings"):
        return asked(run, number)
    return duels(run, number) if duelling(run, number) else []


def closed(run: Run, number: int) -> dict[str, Comparison]:
    """What people were asked in the rounds up to that one and are not asked now, duels among it, by id."""
    found: list[Comparison] = []
    for n in (n for n in run.rounds() if n <= number):
        found += asked(run, n) if run.done(n, "rankings") else []
        found += duels(run, n) if run.done(n, "promotion") else []
    return {c.id: c for c in found}


def label_ids(run: Run, number: int) -> set[str]:
    """The comparisons of a round that are asked for their label, not as repeats or checks."""
    return {c.id for c in asked(run, number) if c.counts}


def count(run: Run, number: int) -> int:
    """How many comparisons the round asks for their label, by the facts of its parts."""
    return sum(int(run.manifest(number, name).facts["comparisons"]) for name in parts(run, number))


def taken(run: Run, number: int) -> int:
    """How many prompts were sampled for the round so far, those that gave no comparison included."""
    facts = [run.manifest(number, name).facts for name in parts(run, number)]
    # A stage without the fact is an older version's: it took all of the round's prompts.
    return sum(int(f.get("prompts", _own(run, number))) for f in facts)


def left(run: Run, number: int) -> int:
    """How many of the round's own prompts are still to be sampled."""
    return max(0, _own(run, number) - taken(run, number))


def own_prompts(run: Run, number: int) -> list[Prompt]:
    """The prompts that the round set out with; batches beyond them are made only as people need them."""
    file = run.stage_folder(number, "prompts") / "prompts.jsonl"
    return read_jsonl(file, Prompt) if file.exists() else []


def sampled(run: Run, number: int) -> list[Prompt]:
    """The prompts that were sampled for the round, in order."""
    own, found = own_prompts(run, number), list[Prompt]()
    for name in parts(run, number):
        file = run.stage_folder(number, name) / "prompts.jsonl"
        facts = run.manifest(number, name).facts
        found += read_jsonl(file, Prompt) if file.exists() else own[: facts.get("prompts", len(own))]
    return found


def _own(run: Run, number: int) -> int:
    facts = run.manifest(number, "prompts").facts if run.done(number, "prompts") else {}
    return int(facts["prompts"]) if "prompts" in facts else len(own_prompts(run, number))


def needed(run: Run, number: int) -> int:
    """Rankings that complete a round, or fewer where fewer comparisons can be made."""
    wanted = still_needed(run, number)
    if not run.done(number, "comparisons"):
        return wanted
    most = (count(run, number) + left(run, number)) * run.recipe.rankings.per_comparison
    return min(wanted, most - _discarded(run, number))


def _discarded(run: Run, number: int) -> int:
    """How many answers were discarded: whoever gave them has answered, and is not asked again."""
    out = discards.left_out(run)
    labels = label_ids(run, number) if out else set()
    return sum(name.partition("@")[0] in labels for name in out)


def most_duels(run: Run, number: int) -> int:
    """Duels that people are asked at most; 0 where there are none, or none yet."""
    made = run.manifest(number, "duels").facts.get("duels", 0) if run.done(number, "duels") else 0
    return min(run.recipe.promotion.votes, int(made))


def needed_now(run: Run, number: int) -> int:
    """Answers that what is asked now needs: of duels, the most that may be."""
    if duelling(run, number):
        return most_duels(run, number) * run.recipe.rankings.per_comparison
    return needed(run, number)


def still_needed(run: Run, number: int) -> int:
    """The recipe's rankings a round, less the answers to the last round's duels, which are labels like others.

    At least a quarter of them: duels say nothing of how the policy in force could do better than it does.
    """
    wanted = run.recipe.rankings.needed
    last = run.manifest(number - 1, "promotion").facts if number and run.done(number - 1, "promotion") else {}
    return max(-(-wanted // 4), wanted - int(last.get("rankings", 0)))


def candidate_features(run: Run, number: int) -> "tuple[list[Completion], np.ndarray]":
    """All candidates of a round and their features, float32 (candidates, features).

    Without candidates and of shape (0, 0) where the round kept none: it was done before `reward.form = "head"`. LoopError
    where two files do not belong together.
    """
    import numpy as np

    kept = [found for name in parts(run, number) if (found := _features_of(run, number, name)) is not None]
    candidates = [candidate for found, _ in kept for candidate in found]
    rows = [features for found, features in kept if found]
    return candidates, np.concatenate(rows) if rows else np.zeros((0, 0), np.float32)


def feature_files(run: Run, number: int) -> list[Path]:
    """The files that `candidate_features` reads."""
    folders = [run.stage_folder(number, name) for name in parts(run, number)]
    return [
        folder / name for folder in folders if written(folder / FEATURES) for name in ("candidates.jsonl", FEATURES)
    ]


def _features_of(run: Run, number: int, part: str) -> "tuple[list[Completion], np.ndarray] | None":
    from safetensors.numpy import load_file

    folder = run.stage_folder(number, part)
    if not written(folder / FEATURES):
        return None
    candidates, features = read_jsonl(folder / "candidates.jsonl", Completion), load_file(folder / FEATURES)["features"]
    if len(features) != len(candidates):
        raise LoopError(
            f"{folder / FEATURES}: {len(features)} rows for {len(candidates)} candidates. "
            f"Make it again: feedback-loop redo {run.path} comparisons --round {number}"
        )
    return candidates, features
