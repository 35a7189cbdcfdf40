"""An owner invites somebody, who ranks and sees no owner's buttons; and is signed out again. In a real browser."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.serving import serving
from tests.browser.test_content_policy import WATCH
from tests.ui.app_parts import app_of, comparison, rounds_port
from tests.ui.rounds_parts import alarmed
from ui.accounts import Accounts

pytestmark = pytest.mark.browser
PASSWORD = "correct horse battery"
CARD = "#fl-label .fl-card"


@pytest.fixture
def accounts(tmp_path: Path) -> Iterator[Accounts]:
    with contextlib.closing(Accounts(tmp_path)) as kept:
        yield kept


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    rounds = rounds_port(overview=alarmed())
    app, journal = app_of(tmp_path, [comparison(n) for n in range(4)], rounds=rounds, login="accounts")
    with serving(app) as address:
        yield address
    journal.close()


def accept(page: Page, link: str, name: str) -> None:
    page.goto(link)
    page.fill("input[name=name]", name)
    page.fill("input[name=password]", PASSWORD)
    page.click("button")
    page.wait_for_selector(CARD)


def test_an_owner_invites_and_an_annotator_ranks(page: Page, chromium: Browser, url: str, accounts: Accounts):
    stopped: list[str] = []
    page.add_init_script(WATCH)
    page.on("console", lambda message: stopped.append(message.text))
    accept(page, f"{url}/invite/{accounts.invite('owner', 1)}", "olga")
    page.goto(f"{url}/users")
    page.click(".fl-invite button")
    link = page.locator("#fl-invite-link")
    expect(link).to_be_visible()
    guest = chromium.new_context()
    other = guest.new_page()
    accept(other, link.input_value(), "anna")
    other.goto(f"{url}/rounds")
    other.locator("[data-round]").first.wait_for()
    expect(other.locator("#fl-start")).to_be_hidden()
    expect(other.locator("nav a[href$='/users']")).to_be_hidden()
    assert other.goto(f"{url}/users").status == 403  # type: ignore[union-attr]
    page.goto(f"{url}/rounds")
    expect(page.locator("#fl-start")).to_be_visible()
    expect(page.locator("nav a[href$='/users']")).to_be_visible()

    page.goto(f"{url}/users")
    page.click("[data-name=anna] button:has-text('Sign out')")
    page.wait_for_load_state("networkidle")
    other.goto(url)
    expect(other).to_have_url(f"{url}/login")
    other.fill("input[name=name]", "anna")
    other.fill("input[name=password]", PASSWORD)
    other.click("button")
    other.wait_for_selector(CARD)
    page.click("[data-name=anna] button:has-text('Make an owner')")
    expect(page.locator("[data-name=anna]")).to_contain_text("start rounds")
    page.click("[data-name=anna] button:has-text('Keep out')")
    expect(page.locator("[data-name=anna]")).to_contain_text("kept out")
    other.goto(url)
    expect(other).to_have_url(f"{url}/login")
    page.click("[data-name=olga] button:has-text('Keep out')")
    expect(page.locator("#fl-users .fl-error")).to_contain_text("last owner")
    if folder := os.environ.get("SCREENSHOTS"):
        page.screenshot(path=f"{folder}/users.png")
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert page.evaluate("violations") == []
    assert [line for line in stopped if "400" not in line] == []
    guest.close()


def test_a_person_changes_their_password_and_logs_out(page: Page, url: str, accounts: Accounts):
    accept(page, f"{url}/invite/{accounts.invite('annotator', 1)}", "anna")
    page.goto(f"{url}/logout")
    page.fill("input[name=old]", PASSWORD)
    page.fill("input[name=new]", "another good one")
    page.click("form[action='/password'] button")
    page.wait_for_selector(CARD)
    page.goto(f"{url}/logout")
    page.click("form[action='/logout'] button")
    expect(page).to_have_url(f"{url}/login")
    page.goto(url)
    expect(page).to_have_url(f"{url}/login")
    page.fill("input[name=name]", "anna")
    page.fill("input[name=password]", PASSWORD)
    page.click("button")
    expect(page.locator(".fl-error")).to_contain_text("do not go together")
    if folder := os.environ.get("SCREENSHOTS"):
        page.screenshot(path=f"{folder}/login.png")
