"""The benchmark of the ranking app: its figures are of what happened, and its checks can fail."""

import contextlib
import json
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest
from playwright.sync_api import Page

from benchmarks.ranking_app import browser, delivery, report, texts
from benchmarks.ranking_app.annotators import Vote
from benchmarks.ranking_app.figures import spread
from benchmarks.ranking_app.made_run import make_run
from benchmarks.ranking_app.tiers import TIERS
from feedback_loop.asking.labelling import comparisons_of, open_desk
from feedback_loop.records import Ranking
from feedback_loop.store.journal import Journal
from tests.ui.app_parts import comparison

TIER = TIERS["quick"]

SLOW = """<div data-comparison-id="c0">0</div><script>
let number = 0, refuses = 0;
const busy = (ms) => { for (const end = performance.now() + ms; performance.now() < end;); };
const show = () => { const next = document.createElement("div"); next.dataset.comparisonId = `c${++number}`;
  document.querySelector("[data-comparison-id]").replaceWith(next); };
addEventListener("keydown", ({ key }) => {
  if (refuses-- > 0) return;
  if (key === "1") setTimeout(show, 120);
  if (key === "2") { show(); requestAnimationFrame(() => busy(120)); }
  if (key === "3") { show(); setTimeout(() => { document.querySelector("[data-comparison-id]").textContent = "late"; }, 120); }
  if (key === "4") show();
});
</script>"""
"""A page that is slow to show, to paint, or to finish the next comparison, by the key."""


@pytest.fixture
def slow(page: Page) -> Page:
    page.set_content(SLOW)
    browser.start_probe(page, browser.OURS)
    return page


@pytest.mark.browser
def test_a_page_that_is_slow_to_show_paint_or_finish_is_measured_so(slow: Page):
    shown, painted, finished, quick = (
        browser.answer(slow, browser.OURS, key, quiet_ms=200, again=False) for key in "1234"
    )
    assert shown.first >= 120
    assert shown.painted >= 120
    assert painted.first >= 120
    assert finished.painted >= 120 > finished.first
    assert 0 < quick.first == quick.painted
    assert [step.record for step in (shown, painted, finished, quick)] == ["c0", "c1", "c2", "c3"]
    assert quick.side == "neither"


@pytest.mark.browser
def test_the_browsers_own_figure_is_of_the_same_key(slow: Page):
    steps = [browser.answer(slow, browser.OURS, "2", quiet_ms=200, again=False) for _ in range(2)]
    assert [ms >= 112 for ms in browser.by_event_timing(slow, steps)] == [True, True]  # it is rounded to 8 ms


@pytest.mark.browser
def test_a_key_that_was_not_taken_is_pressed_again_and_answers_once(slow: Page):
    slow.evaluate("refuses = 3")
    assert browser.answer(slow, browser.OURS, "4", quiet_ms=0, again=True).record == "c0"
    assert slow.evaluate("number") == 1


def test_a_vote_that_is_lost_changed_doubled_or_invented_is_found():
    asked = [comparison(1), comparison(2)]
    votes = [Vote("anna", "c1", "first"), Vote("anna", "c2", "tie"), Vote("otto", "c1", "second")]

    def ranking(user: str, name: str, choice: str) -> Ranking:
        return Ranking(user_id=user, comparison_id=name, choice=choice, status="submitted", created_at="")

    held = [ranking("anna", "c1", "secret-1-0"), ranking("anna", "c2", "tie"), ranking("otto", "c1", "secret-1-1")]

    def found(*held: Ranking) -> tuple[int, int]:
        compared = delivery.compare(votes, asked, held, 0.0)
        return compared.missing, compared.unexpected

    assert found(*held) == (0, 0)
    assert found(*held[1:]) == (1, 0)
    assert found(ranking("anna", "c1", "secret-1-1"), *held[1:]) == (1, 1)
    assert found(*held, held[0]) == (0, 1)
    assert found(*held, ranking("eve", "c1", "tie")) == (0, 1)


def test_requests_differ_and_answers_are_of_realistic_lengths():
    rng = random.Random(1)
    asked = [texts.request(number, rng) for number in range(100)]
    assert len({prompt.request for prompt in asked}) == 100
    assert sum(len(prompt.prompt) > 1 for prompt in asked) == 12
    words = sorted(len(texts.answer(rng).split()) for _ in range(400))
    assert words[40] < 60 < 250 < words[-40]
    answers = [texts.answer(rng) for _ in range(40)]
    assert any("```python" in text for text in answers)
    assert any("\n- " in text for text in answers)


def test_the_run_is_one_that_the_app_can_serve(tmp_path: Path):
    run = make_run(tmp_path, 20)
    with contextlib.closing(Journal(run.path / "journal.sqlite")) as journal:
        asked, progress = comparisons_of(run)(), open_desk(run, journal).progress("anna")
    assert progress.left == 21
    assert progress.needed == 2000
    assert [c.purpose for c in asked].count("repeat") == 1


def test_quantiles():
    assert spread([1.0, 2.0, 3.0]) == {"count": 3, "p50": 2.0, "p95": 2.9, "p99": 2.98, "max": 3.0}
    assert spread([]) == {"count": 0}


@pytest.mark.argilla
@pytest.mark.browser
@pytest.mark.nightly
def test_quick_tier_measures_all_parts_and_finds_every_vote_in_argilla_once(tmp_path: Path):
    command = [
        sys.executable,
        "-m",
        "benchmarks.ranking_app",
        "--tier",
        "quick",
        "--json",
        str(tmp_path / "found.json"),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ, timeout=500)
    assert done.returncode == 0, done.stderr
    found = json.loads((tmp_path / "found.json").read_text(encoding="utf-8"))
    annotators, plain = found["team"]["annotators"], found["plain"]
    voted = 2 * TIER.votes + annotators["votes"]
    assert found["delivered"] | {"seconds": 0} == {
        "votes": voted,
        "held": voted,
        "missing": 0,
        "unexpected": 0,
        "seconds": 0,
    }
    assert (annotators["errors"], plain["errors"], plain["votes"]) == (0, 0, annotators["votes"])
    assert annotators["votes"] >= TIER.annotators * TIER.least_seconds / TIER.every / 2
    for part in (found["alone"], found["team"]):
        assert part["painted_ms"]["count"] == TIER.votes
        assert 0 < part["painted_ms"]["p50"] <= part["painted_ms"]["p95"]
        assert part["first_painted_ms"]["max"] <= part["painted_ms"]["max"]
        assert 5 < part["idle_frame_ms"]["p50"] < 100
    assert found["in_app"]["POST /api/vote"]["count"] >= annotators["votes"]
    assert {goal["what"] for goal in found["goals"] if not goal["met"]}.isdisjoint(
        {"errors", "votes not in Argilla exactly once"}
    )
    assert report.markdown(found).strip() == done.stdout.strip()
