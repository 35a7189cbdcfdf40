"""A real HTTP server in front of the real Argilla that does what networks and servers do on a bad day."""

import contextlib
import hashlib
import re
import threading
import time
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Literal

import httpx

Fault = Literal["none", "500 before", "500 after", "cut before", "cut after", "slow"]
WRITES = ("POST", "PUT", "PATCH", "DELETE")


class Proxy:
    """Passes everything on to `url`; while `fault` is set, it strikes the first time that each change is asked for."""

    def __init__(self, url: str) -> None:
        self.to, self.fault, self.struck = httpx.Client(base_url=url, timeout=60), "none", 0
        self._seen: set[str] = set()
        self._lock = threading.Lock()

    def answer(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> tuple[int, bytes] | None:
        """(status, body), or None where the connection is cut."""
        fault, when = (*self.fault.split(), "")[:2] if self._strikes(method, path, body) else ("none", "")
        if fault == "slow":
            time.sleep(0.5)
        if when != "before":
            sent = {k: v for k, v in headers.items() if k.lower() not in ("host", "content-length")}
            said = self.to.request(method, path, content=body, headers=sent)
            answer = (said.status_code, said.content)
        if fault == "cut":
            return None
        return (500, b'{"detail": "not today"}') if fault == "500" else answer

    def _strikes(self, method: str, path: str, body: bytes) -> bool:
        """Whether the fault strikes now; a request that comes again is let through."""
        body = re.sub(rb'"password": ?"[^"]*"', b"", body)  # a new one is drawn each time
        asked = hashlib.sha256(f"{method} {path}".encode() + body).hexdigest()
        with self._lock:
            strikes = self.fault != "none" and (method in WRITES or self.fault == "slow") and asked not in self._seen
            self._seen |= {asked} if strikes else set()
            self.struck += strikes
        return strikes


@contextlib.contextmanager
def in_front_of(url: str) -> Iterator[tuple[str, Proxy]]:
    """(address of a proxy, the proxy)."""
    proxy = Proxy(url)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_any(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            answer = proxy.answer(self.command, self.path, dict(self.headers), body)
            if answer is None:
                self.close_connection = True
                self.connection.close()
                return
            self.send_response(answer[0])
            self.send_header("Content-Type", "application/json")
            if answer[0] != 204:
                self.send_header("Content-Length", str(len(answer[1])))
            self.end_headers()
            self.wfile.write(answer[1])

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_any  # noqa: N815 - as the library names them

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", proxy
    finally:
        server.shutdown()
        server.server_close()
        proxy.to.close()
