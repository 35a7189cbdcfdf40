"""Carries the journal's events to Argilla in order, and brings back what was answered in Argilla itself.

Submitting and withdrawing may be repeated without harm, and an event is marked only after Argilla acknowledged it. So a
courier killed between the two repeats one event, and each has its effect exactly once.
"""

import contextlib
import fcntl
import os
import threading
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from feedback_loop.errors import LoopError
from feedback_loop.records import Answer, Comparison, Ranking
from feedback_loop.store.journal import Event, Journal, said
from feedback_loop.store.ranking_store import RankingStore, RefusedError

POLL_SECONDS = 0.2
"""How soon a vote of this or another process is noticed."""
LONGEST_PAUSE = 30.0
ASKED = frozenset(Answer.model_fields) - {"status", "choice"}
"""What an answer holds beside these two, which every store does."""


@dataclass(frozen=True)
class DeliveryState:
    """What the app shows about delivery."""

    pending: int = 0
    error: str = ""
    argilla_url: str = ""


def deliver(journal: Journal, store: RankingStore, stopping: Callable[[], bool] = lambda: False) -> int:
    """Give Argilla all that it lacks, oldest first; how many events. One process at a time.

    What Argilla refuses is raised as RefusedError once all else is delivered; it is tried again the next time.
    """
    with _alone(journal.path):
        return _deliver(journal, store, stopping)


def reconcile(
    journal: Journal,
    store: RankingStore,
    round: int,  # noqa: A002
    asked: Collection[str] | None = None,
) -> None:
    """Take answers given in Argilla's own pages into the journal, as already delivered; give back what Argilla lost.

    Where both hold an answer and they differ, the journal's wins while it is undelivered. Otherwise, what Argilla holds is
    either an earlier answer of the journal's, brought back by a backup, and gets the last one again; or the person changed it
    in Argilla, and that wins. Which of the two, Argilla's own times say: no clock is compared with another.

    An answer that was delivered and is gone, by a backup or by hand, is delivered again: to take it back, undo it in the app,
    or discard it or make it a draft in Argilla. With `asked`, a refusal counts only where it is of an answer to one of these.
    """
    with _alone(journal.path):
        try:
            _deliver(journal, store)
        except RefusedError:
            if asked is None or any(e.comparison_id in asked for e in journal.undelivered()):
                raise
        heard, found = journal.events(round), {(r.user_id, r.comparison_id): r for r in store.rankings(round)}
        for key, answer in found.items():
            events = heard.get(key, [])
            ranking = _completed(answer, events[-1] if events else None, store.keeps)
            if _is_stale(ranking, events):
                _hand_over(journal, store, events[-1])
            elif _is_news(ranking, events):
                journal.record(ranking, round, delivered=True)
        for key, events in heard.items():
            last = events[-1]
            if key not in found and last.delivered and last.ranking is not None and store.lacks(*key):
                _hand_over(journal, store, last)


class Courier:
    """A daemon thread that delivers while it lives. A store that blocks or fails holds up nobody else."""

    def __init__(
        self, journal_path: Path, connect: Callable[[], RankingStore], asked: Callable[[], Sequence[Comparison]] = tuple
    ) -> None:
        self._journal, self._connect, self._asked = Journal(journal_path), connect, asked
        self._published: Sequence[Comparison] = ()
        self._state = DeliveryState()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="courier", daemon=True)
        self._thread.start()

    def state(self) -> DeliveryState:
        """How many events wait, what stands in their way, and where Argilla is."""
        try:
            return replace(self._state, pending=self._journal.waiting())
        except LoopError as error:
            return replace(self._state, error=str(error))

    def stop(self) -> None:
        """End after the event under way, waiting at most five seconds for it; what is left waits in the journal."""
        self._stopping.set()
        self._thread.join(timeout=5)
        self._journal.close()

    def _run(self) -> None:
        pause, store = POLL_SECONDS, None
        while not self._stopping.is_set():
            waiting = -1
            try:
                waiting = self._journal.waiting()
                store = store or self._fresh(self._connect())
                self._state = replace(self._state, argilla_url=store.url)
                self._publish(store)
                if waiting:
                    deliver(self._journal, store, self._stopping.is_set)
                self._state, pause = replace(self._state, error=""), POLL_SECONDS
            except Exception as error:
                store, pause = None, min(max(pause, 0.5) * 2, LONGEST_PAUSE)
                self._state = replace(self._state, error=" ".join(str(error).split()) or type(error).__name__)
            self._rest(pause, waiting)

    def _fresh(self, store: RankingStore) -> RankingStore:
        """It may have lost what it held."""
        self._published = ()
        return store

    def _publish(self, store: RankingStore) -> None:
        """What is asked goes before what is answered; `asked` gives another object whenever there is more of it.

        A store that was just opened may have lost what was delivered to it, so it is compared with the journal.
        """
        asked = self._asked()
        if asked and asked is not self._published:
            store.publish(asked)
            first, self._published = not self._published, asked
            if first:
                reconcile(self._journal, store, asked[0].round, {c.id for c in asked})

    def _rest(self, seconds: float, waiting: int) -> None:
        """Wait, but no longer than until the next vote."""
        ends = time.monotonic() + seconds
        while time.monotonic() < ends and not self._stopping.wait(POLL_SECONDS):
            with contextlib.suppress(LoopError):
                if self._journal.waiting() > waiting >= 0:
                    return


def start(
    journal_path: Path, connect: Callable[[], RankingStore], asked: Callable[[], Sequence[Comparison]] = tuple
) -> Courier:
    """Start delivering a journal, and what is asked, to the store that `connect` opens, again after each failure."""
    return Courier(journal_path, connect, asked)


def _deliver(journal: Journal, store: RankingStore, stopping: Callable[[], bool] = lambda: False) -> int:
    """Deliver each answer's events in order. One that is refused holds up the later ones of that answer alone."""
    refused: dict[tuple[str, str], RefusedError] = {}
    delivered = 0
    for event in journal.undelivered():
        answer = (event.user_id, event.comparison_id)
        if stopping() or answer in refused:
            continue
        try:
            _hand_over(journal, store, event)
        except RefusedError as error:
            refused[answer] = error
        else:
            delivered += 1
    if refused:
        raise next(iter(refused.values()))
    return delivered


def _hand_over(journal: Journal, store: RankingStore, event: Event) -> None:
    if event.ranking is None:
        store.withdraw(event.user_id, event.comparison_id)
        journal.mark_delivered(event)
    else:
        journal.mark_delivered(event, store.submit(event.user_id, event.ranking))


def _is_stale(found: Ranking, events: Sequence[Event]) -> bool:
    """Whether what Argilla holds is not the last that it was given, but one before."""
    if not events or not events[-1].delivered or _is_same(found, events[-1]):
        return False
    return any(_is_same(found, event) for event in events[:-1])


def _is_news(found: Ranking, events: Sequence[Event]) -> bool:
    """Whether what Argilla holds was said there: the journal never heard it, and has nothing that Argilla must hear first."""
    if not events:
        return True
    last = events[-1]
    return last.delivered and (last.ranking is None or said(found) != said(last.ranking))


def _is_same(found: Ranking, event: Event) -> bool:
    """Whether this is the answer that Argilla took then; by its words where an older version did not keep the time."""
    if event.acknowledged is not None:
        return found.created_at == event.acknowledged
    return event.ranking is not None and said(found) == said(event.ranking)


def _completed(found: Ranking, known: Event | None, keeps: Collection[str]) -> Ranking:
    """What a store gave back, with what it cannot hold from what the journal heard of the same choice."""
    heard = known.ranking if known else None
    if heard is None or (heard.status, heard.choice) != (found.status, found.choice):
        return found
    lacking = ASKED - set(keeps) - ({"edit_of"} if found.edit != heard.edit else set())
    return found.model_copy(update={name: getattr(heard, name) for name in lacking})


@contextlib.contextmanager
def _alone(journal: Path) -> Iterator[None]:
    """Hold the lock file beside the journal; a killed process leaves none behind."""
    descriptor = os.open(journal.with_name(journal.name + ".delivery-lock"), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
