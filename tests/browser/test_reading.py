"""Reading answers in a real browser: views, folds, differences; and nothing that a model writes does harm."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.serving import serving
from tests.browser_fixture import log_in
from tests.ui.app_parts import app_of, comparison

pytestmark = pytest.mark.browser
COVERED = """() => [...document.querySelectorAll('#fl-label button, #fl-label a')].filter((b) => {
  if (b.closest('.fl-text')) return false;
  const at = b.getBoundingClientRect();
  if (!at.width || at.top < 0 || at.bottom > innerHeight) return false;
  const top = document.elementFromPoint(at.left + at.width / 2, at.top + at.height / 2);
  return !(top && (b.contains(top) || top.contains(b)) && top.closest('button, a') === b);
}).map((b) => b.id || b.className)"""
"""The page's own buttons that something lies over."""
HOSTILE = {
    "markup": '<div style="position:fixed;inset:0;z-index:9999">over</div><img src="https://evil.example/x.png">'
    '<form action="https://evil.example"><input></form><script>window.pwned=1</script>'
    "[x](javascript:window.pwned=1) ![p](https://evil.example/p.png)\n\n<style>*{display:none}</style>",
    "marks": ("z" + "\u0301" * 4000 + " ") * 3 + "\u202egnirts " + "\U0001f468\u200d" * 2000,
    "a megabyte": "W" * 1_000_000,
    "lists": "- " * 500_000,
    "quotes": "> " * 500_000,
    "backticks": "`" * 1_000_000,
    "fences": "```\n" * 250_000,
    "a table": "a|b\n-|-\n" + "a|b\n" * 250_000,
    "a wide table": "|a" * 600 + "|\n" + "|-" * 600 + "|\n" + "|b" * 600 + "|",
    "words": "lorem ipsum dolor " * 55_000,
}


@pytest.fixture
def reads(tmp_path: Path) -> Iterator:
    """Serve these answers; the address."""
    closing = []

    def serve(*answers: str) -> str:
        app, journal = app_of(tmp_path, [comparison(0, *answers), comparison(1)])
        served = serving(app)
        closing.extend([served, journal])
        return served.__enter__()

    yield serve
    served, journal = closing
    served.__exit__(None, None, None)
    journal.close()


def open_card(page: Page, url: str) -> None:
    """The comparison that these tests are about."""
    log_in(page, url)
    if page.get_attribute(".fl-card", "data-comparison-id") != "c0":
        page.wait_for_timeout(400)
        page.keyboard.press("s")
    page.locator(".fl-card[data-comparison-id=c0]").wait_for()


def texts(page: Page) -> list[str]:
    return page.locator(".fl-answer .fl-text").all_inner_texts()


def test_plain_text_and_back_stays_for_the_next_card(page: Page, reads):
    open_card(page, reads("**One** <b>", "Two"))
    assert texts(page)[0] == "One <b>"
    page.keyboard.press("p")
    assert texts(page)[0] == "**One** <b>"
    expect(page.locator("[data-name=plain]")).to_have_attribute("aria-pressed", "true")
    page.reload()
    page.locator(".fl-card").wait_for()
    assert texts(page)[0] == "**One** <b>"
    page.click("[data-name=plain]")
    assert texts(page)[0] == "One <b>"


def test_what_differs_is_marked_by_more_than_a_colour(page: Page, reads):
    open_card(page, reads("The cat sat on the mat.", "The dog sat on the mat."))
    page.keyboard.press("d")
    expect(page.locator(".fl-answer[data-side=first] del")).to_have_text("cat ")
    expect(page.locator(".fl-answer[data-side=second] ins")).to_have_text("dog ")
    lines = "e => getComputedStyle(e).textDecorationLine + getComputedStyle(e).textDecorationStyle"
    assert page.locator("del").evaluate(lines) == "underlinedashed"
    assert page.locator("ins").evaluate(lines) == "underlinesolid"
    page.keyboard.press("d")
    expect(page.locator("del, ins")).to_have_count(0)


def test_long_answers_fold_unfold_together_and_scroll_together(page: Page, reads):
    open_card(page, reads("A sentence of words.\n\n" * 200, "Another one, said at length.\n\n" * 100))
    one, two = (page.locator(f".fl-answer[data-side={side}] .fl-text") for side in ("first", "second"))
    mores = page.locator(".fl-answer .fl-unfold")
    assert all("words" in said for said in mores.all_inner_texts())
    mores.first.click()
    expect(mores).to_have_text(["less", "less"])
    one.evaluate("e => e.scrollTop = (e.scrollHeight - e.clientHeight) / 2")
    page.wait_for_function("() => document.querySelector('[data-side=second] .fl-text').scrollTop > 100")
    share = two.evaluate("e => e.scrollTop / (e.scrollHeight - e.clientHeight)")
    assert share == pytest.approx(0.5, abs=0.02)
    page.keyboard.press("l")
    one.evaluate("e => e.scrollTop = 0")
    page.wait_for_timeout(200)
    assert two.evaluate("e => e.scrollTop") > 100
    page.keyboard.press("m")
    assert all("words" in said for said in mores.all_inner_texts())


def test_the_rest_of_a_very_long_answer_comes_in_pieces(page: Page, reads):
    open_card(page, reads("word " * 10_000, "Short."))
    more = page.locator(".fl-answer[data-side=first] .fl-unfold")
    more.click()
    shown = len(texts(page)[0])
    expect(more).to_contain_text("words")
    more.click()
    page.wait_for_function("n => document.querySelector('[data-side=first] .fl-text').innerText.length > n", arg=shown)


def test_code_and_answers_are_copied_as_they_were_written(chromium: Browser, reads):
    context = chromium.new_context(permissions=["clipboard-read", "clipboard-write"])
    page = context.new_page()
    open_card(page, reads("Say *this*\u202e:\n\n```python\nx  = 1\n```", "word " * 10_000))
    expect(page.locator(".fl-code-head span")).to_have_text("python")
    for button, kept in (
        (".fl-code .fl-copy", "x  = 1\n"),
        ("[data-part=first] > .fl-read-foot .fl-copy", "Say *this*\u202e:\n\n```python\nx  = 1\n```"),
        ("[data-part=second] .fl-copy", "word " * 10_000),
    ):
        page.locator(button).click()
        expect(page.locator(button)).to_have_text("Copied")
        assert page.evaluate("navigator.clipboard.readText()") == kept
    context.close()


def test_text_from_right_to_left_begins_at_the_right_and_code_stays(page: Page, reads):
    open_card(page, reads("שלום!\n\n`code()` ו\n\nEnglish.", "- שלום\n- two"))
    style = "e => getComputedStyle(e).direction"
    assert page.locator("[data-side=first] .fl-rich p").first.evaluate(style) == "rtl"
    assert page.locator("[data-side=first] .fl-rich p").last.evaluate(style) == "ltr"
    assert page.locator("[data-side=first] .fl-rich code").evaluate(style) == "ltr"
    assert page.locator("[data-side=second] .fl-rich ul").evaluate(style) == "rtl"


@pytest.mark.parametrize("kind", HOSTILE)
def test_nothing_that_a_model_writes_covers_reaches_out_or_blocks(page: Page, reads, kind: str):
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    url = reads(HOSTILE[kind], "A short one.")
    open_card(page, url)
    assert page.evaluate(COVERED) == []
    for key in ("m", "p", "d", "d", "p"):
        began = time.monotonic()
        page.keyboard.press(key)
        page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
        assert time.monotonic() - began < 5, key
        assert page.evaluate(COVERED) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 1280
    page.wait_for_timeout(400)
    began = time.monotonic()
    page.keyboard.press("1")
    page.wait_for_function("() => document.querySelector('.fl-card')?.dataset.comparisonId !== 'c0'")
    assert time.monotonic() - began < 5
    assert page.evaluate("window.pwned") is None
    assert [u for u in asked if not u.startswith((url, "data:", "blob:"))] == []
