"""What the Soup page shows: what was tried and what it is worth, and the answers of any two cells side by side, blind.

What somebody says of these is no label: the page counts it, and it is gone with the page.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Query, Request

from feedback_loop.soup.cells import Sample
from ui.memory import Memory
from ui.ports import SoupPort
from ui.reading import piece
from ui.render import MOST
from ui.visible import visible

GONE = "What stood there is no longer remembered. Go on to the next request."
Place = Annotated[int, Query(ge=0, le=10_000)]


@dataclass(frozen=True)
class Look:
    """Two cells, by their places in the table, in the order in which their answers were shown."""

    first: int
    second: int


def build_soup_routes(soup: SoupPort, user: Callable[[Request], str]) -> APIRouter:
    """`user` gives the user of a request or refuses it; everybody who may rank may look."""
    router = APIRouter(prefix="/api/soup", dependencies=[Depends(user)])
    looks = Memory[Look](GONE)

    @router.get("")
    def shown() -> dict[str, Any]:
        found = soup.table()
        asked = found.cells[0].requirements if found else ()
        return {
            "command": soup.command,
            "cooking": soup.cooking(),
            "soup": found,
            "requirements": {met.number: visible(met.text) for met in asked},
            "curve": [row.model_dump(exclude={"requirements"}) for row in soup.curve()],
        }

    @router.get("/look")
    def look(request: Request, one: Place, other: Place, at: Place = 0) -> dict[str, Any]:
        samples = soup.samples()
        differing = [s for s in samples if _differs(s, one, other)]
        if at >= len(differing):
            return {"of": len(differing), "same": len(samples) - len(differing)}
        both = Look(one, other) if secrets.randbelow(2) else Look(other, one)
        sample = differing[at]
        return {
            "id": looks.add(user(request), both),
            "of": len(differing),
            "same": len(samples) - len(differing),
            "request": visible(sample.request[:MOST]),
            "answers": [piece(sample.answers[cell]) for cell in (both.first, both.second)],
        }

    @router.get("/look/{name}")
    def reveal(request: Request, name: str) -> dict[str, int]:
        found = looks.find(user(request), name)
        return {"first": found.first, "second": found.second}

    return router


def _differs(sample: Sample, one: int, other: int) -> bool:
    """Whether two cells answered a request in different words; 404 where there is no such cell."""
    if max(one, other) >= len(sample.answers):
        raise HTTPException(404, "The table was made anew. Reload the page.")
    return sample.answers[one] != sample.answers[other]
