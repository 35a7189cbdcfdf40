"""The Rounds page of a run whose reward model should not be believed: the alarms stand out, the curves say why."""

import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvicorn
from playwright.sync_api import Page, expect

from tests.browser_fixture import log_in
from tests.ui.app_parts import app_of, rounds_port
from tests.ui.rounds_parts import BINS, LENGTH, alarmed

pytestmark = pytest.mark.browser


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    app, journal = app_of(tmp_path, [], rounds=rounds_port(overview=alarmed()))
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=1))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    server.should_exit = True
    thread.join(10)
    journal.close()


@pytest.mark.parametrize("width", [1280, 390])
def test_alarms_and_curves_on_screens_wide_and_narrow(page: Page, url: str, width: int):
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.set_viewport_size({"width": width, "height": 900})
    log_in(page, url)
    page.goto(f"{url}/rounds")
    box = page.locator("[data-round='2'] .fl-alarms")
    expect(box).to_be_visible()
    assert box.locator("li").all_text_contents()[0] == LENGTH
    expect(page.locator("[data-round='2'] summary").first).to_contain_text("2 alarms")
    assert page.locator("[data-round='1'] .fl-alarms").count() == 0
    titles = page.locator(".fl-over h3").all_text_contents()
    assert len(titles) == 7
    assert any("How sure" in title for title in titles)
    sure = page.locator(".fl-over .fl-chart", has_text="How sure")
    assert sure.locator(".fl-whisker").count() == len(BINS)
    assert page.locator(".fl-over .fl-limit").count() == 2
    expect(page.locator("[data-round='2']")).to_contain_text("ben: 55% (36% to 72%, 18 pairs)")
    assert page.evaluate("document.documentElement.scrollWidth") <= width, "nothing is cut off at the side"
    assert errors == []
    if folder := os.environ.get("SCREENSHOTS"):
        page.screenshot(path=f"{folder}/alarms-{width}.png", full_page=True)
