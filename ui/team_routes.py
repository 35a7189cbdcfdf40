"""Routes of the Team page, for owners, and of what a person may know of themselves."""

from collections.abc import Callable

from fastapi import APIRouter, Depends, Request

from feedback_loop.team import Me, Team
from ui.ports import TeamPort


def build_team_routes(team: TeamPort, user: Callable[[Request], str], owner: Callable[[Request], str]) -> APIRouter:
    """`user` gives the user of a request or refuses it, `owner` refuses annotators too."""
    router = APIRouter(prefix="/api", dependencies=[Depends(user)])

    @router.get("/team", dependencies=[Depends(owner)])
    def everybody() -> Team:
        return team.everybody()

    @router.get("/me")
    def me(request: Request) -> Me:
        return team.me(user(request))

    return router
