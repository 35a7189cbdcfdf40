"""The newcomer's way, in a real browser: rank, start a round, by PPO, see it learn and finish; Argilla holds the rankings."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from feedback_loop.argilla_local import Connection
from feedback_loop.report.report import rankings
from feedback_loop.run import open_run
from feedback_loop.store.argilla_store import open_store
from tests.browser_fixture import log_in
from tests.conftest import Cli, command, init_small

pytestmark = [pytest.mark.browser, pytest.mark.e2e, pytest.mark.argilla]
NEEDED = 8
PPO = ("policy.step=ppo", "policy.ppo.steps=8", "policy.ppo.rollouts=16", "policy.ppo.learning_rate=3e-3")
LIVE = """() => document.querySelector("[data-round='0'] [data-stage=policy][data-state=running]")
    && [...document.querySelectorAll("[data-round='0'] .fl-chart h3")].some((h) => h.textContent.startsWith("Policy: KL"))"""


@pytest.fixture
def served(cli: Cli, tmp_path: Path, argilla: Connection) -> Iterator[tuple[Path, str]]:
    """A run and the address of its web app, served as a user would."""
    path = init_small(tmp_path / "run", "reward.form=lora", "reward.members=1", "reward.trl.num_train_epochs=3", *PPO)
    env = {**os.environ, "ARGILLA_API_URL": argilla.api_url, "ARGILLA_API_KEY": argilla.api_key}
    process = subprocess.Popen(
        command("serve", path, "--no-browser", "--port", 0), env=env, stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    url = next(line for line in process.stderr if line.startswith("Rank here: ")).split()[-1]
    yield path, url
    process.terminate()
    process.wait(30)


def test_rank_start_a_round_and_see_it_finish(page: Page, served: tuple[Path, str], argilla: Connection):
    path, url = served
    log_in(page, url, "anna")
    for count, key in enumerate("12121234", start=1):
        card = page.locator(".fl-card")
        card.wait_for(timeout=120_000)
        shown = card.get_attribute("data-comparison-id")
        page.wait_for_timeout(400)
        page.keyboard.press(key)
        page.wait_for_function("id => document.querySelector('.fl-card')?.dataset.comparisonId !== id", arg=shown)
        expect(page.locator(".fl-count")).to_contain_text(f"{count} of {NEEDED}")

    page.goto(f"{url}/rounds")
    page.locator("#fl-start:not([disabled])").click()
    page.wait_for_function(LIVE, timeout=300_000)
    decided = page.locator("[data-round='0'] [data-stage=promotion][data-state=done]")
    decided.wait_for(timeout=300_000)
    expect(page.locator("[data-round='0'] .fl-decision")).to_contain_text("held-out prompts")
    expect(page.locator("[data-round='0']")).to_contain_text("PPO, 8 steps")
    titles = page.locator("[data-round='0'] .fl-chart h3").all_text_contents()
    assert {"Reward model: loss", "PPO: share of tokens clipped", "PPO: value loss"} <= set(titles)
    assert any(title.startswith("Policy: reward") for title in titles)
    page.locator("[data-round='1'] [data-stage=comparisons][data-state=done]").wait_for(timeout=120_000)

    page.goto(url)
    page.locator(".fl-card[data-comparison-id^=r001]").wait_for()

    run = open_run(path)
    ours = {(r.user_id, r.comparison_id, r.choice) for r in rankings(run, 0)}
    store = open_store(argilla.api_url, argilla.api_key, run.id, path.name)
    assert len(ours) == NEEDED
    assert {(r.user_id, r.comparison_id, r.choice) for r in store.rankings(0)} == ours
