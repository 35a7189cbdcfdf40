"""Two windows, two people in one browser, a lost acknowledgement, a round that ends: no vote is lost, and none is another's."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect

from feedback_loop.records import Comparison
from tests.browser.label_page import Served, answer, label_page, number, settle, shown
from tests.browser_fixture import log_in
from tests.ui.app_parts import comparison

pytestmark = pytest.mark.browser
RACE = """async () => {
    const { add, drop, waiting } = await import('/page/label/outbox.js');
    add('zoe', { comparison_id: 'sent' });
    const stale = { ...localStorage }, read = Storage.prototype.getItem;
    add('zoe', { comparison_id: 'of another tab' });
    Storage.prototype.getItem = (key) => stale[key] ?? null; // what the other tab wrote has not arrived in this one yet
    drop('zoe', { comparison_id: 'sent' });
    Storage.prototype.getItem = read;
    add('zoe/x', { comparison_id: 'of another person' });
    return waiting('zoe').map((vote) => vote.comparison_id);
}"""


@pytest.fixture
def asked() -> list[Comparison]:
    return [comparison(n) for n in range(6)]


@pytest.fixture
def served(tmp_path: Path, asked: list[Comparison]) -> Iterator[Served]:
    with label_page(tmp_path, asked) as app:
        yield app


def second(page: Page, url: str) -> Page:
    """Another window of the same browser."""
    other = page.context.new_page()
    other.goto(url)
    other.locator(".fl-card").wait_for()
    return other


def test_a_vote_that_another_window_keeps_is_not_lost_when_one_is_sent(page: Page, served: Served):
    log_in(page, served.url)
    assert page.evaluate(RACE) == ["of another tab"]


def test_whoever_logs_in_beside_an_open_page_gets_none_of_its_votes(page: Page, served: Served):
    log_in(page, served.url, "Анна")
    other = page.context.new_page()
    log_in(other, served.url, "boris")
    asked = settle(page)
    with page.expect_navigation():
        page.keyboard.press("1")
    page.locator(".fl-card").wait_for()
    assert served.answers("boris") == []
    answer(page, "2")
    served.wait_for(1)
    assert len(served.answers("boris")) == 1, "the page is his now"
    log_in(page, served.url, "Анна")
    served.wait_for(2)
    assert served.answers("Анна") == [(asked, f"secret-{number(asked)}-0")]


def test_a_vote_that_arrived_unheard_can_be_taken_back_and_given_otherwise(page: Page, served: Served):
    def deaf(route: Route) -> None:
        route.fetch()
        route.abort()

    log_in(page, served.url)
    page.route("**/api/vote", deaf)
    with page.expect_event("requestfailed"):  # heard by the app by then, but not answered
        asked = answer(page, "1")
    assert len(served.answers()) == 1
    page.keyboard.press("u")
    page.locator(f".fl-card[data-comparison-id={asked}]").wait_for()
    page.unroute("**/api/vote")
    answer(page, "2")
    kept = "Object.keys(localStorage).filter((key) => key.startsWith('feedback-loop-outbox')).length"
    for _ in range(100):
        page.wait_for_timeout(50)
        if page.evaluate(kept) == 0:
            break
    assert served.answers() == [(asked, f"secret-{number(asked)}-1")]
    expect(page.locator(".fl-error")).to_be_hidden()


def test_what_another_window_answered_otherwise_stands_and_one_is_told(page: Page, served: Served):
    log_in(page, served.url)
    other = second(page, served.url)
    asked = settle(page)
    answer(other, "1")
    served.wait_for(1)
    answer(page, "2")
    expect(page.locator(".fl-error")).to_contain_text("in another window, and said something else")
    assert served.answers() == [(asked, f"secret-{number(asked)}-0")]


def test_what_another_window_answered_alike_needs_no_word(page: Page, served: Served):
    log_in(page, served.url)
    other = second(page, served.url)
    settle(page)
    answer(other, "1")
    served.wait_for(1)
    answer(page, "1")
    answer(page, "3")
    served.wait_for(2)
    expect(page.locator(".fl-error")).to_be_hidden()


def test_when_a_round_ends_its_prefetched_comparisons_go(page: Page, served: Served, asked: list[Comparison]):
    log_in(page, served.url)
    settle(page)
    asked[:] = [comparison(n) for n in range(10, 16)]
    before = answer(page, "1")
    expect(page.locator(".fl-error")).to_contain_text(f"no comparison {before}")
    page.wait_for_function("() => Number(document.querySelector('.fl-card').dataset.comparisonId.slice(1)) >= 10")
    after = answer(page, "1")
    served.wait_for(1)
    assert int(number(after)) >= 10
    assert shown(page) != after
