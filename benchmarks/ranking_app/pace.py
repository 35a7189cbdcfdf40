"""Annotators at work, in a process beside the browser: each answers at fixed times.

An answer's time does not hang on how quick the one before was, so a slow server cannot slow down those who ask it.
"""

import asyncio
import contextlib
import multiprocessing
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Event

from benchmarks.ranking_app.annotators import Log, Turn

LATE = 0.1
"""Seconds behind its time from which an answer counts as late."""
Seats = Callable[[Log, contextlib.AsyncExitStack], Awaitable[list[Turn]]]
"""Lets everybody in; it travels to the process, so it is a plain function or a `functools.partial` of one."""


@dataclass(frozen=True)
class Crew:
    """Annotators at work."""

    since: float
    _log: Connection
    _stop: Event

    def end_after(self, seconds: float) -> Log:
        """Their log, once they have worked for so long."""
        time.sleep(max(0.0, self.since + seconds - time.monotonic()))
        return self._end()

    def end_when_done(self, longest: float) -> Log:
        """Their log, once they have nothing left to answer, or have worked for so long."""
        self._log.poll(max(0.0, self.since + longest - time.monotonic()))
        return self._end()

    def _end(self) -> Log:
        self._stop.set()
        log: Log = self._log.recv()
        return log


@contextlib.contextmanager
def beside(seats: Seats, every: float) -> Iterator[Crew]:
    """Annotators answer every so many seconds while this is entered."""
    context = multiprocessing.get_context("spawn")
    stop, (receiving, sending) = context.Event(), context.Pipe(duplex=False)
    process = context.Process(target=_work, args=(seats, every, stop, sending))
    process.start()
    sending.close()
    try:
        receiving.recv()  # all are in
        yield Crew(time.monotonic(), receiving, stop)
    finally:
        stop.set()
        process.join(timeout=60)


def _work(seats: Seats, every: float, stop: Event, sending: Connection) -> None:
    async def work() -> Log:
        log = Log()
        async with contextlib.AsyncExitStack() as leaving:
            turns = await seats(log, leaving)
            log.ms.clear()  # the first requests are of people who come all at once
            sending.send(None)
            await keep_time(turns, every, log, stop.is_set)
        return log

    sending.send(asyncio.run(work()))


async def keep_time(turns: Sequence[Turn], every: float, log: Log, stopped: Callable[[], bool]) -> None:
    """Each annotator's turns, `every` seconds from one to the next, all spread evenly over that time."""
    begins = time.monotonic()
    log.started = time.time()

    async def one(place: int, turn: Turn) -> None:
        due = begins + every * place / len(turns)
        while True:
            while (rest := due - time.monotonic()) > 0:
                await asyncio.sleep(min(rest, 0.2))
                if stopped():
                    return
            log.late += rest < -LATE
            if stopped() or not await turn():
                return
            due += every

    await asyncio.gather(*(one(place, turn) for place, turn in enumerate(turns)))
    log.ended = time.time()
