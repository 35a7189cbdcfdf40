"""Sides of the screen to completions and back: the page says `first`, the record says which completion stood there."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, model_validator

from feedback_loop.errors import UsageError
from feedback_loop.records import Answer, Comparison, SkipReason, Strength

Side = Literal["first", "second", "third", "fourth"]
SIDES: tuple[str, ...] = get_args(Side)
Group = Annotated[list[Side], Field(max_length=len(SIDES))]
DAY = 24 * 3600


class Vote(BaseModel):
    """A person's answer, by the side of the screen: the page does not know which policy wrote what."""

    model_config = ConfigDict(extra="forbid")
    comparison_id: str = Field(max_length=200)
    choice: Literal[Side, "tie", "neither", "skip"] | None = None
    """May be left out with `order`, whose best group it is."""
    order: Annotated[list[Group], Field(max_length=len(SIDES))] | None = None
    """Of three or four answers: best first, those of a group as good as each other."""
    strength: Strength | None = None
    """How much better the chosen one is; refused with any other choice."""
    reason: SkipReason | None = None
    flagged: bool = False
    comment: str = Field("", max_length=20_000)
    edit: str = Field("", max_length=200_000)
    edit_of: Side | None = None
    """The side that the edit was made from; None where it was written from nothing."""
    seconds: float | None = Field(None, ge=0, le=DAY, allow_inf_nan=False)
    revise: bool = False
    """Whether it takes the place of an answer that stands."""

    @model_validator(mode="after")
    def _says_something(self) -> "Vote":
        if self.choice is None and not self.order:
            raise ValueError("send a `choice`, or an `order` of the answers shown")
        return self


def to_answer(comparison: Comparison, vote: Vote) -> Answer:
    """The answer that a vote by sides says; UsageError where it names a side that was not shown, or says nothing."""
    order = [[_completion(comparison, side) for side in group] for group in vote.order] if vote.order else None
    choice = vote.choice or _best(vote.order)
    said: dict[str, Any] = {
        "choice": _completion(comparison, choice) if choice in SIDES else None if choice == "skip" else choice,
        "order": order,
        "strength": vote.strength,
        "reason": vote.reason,
        "flagged": vote.flagged or None,
        "comment": vote.comment.strip(),
        "edit": vote.edit if vote.edit.strip() else None,
        "edit_of": _completion(comparison, vote.edit_of) if vote.edit_of else None,
        "seconds": vote.seconds,
    }
    given = {name: value for name, value in said.items() if value not in (None, "")}
    return Answer.model_validate({"status": "discarded" if choice == "skip" else "submitted", **given})


def to_vote(comparison: Comparison, answer: Answer) -> dict[str, Any]:
    """What a person said, as the page says it: with sides for completions, and only what was said."""
    sides = {c.id: SIDES[n] for n, c in enumerate(comparison.completions)}
    given = answer.model_dump(include={"strength", "reason", "flagged", "comment", "edit", "seconds"})
    choice = "skip" if answer.status == "discarded" else sides.get(answer.choice or "", answer.choice)
    order = [[sides[name] for name in group] for group in answer.order] if answer.order else None
    edit_of = sides.get(answer.edit_of or "")
    said = {"choice": choice, "order": order, "edit_of": edit_of, **given}
    return {name: value for name, value in said.items() if value not in (None, False)}


def _best(order: Sequence[Sequence[str]] | None) -> str:
    """What an order of sides chooses: its best, or a tie of several."""
    assert order, "a vote has a choice or an order"
    return order[0][0] if len(order[0]) == 1 else "tie"


def _completion(comparison: Comparison, side: str) -> str:
    place = SIDES.index(side)
    if place >= len(comparison.completions):
        shown = len(comparison.completions)
        raise UsageError(f"Comparison {comparison.id} shows {shown} answers, and no {side} one. Reload the page")
    return comparison.completions[place].id
