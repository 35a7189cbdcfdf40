"""The web app: FastAPI in front, Gradio's pages on top. Everything it needs is handed in."""

import os
import warnings
from pathlib import Path
from typing import Annotated

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")

import gradio as gr
from fastapi import FastAPI, Form, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from fastapi.staticfiles import StaticFiles
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from feedback_loop.errors import LoopError
from ui import login as doors
from ui.languages import build_languages, language_of
from ui.pages import HEAD, build_pages, theme
from ui.ports import DeskPort, RoundsPort, TeamPort
from ui.routes import build_routes, status_of
from ui.team_routes import build_team_routes
from ui.visitors import Visitor, announce, owner, user

STATIC = Path(__file__).parent / "static"
POLICY = (
    "default-src 'self'; img-src 'self' data: blob:; style-src 'self' 'unsafe-inline'; font-src 'self' data:; "
    "script-src 'self' 'unsafe-inline' 'unsafe-eval'; connect-src 'self'; frame-ancestors 'none'; form-action 'self'; "
    "base-uri 'self'; object-src 'none'"
)
"""Gradio's pages need inline scripts and styles; nothing may be asked of another host."""
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
}
OPEN = ("/login", "/page/", "/favicon.ico")


def build_app(
    desk: DeskPort,
    rounds: RoundsPort,
    team: TeamPort,
    *,
    title: str,
    login: doors.Login,
    secret: str,
    state_folder: Path,
) -> FastAPI:
    """The app; UsageError where the recipe's log-in needs a password or token that is not set.

    `secret` signs the sessions; where empty, one is made and kept in `state_folder`.
    """
    door = doors.open_door(login, secret, state_folder)
    app = FastAPI(title=title, docs_url=None, redoc_url=None, openapi_url=None)
    app.include_router(build_languages())  # before the folder that it stands in
    app.mount("/page", StaticFiles(directory=STATIC), name="page")  # /static is Gradio's
    _explain_errors(app)
    _guard(app, door)
    _add_login(app, door, title)

    app.include_router(build_routes(desk, rounds, user, owner))
    app.include_router(build_team_routes(team, user, owner))
    pages = build_pages(title)
    looks = {
        "theme": theme(),
        "css_paths": sorted(STATIC.glob("*.css")),  # app.css is the first
        "head": HEAD,
        "footer_links": [],
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # that several pages turn SSR off, which is wanted
        mounted: FastAPI = gr.mount_gradio_app(app, pages, path="/", ssr_mode=False, **looks)
    return mounted


def _guard(app: FastAPI, door: doors.Door) -> None:
    """Nobody sees anything but the log-in before they are known; and every answer carries the content policy."""
    app.add_middleware(_Guard, door=door)


class _Guard:
    """Plain ASGI: FastAPI's own kind of middleware fails loudly whenever a browser leaves in the middle of an answer."""

    def __init__(self, app: ASGIApp, door: doors.Door) -> None:
        self.app, self.door = app, door

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request = Request(scope)

        async def send_marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        known = self.door.user(request)
        if known is not None:
            announce(scope, Visitor(known, "owner"))
        elif not request.url.path.startswith(OPEN):
            wants_page = request.method == "GET" and "text/html" in request.headers.get("accept", "")
            refusal = RedirectResponse("/login", 303) if wants_page else _refused(401, "Log in first.")
            await refusal(scope, receive, send_marked)
            return
        await self.app(scope, receive, send_marked)


def _add_login(app: FastAPI, door: doors.Door, title: str) -> None:
    @app.get("/login")
    def show(request: Request) -> HTMLResponse:
        return HTMLResponse(doors.page(title, door.kind, language_of(request)))

    @app.post("/login")
    def enter(request: Request, name: Annotated[str, Form()] = "", given: Annotated[str, Form()] = "") -> Response:
        refusal = door.refusal(name.strip(), given)
        if refusal:
            return HTMLResponse(doors.page(title, door.kind, language_of(request), refusal), 401)
        answer = RedirectResponse("/", 303)
        token = str(door.signer.dumps(name.strip()))
        answer.set_cookie(doors.COOKIE, token, max_age=doors.MONTH, httponly=True, samesite="lax")
        return answer

    @app.get("/logout")
    def leave() -> Response:
        answer = RedirectResponse("/login", 303)
        answer.delete_cookie(doors.COOKIE)
        return answer


def _explain_errors(app: FastAPI) -> None:
    """Every refusal is `{"error": "one line"}`."""

    @app.exception_handler(LoopError)
    def refused(request: Request, error: LoopError) -> JSONResponse:
        return _refused(status_of(error), str(error))

    @app.exception_handler(RequestValidationError)
    def malformed(request: Request, error: RequestValidationError) -> JSONResponse:
        first = error.errors()[0]
        return _refused(422, f"{'.'.join(str(p) for p in first['loc'][1:]) or 'body'}: {first['msg']}")

    @app.exception_handler(HTTPException)
    def http(request: Request, error: HTTPException) -> JSONResponse:
        return _refused(error.status_code, str(error.detail))


def _refused(status: int, line: str) -> JSONResponse:
    return JSONResponse({"error": line}, status)
