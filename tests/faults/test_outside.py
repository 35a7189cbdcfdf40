"""What comes from outside the run: a W&B that hangs, a second `advance`, another machine, another clock, other formats."""

import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from feedback_loop import argilla_local
from feedback_loop.argilla_local import Connection
from feedback_loop.asking.labelling import open_desk
from feedback_loop.connect import answers_shown
from feedback_loop.lineage import current_policy
from feedback_loop.records import Answer
from feedback_loop.run import open_run
from feedback_loop.store import desk as desks
from feedback_loop.store import journal as journals
from feedback_loop.store.argilla_store import open_store
from feedback_loop.store.courier import deliver, reconcile
from feedback_loop.store.journal import Journal
from tests.conftest import Cli, command, one_line
from tests.faults.conftest import copy
from tests.faults.rounds import environment, said
from tests.feedback_loop.store.samples import comparison, ranking

pytestmark = [pytest.mark.e2e, pytest.mark.argilla]


@pytest.fixture
def never_answers() -> Iterator[str]:
    """A server that takes every connection and says nothing."""
    with socket.create_server(("127.0.0.1", 0), backlog=100) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


def test_a_training_ends_though_wandb_hangs(cli: Cli, calm: Path, tmp_path: Path, argilla: Connection, never_answers):
    path, began = copy(calm, tmp_path / "run", upto="reward"), time.monotonic()
    env = environment(argilla) | {"WANDB_MODE": "online", "WANDB_API_KEY": "k" * 40, "WANDB_BASE_URL": never_answers}
    done = cli("train-reward", path, env=env)
    assert done.returncode == 0, done.stderr
    assert time.monotonic() - began < 200
    assert open_run(path).manifest(0, "reward").outputs == open_run(calm).manifest(0, "reward").outputs
    assert "W&B: the reward run not recorded" in (path / "logs" / "000-reward.log").read_text()


def test_of_two_that_advance_at_once_one_works_and_the_other_says_who(
    cli: Cli, calm: Path, tmp_path: Path, argilla: Connection
):
    path, env = copy(calm, tmp_path / "run", upto="preferences"), {**os.environ, **environment(argilla)}
    both = [
        subprocess.Popen(command("train-reward", path), env=env, stderr=subprocess.PIPE, text=True) for _ in range(2)
    ]
    told = [(process.communicate()[1], process.returncode)[::-1] for process in both]
    run = open_run(path)
    assert run.manifest(0, "reward").outputs == open_run(calm).manifest(0, "reward").outputs
    lost = [text for status, text in told if status]
    assert len(lost) <= 1, "a second one that began late enough finds all done"
    assert all("is working on this run. Wait for it" in text for text in lost)
    assert "Traceback" not in "".join(text for _, text in told)


@pytest.mark.nightly
def test_a_run_goes_on_on_another_machine_with_an_empty_argilla(
    cli: Cli, calm: Path, tmp_path: Path, argilla: Connection, fresh_home: Path
):
    here = copy(calm, tmp_path / "here", upto="rankings")
    assert cli("collect", here, env=environment(argilla)).returncode == 0, "delivered here"
    journal = Journal(here / "journal.sqlite")
    assert journal.waiting() == 0
    journal.close()
    shutil.rmtree(open_run(here).stage_folder(0, "rankings"))
    there = Path(shutil.move(here, tmp_path / "elsewhere" / "renamed"))
    done = cli("collect", there)
    assert done.returncode == 0, done.stderr
    run = open_run(there)
    assert said(run, 0) == said(open_run(calm), 0)
    connection = argilla_local.start()
    store = open_store(connection.api_url, connection.api_key, run.id, run.path.name, answers_shown(run))
    held = sorted((r.user_id, r.comparison_id, r.choice) for r in store.rankings(0))
    assert held == said(run, 0)
    assert len(held) == len(set(held)) == 6


def test_a_clock_set_back_changes_no_order_and_no_answer(
    calm: Path, tmp_path: Path, argilla: Connection, monkeypatch: pytest.MonkeyPatch
):
    times = iter(f"{year}-01-01T00:00:00.000+00:00" for year in range(2099, 1999, -1))
    tell: Callable[[], str] = lambda: next(times)  # noqa: E731
    monkeypatch.setattr(desks, "now", tell)
    monkeypatch.setattr(journals, "now", tell)
    path = copy(calm, tmp_path / "run", upto="rankings")
    (path / "journal.sqlite").unlink()
    run, journal = open_run(path), Journal(path / "journal.sqlite")
    desk, order = open_desk(run, journal), list[str]()
    for _ in range(3):
        shown = desk.next("anna")
        assert shown is not None
        desk.vote("anna", shown.id, Answer(choice="tie"))
        order.append(shown.id)
    assert [r.comparison_id for r in journal.rankings(0)] == order
    assert [c.id for c, _, _ in desk.history("anna", 9)] == order[::-1]
    changed = desk.vote("anna", order[0], Answer(choice="neither"), revise=True)
    assert changed in journal.rankings(0)
    undone = desk.undo("anna")
    assert undone is not None
    assert undone.id == order[0], "the last thing said, whatever the clock said then"
    journal.close()


def test_what_is_changed_in_argilla_counts_though_our_clock_was_ahead(argilla: Connection, tmp_path: Path):
    store = open_store(argilla.api_url, argilla.api_key, "ahead", "clock")
    store.publish([comparison(0)])
    journal = Journal(tmp_path / "journal.sqlite")
    given = ranking(0).model_copy(update={"created_at": "2099-01-01T00:00:00.000+00:00"})
    journal.record(given, 0)
    deliver(journal, store)
    store.submit("anna", ranking(0, choice="c0-b"))
    reconcile(journal, store, 0)
    assert [r.choice for r in journal.rankings(0)] == ["c0-b"]
    journal.close()


def test_a_run_of_the_first_format_is_brought_up_to_date_and_a_newer_one_is_refused(
    cli: Cli, decided: Path, argilla: Connection
):
    run, record = open_run(decided), json.loads((decided / "run.json").read_text())
    rankings, policy = said(run, 0), current_policy(run)
    shutil.rmtree(run.stage_folder(0, "duels"))
    run.stage_folder(0, "promotion").rename(run.round_folder(0) / "8-promotion")
    (decided / "run.json").write_text(json.dumps(record | {"format": 1}))
    shown = cli("status", decided)
    assert shown.returncode == 0, shown.stderr
    assert json.loads((decided / "run.json").read_text())["format"] == record["format"]
    again = open_run(decided)
    assert (said(again, 0), current_policy(again)) == (rankings, policy)
    assert cli("sample", decided, env=environment(argilla)).returncode == 0, "the next round goes on from it"
    assert again.done(1, "comparisons")
    (decided / "run.json").write_text(json.dumps(record | {"format": 99}))
    one_line(cli("advance", decided), 1, "run format 99 is newer than this program's", "Upgrade")
