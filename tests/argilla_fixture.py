"""A real embedded Argilla for tests, apart from the user's own.

`argilla` is shared by a whole test run, also by the workers of pytest-xdist: its home stands beside their folders, and
each holds the same lease as the program itself does, so that the last to leave stops it. A test that stops or restarts
the server takes `fresh_home` instead.
"""

import fcntl
import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from playwright.sync_api import Page

from feedback_loop import argilla_local
from feedback_loop.argilla_local import Connection

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session", autouse=True)
def argilla_places(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Keep all tests away from the user's own Argilla; one environment for every home."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    os.environ.setdefault("FEEDBACK_LOOP_ARGILLA_ENV", str(ROOT / ".argilla-env"))
    os.environ["FEEDBACK_LOOP_HOME"] = str(shared / "argilla-home")
    os.environ.pop("ARGILLA_API_URL", None)
    os.environ.pop("ARGILLA_API_KEY", None)
    return shared / "argilla-home"


@pytest.fixture(scope="session")
def argilla(argilla_places: Path) -> Iterator[Connection]:
    """A running Argilla, the same for all tests of the session."""
    home = argilla_places / "argilla"
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    lease = os.open(home / ".users", os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(lease, fcntl.LOCK_SH)
    yield argilla_local.start()
    try:
        fcntl.flock(lease, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return  # another worker still uses it
    else:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("FEEDBACK_LOOP_HOME", str(argilla_places))
            argilla_local.stop()
    finally:
        os.close(lease)


@pytest.fixture
def fresh_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A home of the test's own, where no Argilla has ever been; whatever the test starts there is stopped."""
    home = tmp_path / "home"
    monkeypatch.setenv("FEEDBACK_LOOP_HOME", str(home))
    yield home
    monkeypatch.setenv("FEEDBACK_LOOP_HOME", str(home))
    argilla_local.stop()


def owner_login(home: Path) -> tuple[str, str]:
    """User name and password of the owner of the Argilla in a `FEEDBACK_LOOP_HOME`."""
    kept = json.loads((home / "argilla" / "credentials.json").read_text(encoding="utf-8"))
    return kept["username"], kept["password"]


def annotate_in_argilla(
    page: Page,
    connection: Connection,
    dataset_id: str,
    label: str,
    login: tuple[str, str],
    order: Sequence[tuple[str, int]] = (),
) -> None:
    """Log in to Argilla's own web UI, choose a label by its title on the first pending record, and submit it.

    `order` is what is put in order before, the first by dragging, the others by their keys: sides and places, from 1.
    """
    page.goto(f"{connection.api_url}/sign-in")
    page.locator("input[type=text]").first.fill(login[0])
    page.locator("input[type=password]").fill(login[1])
    page.locator("button[type=submit]").click()
    page.wait_for_url(lambda url: "sign-in" not in url)
    page.goto(f"{connection.api_url}/dataset/{dataset_id}/annotation-mode")
    page.get_by_text(label, exact=True).last.wait_for()
    for side, place in order[:1]:
        page.locator(f".draggable #{side}").drag_to(page.locator(".draggable__slot-box").nth(place - 1))
    for side, place in order[1:]:
        page.wait_for_timeout(1000)  # digits pressed one after the other are one number to it
        page.locator(f".draggable #{side}").focus()
        page.keyboard.press(str(place))
        page.locator(".draggable__slot-box").nth(place - 1).locator(f"#{side}").wait_for()
    page.get_by_text(label, exact=True).last.click()
    with page.expect_response(lambda reply: "/responses" in reply.url and reply.request.method == "POST") as sent:
        page.get_by_role("button", name="Submit").click()
    assert sent.value.ok, sent.value.text()
