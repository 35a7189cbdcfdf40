"""The chat as those who talk see it: a process that has the model, started when somebody speaks, one answer at a time."""

import contextlib
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Generator
from pathlib import Path

from feedback_loop import locks
from feedback_loop.brief import brief
from feedback_loop.lineage import current_policy, policies
from feedback_loop.run import Run
from feedback_loop.talk.talker import STOP
from feedback_loop.talk.talking import Ask, Choices, Said

POLL_SECONDS = 0.1
PATIENCE = 10.0
"""Seconds that an answer nobody wants any more gets to stop; then its process is ended."""
BUSY = (
    "Somebody works on this run (a round, a soup, a rollback), which goes before the chat. Ask again when that is done."
)
ELSEWHERE = "Another window's or terminal's chat has the model. Close that one, then ask again."


def choices(run: Run) -> Choices:
    """Which policies there are to talk to, and whether one can at the moment."""
    return Choices(
        policies=tuple(policies(run)),
        current=current_policy(run),
        brief=brief.file_of(run).exists(),
        shots=run.recipe.examples.shots,
        busy=locks.locked(run),
    )


class Talks:
    """Answers to chats, from any thread. `sharing` as in `talker`."""

    def __init__(self, run: Run, *, sharing: bool = False) -> None:
        self._run, self._sharing = run, sharing
        self._turn = threading.Lock()
        self._child: _Child | None = None

    def reply(self, ask: Ask, stop: threading.Event) -> Generator[Said]:
        """What is said until the answer is done or has failed; setting `stop` ends it early, and so does closing this."""
        if not self._turn.acquire(blocking=False):
            yield Said(state="waiting")
            while not self._turn.acquire(timeout=POLL_SECONDS):
                if stop.is_set():
                    yield Said(state="done", ended="stopped")
                    return
        try:
            yield from self._spoken(ask, stop)
        finally:
            self._turn.release()

    def close(self) -> None:
        """End the process."""
        if self._child is not None:
            self._child.end()

    def _spoken(self, ask: Ask, stop: threading.Event) -> Generator[Said]:
        if locks.locked(self._run):
            yield Said(state="failed", text=BUSY, trouble="busy")
            return
        if self._child is None or not self._child.ask(ask):
            yield Said(state="loading")
            self._child = _Child(self._run, sharing=self._sharing)
            self._child.ask(ask)
        child, told, last = self._child, False, None
        try:
            while last is None:
                if stop.is_set() and not told:
                    told = child.stop()
                said = child.hear()
                if said is not None:
                    last = said if said.state in ("done", "failed") else None
                    yield said
        finally:
            if last is None:
                child.silence()


class _Child:
    """The process, and a thread that hears it."""

    def __init__(self, run: Run, *, sharing: bool) -> None:
        self._run = run
        self._heard: queue.Queue[Said | None] = queue.Queue()
        (run.path / "logs").mkdir(exist_ok=True)
        with log_file(run).open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "feedback_loop.talk.talker", str(run.path), *["sharing"] * sharing],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                start_new_session=True,  # Ctrl-C in a terminal ends an answer, not the model
            )
        threading.Thread(target=self._listen, daemon=True).start()

    def ask(self, ask: Ask) -> bool:
        """Send a chat; whether there was somebody to hear it."""
        return self._process.poll() is None and self._send(ask.model_dump_json())

    def stop(self) -> bool:
        """Have the answer under way ended; True."""
        self._send(STOP)
        return True

    def hear(self, seconds: float = POLL_SECONDS) -> Said | None:
        """The next thing said; None where nothing was for a moment. When the process has ended, why."""
        try:
            said = self._heard.get(timeout=seconds)
        except queue.Empty:
            return None
        return said if said is not None and said.trouble not in ("busy", "elsewhere") else self._why(said)

    def silence(self) -> None:
        """End the answer under way and hear the rest of it; the process too where that takes too long."""
        self.stop()
        while (said := self.hear(PATIENCE)) is not None:
            if said.state in ("done", "failed"):
                return
        self.end()

    def end(self) -> None:
        """End the process."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def _send(self, line: str) -> bool:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(line + "\n")
            self._process.stdin.flush()
        except (BrokenPipeError, ValueError):
            return False
        return True

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._heard.put(Said.model_validate_json(line))
        self._process.wait()
        self._heard.put(None)

    def _why(self, refused: Said | None) -> Said:
        if refused is not None and refused.trouble == "elsewhere":
            return Said(state="failed", text=ELSEWHERE, trouble="elsewhere")
        if refused is not None or locks.locked(self._run) or self._process.returncode == 0:
            return Said(state="failed", text=BUSY, trouble="busy")
        said = f"The chat's process ended ({self._process.returncode}); log: {log_file(self._run)}. Ask again."
        return Said(state="failed", text=said, trouble="broken")


def log_file(run: Run) -> Path:
    """Where the output of the chat's process goes."""
    return run.path / "logs" / "chat.log"
