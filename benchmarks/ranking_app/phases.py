"""The benchmark's parts, in order, on one run and one embedded Argilla."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from functools import partial
from typing import Any

from playwright.sync_api import Browser

from benchmarks.ranking_app import browser as chrome
from benchmarks.ranking_app import delivery
from benchmarks.ranking_app.annotators import Log, Vote, all_in_argilla, all_in_ours
from benchmarks.ranking_app.browser import ARGILLA, OURS, Step
from benchmarks.ranking_app.figures import spread
from benchmarks.ranking_app.pace import beside
from benchmarks.ranking_app.tiers import PAUSE_MS, QUIET_MS, Tier
from feedback_loop.argilla_local import credentials, places
from feedback_loop.asking.labelling import comparisons_of
from feedback_loop.run import Run
from feedback_loop.store.argilla_store import ArgillaStore, open_store

LONGEST_DELIVERY = 900.0
Figures = dict[str, Any]


def painted(browser: Browser, url: str, name: str, tier: Tier) -> tuple[Figures, list[Vote]]:
    """Vote to next comparison fully painted, one annotator's page."""
    with chrome.opened(browser) as page:
        chrome.enter_ours(page, url, name)
        frames = chrome.frame_ms(page)
        steps = chrome.one_by_one(page, tier.votes, PAUSE_MS, QUIET_MS)
        event = chrome.by_event_timing(page, steps)
    figures = {
        "votes": len(steps),
        "painted_ms": spread([step.painted for step in steps]),
        "first_painted_ms": spread([step.first for step in steps]),
        "event_timing_ms": spread(event),
        "idle_frame_ms": spread(frames),
        "each_painted_ms": [round(step.painted, 1) for step in steps],
    }
    return figures, _votes(name, steps)


def team(browser: Browser, url: str, tier: Tier) -> tuple[Figures, list[Vote], Log]:
    """The same beside annotators who answer through HTTP; the votes of all, and the log of these annotators."""
    names = [f"annotator-{n:02d}" for n in range(tier.annotators)]
    with beside(partial(all_in_ours, url, names), tier.every) as crew:
        figures, votes = painted(browser, url, "beside", tier)
        log = crew.end_after(tier.least_seconds)
    return {**figures, "annotators": _of_log(log)}, [*votes, *log.votes], log


def arrived(run: Run, store: ArgillaStore, votes: Sequence[Vote]) -> Figures:
    """Whether Argilla has every vote exactly once."""
    seconds = delivery.wait(run.path / "journal.sqlite", LONGEST_DELIVERY)
    return asdict(delivery.compare(votes, comparisons_of(run)(), store.rankings(0), seconds))


def plain(run: Run, store: ArgillaStore, team: Log, tier: Tier) -> Figures:
    """The annotators' votes once more, as plain submissions to Argilla alone, in a dataset of the same records.

    Where Argilla is too slow for that, what was submitted in three times the team's time.
    """
    other = same_records(run, store, "plain")
    wanted = {"distribution": {"strategy": "overlap", "min_submitted": tier.annotators}}
    other.ask("PATCH", f"/datasets/{other.dataset}", json=wanted)  # as many answers a record as in the app
    known = {user["username"]: user["api_key"] for user in other.ask("GET", "/users")["items"]}
    keys = {name: known[name] for name in dict.fromkeys(vote.user for vote in team.votes)}
    seats = partial(all_in_argilla, other.url, keys, team.votes, _record_ids(other))
    with beside(seats, tier.every) as crew:
        log = crew.end_when_done(longest=3 * (team.ended - team.started) + tier.every)
    return _of_log(log)


def fast(browser: Browser, url: str, run: Run, store: ArgillaStore, tier: Tier) -> list[Figures]:
    """Votes a minute by one fast annotator: our page and Argilla's, by each time of reading."""
    found = []
    for think in tier.fast:
        with chrome.opened(browser) as page:
            chrome.enter_ours(page, url, f"fast-{think:g}")
            found.append(_speed("ours", think, *chrome.as_fast_as_can_be(page, OURS, tier.fast_votes, think)))
    dataset, kept = same_records(run, store, "page").dataset, credentials.load(places.home())
    assert kept is not None
    for think in tier.fast:
        with chrome.opened(browser) as page:
            chrome.enter_argilla(page, store.url, (kept.username, kept.password), dataset)
            found.append(_speed("argilla", think, *chrome.as_fast_as_can_be(page, ARGILLA, tier.fast_votes, think)))
    return found


def same_records(run: Run, store: ArgillaStore, name: str) -> ArgillaStore:
    """Another dataset of the run's comparisons, where nobody has answered yet."""
    key = credentials.load(places.home())
    assert key is not None
    made = open_store(store.url, key.api_key, f"{run.id}-{name}", run.path.name)
    made.publish(comparisons_of(run)())
    return made


def _record_ids(store: ArgillaStore) -> dict[str, str]:
    """Argilla's id of each comparison's record."""
    found: dict[str, str] = {}
    while True:
        query = {"offset": len(found), "limit": 200}
        items = store.ask("GET", f"/datasets/{store.dataset}/records", params=query)["items"]
        found |= {record["external_id"]: record["id"] for record in items}
        if not items:
            return found


def _votes(name: str, steps: Iterable[Step]) -> list[Vote]:
    return [Vote(name, step.record, step.side) for step in steps]


def _of_log(log: Log) -> Figures:
    return {
        "votes": len(log.votes),
        "seconds": log.ended - log.started,
        "votes_a_second": len(log.votes) / (log.ended - log.started),
        "errors": len(log.errors),
        "first_errors": log.errors[:5],
        "late": log.late,
        "ms": {name: spread(times) for name, times in log.ms.items()},
    }


def _speed(page: str, think: float, steps: Sequence[Step], seconds: float) -> Figures:
    return {
        "page": page,
        "reading_seconds": think,
        "votes": len(steps),
        "votes_a_minute": 60 * len(steps) / seconds,
        "next_painted_ms": spread([step.first for step in steps]),
    }
