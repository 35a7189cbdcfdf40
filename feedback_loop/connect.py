"""Which Argilla a run uses, and who stops the embedded one.

Every process that uses the embedded server holds a shared lock on one file. The last to leave stops the server, unless
someone asked for it by `feedback-loop argilla start`. A killed process leaves no lock behind.
"""

import contextlib
import fcntl
import functools
import os
from collections.abc import Callable, Iterator
from pathlib import Path

from feedback_loop import argilla_local
from feedback_loop.errors import LoopError
from feedback_loop.lineage import open_round
from feedback_loop.run import Run
from feedback_loop.store.argilla_store import open_store
from feedback_loop.store.ranking_store import RankingStore

Connect = Callable[[], RankingStore]


@contextlib.contextmanager
def argilla(run: Run, say: Callable[[str], None]) -> Iterator[Connect]:
    """Yields a function that opens the run's store, starting the embedded Argilla where no other is named.

    It may be called from any thread, again and again: a server that has gone is started anew.
    """
    with contextlib.ExitStack() as leaving:
        lease = functools.cache(lambda: leaving.callback(_leave, _enter()))

        def connect() -> RankingStore:
            if not os.environ.get("ARGILLA_API_URL") and not os.environ.get("ARGILLA_API_KEY"):
                lease()
                argilla_local.start(report=say)
            found = argilla_local.connection()
            if found is None:
                raise LoopError(f"Argilla ended right after its start. See {argilla_local.status().log}")
            return open_store(found.api_url, found.api_key, run.id, run.path.name, answers_shown(run))

        yield connect


def answers_shown(run: Run) -> int:
    """How many answers a comparison of the open round shows: as it was made, before that as the recipe says."""
    number = open_round(run)
    if not run.done(number, "comparisons"):
        return run.recipe.asking.answers
    shown: int = run.manifest(number, "comparisons").facts.get("answers", 2)
    return shown


def keep_running() -> Path:
    """The mark that the embedded server was asked for by name, so it outlives those who use it."""
    return argilla_local.status().home / "keep-running"


def _enter() -> int:
    home = argilla_local.status().home
    home.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(home / ".users", os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(descriptor, fcntl.LOCK_SH)
    return descriptor


def _leave(descriptor: int) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if not keep_running().exists():
            argilla_local.stop()
    except BlockingIOError:
        return  # somebody else still uses it
    finally:
        os.close(descriptor)
