"""Serve the app with uvicorn."""

import contextlib
import os
import socket
import sys
import webbrowser
from collections.abc import Callable

import uvicorn
from fastapi import FastAPI

from feedback_loop.errors import UsageError


def serve(
    app: FastAPI, *, host: str, port: int, open_browser: bool, ready: Callable[[str], None], behind_proxy: bool = False
) -> None:
    """Serve until interrupted; `ready(url)` when it answers. Port 0 is any free one. UsageError where the port is taken.

    With `behind_proxy`, what a proxy on this machine says of the browser (X-Forwarded-For) is believed.
    """
    with contextlib.closing(_listen(host, port)) as listening:
        shown = "127.0.0.1" if host in ("0.0.0.0", "::") else host  # noqa: S104
        url = f"http://{shown}:{listening.getsockname()[1]}"

        class Server(uvicorn.Server):
            async def startup(self, sockets: list[socket.socket] | None = None) -> None:
                await super().startup(sockets)
                ready(url)
                if open_browser:
                    webbrowser.open(url)

        config = uvicorn.Config(
            app, log_level="warning", access_log=False, timeout_graceful_shutdown=2, proxy_headers=behind_proxy
        )
        Server(config).run(sockets=[listening])


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio sends at once (TCP_NODELAY) only where the protocol is named; else a long answer waits 40 ms for its last part.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    if os.name == "posix" and sys.platform != "cygwin":
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
        listening.listen(128)
    except OSError as error:
        listening.close()
        why = error.strerror or str(error)
        raise UsageError(f"Port {port} at {host} cannot be used ({why}). Take another: --port {port + 1}") from error
    return listening
