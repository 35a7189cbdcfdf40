"""The Soup page by mouse and keys: what is worth what, and two cells' answers compared blind; the pages' names on a phone."""

import os
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.serving import serving
from tests.browser_fixture import log_in
from tests.ui.app_parts import NO_SOUP, app_of
from tests.ui.soup_parts import CELLS, place, soup, soup_port
from ui.ports import SoupPort

pytestmark = pytest.mark.browser
Serve = Callable[[SoupPort], str]
BEST, BARE = place("bake+dpo", 1, 3), place("bake+dpo", 0, 0)


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """Serve the app with that Soup page; its address."""
    with ExitStack() as opened:

        def served(port: SoupPort) -> str:
            app, journal = app_of(tmp_path, [], soup=port)
            opened.enter_context(closing(journal))
            return opened.enter_context(serving(app))

        yield served


def shot(page: Page, name: str) -> None:
    if folder := os.environ.get("SCREENSHOTS"):
        page.screenshot(path=f"{folder}/soup-{name}.png", full_page=True)


def test_what_to_do_next_comes_first_and_every_figure_can_be_read(page: Page, serve: Serve):
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.set_viewport_size({"width": 390, "height": 844})
    log_in(page, url := serve(soup_port()))
    page.goto(f"{url}/soup")
    advice = page.locator(".fl-soup-advice > *").first
    expect(advice).to_have_text(
        "Next: baked brief + preferences (DPO). It gains 50 points (38 to 62) over “untrained, brief not pasted”."
    )
    expect(page.locator(".fl-soup-advice li")).to_have_count(len(soup().said) - 2)
    expect(page.locator(".fl-soup-advice li").nth(2)).to_contain_text(
        "Requirements 2, 3 of the brief would no longer be needed with “baked brief + preferences (DPO), brief not pasted”: 93%"
    )
    gains = page.locator(".fl-soup-gains li")
    assert [g.get_attribute("data-sure") for g in gains.all()] == ["more", "more", "more", "unsure", "less"]
    expect(gains.nth(3)).to_contain_text("+5 points (−4 to +14)")
    expect(gains.nth(3)).to_contain_text("+290 tokens a request, +4.5 min of people's time")
    expect(gains.nth(4)).to_be_hidden()
    assert page.locator(".fl-soup-part tr[data-cell]").count() == len(CELLS)
    starred = page.locator(".fl-soup-part tr.fl-soup-front").evaluate_all("rows => rows.map((r) => +r.dataset.cell)")
    assert sorted(starred) == sorted(soup().front)
    picture = page.locator(".fl-soup-pictures [role=img]").first.get_attribute("aria-label") or ""
    assert f"{BARE + 1}. baked brief + preferences (DPO), brief not pasted: 0 tokens, 58% (47% to 70%)" in picture
    assert page.locator("#fl-soup img").count() == 0
    shot(page, "390")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390, "nothing is cut off at the side"
    assert errors == []


def test_two_cells_are_compared_blind_by_keys_then_it_is_told_and_counted(page: Page, serve: Serve):
    log_in(page, url := serve(soup_port()))
    page.goto(f"{url}/soup")
    page.select_option("#fl-soup-other", str(BARE))
    section = page.locator(".fl-soup-looks")
    titles = section.locator(".fl-answer h3")
    expect(titles).to_have_text(["First", "Second"])
    expect(section).to_contain_text("1 of 6 requests was answered alike by both")
    page.locator("#fl-soup-other").press("Tab")
    page.keyboard.press("1")
    expect(page.locator("#fl-soup-said")).to_contain_text("First was")
    first = titles.first.inner_text()
    assert ("3 examples" in first) == ("3" in section.locator(".fl-answer .fl-text").first.inner_text())
    page.keyboard.press("Enter")
    expect(section).to_contain_text("Request 2 of 5")
    page.keyboard.press("3")
    won, lost = (1, 0) if "3 examples" in first else (0, 1)
    expect(page.locator("#fl-soup-said")).to_contain_text(
        f"No. {BEST + 1} better {won}×, No. {BARE + 1} better {lost}×, equally good 1×"
    )
    page.select_option("#fl-soup-other", "0")
    expect(section).to_contain_text("Request 1 of 5")
    expect(page.locator("#fl-soup-said")).to_be_empty()


def all_in_sight(page: Page) -> None:
    """Each page's name and the choice of language, and one follows the other by keys."""
    head = page.locator(".nav-holder nav")
    expect(head.locator("select")).to_be_visible()
    for each in head.locator("a, select").all():
        box = each.bounding_box()
        assert box
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 390
        assert box["height"] >= 36
    head.locator("a").first.focus()
    for _ in range(head.locator("a").count()):
        page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "fl-language"
    expect(head.locator("[aria-current=page]")).to_have_attribute("href", re.compile("/soup$"))


def test_before_anything_was_tried_it_says_what_to_type_and_a_phone_shows_all_pages_names(page: Page, serve: Serve):
    page.set_viewport_size({"width": 390, "height": 844})
    cooking: list[str | None] = [None]
    log_in(page, url := serve(replace(NO_SOUP, cooking=lambda: cooking[0])))
    page.goto(f"{url}/soup")
    expect(page.locator(".fl-soup-empty code")).to_have_text("feedback-loop soup runs/test")
    all_in_sight(page)
    page.select_option(".fl-language", "ru")
    expect(page.locator(".fl-soup-empty h1")).to_have_text("Пока ничего не испробовано")
    all_in_sight(page)
    shot(page, "empty")
    cooking[0] = "2026-01-01T12:00:00+00:00"
    page.reload()
    expect(page.locator(".fl-soup-empty h1")).to_have_text("Смесь готовится")
    expect(page.locator(".fl-soup-empty [role=status]")).to_contain_text("2026")
    expect(page.locator(".fl-soup-empty code")).to_have_count(0)
