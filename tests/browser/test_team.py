"""The Team page: who is careless and who leans to a side is said in words, on screens wide and narrow."""

import os
import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from feedback_loop.records import Comparison, Ranking
from tests.browser.serving import serving
from tests.browser_fixture import log_in
from tests.feedback_loop.team_samples import check, comparison, repeat, said
from tests.ui.app_parts import app_of

pytestmark = pytest.mark.browser
NAMES = ("anna", "ben", "cara", "Дмитрий Константинопольский")


def team() -> tuple[list[Comparison], list[Ranking]]:
    """Two careful people, one who answers at random half of the time, and one who follows the side."""
    rng = random.Random(4)
    first = [comparison(n, rng.choice(["ab", "ba"]), round=n // 30) for n in range(60)]
    again = [repeat(n, "".join(c.id[-1] for c in reversed(first[n].completions))) for n in range(24)]
    checks = [check(n, rng.choice(["ab", "ba"])) for n in range(100, 112)]
    given = []
    for c in [*first, *again, *checks]:
        for who in NAMES:
            truth = "a" if hash_of(c.prompt_id) % 3 else "b"
            truth = "a" if c.purpose == "check" else truth
            careless = who == "cara" and rng.random() < 0.5
            leaning = who == "ben" and rng.random() < 0.7
            choice = rng.choice(["a", "b", "tie"]) if careless else c.completions[0].id[-1] if leaning else truth
            more = {"seconds": rng.lognormvariate(1.0 if who == "cara" else 2.0, 0.5)}
            skipped = rng.random() < 0.03
            given.append(said(c, None if skipped else choice, who, **more))
    return [*first, *again, *checks], given


def hash_of(name: str) -> int:
    return int(name[1:]) * 7919 % 101


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Callable[[Sequence[Comparison], Sequence[Ranking]], str]]:
    """Serve the app over these answers; its address."""
    with ExitStack() as closing:

        def serve(asked: Sequence[Comparison], answers: Sequence[Ranking]) -> str:
            app, journal = app_of(tmp_path, asked)
            closing.callback(journal.close)
            rounds = {c.id: c.round for c in asked}
            for answer in answers:
                journal.record(answer, rounds[answer.comparison_id])
            return closing.enter_context(serving(app))

        yield serve


def opened(page: Page, url: str) -> None:
    log_in(page, url)
    page.goto(f"{url}/team")
    page.wait_for_selector("#fl-team h1")


def shot(page: Page, name: str) -> None:
    if folder := os.environ.get("SCREENSHOTS"):
        page.screenshot(path=f"{folder}/team-{name}.png", full_page=True)


@pytest.mark.parametrize("width", [1280, 390])
def test_who_leans_and_who_is_careless_stands_out(
    page: Page, served: Callable[[Sequence[Comparison], Sequence[Ranking]], str], width: int
):
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.set_viewport_size({"width": width, "height": 900})
    opened(page, served(*team()))
    said_ = page.locator(".fl-team-findings li").all_text_contents()
    assert [line.split()[0] for line in said_] == ["ben", "ben", "cara"]
    assert "stood first" in said_[0]
    assert page.locator(".fl-team-table tbody tr").count() == len(NAMES)
    weights = {n: page.locator(f"[data-person='{n}'] td:last-child b").inner_text() for n in NAMES}
    assert float(weights["anna"]) == 1
    assert max(float(weights["ben"]), float(weights["cara"])) < 0.8
    assert page.locator("[data-figure=self_agreement] li").count() == len(NAMES)
    expect(page.locator("#fl-team-alpha")).to_contain_text("alpha 0.")
    assert page.locator(".fl-team-heat tbody td").count() == len(NAMES) ** 2
    shot(page, str(width))
    assert page.evaluate("document.documentElement.scrollWidth") <= width, "nothing is cut off at the side"
    assert errors == []


def test_it_is_dark_where_the_reader_wants_it_dark(
    page: Page, served: Callable[[Sequence[Comparison], Sequence[Ranking]], str]
):
    page.emulate_media(color_scheme="dark")
    opened(page, served(*team()))
    shot(page, "dark")


def test_one_person_is_told_how_to_see_agreement(
    page: Page, served: Callable[[Sequence[Comparison], Sequence[Ranking]], str]
):
    asked = [comparison(n) for n in range(4)]
    opened(page, served(asked, [said(c, "a") for c in asked]))
    expect(page.locator("#fl-team-alone")).to_contain_text("rankings.per_comparison = 2")
    expect(page.locator("[data-figure=self_agreement]")).to_contain_text(
        "Nobody has met a comparison for the second time"
    )
    expect(page.locator("#fl-team")).to_contain_text("Nothing stands out")
    shot(page, "alone")


def test_nobody_yet(page: Page, served: Callable[[Sequence[Comparison], Sequence[Ranking]], str]):
    opened(page, served([comparison(1)], []))
    expect(page.locator("#fl-team")).to_contain_text("Nobody has answered yet")


def test_a_hostile_name_is_shown_as_text(page: Page, served: Callable[[Sequence[Comparison], Sequence[Ranking]], str]):
    asked = [comparison(n) for n in range(3)]
    name = "<img src=x onerror=alert(1)>\u202e"
    opened(page, served(asked, [said(c, "a", name) for c in asked]))
    assert page.locator("#fl-team img").count() == 0
    assert name in page.locator(".fl-team-table th[scope=row]").inner_text()


def test_what_was_flagged_is_listed_with_its_answers_and_stays_open(
    page: Page, served: Callable[[Sequence[Comparison], Sequence[Ranking]], str]
):
    asked = [comparison(n) for n in range(4)]
    flagged = {"flagged": True, "comment": "<b>rude</b>\u202e"}
    skipped = {"flagged": True, "reason": "unsafe", "created_at": "2026-11-26T10:00:00.000+00:00"}
    answers = [said(asked[0], "b", **flagged), said(asked[1], "a"), said(asked[2], None, "ben", **skipped)]
    opened(page, served(asked, answers))
    lines = page.locator(".fl-flags > li")
    expect(lines).to_have_count(2)
    expect(lines.nth(0)).to_contain_text("Question 2?")
    expect(lines.nth(0)).to_contain_text("ben · round 0 · Skipped: Nobody should see this")
    expect(lines.nth(1)).to_contain_text("anna · round 0 · Second is better")
    assert lines.nth(1).locator("blockquote").inner_text() == "<b>rude</b>[U+202E]"
    lines.nth(1).locator("summary").focus()
    page.keyboard.press("Enter")
    expect(lines.nth(1).locator(".fl-answer")).to_have_count(2)
    expect(lines.nth(1).locator(".fl-answer").nth(1)).to_contain_text("chosen")
    expect(lines.nth(1).locator(".fl-answer .fl-text").nth(1)).to_contain_text("b to 0")
    shot(page, "flags")
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_without_a_flag_the_team_page_says_so(
    page: Page, served: Callable[[Sequence[Comparison], Sequence[Ranking]], str]
):
    asked = [comparison(1)]
    opened(page, served(asked, [said(asked[0], "a")]))
    expect(page.locator("#fl-flags")).to_contain_text("Nobody has flagged anything.")
