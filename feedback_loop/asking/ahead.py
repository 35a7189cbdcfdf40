"""Keeping what people can rank ahead of them: whether more is wanted, the sampler's process, and how far it is."""

import contextlib
import os
import shlex
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from feedback_loop import locks
from feedback_loop.asking import asked
from feedback_loop.asking.upcoming import next_prompts
from feedback_loop.lineage import open_round
from feedback_loop.records import Comparison, Ranking
from feedback_loop.report.overview import Supply
from feedback_loop.run import Run, read_note, write_json
from feedback_loop.stage import LIFELINE, progress_file
from feedback_loop.store.journal import Journal

POLL_SECONDS = 0.5
PAUSE, LONGEST_PAUSE = 5.0, 300.0
"""Seconds after which a sampler that failed is started again: at first, and at most."""


def wanted(run: Run, journal: Journal) -> bool:
    """Whether the open round should have more to rank than it has.

    Its own prompts are sampled at once. Further ones as the fastest annotator has fewer than `asking.ahead` comparisons left.
    """
    number = open_round(run)
    if not run.done(number, "comparisons"):
        return True
    if run.done(number, "rankings"):
        return False
    if asked.left(run, number):
        return True
    given, per_comparison = journal.rankings(number), run.recipe.rankings.per_comparison
    ready = ready_for_the_fastest(asked.asked(run, number), given, per_comparison)
    return ready < run.recipe.asking.ahead and can_go_on(run, number)


def can_go_on(run: Run, number: int) -> bool:
    """Whether the round has prompts that are not sampled yet and may be."""
    further = run.recipe.asking.ahead > 0 and bool(next_prompts(run, number))
    return further or asked.left(run, number) > 0


def ready_for_the_fastest(comparisons: Sequence[Comparison], rankings: Sequence[Ranking], per_comparison: int) -> int:
    """How many comparisons lack answers and were not seen by the person who has the fewest of these left."""
    answers = Counter(r.comparison_id for r in rankings if r.status == "submitted")
    lacking = {c.id for c in comparisons if c.counts and answers[c.id] < per_comparison}
    seen: dict[str, set[str]] = {}
    for ranking in rankings:
        seen.setdefault(ranking.user_id, set()).add(ranking.comparison_id)
    return min((len(lacking - names) for names in seen.values()), default=len(lacking))


def start(run: Run, lifeline: int | None = None) -> "subprocess.Popen[bytes]":
    """Start the sampler; it leaves again where another one lives. With `lifeline`, it stays until that pipe is closed."""
    (run.path / "logs").mkdir(exist_ok=True)
    launcher = shlex.split(run.recipe.launcher) or [sys.executable]
    kept = {} if lifeline is None else {LIFELINE: str(lifeline)}
    with log_file(run).open("ab") as log:
        return subprocess.Popen(
            [*launcher, "-m", "feedback_loop.asking.sampler", str(run.path)],
            env={**{k: v for k, v in os.environ.items() if k != LIFELINE}, **kept},
            pass_fds=() if lifeline is None else (lifeline,),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


@contextlib.contextmanager
def kept(run: Run) -> Iterator[None]:
    """While this is entered, a thread starts the sampler whenever more is wanted and nobody works on the run."""
    stopping, (read_end, write_end) = threading.Event(), os.pipe()
    thread = threading.Thread(target=_keep, args=(run, read_end, stopping), name="ahead", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stopping.set()
        os.close(write_end)
        thread.join(timeout=5)
        os.close(read_end)


def _keep(run: Run, lifeline: int, stopping: threading.Event) -> None:
    child: subprocess.Popen[bytes] | None = None
    pause, not_before = PAUSE, 0.0
    with contextlib.closing(Journal(run.path / "journal.sqlite")) as journal:
        while not stopping.is_set():
            try:
                if child is not None and (status := child.poll()) is not None:
                    child = None
                    if status < 0:
                        failed(
                            run, f"the sampler was killed by signal {-status} (out of memory?); log: {log_file(run)}"
                        )
                    not_before = time.monotonic() + pause if status else 0.0
                    pause = min(2 * pause, LONGEST_PAUSE) if status else PAUSE
                if child is None and time.monotonic() >= not_before and _should_start(run, journal):
                    child = start(run, lifeline)
            except Exception as error:
                failed(run, " ".join(str(error).split())[:200] or type(error).__name__)
                not_before = time.monotonic() + LONGEST_PAUSE
            stopping.wait(POLL_SECONDS)


def _should_start(run: Run, journal: Journal) -> bool:
    taken = locks.locked(run) or locks.sampling(run) or locks.chatting(run)
    return not taken and wanted(run, journal)


def failed(run: Run, why: str) -> None:
    """Leave word that the sampler failed, for the page and `status`; it holds until more is sampled."""
    message, number = f"No more answers are sampled: {why.rstrip('.')}.", open_round(run)
    if "feedback-loop " not in why:
        message += f" Then go on: feedback-loop sample {run.path}"
    note = {"state": "failed", "message": message, "round": number, "taken": asked.taken(run, number)}
    with contextlib.suppress(OSError):  # on a full disk there is nowhere to say it
        write_json(note_file(run), note)


def supply(run: Run, more: Callable[[], bool] | None = None) -> Supply:
    """What is done about the open round's comparisons at the moment; `more` as `can_go_on`, where it is known already."""
    number, busy, alive = open_round(run), locks.locked(run), locks.sampling(run)
    note = read_note(note_file(run))
    note = note if note.get("round") == number else {}
    stage = read_note(run.path / "advance.json").get("stage") if busy else None
    asking = stage in ("prompts", "comparisons")
    if not (busy or alive) and note.get("state") == "failed" and note["taken"] == asked.taken(run, number):
        return Supply(state="failed", message=note["message"])
    now = note if alive and note.get("state") == "sampling" else read_note(progress_file(run)) if asking else {}
    words = {"done": now.get("done", 0), "total": now.get("total", 0)}
    if not run.done(number, "comparisons"):
        return Supply(state="first", **words)
    if asked.duelling(run, number) and not busy:
        return Supply(state="duels")
    if run.done(number, "rankings") or (busy and not asking):
        return Supply(state="working")
    if now or asking or (alive and note.get("state") == "loading"):
        return Supply(state="writing", seconds=_seconds_left(run, number, now), **words)
    return Supply(state="ready" if (more() if more else can_go_on(run, number)) else "ended")


def note_file(run: Run) -> Path:
    """What the sampler is at, for those who look on. Of the moment; may be deleted."""
    return run.path / "sampling.json"


def log_file(run: Run) -> Path:
    """Where the sampler's output goes."""
    return run.path / "logs" / "sampler.log"


def _seconds_left(run: Run, number: int, now: dict[str, Any]) -> float | None:
    """By the pace so far; before the first answers, by how long the last batch took."""
    if "began" not in now:
        return None
    elapsed = (datetime.now(UTC) - datetime.fromisoformat(now["began"])).total_seconds()
    if now["done"]:
        return float(elapsed * (now["total"] - now["done"]) / now["done"])
    batches = [name for name in run.batches(number) if ".more-" in name]
    if not batches:
        return None
    last = run.manifest(number, batches[-1])
    took = datetime.fromisoformat(last.finished_at) - datetime.fromisoformat(last.started_at)
    return max(1.0, took.total_seconds() - elapsed)
