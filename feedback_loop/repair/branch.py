"""A new run that goes on from an older round of another one, which is not changed."""

import shutil
from collections.abc import Sequence
from pathlib import Path

from feedback_loop import loop
from feedback_loop.brief.brief import NAME
from feedback_loop.durable import sync_file, sync_folder
from feedback_loop.errors import UsageError
from feedback_loop.lineage import rollbacks
from feedback_loop.repair import discards
from feedback_loop.report.overview import Truth
from feedback_loop.run import STAGES, Origin, Run, files_below, new_folder, open_run, read_jsonl, write_jsonl
from feedback_loop.store.journal import copy_votes

WHOLE = ("recipe.toml", "prompts.jsonl", "heldout.jsonl", "probes.jsonl", NAME)
"""Files of the run that go along as they are, where it has them."""


def branch(run: Run, path: Path, number: int) -> Run:
    """Copy a run up to and with a decided round into a new folder; UsageError without such a round, or where the folder is used.

    What goes along is what these rounds hang on: recipe and prompts, the rounds' own folders, rollbacks and discards of theirs,
    and their votes. Accounts, the cache, W&B's files and what was set aside stay behind.
    """
    if not run.done(number, STAGES[-1]):
        decided = [f"{n:03d}" for n in run.rounds() if run.done(n, STAGES[-1])]
        raise UsageError(f"{run.path}: round {number:03d} is not decided. There are: {', '.join(decided) or 'none'}.")
    with new_folder(path, Origin(run=run.id, round=number)) as making:
        with loop.alone(run):
            _copy(run, making, number)
        _sync(making)
    return open_run(path)


def _copy(run: Run, to: Path, number: int) -> None:
    """All of it but the record of what the new run is."""
    (to / "rounds").mkdir()
    for name in WHOLE:
        if (run.path / name).exists():
            shutil.copy2(run.path / name, to / name)
    for name in ("recipes", "briefs", "intent"):
        if (run.path / name).exists():
            shutil.copytree(run.path / name, to / name)
    for n in range(number + 1):
        shutil.copytree(
            run.round_folder(n), to / "rounds" / f"{n:03d}", ignore=shutil.ignore_patterns(".*", "*.aside-*")
        )
    _files(to / "rollbacks", [file for file, decision in rollbacks(run) if decision.round <= number])
    _discards(run, to, number)
    if (run.path / "journal.sqlite").exists():
        copy_votes(run.path / "journal.sqlite", to / "journal.sqlite", number)
    if (run.path / "simulated.jsonl").exists():
        write_jsonl(
            to / "simulated.jsonl", (t for t in read_jsonl(run.path / "simulated.jsonl", Truth) if t.round <= number)
        )


def _discards(run: Run, to: Path, number: int) -> None:
    """The discards and restores that these rounds took into account, and what they carried over."""
    taken: set[int] = set()
    for file, record in zip(discards.files(run), discards.records(run), strict=True):
        reached = record.first is not None and record.first.round <= number
        if record.restores in taken or (record.kind != "restore" and reached):
            taken.add(record.number)
            _files(to / "discards", [file])
            if file.with_suffix("").exists():
                shutil.copytree(file.with_suffix(""), to / "discards" / file.stem)


def _files(to: Path, files: Sequence[Path]) -> None:
    for file in files:
        to.mkdir(exist_ok=True)
        shutil.copy2(file, to / file.name)


def _sync(folder: Path) -> None:
    for file in files_below(folder):
        sync_file(file)
    for inner in [*(p for p in folder.rglob("*") if p.is_dir()), folder]:
        sync_folder(inner)
