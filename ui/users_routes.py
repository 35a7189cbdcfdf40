"""The Users page's routes, for owners alone: who has an account, invites, and what somebody may do."""

from collections.abc import Callable
from typing import Any, Literal

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ConfigDict, Field

from ui.accounts import LONGEST_NAME, Accounts
from ui.site import Site
from ui.visitors import Role


class NewInvite(BaseModel):
    """An invite to be made."""

    model_config = ConfigDict(extra="forbid")
    role: Role = "annotator"
    days: int = Field(7, ge=1, le=90)
    name: str = Field("", max_length=LONGEST_NAME)
    """Whom it is for; somebody who has an account chooses a new password by it."""


class Change(BaseModel):
    """What is to be done with an account."""

    model_config = ConfigDict(extra="forbid")
    name: str = Field(max_length=LONGEST_NAME)
    to: Literal["owner", "annotator", "disabled", "enabled", "signed out"]


def build_users(accounts: Accounts, site: Site, owner: Callable[[Request], str]) -> APIRouter:
    """Its routes."""
    router = APIRouter(prefix="/api/users", dependencies=[Depends(owner)])

    @router.get("")
    def everybody(request: Request) -> dict[str, Any]:
        fields = ("name", "role", "created_at", "disabled")
        return {"you": owner(request), "users": [{f: getattr(a, f) for f in fields} for a in accounts.all()]}

    @router.post("/invite")
    def invite(request: Request, body: NewInvite) -> dict[str, Any]:
        token = accounts.invite(body.role, body.days, owner(request), body.name.strip())
        return {"url": link(site.url or str(request.base_url).rstrip("/"), token), "days": body.days}

    @router.post("/change")
    def change(body: Change) -> dict[str, Any]:
        if body.to in ("owner", "annotator"):
            accounts.set_role(body.name, body.to)
        else:
            {"disabled": accounts.disable, "enabled": accounts.enable, "signed out": accounts.sign_out}[body.to](
                body.name
            )
        return {}

    return router


def link(url: str, token: str) -> str:
    """An invite's address."""
    return f"{url}/invite/{token}"
