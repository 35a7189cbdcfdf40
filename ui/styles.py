"""All our style sheets as one, with the weight that Gradio gives those of an app: each rule also stands inside its container."""

from functools import cache
from pathlib import Path

from fastapi import APIRouter
from fastapi.responses import Response

STATIC = Path(__file__).parent / "static"
INSIDE = ".gradio-container.gradio-container .contain"
"""Outweighs Gradio's own rules, which name its container too."""


@cache
def style_sheet() -> str:
    """The files in the order of their names, `app.css` first, then the same again inside Gradio's container (CSS nesting)."""
    plain = "\n".join(file.read_text(encoding="utf-8") for file in sorted(STATIC.glob("*.css")))
    return f"{plain}\n{INSIDE} {{\n{plain}\n}}\n"


def build_styles() -> APIRouter:
    """The style sheet of Gradio's pages; open to all."""
    router = APIRouter(prefix="/page")

    @router.get("/style.css")
    def style() -> Response:
        return Response(style_sheet(), media_type="text/css")

    return router
