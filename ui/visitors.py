"""Who sent a request: the guard finds out once, the routes ask here."""

from dataclasses import dataclass
from typing import Literal

from fastapi import HTTPException, Request
from starlette.types import Scope

Role = Literal["owner", "annotator"]
KEY = "feedback_loop.visitor"


@dataclass(frozen=True)
class Visitor:
    """Somebody who is logged in."""

    name: str
    role: Role
    """Owners may start rounds, roll back, and see the team and the users; annotators rank."""


def announce(scope: Scope, visitor: Visitor) -> None:
    """Say whose request this is."""
    scope[KEY] = visitor


def user(request: Request) -> str:
    """The name of whoever sent this; 401 for a stranger."""
    return _visitor(request).name


def owner(request: Request) -> str:
    """The same for an owner; 403 for an annotator."""
    visitor = _visitor(request)
    if visitor.role != "owner":
        raise HTTPException(403, "Only an owner of this run may do that. Ask one of them.")
    return visitor.name


def role(request: Request) -> Role:
    """What whoever sent this may do; 401 for a stranger."""
    return _visitor(request).role


def _visitor(request: Request) -> Visitor:
    found = request.scope.get(KEY)
    if not isinstance(found, Visitor):
        raise HTTPException(401, "Log in first.")
    return found
