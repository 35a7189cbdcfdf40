"""Comparisons and answers for the tests of the store."""

from typing import Any

from feedback_loop.records import Comparison, Completion, Message, Prompt, Ranking, now
from feedback_loop.store import argilla_dataset

SETTINGS = argilla_dataset.settings
FIRST_ASKED = ("choice", "comment", "edit")


def comparison(number: int = 0, round: int = 0, answers: int = 2) -> Comparison:  # noqa: A002
    """A comparison `cN` whose completions are `cN-a` (first), `cN-b` (second), ..."""
    prompt = Prompt(id=f"p{number}", prompt=(Message(role="user", content=f"Question {number}?"),))
    answers = [
        Completion(
            id=f"c{number}-{x}", prompt_id=prompt.id, completion=f"Answer {x} to {number}", policy="base", seed=0
        )
        for x in "abcd"[:answers]
    ]
    return Comparison(id=f"c{number}", round=round, prompt=prompt, completions=tuple(answers))


def repeat(number: int, of: int, answers: int = 2) -> Comparison:
    """A comparison `cN` that shows `cM` again, the other way round."""
    first = comparison(of, answers=answers)
    changed = {"id": f"c{number}", "purpose": "repeat", "repeat_of": first.id}
    return first.model_copy(update=changed | {"completions": first.completions[::-1]})


def check(number: int) -> Comparison:
    """A comparison `cN` that is a check; whoever reads both prefers `cN-a`."""
    return comparison(number).model_copy(update={"purpose": "check", "expected": f"c{number}-a"})


def ranking(number: int = 0, user: str = "anna", choice: str | None = "", **more: Any) -> Ranking:
    """Anna's answer to comparison `cN`; its first completion unless said otherwise. None is a skip."""
    return Ranking(
        comparison_id=f"c{number}",
        user_id=user,
        status="discarded" if choice is None else "submitted",
        choice=f"c{number}-a" if choice == "" else choice,
        created_at=now(),
        **more,
    )


def first_settings(rg: Any, answers: int) -> Any:
    """The settings of a dataset as the first ones were: nothing but a choice, a comment and an edit is asked."""
    settings = SETTINGS(rg, answers)
    settings.questions = [question for question in settings.questions if question.name in FIRST_ASKED]
    return settings
