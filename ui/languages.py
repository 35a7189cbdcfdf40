"""What the app says, in which language: `words/*.json` for the pages and for what the server writes itself.

A text is a string with `{name}` in it, or one per plural category (`one`, `few`, `many`, `other`; CLDR) of the value `n`.
"""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response
from markdown_it import MarkdownIt

HERE = Path(__file__).parent
COOKIE = "feedback_loop_language"
Words = dict[str, str | dict[str, str]]


@dataclass(frozen=True)
class Language:
    """A language that the app speaks."""

    name: str
    """As its speakers call it."""
    tag: str
    """For `<html lang>` and Intl (BCP 47)."""
    direction: str = "ltr"


LANGUAGES = {
    "en": Language("English", "en"),
    "ru": Language("Русский", "ru"),
    "zh": Language("中文", "zh-Hans"),
}


def language_of(request: Request) -> str:
    """The language that was chosen on the page, else the first that the browser asks for and we speak, else English."""
    chosen = request.cookies.get(COOKIE, "")
    asked = [chosen, *_accepted(request.headers.get("accept-language", ""))]
    return next((code for code in asked if code in LANGUAGES), "en")


def _accepted(header: str) -> list[str]:
    """Languages of an `Accept-Language` header, the most wanted first, without their regions (RFC 9110, 12.5.4)."""
    wanted: list[tuple[float, str]] = []
    for part in header.split(",")[:20]:
        tag, _, quality = part.strip().partition(";q=")
        try:
            wanted.append((-float(quality or 1), tag.split("-")[0].lower()))
        except ValueError:
            continue
    return [code for quality, code in sorted(wanted, key=lambda w: w[0]) if quality < 0]


@cache
def words(language: str) -> Words:
    """All texts of a language; English where one is missing."""
    read: Words = json.loads((HERE / "words" / f"{language}.json").read_text(encoding="utf-8"))
    return read if language == "en" else {**words("en"), **read}


def say(language: str, key: str, **values: str) -> str:
    """A text that has no plural, for what the server writes itself."""
    text = words(language)[key]
    assert isinstance(text, str), key
    return text.format_map(values)


@cache
def script(language: str) -> str:
    """JavaScript with one language's texts, which `static/words.js` reads; loaded before it, so nothing is drawn twice."""
    spoken = LANGUAGES[language]
    said: dict[str, Any] = {
        "language": language,
        "tag": spoken.tag,
        "direction": spoken.direction,
        "languages": {code: each.name for code, each in LANGUAGES.items()},
        "words": words(language),
    }
    return f"window.feedbackLoopWords = {json.dumps(said)};\n"


@cache
def help_page(language: str) -> str:
    """The help page as HTML."""
    return str(
        MarkdownIt("commonmark").enable("table").render((HERE / "help" / f"{language}.md").read_text(encoding="utf-8"))
    )


def build_languages() -> APIRouter:
    """Texts and help; open to all, since the log-in speaks too."""
    router = APIRouter(prefix="/page")
    told = {"Cache-Control": "no-cache", "Vary": "Cookie, Accept-Language"}

    @router.get("/language.js")
    def language(request: Request) -> Response:
        return Response(script(language_of(request)), media_type="text/javascript", headers=told)

    @router.get("/help.html")
    def help_(request: Request) -> HTMLResponse:
        return HTMLResponse(help_page(language_of(request)), headers=told)

    return router
