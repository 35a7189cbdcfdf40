"""What the Intent page shows and does: everybody who may rank may look, owners decide."""

from collections.abc import Callable, Sequence
from typing import Any

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, Field

from feedback_loop.intent.profile import Proposal
from ui.ports import IntentPort
from ui.reading import piece
from ui.visible import visible
from ui.visitors import Role

EXCERPT = 2_000
"""Characters of a request and of a comment that are shown."""
MOST = 40
"""Labels and comments of one proposal that are listed; the command line has all."""


class Accept(BaseModel):
    """Which proposal, and the line as it is to stand in the brief."""

    key: str = Field(max_length=500)
    text: str = Field(max_length=1000)


class Dismiss(BaseModel):
    """Which proposal."""

    key: str = Field(max_length=500)


def build_intent_routes(
    intent: IntentPort,
    user: Callable[[Request], str],
    owner: Callable[[Request], str],
    role: Callable[[Request], Role],
) -> APIRouter:
    """`user` refuses strangers, `owner` annotators too; `role` says which of these somebody is."""
    router = APIRouter(prefix="/api/intent", dependencies=[Depends(user)])

    @router.get("")
    def shown(request: Request) -> dict[str, Any]:
        owns = role(request) == "owner"
        found = intent.profile()
        brief = [{**s.model_dump(), "text": visible(s.text)} for s in found.brief]
        proposals = [item(p, names=owns) for p in found.proposals]
        return {
            **found.model_dump(exclude={"proposals", "brief"}),
            "brief": brief,
            "proposals": proposals,
            "owner": owns,
        }

    @router.post("/accept", dependencies=[Depends(owner)])
    def accept(request: Request, said: Accept) -> dict[str, bool]:
        intent.accept(said.key, said.text, user(request))
        return {"accepted": True}

    @router.post("/dismiss", dependencies=[Depends(owner)])
    def dismiss(request: Request, said: Dismiss) -> dict[str, bool]:
        intent.dismiss(said.key, user(request))
        return {"dismissed": True}

    return router


def item(proposal: Proposal, *, names: bool) -> dict[str, Any]:
    """A proposal as the page shows it; with the names of whose labels and decisions these are, or without."""
    said = proposal.model_dump(exclude={"example", "quotes", "evidence", "decided"})
    e, example, decided = proposal.evidence, proposal.example, proposal.decided
    evidence = e.model_dump(exclude={"labels", "labels_against"})
    labels = {"labels": _labels(e.labels, names), "labels_against": _labels(e.labels_against, names)}
    counts = {"labelled": len(e.labels), "labelled_against": len(e.labels_against)}
    shown = example and {
        "request": visible(example.request[:EXCERPT]), "chosen": piece(example.chosen), "rejected": piece(example.rejected)
    }  # fmt: skip
    return {
        **said,
        "text": visible(proposal.text),
        "evidence": {**evidence, **labels, **counts},
        "example": shown,
        "quotes": [visible(q.text[:EXCERPT]) for q in proposal.quotes[:MOST]],
        "decided": {"by": decided.by, "at": decided.at} if decided and names else None,
    }


def _labels(labels: Sequence[str], names: bool) -> list[str]:
    """Annotators see which comparisons, and not who said it."""
    shown = labels if names else list(dict.fromkeys(label.split("@")[0] for label in labels))
    return [visible(label) for label in shown[:MOST]]
