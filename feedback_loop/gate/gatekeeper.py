"""Closes a round as soon as its duels have settled it: while the app is served, nobody has to press a button for that."""

import contextlib
import logging
import threading
from collections.abc import Iterator

from feedback_loop import locks, loop
from feedback_loop.asking import asked
from feedback_loop.gate.duels import wanted
from feedback_loop.lineage import open_round
from feedback_loop.run import Run
from feedback_loop.store.journal import Journal

log = logging.getLogger(__name__)
POLL_SECONDS = 1.0
PAUSE = 60.0
"""Seconds after which a round that could not be closed is tried again."""


@contextlib.contextmanager
def watching(run: Run) -> Iterator[None]:
    """While this is entered, a thread looks at the duels after each vote, and starts what is left of a round that is settled."""
    stopping = threading.Event()
    thread = threading.Thread(target=_watch, args=(run, stopping), name="gatekeeper", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stopping.set()
        thread.join(timeout=5)


def settled(run: Run, journal: Journal) -> bool:
    """Whether the open round asks duels, and the answers to them suffice to decide."""
    return asked.duelling(run, open_round(run)) and not wanted(run, journal)


def _watch(run: Run, stopping: threading.Event) -> None:
    seen, pause = -1, POLL_SECONDS
    with contextlib.closing(Journal(run.path / "journal.sqlite")) as journal:
        while not stopping.wait(pause):
            pause = POLL_SECONDS
            try:
                if (last := journal.last()) == seen or locks.locked(run):
                    continue
                seen = last
                if settled(run, journal):
                    loop.launch(run)
                    seen, pause = -1, PAUSE
            except Exception:
                log.exception("Whether the duels are settled was not found out; it is tried again")
                pause = PAUSE
