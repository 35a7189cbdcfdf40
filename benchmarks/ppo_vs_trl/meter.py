"""Time and memory of a process, phase by phase: loading, sampling, scoring, training."""

import itertools
import threading
import time
from pathlib import Path
from typing import Any

EVERY = 0.02
"""Seconds between two looks at the memory."""
PHASES = ("sampling", "scoring", "training")
"""A step's phases in their order; the first begins a step."""


class Meter:
    """Started when all imports are done and no model is loaded; `enter` says which phase begins.

    Memory is RssAnon + RssFile of /proc/self/status, in bytes, above what it was at the start, the most of a look every
    20 ms. Weights that transformers maps from a file count in RssFile, as often as the file is mapped; both arms
    therefore copy them into memory of their own (`weights.own`) before the first step. Loading is left out of the peak.
    """

    def __init__(self) -> None:
        self.idle = resident()
        self.marks: list[tuple[str, float]] = []
        self.peaks: dict[str, int] = {}
        self._stopped = threading.Event()
        self._watcher = threading.Thread(target=self._watch, daemon=True)
        self.enter("loading")
        self._watcher.start()

    def enter(self, phase: str) -> None:
        """From now on it is this phase."""
        if not self.marks or self.marks[-1][0] != phase:
            self.marks.append((phase, time.perf_counter()))

    def stop(self) -> dict[str, Any]:
        """The end of the last phase: peak memory over idle by phase and overall, and seconds of each step by phase."""
        self.enter("end")
        self._stopped.set()
        self._watcher.join()
        over = {phase: peak - self.idle for phase, peak in self.peaks.items()}
        return {
            "idle_bytes": self.idle,
            "peak_bytes": max(over.get(phase, 0) for phase in PHASES),
            "peak_bytes_by_phase": over,
            "steps": steps(self.marks),
        }

    def _watch(self) -> None:
        while not self._stopped.is_set():
            phase = self.marks[-1][0]
            self.peaks[phase] = max(self.peaks.get(phase, 0), resident())
            time.sleep(EVERY)


def imports() -> None:
    """All that either arm imports, so that none of it counts."""
    import datasets
    import peft
    import transformers
    from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification
    from transformers.models.qwen2 import modeling_qwen2, tokenization_qwen2

    assert all((datasets, peft, transformers, modeling_qwen2, tokenization_qwen2))
    assert all((AutoModelForCausalLM, AutoModelForSequenceClassification))


def resident() -> int:
    """Bytes in memory: anonymous ones and those mapped from files."""
    lines = (line.split() for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines())
    return sum(int(words[1]) * 1024 for words in lines if words[0] in ("RssAnon:", "RssFile:"))


def steps(marks: list[tuple[str, float]]) -> list[dict[str, float]]:
    """Seconds by phase, a row a step."""
    rows: list[dict[str, float]] = []
    for (phase, start), (_, end) in itertools.pairwise(marks):
        if phase == PHASES[0]:
            rows.append(dict.fromkeys(PHASES, 0.0))
        if phase in PHASES and rows:
            rows[-1][phase] += end - start
    return rows
