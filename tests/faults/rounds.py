"""Whole rounds with a simulated annotator, disturbed and undisturbed, and what the two must have in common."""

import json
import os
import random
import shutil
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from feedback_loop.argilla_local import Connection
from feedback_loop.records import Preference, Ranking
from feedback_loop.run import STAGES, Run, open_run, read_jsonl, read_note
from feedback_loop.store.argilla_store import open_store
from feedback_loop.store.journal import Journal
from tests.conftest import command

PERSONA = "brisk"
QUICK = (
    "rankings.needed=6",
    "prompts.per_round=8",
    "evaluation.prompts=4",
    "sampling.max_new_tokens=16",
    "policy.probe=0",
)
"""On top of `conftest.SMALL`: a round whose stages are all real, and take as long as their imports."""


@dataclass(frozen=True)
class Moment:
    """When a process is killed: so many seconds after the stage before this one was done."""

    round: int
    stage: str
    after: float


@dataclass
class Counts:
    """What a disturbed run kept, beside what was said; what every fault is judged by."""

    labels_in: int = 0
    labels_out: int = 0
    duplicates: int = 0
    wrong_adapters: int = 0


def environment(argilla: Connection) -> dict[str, str]:
    """For processes that use this Argilla, and no W&B."""
    return {"ARGILLA_API_URL": argilla.api_url, "ARGILLA_API_KEY": argilla.api_key, "WANDB_MODE": "disabled"}


def simulate(path: Path, rounds: int, env: Mapping[str, str]) -> "subprocess.Popen[str]":
    """`feedback-loop simulate`, in a process group of its own."""
    return subprocess.Popen(
        command("simulate", path, "--persona", PERSONA, "--rounds", rounds),
        env={**os.environ, **env},
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process: "subprocess.Popen[str]", seconds: float = 500) -> None:
    """Let it end; it must end well."""
    said = process.communicate(timeout=seconds)[1]
    assert process.returncode == 0, said[-2000:]


def moments(calm: Run, rounds: int, count: int, seed: int) -> list[Moment]:
    """`count` moments, in order, of every stage alike: somewhere within the time that it took in a run which nobody disturbed."""
    rng, places = random.Random(seed), [(n, s) for n in range(rounds) for s in STAGES]
    lengths = [_seconds(calm, n, s) for n, s in places]
    drawn = [*range(len(places)), *rng.choices(range(len(places)), k=max(0, count - len(places)))][:count]
    found = [(place, rng.uniform(0, lengths[place])) for place in drawn]
    return [Moment(*places[place], after) for place, after in sorted(found)]


def _seconds(run: Run, number: int, stage: str) -> float:
    """From the end of the stage before to the end of this one."""
    place = STAGES.index(stage)
    ended = datetime.fromisoformat(run.manifest(number, stage).finished_at)
    if place:
        began = datetime.fromisoformat(run.manifest(number, STAGES[place - 1]).finished_at)
    elif number:
        began = datetime.fromisoformat(run.manifest(number - 1, STAGES[-1]).finished_at)
    else:
        return 1.5  # from the start of the program to its first stage
    return max(0.05, (ended - began).total_seconds())


def kill_at(path: Path, moment: Moment, rounds: int, env: Mapping[str, str]) -> str:
    """Start the simulation and SIGKILL all of it at that moment; what it was at.

    Where a process was quicker than its moment, and did the stage, this and what came after is taken away, as if the kill had
    come before it was committed, and the next process is killed in half the time.
    """
    run, after = open_run(path), moment.after
    while True:
        rewind(run, moment.round, moment.stage)
        process = simulate(path, rounds, env)
        ends = None
        while process.poll() is None and (ends is None or time.monotonic() < ends):
            if ends is None and done_before(run, moment):
                ends = time.monotonic() + after
            time.sleep(0.005)
        if process.poll() is None:
            note = read_note(path / "advance.json")
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            return str(note.get("stage") or "between stages")
        finish(process)
        after /= 2


def done_before(run: Run, moment: Moment) -> bool:
    """Whether the stage of a moment is next."""
    place = STAGES.index(moment.stage)
    return (
        run.done(moment.round, STAGES[place - 1])
        if place
        else not moment.round or run.done(moment.round - 1, STAGES[-1])
    )


def rewind(run: Run, number: int, stage: str) -> None:
    """As the run was before that stage was committed."""
    for later in STAGES[STAGES.index(stage) :]:
        for folder in run.round_folder(number).glob(f"?-{later}*"):
            shutil.rmtree(folder)
    for after in [n for n in run.rounds() if n > number]:
        shutil.rmtree(run.round_folder(after))


def disturbed(path: Path, at: Sequence[Moment], rounds: int, env: Mapping[str, str]) -> Counter[str]:
    """The simulation, killed at each of these moments and gone on with, to its end; how often it was killed where."""
    kills: Counter[str] = Counter()
    for moment in at:
        kills[kill_at(path, moment, rounds, env)] += 1
    finish(simulate(path, rounds, env))
    return kills


def compare(path: Path, calm_path: Path, rounds: int, argilla: Connection) -> Counts:
    """What the run at `path` kept of what its annotator said, by the undisturbed run of the same seed."""
    run, calm, counts = open_run(path), open_run(calm_path), Counts()
    store = open_store(argilla.api_url, argilla.api_key, run.id, path.name)
    responses = [len(r.get("responses") or []) for r in store._pages(include="responses")]
    with_several = sum(max(0, n - 1) for n in responses)
    for number in range(rounds):
        told, kept = said(calm, number), said(run, number)
        places = [kept, said_in_journal(run, number), said_to_argilla(store.rankings(number))]
        counts.labels_in += len(told)
        counts.labels_out += min(sum((Counter(told) & Counter(place)).values()) for place in places)
        counts.duplicates += sum(len(place) - len(set(place)) for place in [*places, pairs(run, number)])
        counts.wrong_adapters += sum(
            run.manifest(number, stage).outputs != calm.manifest(number, stage).outputs
            for stage in ("reward", "policy")
        )
    counts.duplicates += with_several
    return counts


def said(run: Run, number: int) -> list[tuple[str, str, str | None]]:
    """Whose answer to what is which, by the snapshots of a decided round, its duels' among them."""
    files = [run.stage_folder(number, stage) / "rankings.jsonl" for stage in ("rankings", "promotion")]
    return said_to_argilla([r for file in files if file.exists() for r in read_jsonl(file, Ranking)])


def said_to_argilla(rankings: Sequence[Ranking]) -> list[tuple[str, str, str | None]]:
    return sorted(((r.user_id, r.comparison_id, r.choice) for r in rankings), key=str)


def said_in_journal(run: Run, number: int) -> list[tuple[str, str, str | None]]:
    """Every vote that the journal ever heard, so that one that is there twice is seen."""
    journal = Journal(run.path / "journal.sqlite")
    try:
        heard = [e.ranking for events in journal.events(number).values() for e in events if e.ranking is not None]
    finally:
        journal.close()
    return said_to_argilla(heard)


def pairs(run: Run, number: int) -> list[tuple[str, str, str, str]]:
    """What the trainings of a round learned from people."""
    folder = run.stage_folder(number, "preferences")
    found = [p for name in ("train", "heldout") for p in read_jsonl(folder / f"{name}.jsonl", Preference)]
    return [(p.comparison_id, p.user_id, p.source, json.dumps([m.content for m in p.chosen])) for p in found]


def nothing_half_made(path: Path) -> bool:
    """Whether no stage was left half made."""
    return not list(path.glob("rounds/*/.*"))
