"""What is read on demand: the rest of a long text, the whole of it as it was written, and where answers differ."""

from collections.abc import Callable
from typing import Any

from fastapi import APIRouter, Depends, HTTPException, Request

from feedback_loop.records import Comparison
from ui.diff import MOST, compared
from ui.ports import DeskPort
from ui.reading import piece

PARTS = ("first", "second", "third", "fourth")


def build_reading(desk: DeskPort, user: Callable[[Request], str]) -> APIRouter:
    """All that `static/reading.js` asks for; `user` refuses a request without one."""
    router = APIRouter(prefix="/api/comparisons", dependencies=[Depends(user)])

    @router.get("/{comparison_id}/diff")
    def diff(comparison_id: str) -> dict[str, Any]:
        texts = [c.completion for c in desk.find(comparison_id).completions]
        return {"answers": compared(texts), "cut": max(map(len, texts)) > MOST, "most": MOST}

    @router.get("/{comparison_id}/{part}")
    def rest(comparison_id: str, part: str, start: int = 0) -> dict[str, Any]:
        text = _text(desk.find(comparison_id), part)
        if not 0 <= start < max(1, len(text)):
            raise HTTPException(400, f"That text ends at {len(text)}.")
        return piece(text, start)

    @router.get("/{comparison_id}/{part}/raw")
    def raw(comparison_id: str, part: str) -> dict[str, Any]:
        return {"raw": _text(desk.find(comparison_id), part)}

    return router


def _text(comparison: Comparison, part: str) -> str:
    """`first` to `fourth` is an answer, `turn-0` and so on a turn of the request."""
    texts = dict(zip(PARTS, (c.completion for c in comparison.completions), strict=False))
    texts |= {f"turn-{n}": turn.content for n, turn in enumerate(comparison.prompt.prompt)}
    if part not in texts:
        raise HTTPException(404, f"This comparison has no {part}.")
    return texts[part]
