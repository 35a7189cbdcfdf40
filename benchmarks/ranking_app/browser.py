"""A scripted annotator in a real Chromium: one page, one keyboard."""

import contextlib
import os
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from feedback_loop.errors import LoopError

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--no-first-run",
)
PROBE = Path(__file__).with_name("probe.js").read_text(encoding="utf-8")
SIDES = {"1": "first", "2": "second", "3": "tie", "4": "neither"}
"""The same keys on both pages."""
PATIENCE_MS = 20_000


@dataclass(frozen=True)
class Screen:
    """How a page names the record that it shows, and how a person answers it."""

    record: str
    """CSS selector of the record."""
    mark: str
    """Its attribute that differs between records."""
    submit: str = ""
    """Key after the choice's, where the choice alone does not answer."""
    again_ms: float = PATIENCE_MS
    """After how long without another record the last key is pressed once more."""


OURS = Screen("[data-comparison-id]", "data-comparison-id", again_ms=20)
ARGILLA = Screen('.record__content [id^="fields-content-"]', "id", submit="Enter", again_ms=3_000)


@dataclass(frozen=True)
class Step:
    """One answer of the scripted annotator. Times are in milliseconds since the key was pressed."""

    record: str
    side: str
    painted: float
    """The next record is on the screen and stays as it is."""
    first: float
    """It was on the screen for the first time; what is done to it later is not in it."""
    key: float
    """When the key was pressed, by the page's clock."""


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    """A browser; LoopError where there is none."""
    program = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        raise LoopError("No Chromium was found. apt-get install chromium, or set CHROMIUM to its path")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(FLAGS))
        yield browser
        browser.close()


@contextlib.contextmanager
def opened(browser: Browser) -> Iterator[Page]:
    """A page with nothing remembered."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, locale="en-GB")
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    yield page
    context.close()


def enter_ours(page: Page, url: str, name: str) -> None:
    """Log in to the app, and wait for a comparison."""
    page.goto(f"{url}/login")
    page.fill("input[name=name]", name)
    page.locator("form button").first.click()
    start_probe(page, OURS)


def enter_argilla(page: Page, url: str, login: tuple[str, str], dataset: str) -> None:
    """Log in to Argilla's own page, and wait for a record."""
    page.goto(f"{url}/sign-in")
    page.locator("input[type=text]").first.fill(login[0])
    page.locator("input[type=password]").fill(login[1])
    page.locator("button[type=submit]").click()
    page.wait_for_url(lambda there: "sign-in" not in there)
    page.goto(f"{url}/dataset/{dataset}/annotation-mode")
    page.locator("#choice_first").wait_for(state="attached")
    start_probe(page, ARGILLA)


def start_probe(page: Page, screen: Screen) -> None:
    """Begin to watch an opened page."""
    page.locator(screen.record).first.wait_for()
    page.wait_for_timeout(1000)  # what a page does when it is opened is not what is measured
    page.evaluate(PROBE, {"record": screen.record, "mark": screen.mark})


def answer(page: Page, screen: Screen, key: str, *, quiet_ms: float, again: bool) -> Step:
    """Answer the record on the screen and wait for the next, unchanged for `quiet_ms`; LoopError where it does not come.

    With `again`, a page that did not take the key is asked again, as an impatient person does.
    """
    before = page.evaluate("probe.id()")
    page.keyboard.press(key)
    if screen.submit:
        page.keyboard.press(screen.submit)
    ends = time.monotonic() + PATIENCE_MS / 1000
    while time.monotonic() < ends:
        patience = screen.again_ms if again else PATIENCE_MS
        found = page.evaluate("(a) => probe.next(...a)", [before, quiet_ms, patience])
        if found is not None:
            return _step(before, SIDES[key], found)
        page.keyboard.press(screen.submit or key)
    raise LoopError(f"{page.url}: no other record came within {PATIENCE_MS / 1000:.0f} s of the key {key}")


def _step(before: str, side: str, found: dict[str, Any]) -> Step:
    key = found["key"]
    return Step(before, side, found["painted"] - key, found["first"] - key, key)


def one_by_one(page: Page, count: int, pause_ms: float, quiet_ms: float) -> list[Step]:
    """`count` answers on our page, each `pause_ms` after the comparison was painted: past the time in which it takes none."""
    steps = []
    for number in range(count):
        page.wait_for_timeout(pause_ms)
        steps.append(answer(page, OURS, _key(number), quiet_ms=quiet_ms, again=False))
    return steps


def as_fast_as_can_be(page: Page, screen: Screen, count: int, think: float) -> tuple[list[Step], float]:
    """`count` answers, each `think` seconds after its record was painted; and the seconds that all took."""
    steps, started = [], time.monotonic()
    for number in range(count):
        time.sleep(think)
        steps.append(answer(page, screen, _key(number), quiet_ms=0, again=True))
    return steps, time.monotonic() - started


def by_event_timing(page: Page, steps: list[Step]) -> list[float]:
    """The browser's own figure for each answer's key, where its Event Timing has one; below 16 ms it has none."""
    keys: dict[float, float] = {float(time_): duration for time_, duration in page.evaluate("probe.keys()").items()}
    return [keys[step.key] for step in steps if step.key in keys]


def frame_ms(page: Page) -> list[float]:
    """Time between frames of the idle page; LoopError where the browser holds it back as out of sight."""
    if not page.evaluate("probe.visible()"):
        raise LoopError("The browser takes the page for hidden, so it draws no frames in time. Nothing can be measured")
    times: list[float] = page.evaluate("probe.frames(60)")
    return times


def _key(number: int) -> str:
    return str(number % len(SIDES) + 1)
