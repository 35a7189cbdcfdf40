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

from feedback_loop.errors import LoopError
from ui import login as doors
from ui.guard import Guard, Pages, line
from ui.languages import build_languages, language_of
from ui.pages import HEAD, build_pages, theme
from ui.ports import DeskPort, RoundsPort, TeamPort
from ui.reading_routes import build_reading
from ui.rounds_routes import build_rounds_routes
from ui.routes import build_routes, status_of
from ui.site import Site
from ui.styles import STATIC, build_styles
from ui.team_routes import build_team_routes
from ui.visitors import Visitor, owner, user

OWNERS_PAGES = frozenset({"/users", "/team"})


def build_app(
    desk: DeskPort,
    rounds: RoundsPort,
    team: TeamPort,
    *,
    title: str,
    login: doors.Login,
    secret: str,
    state_folder: Path,
    site: Site = Site(),  # noqa: B008 - a frozen record
) -> FastAPI:
    """The app; UsageError where the recipe's log-in needs a password or token that is not set.

    `secret` signs the sessions; where empty, one is made and kept in `state_folder`. `site` says under which names the
    app may be asked.
    """
    door = doors.open_door(login, secret, state_folder)
    app = FastAPI(title=title, docs_url=None, redoc_url=None, openapi_url=None)
    app.include_router(build_languages())  # before the folder that it stands in
    app.include_router(build_styles())
    app.mount("/page", StaticFiles(directory=STATIC), name="page")  # /static is Gradio's
    _explain_errors(app)
    _add_login(app, door, title)
    app.include_router(build_routes(desk, rounds, user, owner))
    app.include_router(build_reading(desk, user))
    app.include_router(build_rounds_routes(rounds, user))
    app.include_router(build_team_routes(team, user, owner))
    blocks = build_pages(title)
    paths = frozenset(f"/{page[0]}" for page in blocks.pages)
    pages = Pages(paths, OWNERS_PAGES & paths, HEAD)
    app.add_middleware(Guard, visitor=lambda request: _visitor(door, request), site=site, pages=pages)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # that several pages turn SSR off, which is wanted
        mounted: FastAPI = gr.mount_gradio_app(app, blocks, path="/", ssr_mode=False, theme=theme(), footer_links=[])
    return mounted


def _visitor(door: doors.Door, request: Request) -> Visitor | None:
    known = door.user(request)
    return None if known is None else Visitor(known, "owner")


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
        return line(status_of(error), str(error))

    @app.exception_handler(RequestValidationError)
    def malformed(request: Request, error: RequestValidationError) -> JSONResponse:
        first = error.errors()[0]
        return line(422, f"{'.'.join(str(p) for p in first['loc'][1:]) or 'body'}: {first['msg']}")

    @app.exception_handler(HTTPException)
    def http(request: Request, error: HTTPException) -> JSONResponse:
        return line(error.status_code, str(error.detail))
