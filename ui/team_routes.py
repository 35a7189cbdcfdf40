"""Routes of the Team page, for owners, and of what a person may know of themselves."""

from collections.abc import Callable
from typing import Any

from fastapi import APIRouter, Depends, HTTPException, Request

from feedback_loop.team.flags import Flag
from feedback_loop.team.team import Me, Team
from ui.ports import TeamPort
from ui.reading import piece
from ui.visible import visible

NEWEST = 50
"""Flags that the page lists; the command line has all."""
EXCERPT = 2_000
"""Characters of a request and of a comment that the list shows."""


def build_team_routes(team: TeamPort, user: Callable[[Request], str], owner: Callable[[Request], str]) -> APIRouter:
    """`user` gives the user of a request or refuses it, `owner` refuses annotators too."""
    router = APIRouter(prefix="/api", dependencies=[Depends(user)])

    @router.get("/team", dependencies=[Depends(owner)])
    def everybody() -> Team:
        return team.everybody()

    @router.get("/team/flags", dependencies=[Depends(owner)])
    def flagged() -> dict[str, Any]:
        found = team.flags()
        return {"items": [line(flag) for flag in reversed(found[-NEWEST:])], "found": len(found)}

    @router.get("/team/flags/{round_}/{comparison_id}", dependencies=[Depends(owner)])
    def answers(round_: int, comparison_id: str) -> dict[str, Any]:
        found = (f for f in team.flags() if (f.round, f.comparison_id) == (round_, comparison_id))
        flag = next(found, None)
        if flag is None:
            raise HTTPException(404, f"Nobody has flagged comparison {comparison_id} of round {round_:03d}.")
        return {"answers": [piece(text) for text in flag.answers]}

    @router.get("/me")
    def me(request: Request) -> Me:
        return team.me(user(request))

    return router


def line(flag: Flag) -> dict[str, Any]:
    """A flag as the list shows it; its answers are asked for when somebody looks."""
    said = flag.model_dump(include={"round", "comparison_id", "user_id", "created_at", "choice", "reason"})
    return {**said, "request": visible(flag.request[:EXCERPT]), "comment": visible((flag.comment or "")[:EXCERPT])}
