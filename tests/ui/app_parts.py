"""A desk with a real journal, and a Rounds page's callables, for tests of the app."""

import asyncio
import functools
import threading
from collections.abc import Callable, Coroutine, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from fastapi import FastAPI

from feedback_loop.errors import LoopError
from feedback_loop.intent.profile import Profile
from feedback_loop.records import Comparison, Completion, Message, Prompt, Ranking
from feedback_loop.report.overview import Overview, Supply
from feedback_loop.store.courier import DeliveryState
from feedback_loop.store.desk import Desk
from feedback_loop.store.journal import Journal
from feedback_loop.talk.talking import Ask, Choices, Correction, Said
from feedback_loop.taught.lessons import Taught
from feedback_loop.team.flags import Flag
from feedback_loop.team.team import me_of, team_of
from ui import app as app_room
from ui.app import build_app
from ui.login import Login
from ui.ports import ChatPort, IntentPort, RoundsPort, SoupPort, TeamPort
from ui.sides import SIDES
from ui.site import Site

SITE = Site(names=frozenset({"testserver"}))
T = TypeVar("T")
app_room.build_pages = functools.cache(app_room.build_pages)  # the frames hold nothing, and take a second to build
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
            Completion(
                id=f"secret-{number}-{n}",
                prompt_id=prompt.id,
                completion=text,
                policy="round-007",
                seed=n,
                level=0.4321,
            )
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


def rounds_port(
    start: Callable[[], None] = lambda: None,
    overview: Overview = EMPTY,
    taught: Taught | None = None,
    rollback: Callable[[str, str, str], None] = lambda to, who, why: None,
    decide: Callable[[bool, str, str], None] = lambda promote, who, why: None,
) -> RoundsPort:
    """A Rounds page of that overview, whose last round taught that."""

    def lessons(number: int) -> Taught:
        if taught is None or number != taught.round:
            raise LoopError(f"round {number:03d} has no preferences yet. Look: feedback-loop status RUN")
        return taught

    return RoundsPort(
        overview=lambda: overview,
        samples=lambda number: next((r.samples for r in overview.rounds if r.round == number), ()),
        taught=lessons,
        start=start,
        rollback=rollback,
        decide=decide,
        delivery=lambda: DeliveryState(pending=0, error="", argilla_url=""),
        supply=lambda: Supply(state="ended"),
    )


def flag_of(comparison: Comparison, given: Ranking) -> Flag:
    """A flag as `feedback_loop.team.flags` finds it in a run."""
    sides = {c.id: side for c, side in zip(comparison.completions, SIDES, strict=False)}
    return Flag(
        round=comparison.round,
        comparison_id=comparison.id,
        user_id=given.user_id,
        created_at=given.created_at,
        request=comparison.prompt.request,
        answers=tuple(c.completion for c in comparison.completions),
        choice=sides.get(given.choice or "", given.choice),
        reason=given.reason,
        comment=given.comment,
    )


def team_port(comparisons: Sequence[Comparison], journal: Journal) -> TeamPort:
    """A Team page of what the journal holds."""
    asked = {c.id: c for c in comparisons}

    def answers() -> list[Ranking]:
        return [r for number in sorted({c.round for c in comparisons}) for r in journal.rankings(number)]

    return TeamPort(
        everybody=lambda: team_of(comparisons, answers()),
        me=lambda name: me_of(comparisons, answers(), name),
        flags=lambda: [flag_of(asked[r.comparison_id], r) for r in answers() if r.flagged],
    )


def says(*said: Said) -> Callable[[Ask, threading.Event], Generator[Said]]:
    """Answers every chat so."""

    def reply(ask: Ask, stop: threading.Event) -> Generator[Said]:
        yield from said

    return reply


def chat_port(
    reply: Callable[[Ask, threading.Event], Generator[Said]] = says(),  # noqa: B008
    keep: Callable[[str, Correction], object] = lambda who, said: None,
) -> ChatPort:
    """A Chat page without a model."""
    there = Choices(policies=("base", "round-000"), current="round-000", brief=False, shots=1, busy=False)
    return ChatPort(choices=lambda: there, reply=reply, keep=keep)


NO_SOUP = SoupPort(
    command="feedback-loop soup runs/test",
    table=lambda: None,
    samples=lambda: (),
    cooking=lambda: None,
    curve=lambda: (),
)
"""A Soup page of a run that nobody asked."""


def intent_port(
    profile: Profile = Profile(labels=0, choices=0, edits=0, comments=0, proposals=(), brief=()),  # noqa: B008
    accept: Callable[[str, str, str], object] = lambda key, line, who: None,
    dismiss: Callable[[str, str], object] = lambda key, who: None,
) -> IntentPort:
    """An Intent page of that profile."""
    return IntentPort(profile=lambda: profile, accept=accept, dismiss=dismiss)


def app_of(
    folder: Path,
    comparisons: Sequence[Comparison],
    needed: int = 4,
    rounds: RoundsPort | None = None,
    login: Login = "name",
    title: str = "Test",
    chat: ChatPort | None = None,
    soup: SoupPort = NO_SOUP,
    intent: IntentPort | None = None,
) -> tuple[FastAPI, Journal]:
    """The app over these comparisons, and the journal it writes."""
    journal = Journal(folder / "journal.sqlite")
    desk = Desk(lambda: comparisons, journal, lambda: needed, 1)
    return build_app(
        desk,
        rounds or rounds_port(),
        team_port(comparisons, journal),
        chat or chat_port(),
        soup,
        intent or intent_port(),
        title=title,
        login=login,
        secret="s",
        state_folder=folder,
        site=SITE,
    ), journal


def in_a_loop_of_its_own(work: Coroutine[Any, Any, T]) -> T:
    """What a coroutine gives; also where this thread has a loop running, as Playwright's has."""
    with ThreadPoolExecutor(1) as threads:
        return threads.submit(asyncio.run, work).result()
