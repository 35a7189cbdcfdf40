"""The app in a process of its own, as `feedback-loop serve` runs it, with a note of how long each request took in it.

python -m benchmarks.ranking_app.server RUN TIMES.jsonl
"""

import contextlib
import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from feedback_loop import serving
from feedback_loop.errors import LoopError
from feedback_loop.run import Run, open_run
from ui.serve import serve

READY = "Rank here: "


@dataclass(frozen=True)
class Request:
    """One request, as the app saw it: from being called to having sent its answer."""

    at: float
    """Seconds since 1970."""
    what: str
    """`POST /api/vote`."""
    status: int
    ms: float
    cpu: float
    """Seconds of processor time that the app's process had used by its end."""


class Timed:
    """An ASGI app that notes the time of each request; written when the app ends."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.requests: list[tuple[float, str, int, float, float]] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        status, at, started = 0, time.time(), time.perf_counter()

        async def noted(message: Message) -> None:
            nonlocal status
            status = message.get("status", status)
            await send(message)

        try:
            await self.app(scope, receive, noted)
        finally:
            spent = 1000 * (time.perf_counter() - started)
            self.requests.append((at, f"{scope['method']} {scope['path']}", status, spent, time.process_time()))


def main(run: Path, times: Path) -> None:
    """Serve until interrupted."""

    def timed(app: FastAPI, **how: Any) -> None:
        around = Timed(app)
        try:
            serve(around, **how)  # type: ignore[arg-type]  # uvicorn takes any ASGI app
        finally:
            times.write_text("".join(json.dumps(request) + "\n" for request in around.requests), encoding="utf-8")

    def say(line: str) -> None:
        print(line, flush=True)

    serving.serve_app = timed
    with contextlib.suppress(KeyboardInterrupt):
        serving.serve(open_run(run), host="127.0.0.1", port=0, url="", open_browser=False, say=say)


@contextlib.contextmanager
def served(run: Run, times: Path) -> Iterator[str]:
    """The app's address, while it is served; what it noted is in the file afterwards."""
    command = [sys.executable, "-m", "benchmarks.ranking_app.server", str(run.path), str(times)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            line = next((line for line in process.stdout if line.startswith(READY)), None)
            if line is None:
                raise LoopError(f"The app on {run.path} did not start. See what it printed above")
            yield line.removeprefix(READY).strip()
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(timeout=30)


def cores_used(noted: Sequence[Request]) -> float:
    """Processor time of the app's process over the time from the first to the last of these requests, courier included."""
    ends = sorted((r.at + r.ms / 1000, r.cpu) for r in noted)
    return (ends[-1][1] - ends[0][1]) / (ends[-1][0] - ends[0][0])


def requests(times: Path) -> list[Request]:
    """What a server noted."""
    return [Request(*json.loads(line)) for line in times.read_text(encoding="utf-8").splitlines()]


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
