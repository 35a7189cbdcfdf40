"""Log-in attempts: after a few failures each further one has to wait, longer and longer, up to a limit."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

FREE = {"name": 5, "device": 5, "address": 20}
"""Attempts before anybody waits; many people may share an address."""
LONGEST = 60.0
"""Seconds: a guess a minute gets nowhere, and an owner whose name is under attack is not kept out for good."""
FORGET = 3600.0
MOST = 10_000
"""Records kept; those longest untouched go first."""


@dataclass(frozen=True)
class Record:
    """What is known of a name, a device or an address."""

    failures: int
    until: float
    """No attempt before then."""


class Throttle:
    """Each attempt counts as a failure from its start, so that many at once are no way around it."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._lock = clock, threading.Lock()
        self._records: OrderedDict[tuple[str, str], Record] = OrderedDict()

    def attempt(self, keys: Sequence[tuple[str, str]]) -> float:
        """Seconds to wait before another try, or 0: then this one may be made, and counts."""
        with self._lock:
            now = self._clock()
            wait = max(self._record(key, now).until - now for key in keys)
            if wait > 0:
                return wait
            for key in keys:
                failures = self._record(key, now).failures + 1
                over = failures - FREE[key[0]]
                delay = min(LONGEST, 2.0 ** min(over, 10)) if over >= 0 else 0.0
                self._keep(key, Record(failures, now + delay))
            return 0.0

    def succeeded(self, keys: Sequence[tuple[str, str]]) -> None:
        """An attempt was right: its name or device starts anew, its address gets this one back."""
        with self._lock:
            for key in keys:
                kept = self._records.pop(key, None)
                if kept is not None and key[0] == "address" and kept.failures > 1:
                    self._keep(key, Record(kept.failures - 1, self._clock()))

    def _record(self, key: tuple[str, str], now: float) -> Record:
        kept = self._records.get(key)
        return kept if kept is not None and now - kept.until < FORGET else Record(0, now)

    def _keep(self, key: tuple[str, str], record: Record) -> None:
        self._records[key] = record
        self._records.move_to_end(key)
        while len(self._records) > MOST:
            self._records.popitem(last=False)
