"""Who may come in: by a name alone, on one's own machine, or by an account. The session is a signed cookie."""

import os
import secrets
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from fastapi import Request
from fastapi.responses import Response
from itsdangerous import BadSignature, URLSafeTimedSerializer

from feedback_loop.errors import UsageError
from ui import passwords
from ui.accounts import Account, Accounts, key_of
from ui.passwords import Busy, Passwords
from ui.site import Site, is_loopback
from ui.throttle import Throttle
from ui.visitors import Visitor

Login = Literal["name", "accounts"]
COOKIE, DEVICE = "feedback_loop_session", "feedback_loop_device"
MONTH = 30 * 24 * 3600
YEAR = 365 * 24 * 3600


@dataclass(frozen=True)
class Session:
    """What the cookie says, made anew at each log-in."""

    name: str
    version: int
    """Of the account; another one than it has now ends the session."""
    id: str


@dataclass(frozen=True)
class Door:
    """How people come in, and how they are known again."""

    sessions: URLSafeTimedSerializer
    devices: URLSafeTimedSerializer
    accounts: Accounts | None
    """None where a name is enough; then everybody is an owner."""
    site: Site
    throttle: Throttle
    passwords: Passwords

    def session(self, request: Request) -> Session | None:
        """The session of a request; None where it is none, was ended, or belongs to somebody who may not come in."""
        return self._known(request)[0]

    def visitor(self, request: Request) -> Visitor | None:
        """Who sent a request, or None."""
        session, account = self._known(request)
        if session is None:
            return None
        return Visitor(account.name, account.role) if account else Visitor(session.name, "owner")

    def _known(self, request: Request) -> tuple[Session | None, Account | None]:
        """The session, and its account where there are accounts."""
        session = _read(self.sessions, request.cookies.get(COOKIE, ""))
        if session is None or self.accounts is None:
            return session, None
        account = self.accounts.find(session.name)
        if account is None or account.disabled or account.version != session.version:
            return None, None
        return (None, None) if self.accounts.has_left(session.id) else (session, account)

    def admit(self, request: Request, answer: Response, name: str, version: int) -> None:
        """Give the browser a new session, and remember that this person has logged in from it."""
        session = Session(name, version, secrets.token_urlsafe(16))
        _put(self, request, answer, COOKIE, self.sessions.dumps([name, version, session.id]), MONTH)
        if self.accounts is not None:
            known = _device(self, request, name) or secrets.token_urlsafe(16)
            _put(self, request, answer, DEVICE, self.devices.dumps([key_of(name), known]), YEAR)

    def leave(self, request: Request, answer: Response) -> None:
        """End the session of this browser; a copy of its cookie is no good either."""
        session = self.session(request)
        if session is not None and self.accounts is not None:
            self.accounts.leave(session.id, time.time() + MONTH)
        answer.delete_cookie(COOKIE)

    async def check(self, request: Request, name: str, password: str) -> Account | float | None:
        """The account that this password opens; the seconds to wait; or None, alike for a wrong name and a wrong password.

        A browser in which somebody has logged in before is not slowed down by others who try that name elsewhere (OWASP,
        device cookies).
        """
        assert self.accounts is not None
        device = _device(self, request, name)
        address = request.client.host if request.client else ""
        keys = [("device", device)] if device else [("name", key_of(name)), ("address", address)]
        wait = self.throttle.attempt(keys)
        if wait:
            return wait
        account = self.accounts.find(name)
        try:
            right = await self.passwords.do(lambda: _right(self.accounts, account, password))
        except Busy:
            return 2.0
        if not right or account is None:
            return None
        self.throttle.succeeded(keys)
        return account


def open_door(kind: Login, secret: str, folder: Path, site: Site = Site()) -> Door:  # noqa: B008 - a frozen record
    """A door; the secret that signs its cookies is kept in the folder where none is given.

    Each kind signs with a salt of its own: a name that anybody could take is no session of the account of that name.
    """
    secret = secret or _kept_secret(folder)
    return Door(
        sessions=URLSafeTimedSerializer(secret, salt=f"session-{kind}"),
        devices=URLSafeTimedSerializer(secret, salt="device"),
        accounts=Accounts(folder) if kind == "accounts" else None,
        site=site,
        throttle=Throttle(),
        passwords=Passwords(),
    )


def check_reach(kind: Login, host: str, url: str, recipe: Path) -> None:
    """UsageError where a name is enough to come in, and others than this machine could."""
    open_to_others = not is_loopback(host) or (url and not is_loopback(Site(url).name))
    if kind == "name" and open_to_others:
        raise UsageError(
            f'{url or host} can be reached by others, who could answer under any name. Set login = "accounts" under [app] in '
            f"{recipe}, then serve again; or serve on 127.0.0.1"
        )


def _right(accounts: Accounts | None, account: Account | None, password: str) -> bool:
    """Whether it is the account's password; hashed anew where the parameters have changed since."""
    if not passwords.matches(account.hash if account and not account.disabled else None, password):
        return False
    if accounts and account and passwords.outdated(account.hash):
        accounts.rehash(account.name, account.hash, passwords.hashed(password))
    return True


def _read(signer: URLSafeTimedSerializer, cookie: str) -> Session | None:
    try:
        name, version, id_ = signer.loads(cookie, max_age=MONTH)
        return Session(str(name), int(version), str(id_))
    except (BadSignature, ValueError, TypeError):
        return None


def _device(door: Door, request: Request, name: str) -> str:
    """The id of a browser in which this person has logged in before; else empty."""
    try:
        key, known = door.devices.loads(request.cookies.get(DEVICE, ""), max_age=YEAR)
    except (BadSignature, ValueError, TypeError):
        return ""
    return str(known) if key == key_of(name) else ""


def _put(door: Door, request: Request, answer: Response, cookie: str, value: str | bytes, age: int) -> None:
    secure = door.site.secure(request)
    answer.set_cookie(cookie, str(value), max_age=age, httponly=True, samesite="lax", secure=secure)


def _kept_secret(folder: Path) -> str:
    """The secret of the folder, made on first use; written whole or not at all, since an empty one signs for anybody."""
    file = folder / ".session-secret"
    if not file.exists() or not file.read_text(encoding="utf-8"):
        making = file.with_name(f"{file.name}.{os.getpid()}")
        descriptor = os.open(making, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as written:
            written.write(secrets.token_hex(32))
        making.rename(file)
    return file.read_text(encoding="utf-8")
