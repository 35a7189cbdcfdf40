"""The app's own routes: votes and rounds, as JSON. Gradio shows the pages; it is too slow a door for votes."""

from collections.abc import Callable
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, HTTPException, Query, Request
from pydantic import BaseModel, Field

from feedback_loop.errors import LoopError
from feedback_loop.records import Comparison, Ranking
from feedback_loop.store.database import StorageError
from feedback_loop.store.desk import AlreadyAnswered, NotAnswered, RoundClosed, UnknownComparison
from ui.languages import language_of
from ui.ports import DeskPort, RoundsPort
from ui.reading import card
from ui.rounds_routes import as_told
from ui.sides import Vote, to_answer, to_vote
from ui.told import overview_in
from ui.visible import visible
from ui.visitors import role

STATUS: dict[type[LoopError], int] = {
    UnknownComparison: 404,
    AlreadyAnswered: 409,
    NotAnswered: 409,
    RoundClosed: 410,
    StorageError: 503,  # the page keeps its vote, and sends it again
}
MOST_AT_ONCE = 4
"""Comparisons that the page holds: the one shown and three ahead."""
EVERY = 1_000_000
REASON = 500
"""Characters of a reason for a decision."""
EXCERPT = 240
"""Characters of a request that the history shows."""


class Rollback(BaseModel):
    """Which policy to put in force."""

    to: str = Field(max_length=100)
    reason: str = Field("", max_length=REASON)


class Decide(BaseModel):
    """What becomes of the open round's new policy, and why."""

    verdict: Literal["promote", "keep"]
    reason: str = Field(max_length=REASON)


def build_routes(
    desk: DeskPort, rounds: RoundsPort, user: Callable[[Request], str], owner: Callable[[Request], str]
) -> APIRouter:
    """All JSON routes; `user` gives the user of a request or refuses it, `owner` refuses annotators too."""
    router = APIRouter(prefix="/api", dependencies=[Depends(user)])
    _add_labelling(router, desk, rounds, user)
    _add_history(router, desk, user)
    _add_rounds(router, desk, rounds, user, owner)
    return router


def _add_labelling(router: APIRouter, desk: DeskPort, rounds: RoundsPort, user: Callable[[Request], str]) -> None:
    @router.get("/next")
    def next_(
        request: Request, skip: str = "", count: Annotated[int, Query(ge=1, le=MOST_AT_ONCE)] = 2
    ) -> dict[str, Any]:
        who, passed = user(request), [s for s in skip.split(",") if s]
        shown: list[Comparison] = []
        while len(shown) < count and (found := desk.next(who, [*passed, *(c.id for c in shown)])):
            shown.append(found)
        return {"items": [card(c) for c in shown], **_standing(desk, rounds, who)}

    @router.post("/vote")
    def vote(request: Request, body: Vote) -> dict[str, Any]:
        who = user(request)
        answer = to_answer(desk.find(body.comparison_id), body)
        desk.vote(who, body.comparison_id, answer, revise=body.revise)
        return _standing(desk, rounds, who)

    @router.post("/undo")
    def undo(request: Request) -> dict[str, Any]:
        who = user(request)
        given = {c.id: r for c, r, _ in desk.history(who, EVERY)}
        found = desk.undo(who)
        if found is None:
            raise HTTPException(404, "There is nothing to undo in this round.")
        restored = desk.stands(who, found.id)
        said = restored or given.get(found.id)
        item = {**card(found), **({"said": to_vote(found, said)} if said else {}), "restored": restored is not None}
        return {"items": [item], **_standing(desk, rounds, who)}


def _add_history(router: APIRouter, desk: DeskPort, user: Callable[[Request], str]) -> None:
    @router.get("/history")
    def history(
        request: Request,
        q: Annotated[str, Query(max_length=200)] = "",
        limit: Annotated[int, Query(ge=1, le=200)] = 50,
    ) -> dict[str, Any]:
        given = [(c, r, n) for c, r, n in desk.history(user(request), EVERY) if _mentions(c, r, q)]
        return {"items": [_line(*each) for each in given[:limit]], "found": len(given)}

    @router.get("/history/{comparison_id}")
    def answered(request: Request, comparison_id: str) -> dict[str, Any]:
        shown = desk.find(comparison_id)
        mine = desk.stands(user(request), comparison_id)
        if mine is None:
            raise HTTPException(404, f"You have not answered comparison {comparison_id}.")
        return {**card(shown), "said": to_vote(shown, mine)}


def _add_rounds(
    router: APIRouter,
    desk: DeskPort,
    rounds: RoundsPort,
    user: Callable[[Request], str],
    owner: Callable[[Request], str],
) -> None:
    @router.get("/rounds")
    def overview(request: Request) -> dict[str, Any]:
        standing = _standing(desk, rounds, user(request))
        counted = as_told(rounds.overview(), standing["progress"]["answered"], role(request))
        shown = overview_in(language_of(request), counted)
        return {
            "overview": shown.model_dump(exclude={"rounds": {"__all__": {"samples"}}}),
            "role": role(request),
            **standing,
        }

    @router.post("/rounds/start")
    def start(request: Request) -> dict[str, Any]:
        owner(request)
        rounds.start()
        return {}

    @router.post("/rounds/rollback")
    def rollback(request: Request, body: Rollback) -> dict[str, Any]:
        rounds.rollback(body.to, owner(request), body.reason.strip())
        return {}

    @router.post("/rounds/decide")
    def decide(request: Request, body: Decide) -> dict[str, Any]:
        rounds.decide(body.verdict == "promote", owner(request), body.reason)
        return {}


def status_of(error: LoopError) -> int:
    """The HTTP status of a refusal."""
    return next((status for kind, status in STATUS.items() if isinstance(error, kind)), 400)


def _line(comparison: Comparison, ranking: Ranking, revisions: int) -> dict[str, Any]:
    """An answer as the history lists it."""
    request = visible(comparison.prompt.request[:EXCERPT])
    said = to_vote(comparison, ranking)
    return {"id": comparison.id, "request": request, "said": said, "at": ranking.created_at, "revisions": revisions}


def _mentions(comparison: Comparison, ranking: Ranking, wanted: str) -> bool:
    """Whether all words that are looked for stand in what was asked, answered or said."""
    asked, answers = (m.content for m in comparison.prompt.prompt), (c.completion for c in comparison.completions)
    text = "\n".join([*asked, *answers, ranking.comment or "", ranking.edit or ""]).casefold()
    return all(word in text for word in wanted.casefold().split())


def _standing(desk: DeskPort, rounds: RoundsPort, who: str) -> dict[str, Any]:
    progress, delivery = desk.progress(who), rounds.delivery()
    return {
        "user": who,
        "progress": {"answered": progress.told, "mine": progress.mine, "needed": progress.needed},
        "delivery": {"pending": delivery.pending, "error": delivery.error, "url": delivery.argilla_url},
        "fetching": rounds.supply().model_dump(),
    }
