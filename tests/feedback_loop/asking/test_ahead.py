"""More is sampled as the fastest annotator needs it, by a process that gives way; and what is said of it is measured."""

import contextlib
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from feedback_loop import locks, recipe
from feedback_loop.asking import ahead, asked
from feedback_loop.report.overview import Supply
from feedback_loop.report.report import overview
from feedback_loop.report.report_text import as_text
from feedback_loop.run import Run, commit, create, write_json, write_jsonl
from feedback_loop.store.journal import Journal
from tests.feedback_loop.asking.test_asked import part
from tests.feedback_loop.stages.test_more import make as make_tiny
from tests.feedback_loop.store.samples import comparison, ranking

ALL = [comparison(n) for n in range(9)]


def make(path: Path, *settings: str, own: int = 4) -> Run:
    """A round of four prompts, all sampled in two groups; four more may be."""
    prompts = [c.prompt for c in ALL]
    run = create(
        path, recipe.load(None, ["asking.ahead=3", "sampling.batch_size=8", *settings]), prompts[:8], prompts[8:]
    )
    with commit(run, 0, "prompts") as draft:
        write_jsonl(draft.path / "prompts.jsonl", prompts[:own])
        draft.facts["prompts"] = own
    part(run, "comparisons", 0, 2)
    part(run, "comparisons.more-001", 2, 4)
    return run


def wanted(run: Run, *votes: tuple[str, int]) -> bool:
    with contextlib.closing(Journal(run.path / "journal.sqlite")) as journal:
        for user, number in votes:
            journal.record(ranking(number).model_copy(update={"user_id": user}), 0)
        return ahead.wanted(run, journal)


def test_more_is_wanted_before_the_fastest_has_nothing_left(tmp_path: Path):
    run = make(tmp_path / "run")
    assert not wanted(run), "four are ready"
    assert not wanted(run, ("anna", 0)), "three are"
    assert wanted(run, ("anna", 1)), "two are fewer than ahead"


def test_what_others_answered_enough_is_no_longer_ready_for_anybody(tmp_path: Path):
    given = [("anna", 0), ("ben", 1)]
    assert wanted(make(tmp_path / "one"), *given), "two of four lack answers"
    assert not wanted(make(tmp_path / "two", "rankings.per_comparison=2"), *given), (
        "each has three that lack their second"
    )


def test_a_skip_is_seen_by_who_skipped_and_lacks_an_answer_for_the_others():
    skipped = ranking(0, choice=None)
    assert ahead.ready_for_the_fastest(ALL[:4], [skipped], 1) == 3
    other = ranking(1).model_copy(update={"user_id": "ben"})
    assert ahead.ready_for_the_fastest(ALL[:4], [skipped, other], 1) == 2
    check = ALL[0].model_copy(update={"id": "check", "purpose": "check", "expected": ALL[0].completions[0].id})
    assert ahead.ready_for_the_fastest([*ALL[1:4], check], [], 1) == 3, "a check is no label"


def test_the_rounds_own_prompts_are_wanted_at_once(tmp_path: Path):
    assert wanted(make(tmp_path / "run", "asking.ahead=0", own=6))


def test_nothing_is_wanted_of_a_round_without_prompts_or_that_is_closed_or_not_to_go_on(tmp_path: Path):
    everything = [("anna", n) for n in range(4)]
    assert not wanted(make(tmp_path / "off", "asking.ahead=0"), *everything)
    run = make(tmp_path / "run")
    assert wanted(run, *everything)
    part(run, "comparisons.more-002", 4, 8)
    everything += [("anna", n) for n in range(4, 8)]
    assert not wanted(run, *everything)
    assert ahead.supply(run) == Supply(state="ended")
    closed = make(tmp_path / "closed")
    with commit(closed, 0, "rankings"):
        pass
    assert not wanted(closed)
    assert ahead.supply(closed) == Supply(state="working")


def test_the_next_answers_are_promised_by_how_long_others_took(tmp_path: Path):
    run = make(tmp_path / "run")
    manifest = run.manifest(0, "comparisons.more-001")
    took = datetime.fromisoformat(manifest.finished_at) + timedelta(seconds=20)
    text = manifest.model_copy(update={"finished_at": took.isoformat()}).model_dump_json()
    (run.stage_folder(0, "comparisons.more-001") / "manifest.json").write_text(text)
    began = (datetime.now(UTC) - timedelta(seconds=6)).isoformat()

    def said(**note: object) -> Supply:
        write_json(
            ahead.note_file(run), {"round": 0, "state": "sampling", "began": began, "done": 0, "total": 8, **note}
        )
        return ahead.supply(run)

    assert said().state == "ready", "the note of a sampler that is gone says nothing"
    with locks.sampler_lock(run):
        first = said()
        assert (first.state, first.done, first.total) == ("writing", 0, 8)
        assert first.seconds == pytest.approx(14, abs=1.5), "the last batch took 20, 6 have gone"
        assert said(done=4).seconds == pytest.approx(6, abs=1.5), "half is done in 6"
        assert said(round=1).state == "ready", "another round's note"
        assert said(state="loading") == Supply(state="writing")


def test_a_failure_is_one_line_with_what_to_type_until_more_is_sampled(tmp_path: Path):
    run = make(tmp_path / "run")
    ahead.failed(run, "OutOfMemoryError: no room; log: x.log")
    line = f"No more answers are sampled: OutOfMemoryError: no room; log: x.log. Then go on: feedback-loop sample {run.path}"
    assert ahead.supply(run) == Supply(state="failed", message=line)
    view = overview(run)
    assert view.failed
    assert as_text(view).endswith(line)
    part(run, "comparisons.more-002", 4, 6)
    assert ahead.supply(run).state == "ready"
    assert not overview(run).failed


def test_the_sampler_keeps_ahead_gives_way_at_once_and_goes_on(tmp_path: Path):
    run = make_tiny(tmp_path / "run", "asking.repeats=0", "asking.checks=0", "asking.ahead=2")
    with ahead.kept(run):
        until(lambda: asked.left(run, 0) == 0 and run.done(0, "comparisons"))
        assert asked.count(run, 0) == 10
        with contextlib.closing(Journal(run.path / "journal.sqlite")) as journal:
            for shown in asked.asked(run, 0)[:9]:
                answer = ranking(0).model_copy(update={"comparison_id": shown.id, "choice": shown.completions[0].id})
                journal.record(answer, 0)
        until(lambda: asked.count(run, 0) > 10)
        assert locks.sampling(run), "it stays, with the model in memory"
        began = time.monotonic()
        with locks.lock(run):
            assert time.monotonic() - began < 5
            assert not locks.sampling(run)
            before = run.batches(0)
            time.sleep(1.5)
            assert run.batches(0) == before, "nobody samples beside it"
            assert not locks.sampling(run)
    until(lambda: not locks.sampling(run))


def test_without_an_app_the_sampler_makes_the_rounds_own_and_ends(tmp_path: Path):
    run = make_tiny(tmp_path / "run", "asking.repeats=0", "asking.checks=0", "asking.ahead=20")
    assert ahead.start(run).wait(120) == 0
    assert (asked.count(run, 0), asked.left(run, 0)) == (10, 0)
    assert not locks.sampling(run)
    assert ahead.supply(run).state == "ready"


def until(true: Callable[[], bool], seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)
