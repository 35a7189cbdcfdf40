"""A small team's comparisons and answers, made by hand."""

from typing import Any

from feedback_loop.records import Comparison, Completion, Message, Prompt, Ranking

ANSWERS = "abcd"


def comparison(number: int, order: str = "ab", name: str = "", **more: Any) -> Comparison:
    """Comparison `cN` (or `name`) whose completions `N-a`, `N-b`, ... stand in `order`; `a` is the longest, then `b`, ..."""
    prompt = Prompt(id=f"p{number}", prompt=(Message(role="user", content=f"Question {number}?"),))
    completions = tuple(
        Completion(
            id=f"{number}-{x}",
            prompt_id=prompt.id,
            completion=f"{x} to {number}" + "!" * (4 - ANSWERS.index(x)),
            policy="base",
            seed=0,
        )
        for x in order
    )
    return Comparison(id=name or f"c{number}", prompt=prompt, completions=completions, **{"round": 0} | more)


def repeat(number: int, order: str = "ba", **more: Any) -> Comparison:
    """`rN`: `cN` again, with its sides changed."""
    return comparison(number, order, f"r{number}", purpose="repeat", repeat_of=f"c{number}", **more)


def check(number: int, order: str = "ab", **more: Any) -> Comparison:
    """`kN`, of which everybody prefers `N-a`."""
    return comparison(number, order, f"k{number}", purpose="check", expected=f"{number}-a", **more)


def said(to: Comparison, choice: str | None, user: str = "anna", **more: Any) -> Ranking:
    """An answer: a letter, `tie`, `neither`, or None for a skip."""
    number = to.prompt_id[1:]
    return Ranking(
        comparison_id=to.id,
        user_id=user,
        status="discarded" if choice is None else "submitted",
        choice=f"{number}-{choice}" if choice in tuple(ANSWERS) else choice,
        **{"created_at": "2026-11-25T10:00:00.000+00:00"} | more,
    )


def order(number: int, *groups: str) -> tuple[tuple[str, ...], ...]:
    """`order(3, "b", "ac")`: b first, then a and c alike."""
    return tuple(tuple(f"{number}-{x}" for x in group) for group in groups)
