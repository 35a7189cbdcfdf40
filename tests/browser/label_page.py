"""The Label page of an app with a real desk and journal, and a person who answers on it."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Page

from feedback_loop.records import Comparison, Ranking
from feedback_loop.store.journal import Journal
from tests.browser.serving import serving
from tests.ui.app_parts import app_of, comparison

SETTLE = 400
"""ms after which a new card takes a vote."""
PRESS = "key => document.body.dispatchEvent(new KeyboardEvent('keydown', { bubbles: true, ...key }))"
HOSTILE = (
    '<script>window.pwned=1</script><img src=x onerror="window.pwned=1">[x](javascript:window.pwned=1)',
    "W" * 300 + "\u202e \n\n| a | b |\n| - | - |\n| " + "wide " * 40 + "| 2 |",
)


@dataclass(frozen=True)
class Served:
    """A running app."""

    url: str
    journal: Journal

    def answers(self, user: str = "anna") -> list[tuple[str, str | None]]:
        return [(r.comparison_id, r.choice) for r in self.journal.rankings(0) if r.user_id == user]

    def last(self, user: str = "anna") -> Ranking:
        return [r for r in self.journal.rankings(0) if r.user_id == user][-1]

    def wait_for(self, count: int) -> None:
        """Until so many answers stand."""
        deadline = time.monotonic() + 15
        while len(self.journal.rankings(0)) != count:
            assert time.monotonic() < deadline, self.journal.rankings(0)
            time.sleep(0.05)


@contextmanager
def label_page(folder: Path, comparisons: list[Comparison], needed: int = 4) -> Iterator[Served]:
    """An app that asks these comparisons."""
    app, journal = app_of(folder, comparisons, needed)
    with serving(app) as url:
        yield Served(url, journal)
    journal.close()


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    """Six pairs, the first of them hostile."""
    with label_page(tmp_path, [comparison(n, *(HOSTILE if n == 0 else ())) for n in range(6)]) as app:
        yield app


def shown(page: Page) -> str:
    return page.locator(".fl-card").get_attribute("data-comparison-id") or ""


def number(comparison_id: str) -> str:
    return comparison_id.removeprefix("c")


def wait_for_another(page: Page, before: str) -> None:
    page.wait_for_function("id => document.querySelector('.fl-card')?.dataset.comparisonId !== id", arg=before)


def settle(page: Page) -> str:
    """Wait until the card takes a vote; its comparison."""
    page.wait_for_timeout(SETTLE)
    return shown(page)


def answer(page: Page, *how: str) -> str:
    """Answer by keys (`1`, `Shift+1`, `Enter`) or buttons' ids (`#fl-first`), one after another; the comparison answered."""
    before = settle(page)
    for each in how:
        page.click(each) if each.startswith("#") else page.keyboard.press(each)
    wait_for_another(page, before)
    return before
