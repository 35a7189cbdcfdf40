"""A desk with a real journal, and a Rounds page's callables, for tests of the app."""

from collections.abc import Callable, Sequence
from pathlib import Path

from fastapi import FastAPI

from feedback_loop.overview import Overview
from feedback_loop.records import Comparison, Completion, Message, Prompt
from feedback_loop.store.courier import DeliveryState
from feedback_loop.store.desk import Desk
from feedback_loop.store.journal import Journal
from ui.app import build_app
from ui.ports import RoundsPort
from ui.site import Site

SITE = Site(names=frozenset({"testserver"}))
CSRF = {"X-Feedback-Loop": "1"}


def comparison(number: int, *answers: str) -> Comparison:
    """Comparison `cN` of two answers by two policies."""
    prompt = Prompt(id=f"p{number}", prompt=(Message(role="user", content=f"Question {number}?"),))
    texts = answers or (f"One to {number}", f"Two to {number}")
    return Comparison(
        id=f"c{number}",
        round=0,
        prompt=prompt,
        completions=tuple(
            Completion(id=f"secret-{number}-{n}", prompt_id=prompt.id, completion=text, policy="round-007", seed=n)
            for n, text in enumerate(texts)
        ),
    )


EMPTY = Overview(
    run="test",
    folder="runs/test",
    model="tiny",
    policy="base",
    busy=False,
    message="",
    failed=False,
    labels=0,
    rounds=(),
    curves=(),
)
"""A run without a round."""


def rounds_port(start: Callable[[], None] = lambda: None, overview: Overview = EMPTY) -> RoundsPort:
    """A Rounds page of that overview."""
    return RoundsPort(
        overview=lambda: overview,
        start=start,
        rollback=lambda to, who: None,
        delivery=lambda: DeliveryState(pending=0, error="", argilla_url=""),
        fetching=lambda: "",
    )


def app_of(
    folder: Path, comparisons: Sequence[Comparison], needed: int = 4, overview: Overview = EMPTY
) -> tuple[FastAPI, Journal]:
    """The app over these comparisons, and the journal it writes."""
    journal = Journal(folder / "journal.sqlite")
    desk = Desk(lambda: comparisons, journal, lambda: needed, 1)
    return build_app(
        desk,
        rounds_port(overview=overview),
        title="Test",
        login="name",
        secret="s",
        state_folder=folder,
        site=SITE,
    ), journal
