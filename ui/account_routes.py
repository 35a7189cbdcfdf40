"""Invites and passwords, where people have accounts. What fails says why on the page it came from."""

import math

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from feedback_loop.errors import UsageError
from ui import login_pages as pages
from ui import passwords
from ui.accounts import LONGEST_NAME, Account, Accounts, is_name
from ui.languages import language_of, say
from ui.login import Door
from ui.login_routes import Field, account_page, admitted
from ui.passwords import LONGEST, SHORTEST, Busy


def build_accounts(door: Door, accounts: Accounts, title: str) -> APIRouter:
    """The invite's page and form, and the form for another password."""
    router = APIRouter()
    router.include_router(_invites(door, accounts, title))
    router.include_router(_password(door, accounts, title))
    return router


def _invites(door: Door, accounts: Accounts, title: str) -> APIRouter:
    router = APIRouter()

    @router.get("/invite/{token}")
    def show(request: Request, token: str) -> HTMLResponse:
        return _invited(accounts, request, title, token)

    @router.post("/invite/{token}")
    async def accept(request: Request, token: str, name: Field = "", password: Field = "") -> Response:
        invite = accounts.invitation(token)
        name = invite.name if invite and invite.name else name.strip()
        error = "" if invite is None else _unfit(language_of(request), name, password)
        if invite is None or error:
            return _invited(accounts, request, title, token, error)
        try:
            hash_ = await door.passwords.do(lambda: passwords.hashed(password))
            account = accounts.accept(token, name, hash_)
        except UsageError:
            return _invited(accounts, request, title, token, say(language_of(request), "invite.error.taken", name=name))
        except Busy:
            return _invited(accounts, request, title, token, _wait(language_of(request), 2))
        if account is None:  # somebody used it meanwhile
            return _invited(accounts, request, title, token)
        return admitted(door, request, account.name, account.version)

    return router


def _password(door: Door, accounts: Accounts, title: str) -> APIRouter:
    router = APIRouter()

    @router.post("/password")
    async def change(request: Request, old: Field = "", new: Field = "") -> Response:
        session, speaks = door.session(request), language_of(request)
        assert session is not None, "the guard lets no stranger come here"
        if error := _unfit(speaks, session.name, new):
            return account_page(door, request, title, 400, error)
        found = await door.check(request, session.name, old)
        if found is None:
            return account_page(door, request, title, 401, say(speaks, "account.error.wrong"))
        if not isinstance(found, Account):
            return account_page(door, request, title, 429, _wait(speaks, found))
        try:
            hash_ = await door.passwords.do(lambda: passwords.hashed(new))
        except Busy:
            return account_page(door, request, title, 429, _wait(speaks, 2))
        accounts.set_password(found.name, hash_)
        return admitted(door, request, found.name, found.version + 1)

    return router


def _invited(accounts: Accounts, request: Request, title: str, token: str, error: str = "") -> HTMLResponse:
    """The page of an invite, or word that it is no longer good. Looking at it does not use it up."""
    invite, speaks = accounts.invitation(token), language_of(request)
    if invite is None:
        return HTMLResponse(pages.notice(title, speaks, say(speaks, "invite.error.gone")), 410)
    page = pages.invite(title, speaks, invite.name, action=f"/invite/{token}", error=error)
    return HTMLResponse(page, 400 if error else 200)


def _unfit(language: str, name: str, password: str) -> str:
    """Why nobody can have this name and password; empty where somebody can."""
    if not is_name(name):
        return say(language, "login.error.name", longest=str(LONGEST_NAME))
    if not passwords.fit(password, name):
        return say(language, "login.error.password", shortest=str(SHORTEST), longest=str(LONGEST))
    return ""


def _wait(language: str, seconds: float) -> str:
    return say(language, "login.error.wait", seconds=str(math.ceil(seconds)))
