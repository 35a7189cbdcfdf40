"""Log-in by name, with a password or token where the recipe asks for one; the session is a signed cookie."""

import hmac
import html
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from fastapi import Request
from itsdangerous import BadSignature, URLSafeTimedSerializer

from feedback_loop.errors import UsageError
from ui.languages import LANGUAGES, say

Login = Literal["name", "password", "token"]
COOKIE = "feedback_loop_session"
MONTH = 30 * 24 * 3600
LONGEST_NAME = 40


@dataclass(frozen=True)
class Door:
    """Who may come in, and how they are known again."""

    kind: Login
    shared: str
    """The password or token; empty where a name is enough."""
    signer: URLSafeTimedSerializer

    def user(self, request: Request) -> str | None:
        """The user of a request, or None."""
        try:
            return str(self.signer.loads(request.cookies.get(COOKIE, ""), max_age=MONTH))
        except BadSignature:
            return None

    def refusal(self, name: str, given: str) -> str | None:
        """Why this log-in is refused, in one line; None where it is not."""
        if not name or len(name) > LONGEST_NAME or not name.isprintable():
            return f"Give a name of 1 to {LONGEST_NAME} letters."
        if self.shared and not hmac.compare_digest(given.encode(), self.shared.encode()):
            return f"That is not the {self.kind}."
        return None


def open_door(kind: Login, secret: str, folder: Path, environment: Mapping[str, str] = os.environ) -> Door:
    """A door; UsageError where the recipe asks for a password or token and none is set."""
    variable = {"name": "", "password": "FEEDBACK_LOOP_PASSWORD", "token": "FEEDBACK_LOOP_TOKEN"}[kind]
    shared = environment.get(variable, "") if variable else ""
    if variable and not shared:
        raise UsageError(f"app.login = {kind!r} needs the environment variable {variable}. Set it, then serve again.")
    return Door(kind, shared, URLSafeTimedSerializer(secret or _kept_secret(folder), salt="session"))


def page(title: str, kind: Login, language: str, error: str = "") -> str:
    """The log-in page."""

    def text(key: str) -> str:
        return html.escape(say(language, key))

    extra = (
        "" if kind == "name" else f'<label>{text(f"login.{kind}")}<input name="given" type="password" required></label>'
    )
    said = f'<p class="fl-error" role="alert">{html.escape(error)}</p>' if error else ""
    spoken = LANGUAGES[language]
    return f"""<!doctype html><html lang="{spoken.tag}" dir="{spoken.direction}"><head><meta charset="utf-8">
<title>{html.escape(title)}</title><meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="stylesheet" href="/page/app.css"><link rel="stylesheet" href="/page/reading.css">
<script src="/page/language.js"></script><script src="/page/words.js"></script></head>
<body class="fl-login"><header class="fl-login-head"></header><main><h1>{html.escape(title)}</h1>
<p>{text("login.purpose")}</p>{said}<form method="post" action="/login">
<label>{text("login.name")}<input name="name" autocomplete="username" maxlength="{LONGEST_NAME}" required autofocus></label>
{extra}<button class="fl-primary">{text("login.enter")}</button></form></main></body></html>"""


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
