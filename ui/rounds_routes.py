"""What the Rounds page shows: the open round's count, a round's samples, a page at a time, and what its labels taught."""

from collections.abc import Callable, Collection, Sequence
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, HTTPException, Query, Request

from feedback_loop.report.overview import Curve, Overview, RoundView, Sample
from feedback_loop.taught.traits import tokens
from ui.ports import RoundsPort
from ui.render import MOST, as_html
from ui.visible import visible
from ui.visitors import Role, role

PAGE = 10
WITHHELD = (
    "What the new version writes is shown once its round is decided: till then it would tell whose answer is whose."
)
Show = Literal["all", "changed", "better", "worse"]
KEPT: dict[Show, Callable[[Sample], bool]] = {
    "all": bool,
    "changed": lambda sample: sample.before != sample.after,
    "better": lambda sample: sample.reward_after > sample.reward_before,
    "worse": lambda sample: sample.reward_after < sample.reward_before,
}
"""Which samples are shown: those that differ, or those that the reward model likes better or less."""


def build_rounds_routes(rounds: RoundsPort, user: Callable[[Request], str]) -> APIRouter:
    """`user` refuses strangers."""

    def shown(request: Request, number: int) -> None:
        if role(request) != "owner" and any(r.round == number and undecided(r) for r in rounds.overview().rounds):
            raise HTTPException(403, WITHHELD)

    router = APIRouter(prefix="/api/rounds", dependencies=[Depends(user), Depends(shown)])

    @router.get("/{number}/samples")
    def samples(
        number: int,
        search: Annotated[str, Query(max_length=200)] = "",
        show: Show = "all",
        page: Annotated[int, Query(ge=0, le=10_000)] = 0,
    ) -> dict[str, Any]:
        return page_of(rounds.samples(number), search, show, page)

    @router.get("/{number}/taught")
    def taught(number: int) -> dict[str, Any]:
        found = rounds.taught(number)
        lessons = [{**lesson.model_dump(), "head": lesson.head} for lesson in found.lessons]
        return {**found.model_dump(exclude={"lessons"}), "lessons": lessons}

    return router


def as_told(overview: Overview, told: int, role: Role) -> Overview:
    """An overview whose open round counts as the person who asks may hear of it (`store/told.py`), wherever it is counted.

    How duels stand, and how the new policy writes, is for owners, who may end them, until they are decided: whoever sees the
    score move with a vote of their own, or that the new answers are shorter, knows which answer was the new policy's.
    """
    hidden = ("rankings",) if role == "owner" else ("rankings", "promotion")
    overview = overview if role == "owner" else _veiled(overview)
    asks = [r for r in overview.rounds if _asking(r) in hidden]
    if not asks:
        return overview
    rounds = tuple(_counted(r, told) if r in asks else r for r in overview.rounds)
    labels = sum(r.labels for r in rounds) - sum(r.labels for r in overview.rounds)
    message = overview.message if overview.failed else ""
    return overview.model_copy(update={"rounds": rounds, "labels": overview.labels + labels, "message": message})


def undecided(round_: RoundView) -> bool:
    """Whether the round has a new policy that was measured, and that nobody decided on yet."""
    return round_.decision is None and bool(round_.metrics)


def _veiled(overview: Overview) -> Overview:
    """Without the figures of a policy that people still judge."""
    veiled = {r.round for r in overview.rounds if undecided(r)}
    if not veiled:
        return overview
    rounds = tuple(_faceless(r) if r.round in veiled else r for r in overview.rounds)
    curves = (_without(curve, veiled) for curve in overview.curves)
    return overview.model_copy(update={"rounds": rounds, "curves": tuple(curve for curve in curves if curve.x)})


def _faceless(round_: RoundView) -> RoundView:
    curves = tuple(curve for curve in round_.curves if not curve.name.startswith("policy/"))
    return round_.model_copy(update={"metrics": {}, "checks": (), "curves": curves, "brief_needed": None})


def _without(curve: Curve, rounds: Collection[float]) -> Curve:
    points = [(x, y) for x, y in zip(curve.x, curve.y, strict=True) if x not in rounds]
    return curve.model_copy(update={"x": tuple(x for x, _ in points), "y": tuple(y for _, y in points)})


def _asking(round_: RoundView) -> str:
    """The stage for which a round waits for people: `rankings`, later `promotion`; empty where it does not."""
    return next((s.name for s in round_.stages if s.name in ("rankings", "promotion") and s.state == "waiting"), "")


def _counted(round_: RoundView, told: int) -> RoundView:
    waits = _asking(round_)
    stages = tuple(
        s.model_copy(update={"done": min(told, s.total) if s.total else told}) if s.name == waits else s
        for s in round_.stages
    )
    labels = told if waits == "rankings" else round_.labels
    return round_.model_copy(update={"labels": labels, "stages": stages, "gate": None})


def page_of(samples: Sequence[Sample], search: str, show: Show, page: int) -> dict[str, Any]:
    """Page `page` of the samples that hold each word of `search`, as safe HTML; and how many there are of each kind.

    A page that is not there is the last one.
    """
    words = search.casefold().split()
    found = [s for s in samples if all(word in _text(s) for word in words)]
    kept = [s for s in found if KEPT[show](s)]
    pages = max(1, -(-len(kept) // PAGE))
    page = min(page, pages - 1)
    return {
        "total": len(samples),
        "counts": {name: sum(map(keeps, found)) for name, keeps in KEPT.items()},
        "page": page,
        "pages": pages,
        "items": [item(s) for s in kept[page * PAGE : (page + 1) * PAGE]],
    }


def item(sample: Sample) -> dict[str, Any]:
    """A sample as the page shows it."""
    sides = {"before": (sample.before, sample.reward_before), "after": (sample.after, sample.reward_after)}
    shown = {
        name: {"html": as_html(text), "words": len(tokens(text)), "reward": reward}
        for name, (text, reward) in sides.items()
    }
    return {"prompt": visible(sample.prompt[:MOST]), **shown}


def _text(sample: Sample) -> str:
    return f"{sample.prompt}\n{sample.before}\n{sample.after}".casefold()
