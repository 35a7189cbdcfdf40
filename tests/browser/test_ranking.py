"""Three and four answers on the Label page: put in order by keys, by tapping, by dragging, by the arrow keys."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.label_page import Served, answer, label_page, number, settle, shown
from tests.browser_fixture import log_in
from tests.ui.app_parts import comparison

pytestmark = pytest.mark.browser
ORDER = """() => [...document.querySelectorAll('.fl-group')].map(
    group => [...group.querySelectorAll('.fl-chip')].map(chip => chip.textContent).sort().join('')).join(' ')"""
CALL = "async ([name, ...given]) => (await import('/page/label/ranking.js'))[name](...given)"


@pytest.fixture
def four(tmp_path: Path) -> Iterator[Served]:
    with label_page(tmp_path, [comparison(n, "Aa", "Bb", "Cc", "Dd") for n in range(4)]) as app:
        yield app


def order_kept(served: Served) -> list[list[int]]:
    """The order stored last, by the places at which the answers were shown."""
    return [sorted(int(name[-1]) + 1 for name in group) for group in served.last().order or ()]


@pytest.mark.parametrize(
    ("keys", "kept", "choice"),
    [
        (("2", "4", "1", "3", "Enter"), [[2], [4], [1], [3]], "1"),
        (("2", "4", "1", "Enter"), [[2], [4], [1], [3]], "1"),
        (("2", "Shift+4", "1", "Enter"), [[2, 4], [1], [3]], "tie"),
        (("3", "1", "Shift+2", "Shift+4", "Enter"), [[3], [1, 2, 4]], "2"),
        (("1", "2", "Backspace", "3", "4", "Enter"), [[1], [3], [4], [2]], "0"),
        (("1", "2", "3", "1", "Enter"), [[2], [3], [1], [4]], "1"),
        (("#fl-chip-fourth", "#fl-chip-first", "#fl-chip-second", "#fl-done"), [[4], [1], [2], [3]], "3"),
    ],
)
def test_an_order_by_keys_and_by_taps(
    page: Page, four: Served, keys: tuple[str, ...], kept: list[list[int]], choice: str
):
    log_in(page, four.url)
    asked = answer(page, *keys)
    four.wait_for(1)
    assert order_kept(four) == kept
    assert four.last().choice == ("tie" if choice == "tie" else f"secret-{number(asked)}-{choice}")


@pytest.mark.parametrize(
    ("key", "choice"), [("t", "tie"), ("n", "neither"), ("#fl-tie", "tie"), ("#fl-neither", "neither")]
)
def test_all_equal_and_none_good(page: Page, four: Served, key: str, choice: str):
    log_in(page, four.url)
    answer(page, key)
    four.wait_for(1)
    assert four.last().choice == choice


def test_an_order_with_two_left_is_not_done(page: Page, four: Served):
    log_in(page, four.url)
    before = settle(page)
    for key in ("1", "2", "Enter"):
        page.keyboard.press(key)
    page.wait_for_timeout(150)
    assert shown(page) == before
    expect(page.locator("#fl-done")).to_be_disabled()
    expect(page.locator("[data-side=second] .fl-place")).to_have_text("Place 2")


def test_an_order_that_was_begun_survives_a_reload(page: Page, four: Served):
    log_in(page, four.url)
    for key in ("3", "1", "Shift+2"):
        page.keyboard.press(key)
    page.reload()
    page.locator(".fl-card").wait_for()
    assert page.evaluate(ORDER) == "3 12"


def test_the_arrow_keys_move_an_answer_by_half_steps(page: Page, four: Served):
    log_in(page, four.url)
    for key in ("1", "2", "3"):
        page.keyboard.press(key)
    page.focus("#fl-chip-third")
    seen = []
    for key in ("ArrowLeft", "ArrowLeft", "ArrowLeft", "ArrowRight"):
        page.keyboard.press(key)
        seen.append(page.evaluate(ORDER))
    assert seen == ["1 23", "1 3 2", "13 2", "1 3 2"]
    assert page.evaluate("document.activeElement.id") == "fl-chip-third"
    answer(page, "Enter")
    four.wait_for(1)
    assert order_kept(four) == [[1], [3], [2], [4]]


def drag(page: Page, chip: str, x: float, y: float, touch: bool) -> None:
    """Press on a chip, go there, let go; with a thumb, by touches."""
    box = page.locator(chip).bounding_box()
    assert box is not None
    begin = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    if not touch:
        page.mouse.move(*begin)
        page.mouse.down()
        page.mouse.move(x, y, steps=6)
        page.mouse.up()
        return
    thumb = page.context.new_cdp_session(page)

    def send(kind: str, *points: tuple[float, float]) -> None:
        thumb.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": a, "y": b} for a, b in points]})

    send("touchStart", begin)
    for step in range(1, 7):
        send("touchMove", (begin[0] + (x - begin[0]) * step / 6, begin[1] + (y - begin[1]) * step / 6))
    send("touchEnd")


@pytest.mark.parametrize(("width", "touch"), [(1280, False), (390, True)])
def test_an_order_by_dragging(page: Page, four: Served, width: int, touch: bool):
    page.set_viewport_size({"width": width, "height": 844})
    log_in(page, four.url)
    for key in ("1", "2", "3"):
        page.keyboard.press(key)

    def middle(chip: str) -> tuple[float, float]:
        box = page.locator(chip).bounding_box()
        assert box is not None
        return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2

    drag(page, "#fl-chip-third", *middle("#fl-chip-first"), touch)
    page.wait_for_timeout(50)
    assert page.evaluate(ORDER) == "13 2", "onto another is a tie"
    x, y = middle("#fl-chip-second")
    drag(page, "#fl-chip-first", x - 22, y, touch)
    page.wait_for_timeout(50)
    assert page.evaluate(ORDER) == "3 1 2", "between two is a place"
    drag(page, "#fl-chip-second", *middle("#fl-chip-fourth"), touch)
    page.wait_for_timeout(50)
    assert page.evaluate(ORDER) == "3 1", "off the row is no place"
    drag(page, "#fl-chip-fourth", *middle(".fl-slot"), touch)
    page.wait_for_timeout(50)
    assert page.evaluate(ORDER) == "3 1 4"
    page.wait_for_timeout(400)
    answer(page, "#fl-done")
    four.wait_for(1)
    assert order_kept(four) == [[3], [1], [4], [2]]


def test_an_edit_of_the_best_goes_with_the_order(page: Page, four: Served):
    log_in(page, four.url)
    page.keyboard.press("2")
    page.keyboard.press("e")
    assert page.input_value("#fl-edit-text") == "Bb"
    page.keyboard.type("!")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".fl-status")).to_contain_text("goes along with the order")
    asked = answer(page, "1", "3", "Enter")
    four.wait_for(1)
    kept = four.last()
    assert (kept.edit, kept.edit_of, order_kept(four)[0]) == ("Bb!", f"secret-{number(asked)}-1", [2])


@pytest.mark.parametrize("answers", [3, 4])
@pytest.mark.parametrize("width", [1280, 390, 320])
def test_several_answers_fit_the_screen(page: Page, tmp_path: Path, answers: int, width: int):
    texts = ("word " * 30, "W" * 200, "short", "- a\n- b")[:answers]
    page.set_viewport_size({"width": width, "height": 700})
    with label_page(tmp_path, [comparison(0, *texts)]) as served:
        log_in(page, served.url)
        for key in ("1", "2"):
            page.keyboard.press(key)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        for chip in page.locator(".fl-chip").all():
            box = chip.bounding_box()
            assert box is not None
            assert box["x"] >= 0
            assert box["x"] + box["width"] <= width
            assert min(box["width"], box["height"]) >= 44


@pytest.mark.parametrize(
    ("call", "result"),
    [
        (["move", [["a"], ["b"], ["c"]], "c", 0, False], [["c"], ["a"], ["b"]]),
        (["move", [["a"], ["b"], ["c"]], "a", 3, False], [["b"], ["c"], ["a"]]),
        (["move", [["a", "b"], ["c"]], "a", 0, False], [["a"], ["b"], ["c"]]),
        (["move", [["a", "b"], ["c"]], "c", 0, True], [["a", "b", "c"]]),
        (["move", [["a"], ["b"]], "a", 0, True], [["a"], ["b"]]),
        (["tie", [], "a"], [["a"]]),
        (["takeBack", []], []),
        (["step", [["a"], ["b"]], "a", -1], [["a"], ["b"]]),
        (["step", [["a"]], "b", 1], [["a"]]),
        (["whole", [["a"]], ["a", "b", "c"]], None),
        (["whole", [["a", "b"]], ["a", "b", "c"]], [["a", "b"], ["c"]]),
    ],
)
def test_orders(page: Page, four: Served, call: list, result: list | None):
    page.goto(f"{four.url}/login")
    assert page.evaluate(CALL, call) == result
