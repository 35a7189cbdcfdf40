"""The Chat page: answers come as they are written, can be stopped, and are harmless whatever a model writes."""

import os
import threading
import time
from collections.abc import Generator, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from feedback_loop import locks
from feedback_loop.asking.labelling import open_desk
from feedback_loop.labels import everything
from feedback_loop.run import Run
from feedback_loop.store.journal import Journal
from feedback_loop.talk import corrections
from feedback_loop.talk.talking import Ask, Said
from feedback_loop.talk.talks import Talks, choices
from tests.browser.serving import serving
from tests.browser_fixture import log_in
from tests.feedback_loop.decided_run import ask, new_run
from tests.ui.app_parts import app_of, chat_port, comparison, says
from ui.ports import ChatPort

pytestmark = pytest.mark.browser
HOSTILE = '<img src=x onerror="window.pwned=1"> [go](javascript:window.pwned=2) \u202egnp.exe **loud**'


@pytest.fixture
def run(tmp_path: Path) -> Run:
    made = new_run(tmp_path / "run", "model.name=tiny")
    ask(made, 0)
    return made


@pytest.fixture
def talked_to(run: Run, tmp_path: Path) -> Iterator[str]:
    """The app with the run's real chat behind it."""
    with closing(Talks(run)) as talks, closing(Journal(run.path / "journal.sqlite")) as votes:
        desk = open_desk(run, votes)
        port = ChatPort(
            choices=lambda: choices(run),
            reply=talks.reply,
            keep=lambda who, said: corrections.keep(run, desk.vote, who, said),
        )
        app, journal = app_of(tmp_path, [comparison(1)], chat=port)
        with closing(journal), serving(app) as url:
            yield url


def opened(page: Page, url: str) -> None:
    log_in(page, url)
    page.goto(f"{url}/chat")
    page.wait_for_selector("#fl-chat-policy option", state="attached")


def say(page: Page, text: str) -> None:
    page.fill("#fl-chat-text", text)
    page.keyboard.press("Enter")


def shot(page: Page, name: str) -> None:
    if folder := os.environ.get("SCREENSHOTS"):
        page.screenshot(path=f"{folder}/chat-{name}.png", full_page=True)


def test_a_model_answers_remembers_and_gives_way_to_a_round(page: Page, talked_to: str, run: Run):
    opened(page, talked_to)
    answers = page.locator(".fl-chat-assistant .fl-rich")
    say(page, "How do I clean a window?")
    expect(page.locator(".fl-chat-note")).to_have_text("The model is being loaded…")
    expect(answers).to_have_count(1, timeout=60_000)
    assert len(answers.inner_text()) > 1
    say(page, "And a door?")
    expect(answers).to_have_count(2)
    expect(page.locator(".fl-chat-user")).to_have_count(2)
    shot(page, "wide")
    answers_are_corrected_with_consent(page, run)
    with locks.lock(run):
        say(page, "Are you still there?")
        expect(page.locator("#fl-chat .fl-error")).to_contain_text("goes before the chat")
        assert page.input_value("#fl-chat-text") == "Are you still there?", "what was written is not lost"
        expect(page.locator(".fl-chat-turn")).to_have_count(4)
    page.click("#fl-chat-new")
    expect(page.locator(".fl-chat-turn")).to_have_count(0)
    expect(page.locator("#fl-chat .fl-error")).to_be_hidden()


def answers_are_corrected_with_consent(page: Page, run: Run) -> None:
    """Nothing is stored before Save; then it is a comparison, a choice and an edit of the open round."""
    place = page.locator(".fl-chat-better").nth(1)
    place.locator("button").click()
    expect(place.locator(".fl-answer")).to_have_count(2)
    expect(place.locator(".fl-chat-consent")).to_contain_text("under your name")
    assert everything(run)[0].rankings == []
    place.locator("textarea").fill("Open it.")
    place.locator("input[value=neither]").check()
    shot(page, "better")
    place.locator(".fl-primary").click()
    expect(place).to_contain_text("one of this round's rankings")
    said = everything(run)[0]
    (ranking,) = said.rankings
    kept = next(c for c in said.comparisons if c.id == ranking.comparison_id)
    assert (ranking.user_id, ranking.choice, ranking.edit) == ("anna", "neither", "Open it.")
    assert [m.content for m in kept.prompt.prompt][::2] == ["How do I clean a window?", "And a door?"]


@pytest.mark.parametrize("width", [1280, pytest.param(390, marks=pytest.mark.nightly)])
def test_whatever_is_written_is_shown_and_does_nothing(page: Page, tmp_path: Path, width: int):
    page.set_viewport_size({"width": width, "height": 800})
    pieces = [Said(state="text", text=HOSTILE[:30]), Said(state="text", text=HOSTILE[30:])]
    port = chat_port(says(*pieces, Said(state="done", text=HOSTILE + "x" * 3000, ended="cut", forgotten=2)))
    app, journal = app_of(tmp_path, [comparison(1)], chat=port)
    with closing(journal), serving(app) as url:
        opened(page, url)
        say(page, "<b>me</b> " + "y" * 300)
        answer = page.locator(".fl-chat-assistant")
        expect(answer.locator("strong")).to_have_text("loud")
        expect(answer).to_contain_text("[U+202E]gnp.exe")
        expect(answer.locator(".fl-chat-foot")).to_contain_text("Cut here")
        expect(answer.locator(".fl-chat-foot")).to_contain_text("first 2 messages")
        assert page.locator(".fl-chat-user .fl-text").inner_text().startswith("<b>me</b>")
        assert page.locator("#fl-chat :is(img, a)").count() == 0
        assert page.evaluate("window.pwned") is None
        assert page.evaluate("document.documentElement.scrollWidth") <= width, "nothing is cut off at the side"
        shot(page, str(width))


@pytest.mark.nightly
def test_an_answer_is_stopped_by_the_button_and_by_leaving(page: Page, tmp_path: Path):
    stopped: list[str] = []

    def endless(ask: Ask, stop: threading.Event) -> Generator[Said]:
        try:
            while not stop.is_set():
                yield Said(state="text", text="and so on ")
                time.sleep(0.02)
            yield Said(state="done", text="and so on", ended="stopped")
        finally:
            stopped.append(ask.messages[-1].content)

    app, journal = app_of(tmp_path, [comparison(1)], chat=chat_port(endless))
    with closing(journal), serving(app) as url:
        opened(page, url)
        assert page.locator("#fl-chat-policy option").all_text_contents() == ["round-000, in force", "base"]
        say(page, "first")
        expect(page.locator(".fl-chat-assistant")).to_contain_text("and so on and so on")
        page.click("#fl-chat-stop")
        expect(page.locator(".fl-chat-assistant .fl-chat-foot")).to_contain_text("Stopped.")
        expect(page.locator(".fl-chat-better")).to_have_count(0)
        say(page, "second")
        expect(page.locator(".fl-chat-assistant").nth(1)).to_contain_text("and so on")
        page.goto(f"{url}/help")
        ends = time.monotonic() + 10
        while stopped != ["first", "second"] and time.monotonic() < ends:
            time.sleep(0.05)
        assert stopped == ["first", "second"]
