"""The web app: FastAPI in front, Gradio's pages on top. Everything it needs is handed in."""

import os
import warnings
from pathlib import Path

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")

import gradio as gr
from fastapi import FastAPI, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.staticfiles import StaticFiles

from feedback_loop.errors import LoopError
from ui import login as doors
from ui.account_routes import build_accounts
from ui.chat_routes import build_chat_routes
from ui.guard import Guard, Pages, line
from ui.intent_routes import build_intent_routes
from ui.languages import build_languages
from ui.login_routes import build_login
from ui.pages import HEAD, build_pages, theme
from ui.ports import ChatPort, DeskPort, IntentPort, RoundsPort, SoupPort, TeamPort
from ui.reading_routes import build_reading
from ui.rounds_routes import build_rounds_routes
from ui.routes import build_routes, status_of
from ui.site import Site
from ui.soup_routes import build_soup_routes
from ui.styles import STATIC, build_styles
from ui.team_routes import build_team_routes
from ui.users_routes import build_users
from ui.visitors import owner, role, user

OWNERS_PAGES = frozenset({"/users", "/team"})


def build_app(
    desk: DeskPort,
    rounds: RoundsPort,
    team: TeamPort,
    chat: ChatPort,
    soup: SoupPort,
    intent: IntentPort,
    *,
    title: str,
    login: doors.Login,
    secret: str,
    state_folder: Path,
    site: Site = Site(),  # noqa: B008 - a frozen record
) -> FastAPI:
    """The app; LoopError where its accounts cannot be read.

    `secret` signs the sessions; where empty, one is made and kept in `state_folder`. `site` says under which names the
    app may be asked.
    """
    door = doors.open_door(login, secret, state_folder, site)
    app = FastAPI(title=title, docs_url=None, redoc_url=None, openapi_url=None)
    app.include_router(build_languages())  # before the folder that it stands in
    app.include_router(build_styles())
    app.mount("/page", StaticFiles(directory=STATIC), name="page")  # /static is Gradio's
    _explain_errors(app)
    app.include_router(build_login(door, title))
    if door.accounts is not None:
        app.include_router(build_accounts(door, door.accounts, title))
        app.include_router(build_users(door.accounts, site, owner))
    app.include_router(build_routes(desk, rounds, user, owner))
    app.include_router(build_reading(desk, user))
    app.include_router(build_rounds_routes(rounds, user))
    app.include_router(build_soup_routes(soup, user))
    app.include_router(build_intent_routes(intent, user, owner, role))
    app.include_router(build_team_routes(team, user, owner))
    app.include_router(build_chat_routes(chat, user))
    blocks = build_pages(title, users=door.accounts is not None)
    paths = frozenset(f"/{page[0]}" for page in blocks.pages)
    pages = Pages(paths, OWNERS_PAGES & paths, HEAD)
    app.add_middleware(Guard, visitor=door.visitor, site=site, pages=pages)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # that several pages turn SSR off, which is wanted
        mounted: FastAPI = gr.mount_gradio_app(app, blocks, path="/", ssr_mode=False, theme=theme(), footer_links=[])
    return mounted


def _explain_errors(app: FastAPI) -> None:
    """Every refusal is `{"error": "one line"}`."""

    @app.exception_handler(LoopError)
    def refused(request: Request, error: LoopError) -> JSONResponse:
        return line(request, status_of(error), str(error))

    @app.exception_handler(RequestValidationError)
    def malformed(request: Request, error: RequestValidationError) -> JSONResponse:
        first = error.errors()[0]
        return line(request, 422, f"{'.'.join(str(p) for p in first['loc'][1:]) or 'body'}: {first['msg']}")

    @app.exception_handler(HTTPException)
    def http(request: Request, error: HTTPException) -> JSONResponse:
        return line(request, error.status_code, str(error.detail))
