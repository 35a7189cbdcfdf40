"""Comments, edits and answers of one's own on the Label page: what goes with a vote, and that nothing typed is lost."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.label_page import Served, answer, label_page, number, settle, shown, wait_for_another
from tests.browser_fixture import log_in
from tests.ui.app_parts import comparison

pytestmark = pytest.mark.browser
FIELD = "#fl-edit-text"
COMMENT = "#fl-comment-text"


def edit(page: Page, side: str, text: str) -> str:
    """Open the editor of a side by keys and put a text in the answer's place; the comparison edited."""
    before = settle(page)
    page.keyboard.press("e")
    page.keyboard.press(side)
    page.fill(FIELD, text)
    return before


def test_keys_are_inert_while_typing_and_the_comment_is_kept(page: Page, served: Served):
    log_in(page, served.url)
    before = settle(page)
    page.keyboard.press("c")
    page.keyboard.type("1 is 2 much, u see")
    assert shown(page) == before
    assert not served.journal.rankings(0)
    page.keyboard.press("Escape")
    answer(page, "3")
    served.wait_for(1)
    assert served.last().comment == "1 is 2 much, u see"


def test_escape_and_save_within_an_input_method_belong_to_it(page: Page, served: Served):
    log_in(page, served.url)
    page.keyboard.press("c")
    page.evaluate(
        """document.activeElement.dispatchEvent(
             new KeyboardEvent('keydown', { key: 'Escape', isComposing: true, bubbles: true }))"""
    )
    assert page.evaluate("document.activeElement.id") == "fl-comment-text"


@pytest.mark.parametrize(("side", "place"), [("1", 0), ("2", 1)])
def test_an_edit_is_stored_word_for_word_with_its_choice_and_origin(page: Page, served: Served, side: str, place: int):
    log_in(page, served.url)
    asked = edit(page, side, "  As it *should* be,\n\n1234 ")
    page.keyboard.press("Control+Enter")
    wait_for_another(page, asked)
    served.wait_for(1)
    kept, origin = served.last(), f"secret-{number(asked)}-{place}"
    assert (kept.edit, kept.edit_of, kept.choice) == ("  As it *should* be,\n\n1234 ", origin, origin)


def test_the_editor_begins_with_the_answers_raw_text_and_keys_switch_between_them(page: Page, served: Served):
    log_in(page, served.url)
    if shown(page) == "c0":
        answer(page, "3")
    asked = settle(page)
    page.keyboard.press("e")
    page.keyboard.press("1")
    assert page.input_value(FIELD) == f"One to {number(asked)}"
    page.keyboard.type("!")
    page.keyboard.press("Alt+2")
    assert page.input_value(FIELD) == f"Two to {number(asked)}"
    page.keyboard.press("Alt+1")
    assert page.input_value(FIELD) == f"One to {number(asked)}!"


def test_an_unchanged_text_is_no_edit(page: Page, served: Served):
    log_in(page, served.url)
    asked = settle(page)
    for key in ("e", "1", "Control+Enter"):
        page.keyboard.press(key)
    expect(page.locator(".fl-status")).to_contain_text("unchanged")
    assert shown(page) == asked
    assert not served.journal.rankings(0)


def test_an_answer_of_ones_own_says_that_neither_is_good(page: Page, served: Served):
    log_in(page, served.url)
    asked = settle(page)
    page.keyboard.press("w")
    page.keyboard.type("Like this.")
    page.click("#fl-save")
    wait_for_another(page, asked)
    served.wait_for(1)
    assert (served.last().choice, served.last().edit, served.last().edit_of) == ("neither", "Like this.", None)


def test_what_was_typed_survives_a_reload_and_stays_with_its_comparison_and_person(page: Page, served: Served):
    log_in(page, served.url)
    asked = edit(page, "2", "half an edit")
    page.keyboard.press("Escape")
    page.keyboard.press("c")
    page.keyboard.type("half a comment")
    page.reload()
    page.locator(".fl-card").wait_for()
    assert shown(page) == asked
    assert page.input_value(FIELD) == "half an edit"
    assert page.input_value(COMMENT) == "half a comment"
    page.goto(f"{served.url}/logout")
    log_in(page, served.url, "boris")
    assert page.locator(f"{FIELD}, {COMMENT}").count() == 0


def test_an_edit_that_was_not_saved_is_not_sent_and_not_lost(page: Page, served: Served):
    log_in(page, served.url)
    asked = edit(page, "1", "half an edit")
    page.keyboard.press("Escape")
    answer(page, "2")
    expect(page.locator(".fl-status")).to_contain_text("not saved")
    assert page.locator(FIELD).count() == 0
    served.wait_for(1)
    assert served.last().edit is None
    page.keyboard.press("u")
    page.locator(f".fl-card[data-comparison-id={asked}]").wait_for()
    assert page.input_value(FIELD) == "half an edit"


def test_undo_brings_back_what_was_sent_even_after_a_reload(page: Page, served: Served):
    log_in(page, served.url)
    asked = edit(page, "1", "A whole edit")
    page.keyboard.press("Escape")
    page.keyboard.press("f")
    page.keyboard.press("c")
    page.keyboard.type("why")
    page.keyboard.press("Escape")
    page.click("#fl-save")
    wait_for_another(page, asked)
    served.wait_for(1)
    page.reload()
    page.locator(".fl-card").wait_for()
    page.keyboard.press("u")
    page.locator(f".fl-card[data-comparison-id={asked}]").wait_for()
    assert (page.input_value(FIELD), page.input_value(COMMENT)) == ("A whole edit", "why")
    expect(page.locator("#fl-flag")).to_have_attribute("aria-pressed", "true")


def test_words_typed_for_what_another_window_has_answered_are_kept(page: Page, served: Served):
    log_in(page, served.url)
    other = page.context.new_page()
    other.goto(served.url)
    other.locator(".fl-card").wait_for()
    asked = settle(page)
    assert shown(other) == asked
    answer(other, "1")
    served.wait_for(1)
    page.keyboard.press("c")
    page.keyboard.type("too late?")
    page.keyboard.press("Escape")
    answer(page, "2")
    expect(page.locator(".fl-error")).to_contain_text("another window")
    page.keyboard.press("h")
    page.click(f".fl-answered [data-comparison-id={asked}]")
    page.locator(".fl-revising").wait_for()
    assert page.input_value(COMMENT) == "too late?"
    assert served.last().comment is None


def test_words_typed_for_what_was_made_anew_can_be_copied(page: Page, tmp_path: Path):
    asked = [comparison(n) for n in range(3)]
    with label_page(tmp_path, asked) as served:
        log_in(page, served.url)
        settle(page)
        page.keyboard.press("c")
        page.keyboard.type("the first one rambles")
        page.keyboard.press("Escape")
        asked[:] = [comparison(n) for n in (8, 9)]
        page.keyboard.press("2")
        expect(page.locator(".fl-error")).to_contain_text("made anew")
        expect(page.locator(".fl-error")).to_contain_text("the first one rambles")
        page.locator(".fl-card[data-comparison-id=c8], .fl-card[data-comparison-id=c9]").wait_for()
