"""Every page is audited by axe-core, in light and dark, wide and on a phone: nothing serious or critical may be found.

What axe cannot see (reading order, keys, what a screen reader says) is held by the pages' own tests.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any, Literal

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Browser, Page

from feedback_loop.report.overview import Discarded, Mirror, Overview, RolledBack, StageView
from feedback_loop.run import STAGES
from tests.browser.label_page import SETTLE, answer, label_page
from tests.browser.serving import serving
from tests.browser.test_rounds_page import SAMPLES
from tests.browser.test_team import team
from tests.browser_fixture import log_in
from tests.ui.app_parts import app_of, comparison, rounds_port
from tests.ui.intent_parts import recording
from tests.ui.rounds_parts import alarmed, lessons
from tests.ui.soup_parts import soup_port
from ui.accounts import Accounts

pytestmark = pytest.mark.browser
Scheme = Literal["light", "dark"]
LOOKS: tuple[tuple[Scheme, int], ...] = (("light", 1280), ("dark", 390))
"""Colours hang on the scheme and layout on the width, so each of the two once."""
GRAVE = ("serious", "critical")
UNFOLD = "document.querySelectorAll('details').forEach((each) => { each.open = true; })"
PASSWORD = "correct horse battery"
LONG = (
    "## Why\n\n"
    + "A long answer says it all, and more than once. " * 200
    + "\n\n- one\n- `two`\n\n```python\nprint(1)\n```\n"
)
TABLE = "| a | b |\n| - | - |\n| 1 | 2 |\n\n> quoted **word**"


@pytest.fixture
def audited(chromium: Browser) -> Iterator[Page]:
    """A page that takes axe's script, which the content policy would refuse."""
    context = chromium.new_context(bypass_csp=True, reduced_motion="reduce", viewport={"width": 1280, "height": 900})
    opened = context.new_page()
    opened.set_default_timeout(20_000)
    yield opened
    context.close()


def violations(page: Page) -> list[dict[str, Any]]:
    """What axe finds on the page as it stands; its script is put into each page once."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE_SCRIPT)
    found = page.evaluate("async () => (await axe.run(document, { resultTypes: ['violations'] })).violations")
    return list(found)


def findings(page: Page, where: str, looks: Sequence[tuple[Scheme, int]] = LOOKS) -> list[str]:
    """A line for each grave finding on the page as it stands."""
    found = []
    for scheme, width in looks:
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme=scheme)
        for rule in violations(page):
            if rule["impact"] in GRAVE:
                nodes = [f"{node['target']}: {node['failureSummary']}" for node in rule["nodes"]]
                found.append(f"{where}, {scheme}, {width} px: {rule['id']} at " + "; ".join(nodes[:4]))
    page.set_viewport_size({"width": 1280, "height": 900})
    return found


def pressed(*keys: str) -> Callable[[Page], None]:
    def press(page: Page) -> None:
        for key in keys:
            page.keyboard.press(key)
        page.wait_for_timeout(150)

    return press


def typed(text: str) -> Callable[[Page], None]:
    return lambda page: page.keyboard.type(text)


def twenty_five(page: Page) -> None:
    """The summary of a sitting, which comes with the 25th answer."""
    user = "feedback-loop-session/anna"
    page.evaluate(
        "([at, n]) => sessionStorage.setItem(at, JSON.stringify(Array(n).fill({ id: '', seconds: 4 })))", [user, 24]
    )
    answer(page, "1")
    page.locator("#fl-summary").wait_for()


LABEL: dict[str, tuple[Callable[[Page], None], ...]] = {
    "plain": (),
    "differences, unfolded": (pressed("d", "m"),),
    "as written": (pressed("d", "m", "p"),),
    "skip": (pressed("p", "s"),),
    "edit": (pressed("Escape", "e", "1"), typed("more")),
    "comment": (pressed("Escape", "Escape", "c"), typed("why")),
    "shortcuts": (pressed("Escape", "?"),),
    "summary": (pressed("Escape"), twenty_five),
    "history": (pressed("h"),),
    "revising": (lambda page: page.locator(".fl-answered button").first.click(), pressed("a", "f")),
}


def test_label_with_two_answers_and_all_that_opens_on_it(audited: Page, tmp_path: Path):
    found = []
    with label_page(tmp_path, [comparison(n, LONG, f"{TABLE} {LONG}") for n in range(4)]) as app:
        log_in(audited, app.url)
        audited.wait_for_timeout(SETTLE)
        for name, steps in LABEL.items():
            for step in steps:
                step(audited)
            found += findings(audited, f"Label, {name}")
    assert not found, "\n".join(found)


@pytest.mark.parametrize("texts", [("Aa", "Bb", "Cc"), ("Aa", "Bb", "Cc", "Dd"), ()])
def test_label_with_three_four_or_no_answers(audited: Page, tmp_path: Path, texts: tuple[str, ...]):
    found = []
    with label_page(tmp_path, [comparison(n, *texts) for n in range(2)] if texts else []) as app:
        log_in(audited, app.url)
        found += findings(audited, f"Label, {len(texts)} answers")
        if texts:
            pressed("2", "Shift+1")(audited)
            found += findings(audited, f"Label, {len(texts)} answers, two of them placed")
    assert not found, "\n".join(found)


def all_states() -> Overview:
    """Rounds that are done, were not kept, failed, run, and wait; alarms, and a line about what went wrong."""
    first, second, third = (r.model_copy(update={"samples": SAMPLES}) for r in alarmed().rounds)
    assert second.decision
    second = second.model_copy(update={"decision": second.decision.model_copy(update={"promoted": False})})
    nothing = {"metrics": {}, "curves": (), "samples": (), "decision": None, "alarms": ()}
    begun = []
    for number, (at, state) in enumerate((("policy", "failed"), ("policy", "running"), ("rankings", "waiting")), 3):
        place = STAGES.index(at)
        stages = [StageView(name=name, state="done", seconds=1.0) for name in STAGES[:place]]
        stages += [StageView(name=at, state=state, done=3, total=20, what="training")]
        stages += [StageView(name=name, state="todo") for name in STAGES[place + 1 :]]
        begun.append(third.model_copy(update={"round": number, "stages": tuple(stages), **nothing}))
    rounds = (first, second, third, *begun)
    mirror = Mirror(url="https://wandb.ai/x", sync="wandb sync runs/test", view="wandb leet runs/test")
    at = "2026-11-26T10:00:00.000+00:00"
    back = RolledBack(round=1, policy="base", before="round-000", by="olga", at=at, reason="it rambles")
    out = Discarded(number=0, asked="annotator ben", labels=4, reason="was not well", by="olga", at=at)
    return alarmed().model_copy(
        update={
            "rollbacks": (back,),
            "discarded": (out,),
            "rounds": rounds,
            "mirror": mirror,
            "failed": True,
            "message": "Out of memory. Lower batch_size.",
        }
    )


@pytest.fixture
def with_accounts(tmp_path: Path) -> Iterator[tuple[str, Accounts]]:
    """An app with accounts, rounds in all states and a team."""
    port = rounds_port(overview=all_states(), taught=lessons(2))
    asked, answers = team()
    app, journal = app_of(tmp_path, asked, rounds=port, login="accounts", soup=soup_port(), intent=recording([]))
    rounds = {c.id: c.round for c in asked}
    with ExitStack() as opened:
        opened.enter_context(closing(journal))
        flagged = answers[0].model_copy(update={"flagged": True, "comment": "Rude."})
        for given in (flagged, *answers[1:]):
            journal.record(given, rounds[given.comparison_id])
        yield opened.enter_context(serving(app)), opened.enter_context(closing(Accounts(tmp_path)))


def test_the_doors_and_all_other_pages(audited: Page, with_accounts: tuple[str, Accounts]):
    url, accounts = with_accounts
    found = []
    audited.goto(f"{url}/login")
    found += findings(audited, "log-in")
    audited.fill("input[name=name]", "olga")
    audited.fill("input[name=password]", "wrong")
    audited.click("button")
    found += findings(audited, "log-in refused")
    audited.goto(f"{url}/invite/{accounts.invite('owner', 1)}")
    found += findings(audited, "invite")
    audited.fill("input[name=name]", "olga")
    audited.fill("input[name=password]", PASSWORD)
    audited.click("button")
    audited.wait_for_selector("#fl-label .fl-card")
    for path, there in (("/logout", "form"), ("/help", "#fl-help table"), ("/team", "#fl-flags details")):
        audited.goto(url + path)
        audited.wait_for_selector(there)
        audited.evaluate(UNFOLD)
        found += findings(audited, path)
    audited.goto(f"{url}/users")
    audited.click(".fl-invite button")
    audited.wait_for_selector("#fl-invite-link")
    found += findings(audited, "/users")
    audited.goto(f"{url}/soup")
    audited.click("#fl-soup-start")
    audited.wait_for_selector(".fl-soup-say")
    audited.evaluate(UNFOLD)
    found += findings(audited, "/soup")
    audited.goto(f"{url}/intent")
    audited.wait_for_selector("[data-key='emoji.no']")
    audited.evaluate(UNFOLD)
    found += findings(audited, "/intent")
    audited.goto(f"{url}/rounds")
    audited.wait_for_selector("[data-round='2']")
    audited.evaluate(UNFOLD)
    audited.wait_for_selector("[data-round='2'] .fl-lessons li")
    audited.evaluate(UNFOLD)
    audited.wait_for_selector("[data-round='2'] .fl-samples article")
    found += findings(audited, "/rounds")
    audited.locator(".fl-rollback button, button.fl-rollback").first.click()
    audited.wait_for_selector("dialog[open]")
    found += findings(audited, "/rounds, rollback")
    assert not found, "\n".join(found)
