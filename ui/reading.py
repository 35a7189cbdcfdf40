"""What the page is given to show of a text: its beginning as HTML and as plain text, and how much more there is."""

import re
from typing import Any

from feedback_loop.records import Comparison
from ui.render import MOST, as_html
from ui.visible import visible

LEAST = MOST // 2
"""A piece is cut at a paragraph's, line's or word's end, where one comes after so many characters."""
LONG_WORD = 20
"""Characters."""
CJK = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0002ffff"
IDEOGRAPH = re.compile(f"[{CJK}]")
FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})([^\n]*)$", re.MULTILINE)


def card(comparison: Comparison) -> dict[str, Any]:
    """A comparison as the page shows it, earlier turns before the request: no policy, purpose or completion id."""
    turns = [{"role": m.role, **piece(m.content)} for m in comparison.prompt.prompt]
    return {"id": comparison.id, "prompt": turns, "answers": [answer(c.completion) for c in comparison.completions]}


def answer(text: str) -> dict[str, Any]:
    """An answer's first piece; `raw` is the whole as it was written, where that is short and not what is shown."""
    first = piece(text)
    return first if first["rest"] or first["text"] == text else {**first, "raw": text}


def piece(text: str, start: int = 0) -> dict[str, Any]:
    """The part of a text from `start`: `html`, `text`, `words`, and `rest`: where the next part begins, and its words."""
    end = _end(text, start)
    shown = text[start:end]
    rest = {"start": end, "words": words(text[end:])} if end < len(text) else None
    reopened = _open_fence(text[:start]) + shown if start else shown
    return {"html": as_html(reopened), "text": visible(shown), "words": words(shown), "rest": rest}


def words(text: str) -> int:
    """Words between spaces, and every ideograph; where a text has no spaces, as many as its length would have."""
    ideographs = 0 if text.isascii() else len(IDEOGRAPH.findall(text))
    return max(len(text.split()) + ideographs, len(text) // LONG_WORD)


def _end(text: str, start: int) -> int:
    if len(text) - start <= MOST:
        return len(text)
    least, most = start + LEAST, start + MOST - 100  # room for a fence that is opened again
    found = (text.rfind(mark, least, most) + len(mark) for mark in ("\n\n", "\n", " "))
    return next((end for end in found if end > least), most)


def _open_fence(text: str) -> str:
    """The line that opens the code block in which a text ends, or nothing (CommonMark, 4.5)."""
    opened = ""
    for fence in FENCE.finditer(text):
        mark, info = fence[1], fence[2]
        if not opened:
            opened = "" if mark[0] == "`" and "`" in info else f"{mark[:20]}{info[:40]}\n"
        elif mark[0] == opened[0] and not info.strip() and len(mark) >= len(opened) - len(opened.lstrip(mark[0])):
            opened = ""
    return opened
