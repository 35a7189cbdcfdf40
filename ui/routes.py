"""The app's own routes: votes and rounds, as JSON. Gradio shows the pages; it is too slow a door for votes."""

from collections.abc import Callable
from typing import Any, Literal

from fastapi import APIRouter, Depends, HTTPException, Request
from pydantic import BaseModel, ConfigDict, Field

from feedback_loop.errors import LoopError
from feedback_loop.records import Answer, Comparison, Strength
from feedback_loop.store.desk import AlreadyAnswered, RoundClosed, UnknownComparison
from ui.ports import DeskPort, RoundsPort
from ui.render import as_html, visible
from ui.visitors import role

SIDES = ("first", "second")
STATUS: dict[type[LoopError], int] = {UnknownComparison: 404, AlreadyAnswered: 409, RoundClosed: 410}


class Vote(BaseModel):
    """A person's answer, by the side of the screen: the page does not know which policy wrote what."""

    model_config = ConfigDict(extra="forbid")
    comparison_id: str = Field(max_length=200)
    choice: Literal["first", "second", "tie", "neither", "skip"]
    strength: Strength | None = None
    """How much better the chosen one is; refused with any other choice."""
    comment: str = Field("", max_length=20_000)


class Rollback(BaseModel):
    """Which policy to put in force."""

    to: str = Field(max_length=100)


def build_routes(
    desk: DeskPort, rounds: RoundsPort, user: Callable[[Request], str], owner: Callable[[Request], str]
) -> APIRouter:
    """All JSON routes; `user` gives the user of a request or refuses it, `owner` refuses annotators too."""
    router = APIRouter(prefix="/api", dependencies=[Depends(user), Depends(_same_site)])

    @router.get("/next")
    def next_(request: Request, skip: str = "") -> dict[str, Any]:
        who, passed = user(request), [s for s in skip.split(",") if s]
        shown: list[Comparison] = []
        while len(shown) < 2 and (found := desk.next(who, [*passed, *(c.id for c in shown)])):
            shown.append(found)
        return {"items": [card(c) for c in shown], **_standing(desk, rounds, who)}

    @router.post("/vote")
    def vote(request: Request, body: Vote) -> dict[str, Any]:
        who = user(request)
        answer = Answer(
            status="discarded" if body.choice == "skip" else "submitted",
            choice=_completion(desk, body),
            strength=body.strength,
            comment=body.comment.strip() or None,
        )
        desk.vote(who, body.comparison_id, answer)
        return _standing(desk, rounds, who)

    @router.post("/undo")
    def undo(request: Request) -> dict[str, Any]:
        who = user(request)
        found = desk.undo(who)
        if found is None:
            raise HTTPException(404, "There is nothing to undo in this round.")
        return {"items": [card(found)], **_standing(desk, rounds, who)}

    @router.get("/rounds")
    def overview(request: Request) -> dict[str, Any]:
        return {
            "overview": rounds.overview().model_dump(),
            "role": role(request),
            **_standing(desk, rounds, user(request)),
        }

    @router.post("/rounds/start")
    def start(request: Request) -> dict[str, Any]:
        owner(request)
        rounds.start()
        return {}

    @router.post("/rounds/rollback")
    def rollback(request: Request, body: Rollback) -> dict[str, Any]:
        rounds.rollback(body.to, owner(request))
        return {}

    return router


def card(comparison: Comparison) -> dict[str, Any]:
    """A comparison as the page shows it: no policy, no completion id, earlier turns before the request."""
    turns = [{"role": m.role, "text": visible(m.content)} for m in comparison.prompt.prompt]
    return {"id": comparison.id, "prompt": turns, "answers": [as_html(c.completion) for c in comparison.completions]}


def status_of(error: LoopError) -> int:
    """The HTTP status of a refusal."""
    return next((status for kind, status in STATUS.items() if isinstance(error, kind)), 400)


def _completion(desk: DeskPort, body: Vote) -> str | None:
    """The completion that stood on the chosen side."""
    if body.choice not in SIDES:
        return None if body.choice == "skip" else body.choice
    shown = desk.find(body.comparison_id)
    return shown.completions[SIDES.index(body.choice)].id


def _standing(desk: DeskPort, rounds: RoundsPort, who: str) -> dict[str, Any]:
    progress, delivery = desk.progress(who), rounds.delivery()
    return {
        "user": who,
        "progress": {
            "answered": progress.answered,
            "mine": progress.mine,
            "needed": progress.needed,
            "left": progress.left,
        },
        "delivery": {"pending": delivery.pending, "error": delivery.error, "url": delivery.argilla_url},
        "fetching": rounds.supply().model_dump(),
    }


def _same_site(request: Request) -> None:
    """A page of another site cannot send this header."""
    if request.method != "GET" and request.headers.get("x-feedback-loop") != "1":
        raise HTTPException(403, "Send this from the app's own page.")
