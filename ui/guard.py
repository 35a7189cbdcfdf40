"""What stands in front of every route: who asks, from where, for what, how much; and the headers of every answer."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import unquote

from fastapi import Request
from fastapi.responses import JSONResponse, RedirectResponse, Response
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ui import bodies, content_policy
from ui.languages import language_of
from ui.site import SAFE, Site, own
from ui.told import told
from ui.visitors import Visitor, announce

OPEN = ("/login", "/invite/", "/page/", "/favicon.ico")
"""What strangers may see."""
OURS = ("/login", "/logout", "/password", "/invite/", "/page/", "/api/")
GRADIO = ("/assets/", "/static/", "/theme.css", "/favicon.ico")
"""All that a browser asks of Gradio beside the pages. The rest of it (queue, upload, files, config) is closed to all."""

PERSON = "x-feedback-loop-user"
"""Whose page sends a request, percent-encoded."""


@dataclass(frozen=True)
class Pages:
    """Gradio's pages, and what is put into each."""

    paths: frozenset[str]
    owners: frozenset[str]
    """Those of `paths` that annotators do not get."""
    head: str


class Guard:
    """Plain ASGI: FastAPI's own kind of middleware fails loudly whenever a browser leaves in the middle of an answer."""

    def __init__(self, app: ASGIApp, visitor: Callable[[Request], Visitor | None], site: Site, pages: Pages) -> None:
        self.app, self.visitor, self.site, self.pages = app, visitor, site, pages

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer it, refuse it or pass it on; web sockets are closed, since nothing here uses one."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
        elif scope["type"] == "http":
            await self._answer(scope, receive, send)
        else:
            await send({"type": "websocket.close", "code": 1008})

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope)
        known = self.visitor(request) if self.site.knows(request.headers.get("host", "")) else None
        refusal = self._refusal(request, known)
        if refusal is not None:
            await refusal(scope, receive, _with_headers(send, request, content_policy.policy()))
            return
        if known is not None:
            announce(scope, known)
        if request.url.path in self.pages.paths:
            await self._page(scope, receive, send, known)
            return
        marked = _with_headers(send, request, content_policy.policy())
        try:
            receive = await _checked(request, receive)
        except bodies.Refused as refused:
            await line(request, refused.status, str(refused))(scope, receive, marked)
            return
        await self.app(scope, receive, marked)

    def _refusal(self, request: Request, known: Visitor | None) -> Response | None:
        if not self.site.knows(request.headers.get("host", "")):
            return line(
                request, 421, "This app does not go by that name. Serve it with --url and the address that you typed."
            )
        if not own(request):
            return line(request, 403, "Send this from the app's own page.")
        if known is None and not request.url.path.startswith(OPEN):
            wants_page = request.method == "GET" and "text/html" in request.headers.get("accept", "")
            return RedirectResponse("/login", 303) if wants_page else line(request, 401, "Log in first.")
        return self._closed(request, known)

    def _closed(self, request: Request, known: Visitor | None) -> Response | None:
        """The refusal of what is open to nobody, or not to this visitor."""
        path, pages = request.url.path, self.pages
        if "\0" in path or not (path in pages.paths or path.startswith((*OURS, *GRADIO))):
            return line(request, 404, "There is nothing here.")
        if request.method not in ("GET", "HEAD") and not path.startswith(OURS):
            return line(request, 405, "This can only be read.")
        if path.startswith("/api/") and known is not None and not meant_by(request, known):
            return line(request, 412, f"{known.name} is logged in in this browser by now. Reload the page.")
        if path in pages.owners and (known is None or known.role != "owner"):
            return line(request, 403, "Only an owner of this run may see that. Ask one of them.")
        return None

    async def _page(self, scope: Scope, receive: Receive, send: Send, known: Visitor | None) -> None:
        """Gradio's page, whole and uncompressed, so that it can be marked; what its query says is for scripts alone."""
        nonce, pages = secrets.token_urlsafe(16), self.pages
        headers = [(name, value) for name, value in scope["headers"] if name != b"accept-encoding"]
        start: list[Message] = []
        parts: list[bytes] = []

        async def gather(message: Message) -> None:
            if message["type"] == "http.response.start":
                start.append(message)
            if message["type"] != "http.response.body":
                return
            parts.append(message.get("body", b""))
            if message.get("more_body"):
                return
            html = content_policy.marked(b"".join(parts), nonce, known.role if known else "annotator", pages.head)
            MutableHeaders(scope=start[0])["Content-Length"] = str(len(html))
            await marked(start[0])
            await marked({"type": "http.response.body", "body": html})

        marked = _with_headers(send, Request(scope), content_policy.policy(nonce))
        await self.app({**scope, "headers": headers, "query_string": b""}, receive, gather)


def meant_by(request: Request, known: Visitor) -> bool:
    """Whether the page that asks is this visitor's own, where it says whose it is: two people may share a browser, and a page
    that one of them left open must not answer as the other.
    """
    said = request.headers.get(PERSON)
    return said is None or unquote(said) == known.name


def line(request: Request, status: int, said: str) -> JSONResponse:
    """A refusal, in the reader's language."""
    return JSONResponse({"error": told(language_of(request), said)}, status)


def _with_headers(send: Send, request: Request, policy: str) -> Send:
    """`send` that puts the headers on every answer. Files are asked for anew each time; the rest is kept nowhere."""
    path = request.url.path
    kept = None if path.startswith(GRADIO) else "no-cache" if path.startswith("/page/") else "no-store"

    async def with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers.update({**content_policy.HEADERS, "Content-Security-Policy": policy})
            if kept:
                headers["Cache-Control"] = kept
        await send(message)

    return with_headers


async def _checked(request: Request, receive: Receive) -> Receive:
    """A `receive` that gives a body which is short enough and, for a JSON route, sound; Refused otherwise."""
    if request.method in SAFE:
        return receive
    is_json = request.url.path.startswith("/api/")
    declared = request.headers.get("content-length", "")
    body = await bodies.read(receive, declared, bodies.LONGEST if is_json else bodies.FORM)
    if is_json:
        bodies.check_json(body)
    return bodies.again(body, receive)
