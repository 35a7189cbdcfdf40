"""Coming in and leaving. What fails says why on the page it came from."""

import math
from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from ui import login_pages as pages
from ui.accounts import LONGEST_NAME, Account, is_name
from ui.languages import language_of, say
from ui.login import Door

Field = Annotated[str, Form()]


def build_login(door: Door, title: str) -> APIRouter:
    """Log-in and log-out, for either kind of door."""
    router, accounts = APIRouter(), door.accounts is not None

    def page(request: Request, status: int = 200, key: str = "", **values: str) -> HTMLResponse:
        speaks = language_of(request)
        error = say(speaks, key, **values) if key else ""
        return HTMLResponse(pages.login(title, speaks, accounts=accounts, error=error), status)

    @router.get("/login")
    def show(request: Request) -> HTMLResponse:
        return page(request)

    @router.post("/login")
    async def enter(request: Request, name: Field = "", password: Field = "") -> Response:
        name = name.strip()
        if not is_name(name):
            return page(request, 401, "login.error.name", longest=str(LONGEST_NAME))
        if not accounts:
            return admitted(door, request, name, 1)
        found = await door.check(request, name, password)
        if isinstance(found, Account):
            return admitted(door, request, found.name, found.version)
        if found is None:
            return page(request, 401, "login.error.wrong")
        answer = page(request, 429, "login.error.wait", seconds=str(math.ceil(found)))
        answer.headers["Retry-After"] = str(math.ceil(found))
        return answer

    @router.get("/logout")
    def ask(request: Request) -> HTMLResponse:
        return account_page(door, request, title)

    @router.post("/logout")
    def leave(request: Request) -> Response:
        answer = RedirectResponse("/login", 303)
        door.leave(request, answer)
        return answer

    return router


def admitted(door: Door, request: Request, name: str, version: int) -> Response:
    """To the app, with a new session."""
    answer = RedirectResponse("/", 303)
    door.admit(request, answer, name, version)
    return answer


def account_page(door: Door, request: Request, title: str, status: int = 200, error: str = "") -> HTMLResponse:
    """One's own account, with what went wrong."""
    session = door.session(request)
    assert session is not None, "the guard lets no stranger come here"
    accounts = door.accounts is not None
    return HTMLResponse(
        pages.account(title, language_of(request), session.name, accounts=accounts, error=error), status
    )
