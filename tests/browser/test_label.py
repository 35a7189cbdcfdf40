"""The Label page in a real browser, over a real desk and journal."""

import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import uvicorn
from playwright.sync_api import Browser, Page, expect

from feedback_loop.store.journal import Journal
from tests.browser_fixture import log_in
from tests.ui.app_parts import app_of, comparison

pytestmark = pytest.mark.browser
SETTLE = 400
"""ms after which a new card takes a vote."""
PRESS = "key => document.body.dispatchEvent(new KeyboardEvent('keydown', key))"
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

    def wait_for(self, count: int) -> None:
        """Until so many answers stand."""
        deadline = time.monotonic() + 15
        while len(self.journal.rankings(0)) != count:
            assert time.monotonic() < deadline, self.journal.rankings(0)
            time.sleep(0.05)


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    app, journal = app_of(tmp_path, [comparison(n, *(HOSTILE if n == 0 else ())) for n in range(6)])
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=1))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    yield Served(f"http://127.0.0.1:{listening.getsockname()[1]}", journal)
    server.should_exit = True
    thread.join(10)
    journal.close()


def shown(page: Page) -> str:
    return page.locator(".fl-card").get_attribute("data-comparison-id") or ""


def answer(page: Page, how: str) -> str:
    """Answer by a key (one character, or with Shift) or a button's id; the comparison answered."""
    before = shown(page)
    page.wait_for_timeout(SETTLE)
    page.keyboard.press(how) if len(how.removeprefix("Shift+")) == 1 else page.click(f"#fl-{how}")
    page.wait_for_function("id => document.querySelector('.fl-card')?.dataset.comparisonId !== id", arg=before)
    return before


@pytest.mark.parametrize("ways", [("1", "2", "3", "4", "s"), ("first", "second", "tie", "neither", "skip")])
def test_rank_by_keys_and_by_clicks(page: Page, served: Served, ways: tuple[str, ...]):
    log_in(page, served.url)
    asked = [answer(page, how) for how in ways]
    served.wait_for(5)
    numbers = [c.removeprefix("c") for c in asked]
    kept = [f"secret-{numbers[0]}-0", f"secret-{numbers[1]}-1", "tie", "neither", None]
    assert served.answers() == list(zip(asked, kept, strict=True))
    expect(page.locator(".fl-count")).to_have_text("4 of 4 this round · 4 by you")


@pytest.mark.parametrize("ways", [("Shift+2", "2", "Shift+1"), ("second-much", "second", "first-much")])
def test_much_better_by_keys_and_by_clicks(page: Page, served: Served, ways: tuple[str, ...]):
    log_in(page, served.url)
    asked = [answer(page, how) for how in ways]
    served.wait_for(3)
    kept = [f"secret-{c.removeprefix('c')}-{side}" for c, side in zip(asked, (1, 1, 0), strict=True)]
    assert served.answers() == list(zip(asked, kept, strict=True))
    assert [r.strength for r in served.journal.rankings(0)] == ["much", None, "much"]


def test_where_digits_are_typed_with_shift_the_keys_place_counts(page: Page, served: Served):
    log_in(page, served.url)
    for key, shift in (("&", False), ("1", True)):  # the first digit key of a French keyboard
        before = shown(page)
        page.wait_for_timeout(SETTLE)
        page.evaluate(PRESS, {"key": key, "code": "Digit1", "shiftKey": shift, "bubbles": True})
        page.wait_for_function("id => document.querySelector('.fl-card')?.dataset.comparisonId !== id", arg=before)
    served.wait_for(2)
    assert [r.strength for r in served.journal.rankings(0)] == [None, "much"]


def test_a_tie_has_no_shift(page: Page, served: Served):
    log_in(page, served.url)
    before = shown(page)
    page.wait_for_timeout(SETTLE)
    for key in ("Shift+3", "Shift+4"):
        page.keyboard.press(key)
    page.wait_for_timeout(200)
    assert shown(page) == before
    assert served.answers() == []


def test_undo_brings_the_answered_comparison_back(page: Page, served: Served):
    log_in(page, served.url)
    first = answer(page, "1")
    answered = answer(page, "2")
    page.keyboard.press("u")
    page.locator(f".fl-card[data-comparison-id={answered}]").wait_for()
    served.wait_for(1)
    assert [c for c, _ in served.answers()] == [first]


def test_keys_are_inert_while_typing_and_the_comment_is_kept(page: Page, served: Served):
    log_in(page, served.url)
    before = shown(page)
    page.wait_for_timeout(SETTLE)
    page.keyboard.press("c")
    page.keyboard.type("1 is 2 much, u see")
    assert shown(page) == before
    assert not served.journal.rankings(0)
    page.keyboard.press("Escape")
    answer(page, "3")
    served.wait_for(1)
    assert served.journal.rankings(0)[0].comment == "1 is 2 much, u see"


def test_a_double_click_counts_once_and_never_for_the_card_after(page: Page, served: Served):
    log_in(page, served.url)
    page.wait_for_timeout(SETTLE)
    before = shown(page)
    page.dblclick("#fl-first")
    page.wait_for_timeout(600)
    assert [c for c, _ in served.answers()] == [before]


def test_a_reload_keeps_the_place(page: Page, served: Served):
    log_in(page, served.url)
    answer(page, "1")
    served.wait_for(1)
    place = shown(page)
    page.reload()
    page.locator(".fl-card").wait_for()
    assert shown(page) == place


def test_two_people_answer_on_their_own(page: Page, chromium: Browser, served: Served):
    other = chromium.new_page()
    log_in(page, served.url, "anna")
    log_in(other, served.url, "boris")
    answer(page, "1")
    answer(other, "2")
    served.wait_for(2)
    assert len(served.answers("anna")) == len(served.answers("boris")) == 1
    other.close()


def test_a_vote_without_a_connection_is_kept_and_sent_later(page: Page, served: Served):
    log_in(page, served.url)
    page.context.set_offline(True)
    answer(page, "1")
    expect(page.locator(".fl-error")).to_contain_text("kept here")
    assert not served.journal.rankings(0)
    page.context.set_offline(False)
    served.wait_for(1)
    expect(page.locator(".fl-error")).to_be_hidden()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_never_scrolls_sideways_and_hostile_answers_are_inert(page: Page, served: Served, scheme: str):
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    page.set_viewport_size({"width": 390, "height": 844})
    log_in(page, served.url)
    asked = set()
    while page.locator(".fl-card").count():
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        for button in ("first", "first-much", "second-much"):
            size = page.locator(f"#fl-{button}").bounding_box()
            assert min(size["height"], size["width"]) >= 44
        asked.add(answer(page, "tie"))
        page.wait_for_timeout(200)
    assert "c0" in asked
    assert page.evaluate("window.pwned") is None
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (background == "rgb(20, 22, 28)") == (scheme == "dark")
    for path in ("/rounds", "/help"):
        page.goto(served.url + path)
        page.locator("#fl-start, #fl-help table").first.wait_for()
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
