"""The Rounds page by mouse, keys and screen reader: lessons, samples, the question before a rollback, a round that goes on."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from feedback_loop.report.overview import Discarded, Gate, Mirror, Overview, RolledBack, Sample, StageView
from feedback_loop.run import STAGES
from tests.browser.serving import serving
from tests.browser_fixture import log_in
from tests.ui.app_parts import app_of, rounds_port
from tests.ui.rounds_parts import UNLEARNED, alarmed, lessons
from ui.languages import words

pytestmark = pytest.mark.browser
SAMPLES = tuple(
    Sample(
        prompt=f"Question {n}?",
        before="Same.",
        after="<script>document.title='hacked'</script> **Better** and longer." if n == 12 else "Same.",
        reward_before=0.0,
        reward_after=float(n == 12),
    )
    for n in range(25)
)


class Live:
    """A Rounds page whose run moves on when the test says so."""

    def __init__(self) -> None:
        rounds = alarmed().rounds
        last = rounds[-1].model_copy(update={"samples": SAMPLES})
        mirror = Mirror(sync="wandb sync runs/test/wandb/offline-run-*", view="wandb leet runs/test/wandb")
        self.overview: Overview = alarmed().model_copy(update={"rounds": (*rounds[:-1], last), "mirror": mirror})
        self.rolled_back: list[tuple[str, str, str]] = []
        self.decided: list[tuple[bool, str, str]] = []

    def ask_duels(self, **standing: Any) -> None:
        """A further round whose new policy people judge."""
        stages = [StageView(name=name, state="done", seconds=1.0) for name in STAGES[:-1]]
        stages.append(StageView(name="promotion", state="waiting", done=12, total=60))
        said = {
            "verdict": "ask",
            "votes": 12,
            "told": 10,
            "most": 60,
            "win_rate": 0.66,
            "estimate": 0.66,
            "low": 0.4,
            "high": 0.86,
        }
        gate = Gate(model_weight=0.0, reason="It won 8 of 12 duels.", **{**said, **standing})
        begun = {
            "round": 3,
            "policy": "round-003",
            "stages": tuple(stages),
            "decision": None,
            "alarms": (),
            "gate": gate,
        }
        open_ = self.overview.rounds[2].model_copy(update=begun)
        self.overview = self.overview.model_copy(update={"rounds": (*self.overview.rounds[:3], open_)})

    def run_stage(self, done: int) -> None:
        """A further round whose policy is being trained."""
        stages = [StageView(name=name, state="done", seconds=1.0) for name in STAGES[:5]]
        stages += [StageView(name="policy", state="running", done=done, total=20, what="training")]
        stages += [StageView(name=name, state="todo") for name in STAGES[6:]]
        nothing = {"metrics": {}, "samples": (), "decision": None, "alarms": ()}
        begun = {"round": 3, "policy": "round-003", "stages": tuple(stages), **nothing}
        open_ = self.overview.rounds[2].model_copy(update=begun)
        self.overview = self.overview.model_copy(update={"rounds": (*self.overview.rounds[:3], open_), "busy": True})


@pytest.fixture
def live() -> Live:
    return Live()


@pytest.fixture
def url(tmp_path: Path, live: Live) -> Iterator[str]:
    port = rounds_port(
        taught=lessons(2),
        rollback=lambda *said: live.rolled_back.append(said),
        decide=lambda *said: live.decided.append(said),
    )
    port = type(port)(**{**vars(port), "overview": lambda: live.overview, "samples": lambda number: SAMPLES})
    app, journal = app_of(tmp_path, [], rounds=port)
    with serving(app) as address:
        yield address
    journal.close()


def opened(page: Page, url: str, width: int = 1280) -> Page:
    page.set_viewport_size({"width": width, "height": 900})
    log_in(page, url)
    page.goto(f"{url}/rounds")
    page.wait_for_selector("[data-round='2'] .fl-lessons li")
    return page


def with_a_reason_only(page: Page, name: str, told: str, done: Sequence[Any]) -> None:
    """Do what the button says: its dialog says this, and does nothing until a reason is given."""
    page.get_by_role("button", name=name).click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text(told)
    dialog.get_by_role("button", name=name).click()
    expect(dialog).to_be_visible()
    assert not done, "not without a reason"
    dialog.get_by_label("Why?").fill("the tone is right")
    dialog.get_by_role("button", name=name).click()
    expect(dialog).to_have_count(0)
    page.wait_for_timeout(300)


@pytest.mark.parametrize("width", [1280, 390])
def test_what_labels_taught_is_said_in_sentences_with_intervals(page: Page, url: str, width: int):
    opened(page, url, width)
    box = page.locator("[data-round='2'] .fl-taught")
    emoji = box.locator("li[data-trait=emoji]")
    expect(emoji).to_contain_text("You prefer emoji: ")
    expect(emoji).to_contain_text("The new version followed: 100%")
    assert "points" in (emoji.locator("svg").get_attribute("aria-label") or "")
    warned = box.locator(".fl-unasked li[data-trait=hedged]")
    expect(warned).to_contain_text("The new version moved to hedges (perhaps, might): 100%")
    box.locator(".fl-all > summary").click()
    expect(box.locator("tbody tr", has_text="Emoji").locator("td").last).to_have_text("followed")
    assert page.evaluate("document.documentElement.scrollWidth") <= width, "the table scrolls inside its box"
    if folder := os.environ.get("SCREENSHOTS"):
        page.screenshot(path=f"{folder}/taught-{width}.png", full_page=True)


@pytest.mark.parametrize("width", [1280, 390])
def test_checks_are_a_table_that_opens_itself_where_one_is_not_passed(page: Page, url: str, width: int):
    opened(page, url, width)
    broken, fine = page.locator("[data-round='2'] .fl-checks"), page.locator("[data-round='1'] .fl-checks")
    expect(broken.locator("summary")).to_contain_text("1 check not passed")
    row = broken.get_by_role("row", name="Plain tasks solved")
    assert row.get_by_role("cell").all_inner_texts() == ["80%", "78%", "44%", "at least 72%", "not passed"]
    expect(broken.get_by_role("row", name="Words an answer")).to_contain_text("12 to 600")
    expect(broken.locator(".fl-reasons li")).to_have_text(f"Plain tasks solved · {UNLEARNED}")
    expect(fine.locator("summary")).to_contain_text("2 checks passed")
    expect(fine.get_by_role("table")).to_be_hidden()
    fine.locator("summary").focus()
    page.keyboard.press("Enter")
    expect(fine.get_by_role("table")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= width, "the table scrolls inside its box"
    if folder := os.environ.get("SCREENSHOTS"):
        broken.screenshot(path=f"{folder}/checks-{width}.png")


def test_samples_are_searched_filtered_and_turned_over_by_keys(page: Page, url: str):
    opened(page, url)
    box = page.locator("[data-round='2'] .fl-samples")
    box.locator("> summary").focus()
    page.keyboard.press("Enter")
    expect(box.locator("article")).to_have_count(10)
    box.get_by_role("button", name="Next").focus()
    page.keyboard.press("Enter")
    expect(box.locator("article").first).to_contain_text("Question 10?")
    expect(box.locator(".fl-pages")).to_contain_text("2 of 3")

    box.get_by_role("button", name="Better").click()
    expect(box.locator("article")).to_have_count(1)
    after = box.locator(".fl-answer").last
    expect(after).to_contain_text("After · 8 words (+7) · reward 1")
    expect(after.locator("strong")).to_have_text("Better")
    assert page.title() != "hacked"
    expect(box.get_by_role("button", name="Better")).to_have_attribute("aria-pressed", "true")

    box.get_by_role("button", name="All").click()
    box.get_by_role("searchbox").fill("question 21")
    expect(box.locator("article")).to_have_count(1)
    expect(box.get_by_role("status")).to_contain_text("1 of 25 shown")


def test_a_rollback_asks_first_says_what_it_does_and_can_be_left_with_escape(page: Page, url: str, live: Live):
    opened(page, url)
    button = page.get_by_role("button", name="Put round-001 in force")
    button.click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("In force from now on: round-001, instead of round-002.")
    expect(dialog).to_contain_text("Nothing is deleted")
    expect(dialog.get_by_role("button", name="Cancel")).to_be_focused()
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(button).to_be_focused()
    assert live.rolled_back == []

    button.click()
    page.keyboard.press("Shift+Tab")
    page.keyboard.type("too long")
    page.keyboard.press("Enter")
    expect(dialog).to_have_count(0)
    page.wait_for_timeout(300)
    assert live.rolled_back == [("round-001", "anna", "too long")]


def test_what_a_round_refused_goes_in_force_with_a_reason_only_and_who_did_what_is_told(
    page: Page, url: str, live: Live
):
    at = "2026-11-26T10:00:00.000+00:00"
    first, second, last = live.overview.rounds
    assert second.decision is not None
    no = second.decision.model_copy(
        update={"promoted": False, "policy": "round-000", "reasons": ("It won 9 of 30 duels.",)}
    )
    back = RolledBack(round=1, policy="base", before="round-000", by="olga", at=at, reason="it rambles")
    out = Discarded(number=0, asked="annotator ben", labels=4, reason="was not well", by="olga", at=at)
    rounds = (first, second.model_copy(update={"decision": no}), last)
    live.overview = live.overview.model_copy(update={"rounds": rounds, "rollbacks": (back,), "discarded": (out,)})
    opened(page, url)
    told = page.locator("[data-round='1'] .fl-rollbacks")
    expect(told).to_contain_text("olga put base in force instead of round-000, ")
    expect(told).to_contain_text("Why: it rambles")
    expect(page.locator(".fl-discards")).to_contain_text("Discard 0: 4 labels (annotator ben), by olga, ")

    with_a_reason_only(
        page, "Put round-001 in force", "Its round did not keep round-001: It won 9 of 30 duels.", live.rolled_back
    )
    assert live.rolled_back == [("round-001", "anna", "the tone is right")]


def test_duels_are_shown_as_they_stand_and_an_owner_decides_with_a_reason_only(page: Page, url: str, live: Live):
    live.ask_duels()
    opened(page, url)
    gate = page.locator("[data-round='3'] .fl-gate")
    expect(gate).to_contain_text(
        "12 of at most 60 duels judged. Of the first 10 the new version wins 66% (90%: 40% to 86%)."
    )
    expect(gate.get_by_role("img", name="The new version's share of duels won: 66%")).to_be_visible()
    expect(page.locator("#fl-start")).to_be_disabled()
    expect(page.locator(".fl-head")).to_contain_text("New against old is not settled yet")
    expect(page.locator("[data-round='3'] .fl-early")).to_contain_text("tells whose answer is whose")
    expect(page.locator("[data-round='3'] .fl-taught")).not_to_have_attribute("open", "")

    with_a_reason_only(
        page, "Keep the new version now", "What speaks against the new version does not count then.", live.decided
    )
    assert live.decided == [(True, "anna", "the tone is right")]


def test_duels_that_are_settled_need_nobody(page: Page, url: str, live: Live):
    live.ask_duels(verdict="promote")
    opened(page, url)
    gate = page.locator("[data-round='3'] .fl-gate")
    expect(gate).to_contain_text("That settles it.")
    expect(gate.get_by_role("button")).to_have_count(0)


def test_a_training_moves_the_stepper_and_leaves_alone_what_the_reader_does(page: Page, url: str, live: Live):
    opened(page, url)
    box = page.locator("[data-round='2'] .fl-samples")
    box.locator("> summary").click()
    search = box.get_by_role("searchbox")
    search.fill("question 21")
    for done in (5, 15):
        live.run_stage(done)
        stage = page.locator("[data-round='3'] [data-stage=policy]")
        expect(stage).to_contain_text(f"training {done} / 20")
        expect(stage).to_have_attribute("aria-current", "step")
        expect(stage.get_by_role("progressbar")).to_have_attribute("value", str(done))
        expect(search).to_be_focused()
        expect(search).to_have_value("question 21")
        expect(box.locator("article")).to_have_count(1)
    expect(page.get_by_role("button", name="Put round-001 in force")).to_be_disabled()


def test_win_rates_have_whiskers_and_say_their_figures(page: Page, url: str):
    opened(page, url)
    wins = page.locator(".fl-over .fl-chart", has_text="Wins against the base")
    assert wins.locator(".fl-whisker").count() == 3
    assert "61% (50% to 71%)" in (wins.locator("svg").get_attribute("aria-label") or "")


def test_how_much_of_the_brief_is_still_needed_is_a_curve_with_its_interval_and_who_judged(page: Page, url: str):
    opened(page, url)
    brief = page.locator(".fl-over .fl-chart", has_text="How much of the brief is still needed")
    said = "round-002 needs 0 of 833; the model as it came 833 (dashed), by the reward model"
    expect(brief.locator("figcaption")).to_have_text(said)
    expect(brief.locator(".fl-whisker")).to_have_count(3)
    expect(brief.locator(".fl-ideal")).to_have_count(1)
    assert "1: 83 (0 to 400)" in (brief.locator("svg").get_attribute("aria-label") or "")


def test_it_says_where_rounds_had_another_brief(page: Page, url: str, live: Live):
    first, *others = live.overview.rounds
    rounds = (first.model_copy(update={"other_brief": True}), *others)
    live.overview = live.overview.model_copy(update={"rounds": rounds})
    opened(page, url)
    brief = page.locator(".fl-over .fl-chart", has_text="How much of the brief is still needed")
    expect(brief.locator("figcaption")).to_contain_text("Rounds under an earlier brief are not drawn.")


@pytest.mark.parametrize("there", [True, False])
def test_wandb_is_a_link_where_it_is_online_and_a_command_where_it_is_not(
    page: Page, url: str, live: Live, there: bool
):
    address = "https://wandb.example/team/runs/1"
    if there:
        live.overview = live.overview.model_copy(update={"mirror": Mirror(url=address)})
    opened(page, url)
    mirror = page.locator("#fl-mirror")
    if there:
        expect(mirror.get_by_role("link")).to_have_attribute("href", address)
        expect(mirror.get_by_role("link")).to_have_attribute("rel", "noopener noreferrer")
    else:
        assert mirror.locator("code").all_text_contents() == [
            "wandb leet runs/test/wandb",
            "wandb sync runs/test/wandb/offline-run-*",
        ]


@pytest.mark.parametrize("locale", ["ru-RU", "zh-CN"])
def test_the_page_speaks_the_readers_language(chromium, url: str, locale: str):
    context = chromium.new_context(locale=locale)
    page = context.new_page()
    opened(page, url)
    expect(page.locator("[data-round='2'] .fl-taught > summary")).to_contain_text(words(locale[:2])["taught.title"])
    shown = page.locator("#fl-rounds").inner_text()
    assert not {key for key in ("taught.", "rounds.", "samples.", "rollback.") if key in shown}, (
        "every key has its text"
    )
    context.close()
