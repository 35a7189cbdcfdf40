"""A new run that goes on from an older round of another one, which is not changed."""

import secrets
import shutil
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from feedback_loop import loop
from feedback_loop.brief.brief import NAME
from feedback_loop.durable import sync_file, sync_folder, write_text
from feedback_loop.errors import UsageError
from feedback_loop.lineage import rollbacks
from feedback_loop.records import now
from feedback_loop.repair import discards
from feedback_loop.report.overview import Truth
from feedback_loop.run import FORMAT, STAGES, Origin, Run, RunRecord, files_below, open_run, read_jsonl, write_jsonl
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
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise UsageError(f"{path}: already there and not empty. Choose another folder for the new run.")
    record = RunRecord(
        format=FORMAT,
        id=secrets.token_hex(4),
        created_at=now(),
        made_by=f"feedback-loop {version('feedback-loop')}",
        branched_from=Origin(run=run.id, round=number),
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    making = path.parent / f".{path.name}.making-{record.id}"
    try:
        with loop.alone(run):
            _copy(run, making, number)
        write_text(making / "run.json", record.model_dump_json(indent=2) + "\n")
        _sync(making)
        if path.exists():
            path.rmdir()
        making.rename(path)
    finally:
        shutil.rmtree(making, ignore_errors=True)
    sync_folder(path.parent)
    return open_run(path)


def _copy(run: Run, to: Path, number: int) -> None:
    """All of it but the record of what the new run is."""
    (to / "rounds").mkdir(parents=True)
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
        if record.restores in taken or (record.kind == "discard" and reached):
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
