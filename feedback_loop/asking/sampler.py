"""The sampler: makes what people rank next, in a process of its own: `python -m feedback_loop.sampler RUN`.

It gives way at once to whoever works on the run, and may be killed at any moment: what it had not committed is made again.
It keeps the model in memory for a while, so that a person who ranks fast does not wait for it to be loaded.
"""

import contextlib
import os
import sys
import threading
import time
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from feedback_loop import locks
from feedback_loop.asking import ahead, asked
from feedback_loop.asking.upcoming import candidates, group_size
from feedback_loop.errors import LoopError
from feedback_loop.lineage import open_round
from feedback_loop.progress import Progress
from feedback_loop.records import now
from feedback_loop.run import Run, open_run, write_json
from feedback_loop.stage import LIFELINE, for_run, watch_lifeline
from feedback_loop.stages.asking import Models
from feedback_loop.stages.more import make_batch, make_first
from feedback_loop.store.journal import Journal

STAYS = 300.0
"""Seconds that it waits, with the model in memory, for more to be wanted."""
POLL_SECONDS = 0.2
NICE = 10


def main(path: Path) -> int:
    """Sample until nothing more is wanted; the exit status, with the reason in the note where it failed."""
    if int(os.environ.get("RANK", "0")) > 0:
        return 0
    watch_lifeline()
    run = open_run(path)
    with locks.sampler_lock(run) as mine:
        if not mine:
            return 0
        threading.Thread(target=_give_way, args=(run,), daemon=True).start()
        os.nice(NICE)
        try:
            keep_ahead(run, STAYS if LIFELINE in os.environ else 0.0)
        except LoopError as error:
            traceback.print_exc()
            ahead.failed(run, for_run(run, str(error)))
            return error.exit_status
        except Exception as error:
            traceback.print_exc()
            first = str(error).strip().split("\n")[0][:200]
            ahead.failed(run, f"{type(error).__name__}: {first}; log: {ahead.log_file(run)}")
            return 1
    return 0


def keep_ahead(run: Run, stays: float) -> None:
    """Make the open round's first comparisons, then batches while they are wanted, and wait `stays` seconds for more.

    With `stays` 0 the round's own prompts are all that is sampled.
    """
    number = open_round(run)
    if run.done(number, "rankings"):
        return
    note, models = {"round": number, "pid": os.getpid()}, Models(run, number)
    write_json(ahead.note_file(run), {**note, "state": "loading"})
    _ = models.policy
    last = time.monotonic()
    with contextlib.closing(Journal(run.path / "journal.sqlite")) as journal:
        while not run.done(number, "rankings"):
            if not run.done(number, "comparisons"):
                make_first(models, reporter(run, note))
            elif asked.left(run, number) or (stays and ahead.wanted(run, journal)):
                make_batch(models, reporter(run, note))
            elif time.monotonic() - last > stays:
                return
            else:
                time.sleep(min(POLL_SECONDS, stays))
                continue
            last = time.monotonic()
            write_json(ahead.note_file(run), {**note, "state": "waiting"})


def reporter(run: Run, note: Mapping[str, Any], every: float = 0.3) -> Progress:
    """Says in the note that a group is sampled, since when and how far."""
    began, last = now(), [0.0]

    def show(done: int, total: int, what: str) -> None:
        if what == "sampling" and (done >= total or time.monotonic() - last[0] > every):
            last[0] = time.monotonic()
            state = {"state": "sampling", "began": began, "done": done, "total": total}
            write_json(ahead.note_file(run), {**note, **state})

    show(0, group_size(run, note["round"]) * candidates(run, note["round"]), "sampling")
    return show


def _give_way(run: Run) -> None:
    """End at once when somebody works on the run, or chats: they wait for that."""
    while not (locks.locked(run) or locks.chatting(run)):
        time.sleep(POLL_SECONDS)
    os._exit(0)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
