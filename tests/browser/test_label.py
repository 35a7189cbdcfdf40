"""The Label page in a real browser, over a real desk and journal: votes, by keys, clicks and thumbs."""

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.label_page import PRESS, Served, answer, number, settle, shown, wait_for_another
from tests.browser_fixture import log_in

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("ways", [("1", "2", "3", "4"), ("#fl-first", "#fl-second", "#fl-tie", "#fl-neither")])
def test_rank_by_keys_and_by_clicks(page: Page, served: Served, ways: tuple[str, ...]):
    log_in(page, served.url)
    asked = [answer(page, how) for how in ways]
    served.wait_for(4)
    kept = [f"secret-{number(asked[0])}-0", f"secret-{number(asked[1])}-1", "tie", "neither"]
    assert served.answers() == list(zip(asked, kept, strict=True))
    expect(page.locator(".fl-count")).to_have_text("4 of 4 this round · 4 by you")


@pytest.mark.parametrize("ways", [("Shift+2", "2", "Shift+1"), ("#fl-second-much", "#fl-second", "#fl-first-much")])
def test_much_better_by_keys_and_by_clicks(page: Page, served: Served, ways: tuple[str, ...]):
    log_in(page, served.url)
    asked = [answer(page, how) for how in ways]
    served.wait_for(3)
    kept = [f"secret-{number(c)}-{side}" for c, side in zip(asked, (1, 1, 0), strict=True)]
    assert served.answers() == list(zip(asked, kept, strict=True))
    assert [r.strength for r in served.journal.rankings(0)] == ["much", None, "much"]


def test_slightly_better_is_said_before_the_choice_and_for_that_card_alone(page: Page, served: Served):
    log_in(page, served.url)
    answer(page, "a", "2")
    answer(page, "#fl-slightly", "#fl-first")
    answer(page, "1")
    answer(page, "a", "a", "1")
    answer(page, "a", "Shift+1")
    served.wait_for(5)
    assert [r.strength for r in served.journal.rankings(0)] == ["slight", "slight", None, None, "much"]


def test_slightly_is_seen_on_the_buttons(page: Page, served: Served):
    log_in(page, served.url)
    page.keyboard.press("a")
    expect(page.locator("#fl-slightly")).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#fl-first")).to_contain_text("First is slightly better")


@pytest.mark.parametrize(
    ("keys", "reason"),
    [(("s", "s"), None), (("s", "Enter"), None), (("s", "1"), "unclear"), (("s", "2"), "unsafe"), (("s", "3"), "unknown"),
     (("#fl-skip", "#fl-skip-unsafe"), "unsafe"), (("#fl-skip", "#fl-skip"), None)],
)  # fmt: skip
def test_skip_with_a_reason_or_without(page: Page, served: Served, keys: tuple[str, ...], reason: str | None):
    log_in(page, served.url)
    asked = answer(page, *keys)
    served.wait_for(1)
    kept = served.last()
    assert (kept.comparison_id, kept.status, kept.choice, kept.reason) == (asked, "discarded", None, reason)


def test_a_skip_that_was_begun_can_be_left_and_its_digits_are_no_votes(page: Page, served: Served):
    log_in(page, served.url)
    before = settle(page)
    page.keyboard.press("s")
    page.keyboard.press("4")
    page.keyboard.press("Escape")
    page.wait_for_timeout(100)
    assert shown(page) == before
    expect(page.locator("#fl-first")).to_be_visible()
    answer(page, "1")
    served.wait_for(1)
    assert served.last().choice == f"secret-{number(before)}-0"


def test_a_flag_goes_with_the_answer_and_not_with_the_next(page: Page, served: Served):
    log_in(page, served.url)
    settle(page)
    page.keyboard.press("f")
    expect(page.locator("#fl-flag")).to_have_attribute("aria-pressed", "true")
    answer(page, "3")
    expect(page.locator("#fl-flag")).to_have_attribute("aria-pressed", "false")
    answer(page, "3")
    served.wait_for(2)
    assert [r.flagged for r in served.journal.rankings(0)] == [True, False]


@pytest.mark.parametrize(
    ("key", "choice", "strength"),
    [
        ({"key": "&", "code": "Digit1"}, "secret-{}-0", None),  # the first digit key of a French keyboard
        ({"key": "1", "code": "Digit1", "shiftKey": True}, "secret-{}-0", "much"),
        ({"key": "2", "code": "Numpad2"}, "secret-{}-1", None),
    ],
)
def test_digits_go_by_their_place(page: Page, served: Served, key: dict, choice: str, strength: str | None):
    log_in(page, served.url)
    before = settle(page)
    page.evaluate(PRESS, key)
    wait_for_another(page, before)
    served.wait_for(1)
    assert (served.last().choice, served.last().strength) == (choice.format(number(before)), strength)


@pytest.mark.parametrize(
    "key",
    [{"key": "ы", "code": "KeyS"}, {"key": "Ы", "code": "KeyS", "shiftKey": True}, {"key": "ㄋ", "code": "KeyS"},
     {"key": "s", "code": "Semicolon"}],
)  # fmt: skip
def test_letters_go_by_what_they_type_or_by_their_place_where_that_is_not_latin(page: Page, served: Served, key: dict):
    log_in(page, served.url)
    settle(page)
    page.evaluate(PRESS, key)
    expect(page.locator("#fl-skip-plain")).to_be_visible()


@pytest.mark.parametrize(
    "key",
    [{"key": "1", "code": "Digit1", "isComposing": True}, {"key": "Process", "code": "Digit1", "keyCode": 229},
     {"key": "1", "code": "Digit1", "ctrlKey": True}, {"key": "1", "code": "Digit1", "altKey": True},
     {"key": "1", "code": "Digit1", "repeat": True}, {"key": "End", "code": "Numpad1"}],
)  # fmt: skip
def test_keys_of_input_methods_and_of_the_browser_are_left_to_them(page: Page, served: Served, key: dict):
    log_in(page, served.url)
    before = settle(page)
    page.evaluate(PRESS, key)
    page.wait_for_timeout(150)
    assert shown(page) == before


def test_a_tie_has_no_shift(page: Page, served: Served):
    log_in(page, served.url)
    before = settle(page)
    for key in ("Shift+3", "Shift+4"):
        page.keyboard.press(key)
    page.wait_for_timeout(200)
    assert shown(page) == before
    assert served.answers() == []


def test_a_double_click_counts_once_and_never_for_the_card_after(page: Page, served: Served):
    log_in(page, served.url)
    before = settle(page)
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
        asked.add(answer(page, "#fl-tie"))
        page.wait_for_timeout(200)
    assert "c0" in asked
    assert page.evaluate("window.pwned") is None
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (background == "rgb(20, 22, 28)") == (scheme == "dark")
    for path in ("/rounds", "/help"):
        page.goto(served.url + path)
        page.locator("#fl-start, #fl-help table").first.wait_for()
        assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_the_time_from_painting_to_the_vote_goes_with_it(page: Page, served: Served):
    log_in(page, served.url)
    page.locator(".fl-card").wait_for()
    page.wait_for_timeout(1200)
    answer(page, "1")
    served.wait_for(1)
    seconds = served.last().seconds
    assert seconds is not None
    assert 1.2 <= seconds < 8


def test_time_out_of_sight_does_not_count(page: Page, served: Served):
    hide = """hidden => { Object.defineProperty(document, 'hidden', { value: hidden, configurable: true });
        document.dispatchEvent(new Event('visibilitychange')); }"""
    log_in(page, served.url)
    page.evaluate(hide, True)
    page.wait_for_timeout(3000)
    page.evaluate(hide, False)
    answer(page, "1")
    served.wait_for(1)
    assert (served.last().seconds or 0) < 2.5


def test_the_next_comparisons_are_in_the_page_before_they_are_needed(page: Page, served: Served):
    log_in(page, served.url)
    page.wait_for_timeout(500)
    page.context.set_offline(True)
    assert len({answer(page, "1") for _ in range(3)}) == 3
    assert page.locator(".fl-card").count() == 1
    page.context.set_offline(False)
    served.wait_for(3)


def test_a_screen_reader_hears_what_was_stored_and_what_is_next_and_keeps_its_place(page: Page, served: Served):
    log_in(page, served.url)
    page.focus("#fl-second")
    answer(page, "Enter")
    said = page.locator("[role=status].fl-status")
    expect(said).to_contain_text("Second is better.")
    expect(said).to_contain_text(f"Next: Question {number(shown(page))}?")
    assert page.evaluate("document.activeElement.id") == "fl-second"
    answer(page, "s", "Enter")
    assert page.evaluate("document.activeElement.className") == "fl-card"


def test_nothing_moves_for_those_who_want_it_so_and_320_px_are_enough(page: Page, served: Served):
    page.emulate_media(reduced_motion="reduce")
    page.set_viewport_size({"width": 320, "height": 700})
    log_in(page, served.url)
    assert page.evaluate("getComputedStyle(document.querySelector('.fl-bar span')).transitionDuration") == "0s"
    for keys in (("s",), ("Escape", "e"), ("1",), ("Escape", "Escape", "c"), ("Escape", "?"), ("Escape", "h")):
        for key in keys:
            page.keyboard.press(key)
        assert page.evaluate("document.documentElement.scrollWidth") <= 320, keys
