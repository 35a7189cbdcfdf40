"""Simulated annotators: what each of them asks of the app, or of a plain Argilla, to give one answer."""

import contextlib
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx

CHOICES = ("first", "second", "tie", "neither")
HELD = 4
"""Comparisons that our page holds: the one shown and those ahead."""


@dataclass(frozen=True)
class Vote:
    """What somebody answered; taken by the server."""

    user: str
    record: str
    side: str


@dataclass
class Log:
    """What annotators did, and how long each request took, in milliseconds, at their end."""

    votes: list[Vote] = field(default_factory=list)
    ms: dict[str, list[float]] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)
    late: int = 0
    started: float = 0.0
    ended: float = 0.0
    """Seconds since 1970."""


Turn = Callable[[], Awaitable[bool]]
"""One answer of one annotator; False where there is nothing left to answer."""


async def ask(client: httpx.AsyncClient, log: Log, name: str, method: str, path: str, **content: Any) -> Any:
    """One request, timed under a name to the last byte of its answer; None where it failed, which is noted."""
    started = time.perf_counter()
    try:
        answer = await client.request(method, path, **content)
    except httpx.HTTPError as error:
        log.errors.append(f"{name}: {type(error).__name__} {error}")
        return None
    log.ms.setdefault(name, []).append(1000 * (time.perf_counter() - started))
    if not answer.is_success:
        log.errors.append(f"{name}: {answer.status_code} {answer.text[:200]}")
        return None
    return answer.json()


async def in_ours(url: str, name: str, log: Log, leaving: contextlib.AsyncExitStack) -> Turn:
    """Log in to the app; a turn sends an answer and, as the page does, asks for more once two are left."""
    client = await leaving.enter_async_context(
        httpx.AsyncClient(base_url=url, headers={"X-Feedback-Loop": "1"}, timeout=30)
    )
    entered = await client.post("/login", data={"name": name})
    if entered.status_code != 303 or not client.cookies:
        raise httpx.HTTPError(f"{name} was not let in: {entered.status_code} {entered.text[:200]}")
    rng, held, voted = random.Random(name), list[dict[str, Any]](), list[str]()

    async def more() -> None:
        passed = ",".join([*voted[-100:], *(card["id"] for card in held)])
        said = await ask(client, log, "next", "GET", "/api/next", params={"count": HELD - len(held), "skip": passed})
        held.extend(said["items"] if said else [])

    async def turn() -> bool:
        if not held:
            return False
        vote = Vote(name, held.pop(0)["id"], rng.choice(CHOICES))
        voted.append(vote.record)
        body = {"comparison_id": vote.record, "choice": vote.side}
        if await ask(client, log, "vote", "POST", "/api/vote", json=body) is not None:
            log.votes.append(vote)
        if len(held) <= HELD // 2:
            await more()
        return True

    await more()
    return turn


async def in_argilla(
    url: str, key: str, votes: Sequence[Vote], records: dict[str, str], log: Log, leaving: contextlib.AsyncExitStack
) -> Turn:
    """The same votes as Argilla's own page submits them, and nothing of what that page asks for beside."""
    client = await leaving.enter_async_context(
        httpx.AsyncClient(base_url=f"{url}/api/v1", headers={"X-Argilla-Api-Key": key}, timeout=60)
    )
    left = list(votes)

    async def turn() -> bool:
        if not left:
            return False
        vote = left.pop(0)
        body = {"status": "submitted", "values": {"choice": {"value": vote.side}}}
        place = f"/records/{records[vote.record]}/responses"
        if await ask(client, log, "submit", "POST", place, json=body) is not None:
            log.votes.append(vote)
        return True

    return turn


async def all_in_ours(url: str, names: Sequence[str], log: Log, leaving: contextlib.AsyncExitStack) -> list[Turn]:
    """Everybody, logged in to the app."""
    return [await in_ours(url, name, log, leaving) for name in names]


async def all_in_argilla(
    url: str,
    keys: dict[str, str],
    votes: Sequence[Vote],
    records: dict[str, str],
    log: Log,
    leaving: contextlib.AsyncExitStack,
) -> list[Turn]:
    """Everybody, with their own votes; `keys` by name, `records` Argilla's id of each comparison's record."""
    by_name = {name: [vote for vote in votes if vote.user == name] for name in keys}
    return [await in_argilla(url, keys[name], by_name[name], records, log, leaving) for name in keys]
