"""The pages before the app: log-in, invite, and one's own account. Plain HTML forms, which need no script."""

import html

from ui.accounts import LONGEST_NAME
from ui.languages import LANGUAGES, say
from ui.passwords import LONGEST, SHORTEST

NEW = f'autocomplete="new-password" minlength="{SHORTEST}" maxlength="{LONGEST}"'
CURRENT = f'autocomplete="current-password" maxlength="{LONGEST}"'


def login(title: str, language: str, *, accounts: bool, error: str = "") -> str:
    """The log-in."""
    fields = _name(language) + (_password(language, "login.password", "password", CURRENT) if accounts else "")
    form = _form(language, "/login", fields, "login.enter")
    return _page(title, language, _p(say(language, "login.purpose")) + _said(error) + form)


def invite(title: str, language: str, name: str, *, action: str, error: str = "") -> str:
    """What an invite opens: a name, where none was given, and a password."""
    who = _name(language) if not name else _p(say(language, "invite.for", name=name)) + _hidden(name)
    fields = who + _password(language, "login.password", "password", NEW) + _p(say(language, "login.length"))
    return _page(
        title,
        language,
        _p(say(language, "invite.welcome")) + _said(error) + _form(language, action, fields, "login.enter"),
    )


def notice(title: str, language: str, line: str) -> str:
    """A page that says one thing."""
    return _page(title, language, _said(line))


def account(title: str, language: str, name: str, *, accounts: bool, error: str = "") -> str:
    """Log out; and, with accounts, choose another password."""
    back = f'<p><a href="/">{html.escape(say(language, "account.back"))}</a></p>'
    fields = _password(language, "account.old", "old", CURRENT) + _password(language, "account.new", "new", NEW)
    change = _hidden(name) + fields + _p(say(language, "login.length"))
    forms = _form(language, "/logout", "", "account.leave") + (
        _form(language, "/password", change, "account.change") if accounts else ""
    )
    return _page(title, language, _p(say(language, "account.you", name=name)) + _said(error) + forms + back)


def _page(title: str, language: str, main: str) -> str:
    spoken, called = LANGUAGES[language], html.escape(title)
    return f"""<!doctype html><html lang="{spoken.tag}" dir="{spoken.direction}"><head><meta charset="utf-8">
<title>{called}</title><meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="stylesheet" href="/page/app.css"><link rel="stylesheet" href="/page/reading.css">
<link rel="stylesheet" href="/page/nav.css"><link rel="stylesheet" href="/page/doors.css">
<script src="/page/language.js"></script><script src="/page/words.js"></script></head>
<body class="fl-login"><header class="fl-login-head"></header><main><h1>{called}</h1>{main}</main></body></html>"""


def _form(language: str, action: str, fields: str, button: str) -> str:
    label = html.escape(say(language, button))
    return (
        f'<form method="post" action="{html.escape(action)}">{fields}<button class="fl-primary">{label}</button></form>'
    )


def _name(language: str) -> str:
    label = html.escape(say(language, "login.name"))
    return f'<label>{label}<input name="name" autocomplete="username" maxlength="{LONGEST_NAME}" required autofocus></label>'


def _hidden(name: str) -> str:
    """For password managers: whose password it is."""
    return f'<input name="name" autocomplete="username" value="{html.escape(name)}" type="hidden">'


def _password(language: str, key: str, field: str, attributes: str) -> str:
    return (
        f'<label>{html.escape(say(language, key))}<input name="{field}" type="password" {attributes} required></label>'
    )


def _p(text: str) -> str:
    return f"<p>{html.escape(text)}</p>"


def _said(error: str) -> str:
    return f'<p class="fl-error" role="alert">{html.escape(error)}</p>' if error else ""
