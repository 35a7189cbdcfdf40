"""Going back on the Label page: undo, history, the summary of a sitting, the sheet of shortcuts."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.label_page import Served, answer, label_page, number, settle, shown
from tests.browser_fixture import log_in
from tests.ui.app_parts import comparison

pytestmark = pytest.mark.browser


def wait_for(page: Page, comparison_id: str) -> None:
    page.locator(f".fl-card[data-comparison-id={comparison_id}]").wait_for()


def reopened(page: Page) -> tuple[str, str]:
    """Answer, and open that answer from the history; its comparison, and the one that was shown before."""
    asked = answer(page, "1")
    current = shown(page)
    page.keyboard.press("h")
    page.click(".fl-answered button")
    wait_for(page, asked)
    return asked, current


def test_undo_goes_back_through_the_session_one_by_one(page: Page, served: Served):
    log_in(page, served.url)
    answered = [answer(page, key) for key in ("1", "2", "3")]
    for back in reversed(answered):
        page.keyboard.press("u")
        wait_for(page, back)
    served.wait_for(0)
    assert [answer(page, "4") for _ in answered] == answered
    served.wait_for(3)
    page.keyboard.press("u")
    wait_for(page, answered[-1])


def test_undo_twice_at_once_goes_back_two(page: Page, served: Served):
    log_in(page, served.url)
    answered = [answer(page, key) for key in ("1", "2", "3")]
    page.keyboard.press("u")
    page.keyboard.press("u")
    wait_for(page, answered[1])
    served.wait_for(1)


def test_undo_without_a_connection_takes_back_what_was_not_sent(page: Page, served: Served):
    log_in(page, served.url)
    page.context.set_offline(True)
    asked = answer(page, "1")
    page.keyboard.press("u")
    wait_for(page, asked)
    page.context.set_offline(False)
    answer(page, "2")
    served.wait_for(1)
    assert served.last().choice == f"secret-{number(asked)}-1"


def test_undo_with_nothing_to_undo_says_so(page: Page, served: Served):
    log_in(page, served.url)
    page.keyboard.press("u")
    expect(page.locator(".fl-error")).to_contain_text("nothing to undo")


def test_an_answer_is_found_opened_and_changed(page: Page, served: Served):
    log_in(page, served.url)
    answered = [answer(page, key) for key in ("1", "2", "3")]
    current = shown(page)
    page.keyboard.press("h")
    lines = page.locator(".fl-answered button")
    expect(lines).to_have_count(3)
    assert [line.get_attribute("data-comparison-id") for line in lines.all()] == answered[::-1]
    page.keyboard.type(f"question {number(answered[0])}")
    expect(lines).to_have_count(1)
    expect(lines).to_contain_text("First is better")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    wait_for(page, answered[0])
    expect(page.locator(".fl-revising")).to_contain_text("First is better")
    page.wait_for_timeout(400)
    page.keyboard.press("Shift+2")
    wait_for(page, current)
    page.wait_for_timeout(300)
    kept = {r.comparison_id: (r.choice, r.strength) for r in served.journal.rankings(0)}
    assert kept[answered[0]] == (f"secret-{number(answered[0])}-1", "much")
    assert len(kept) == 3
    page.keyboard.press("h")
    expect(page.locator(".fl-answered button").first).to_contain_text("changed once")


def test_undo_of_a_change_brings_back_what_was_said_before(page: Page, served: Served):
    log_in(page, served.url)
    asked, current = reopened(page)
    answer(page, "2")
    wait_for(page, current)
    page.keyboard.press("u")
    wait_for(page, asked)
    expect(page.locator(".fl-revising")).to_contain_text("First is better")
    assert served.last().choice == f"secret-{number(asked)}-0"
    page.keyboard.press("Escape")
    wait_for(page, current)


def test_an_opened_answer_can_be_left_as_it_is(page: Page, served: Served):
    log_in(page, served.url)
    asked, current = reopened(page)
    page.keyboard.press("Escape")
    wait_for(page, current)
    assert served.last().choice == f"secret-{number(asked)}-0"


def test_a_sheet_keeps_the_keys_and_gives_the_focus_back(page: Page, served: Served):
    log_in(page, served.url)
    before = settle(page)
    page.focus("#fl-tie")
    page.keyboard.press("?")
    sheet = page.locator("dialog[open]")
    expect(sheet).to_contain_text("Undo")
    for key in ("1", "s", "h", "Tab", "Tab", "Tab"):
        page.keyboard.press(key)
    assert page.locator("dialog[open]").count() == 1
    inside = "!document.activeElement.closest('#fl-label') || Boolean(document.activeElement.closest('dialog'))"
    assert page.evaluate(inside)
    page.keyboard.press("Escape")
    expect(sheet).to_have_count(0)
    assert page.evaluate("document.activeElement.id") == "fl-tie"
    assert shown(page) == before


def test_the_sheet_names_the_keys_that_the_keyboard_obeys(page: Page, served: Served):
    log_in(page, served.url)
    page.keyboard.press("Shift+?")
    keys = set(page.locator("dialog kbd").all_text_contents())
    assert {"1", "2", "⇧ 1", "3", "4", "A", "S", "U", "F", "C", "E", "W", "H", "?"} <= keys
    page.keyboard.press("Escape")
    for key, there in {"c": "#fl-comment-text", "w": "#fl-edit-text", "h": "#fl-history-sheet"}.items():
        page.keyboard.press(key)
        page.locator(there).wait_for()
        page.keyboard.press("Escape")


def test_a_summary_after_25_answers_stands_in_nobodys_way(page: Page, tmp_path: Path):
    with label_page(tmp_path, [comparison(n) for n in range(30)], needed=40) as served:
        log_in(page, served.url)
        for _ in range(12):
            answer(page, "1")
        answer(page, "s", "s")  # a skip is no answer
        page.reload()
        page.locator(".fl-card").wait_for()
        for _ in range(12):
            answer(page, "1")
        assert page.locator("#fl-summary").count() == 0
        answer(page, "2")
        summary = page.locator("#fl-summary")
        expect(summary).to_contain_text("25 answers")
        expect(summary).to_contain_text("15")
        before = answer(page, "1")
        expect(summary).to_have_count(1)
        page.keyboard.press("Escape")
        expect(summary).to_have_count(0)
        page.keyboard.press("u")
        wait_for(page, before)
        page.keyboard.press("u")
        page.wait_for_function("id => document.querySelector('.fl-card').dataset.comparisonId !== id", arg=before)
        for left in (1, 1, 1, 0):
            answer(page, "3")
            expect(summary).to_have_count(left)
