"""What the journal acknowledged is there, whoever dies; a user's last word on a comparison stands."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from feedback_loop.errors import LoopError
from feedback_loop.store.journal import Journal
from tests.feedback_loop.store.samples import ranking


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    journal = Journal(tmp_path / "journal.sqlite")
    yield journal
    journal.close()


def test_answers_are_kept_word_for_word_in_order(journal: Journal):
    long = "# Заголовок\n\n**жирный** 🙂 \u200f\n" * 800
    given = [ranking(0, "Ольга", comment=" two  spaces ", edit=long), ranking(1, choice="tie"), ranking(2, choice=None)]
    assert all(journal.record(r, 0) for r in given)
    assert journal.rankings(0) == given
    assert journal.rankings(1) == []


def test_answers_outlive_the_process(journal: Journal):
    journal.record(ranking(), 0)
    again = Journal(journal.path)
    assert again.rankings(0) == journal.rankings(0)
    assert len(again.undelivered()) == 1
    again.close()


def test_what_another_process_does_is_seen(journal: Journal):
    other = Journal(journal.path)
    steps = [
        lambda: other.record(ranking(0), 0),
        lambda: other.record(ranking(1), 0),
        lambda: journal.record(ranking(0, "otto"), 0),
        lambda: other.revise(ranking(0, choice="c0-b"), 0),
        lambda: other.record(ranking(0, choice="tie"), 0, delivered=True),
        lambda: other.record(ranking(0), 1),
        lambda: other.undo("anna", 0),
        lambda: journal.undo("anna", 0),
        lambda: other.undo("anna", 0),
        lambda: other.record(ranking(1, choice=None), 0),
    ]
    for step in steps:
        assert step()
        last = sorted((events[-1] for events in journal.events(0).values()), key=lambda event: event.sequence)
        expected = [e.ranking for e in last if e.ranking is not None]
        assert journal.rankings(0) == other.rankings(0) == expected
    other.close()
    assert [(r.user_id, r.comparison_id) for r in journal.rankings(0)] == [
        ("otto", "c0"),
        ("anna", "c0"),
        ("anna", "c1"),
    ]


def test_a_standing_answer_is_stored_once(journal: Journal):
    first = ranking(choice="c0-a")
    assert journal.record(first, 0)
    assert not journal.record(ranking(choice="c0-b"), 0)
    assert journal.record(ranking(user="otto"), 0)
    assert [r.choice for r in journal.rankings(0) if r.user_id == "anna"] == ["c0-a"]
    assert len(journal.undelivered()) == 2


def test_undo_takes_back_the_users_last_answer_of_that_round(journal: Journal):
    journal.record(ranking(0), 0)
    journal.record(ranking(1), 0)
    journal.record(ranking(2, "otto"), 0)
    journal.record(ranking(3), 1)
    assert journal.undo("anna", 0) == "c1"
    assert journal.undo("anna", 0) == "c0"
    assert journal.undo("anna", 0) is None
    assert [r.user_id for r in journal.rankings(0)] == ["otto"]
    assert len(journal.rankings(1)) == 1
    assert journal.record(ranking(0, choice="neither"), 0)
    assert [r.choice for r in journal.rankings(0)] == ["c2-a", "neither"]


def test_undo_leaves_answers_to_what_is_no_longer_asked(journal: Journal):
    journal.record(ranking(0), 0)
    journal.record(ranking(1), 0)
    assert journal.undo("anna", 0, asked={"c0"}) == "c0"
    assert journal.undo("anna", 0, asked={"c0"}) is None
    assert [r.comparison_id for r in journal.rankings(0)] == ["c1"]


def test_a_revision_is_added_and_nothing_before_it_is_changed(journal: Journal):
    assert journal.revise(ranking(), 0) is None
    journal.record(ranking(choice="c0-a"), 0)
    before = journal.undelivered()
    changed = ranking(choice="c0-b", order=(("c0-b",), ("c0-a",)), seconds=1.25)
    assert journal.revise(changed, 0) == changed
    assert journal.rankings(0) == [changed]
    assert journal.undelivered()[:1] == before
    assert journal.votes("anna", ["c0", "c1"]) == {"c0": 2}
    assert journal.votes("otto", ["c0"]) == {}


def test_undo_takes_back_a_change_before_the_answer_and_goes_on_where_it_was(journal: Journal):
    given = [ranking(n, choice=f"c{n}-a") for n in (0, 1)]
    for answer in given:
        journal.record(answer, 0)
    journal.revise(ranking(0, choice="c0-b"), 0)
    journal.revise(ranking(0, choice="tie"), 0)
    assert journal.undo("anna", 0) == "c0"
    assert {r.choice for r in journal.rankings(0)} == {"c0-b", "c1-a"}
    assert journal.undo("anna", 0) == "c0"
    assert {r.choice for r in journal.rankings(0)} == {"c0-a", "c1-a"}
    assert [e.ranking and e.ranking.choice for e in journal.history("c0")] == ["c0-a", "c0-b", "tie", "c0-b", "c0-a"]
    assert journal.undo("anna", 0) == "c1", "which was said after the first answer to c0"
    assert journal.rankings(0) == given[:1]
    journal.revise(ranking(0, choice="neither"), 0)
    assert [journal.undo("anna", 0) for _ in range(3)] == ["c0", "c0", None]
    assert journal.rankings(0) == []
    assert journal.record(given[0], 0)


def test_those_that_share_a_place_have_no_order_of_their_own(journal: Journal):
    given = ranking(choice="tie", order=(("c0-c", "c0-a"), ("c0-b",)))
    journal.record(given, 0)
    assert journal.revise(ranking(choice="tie", order=(("c0-a", "c0-c"), ("c0-b",))), 0) == given
    assert journal.revise(ranking(choice="tie", order=(("c0-a", "c0-b"), ("c0-c",))), 0) != given
    assert len(journal.undelivered()) == 2


def test_undelivered_is_what_was_not_marked_oldest_first(journal: Journal):
    journal.record(ranking(0), 0)
    journal.undo("anna", 0)
    journal.record(ranking(0, choice="tie"), 0)
    events = journal.undelivered()
    assert [(e.kind, e.ranking and e.ranking.choice) for e in events] == [
        ("vote", "c0-a"),
        ("undo", None),
        ("vote", "tie"),
    ]
    journal.mark_delivered(events[0])
    assert [e.sequence for e in journal.undelivered()] == [e.sequence for e in events[1:]]
    assert journal.waiting() == 2


def test_an_answer_from_argilla_replaces_the_standing_one_and_is_delivered(journal: Journal):
    journal.record(ranking(choice="c0-a"), 0)
    journal.record(ranking(choice="c0-b"), 0, delivered=True)
    assert [r.choice for r in journal.rankings(0)] == ["c0-b"]
    assert [e.ranking.choice for e in journal.undelivered() if e.ranking] == ["c0-a"]


def test_threads_of_two_connections_lose_nothing_and_store_nothing_twice(journal: Journal):
    other = Journal(journal.path)
    with ThreadPoolExecutor(8) as threads:
        stored = list(threads.map(lambda n: (journal, other)[n % 2].record(ranking(n % 40), 0), range(160)))
    other.close()
    assert sum(stored) == 40
    assert sorted(r.comparison_id for r in journal.rankings(0)) == sorted(f"c{n}" for n in range(40))


WRITER = """
import sys
from pathlib import Path
from feedback_loop.store.journal import Journal
from tests.feedback_loop.store.samples import ranking
journal = Journal(Path(sys.argv[1]))
for n in range(10**6):
    journal.record(ranking(n), 0)
    print(n, flush=True)
"""


def test_sigkill_loses_no_acknowledged_answer(tmp_path: Path):
    path = tmp_path / "journal.sqlite"
    writer = subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True)
    assert writer.stdout
    writer.stdout.readline()
    time.sleep(0.3)
    os.kill(writer.pid, signal.SIGKILL)
    acknowledged = 1 + len(writer.stdout.read().splitlines())
    writer.stdout.close()
    writer.wait()
    journal = Journal(path)
    kept = [r.comparison_id for r in journal.rankings(0)]
    journal.close()
    assert kept[:acknowledged] == [f"c{n}" for n in range(acknowledged)]
    assert len(kept) <= acknowledged + 1


def test_a_file_that_is_no_journal_is_named(tmp_path: Path):
    path = tmp_path / "journal.sqlite"
    path.write_bytes(b"not a database, and longer than a header of SQLite would be" * 100)
    with pytest.raises(LoopError, match=r"journal\.sqlite cannot be read") as raised:
        Journal(path)
    assert "\n" not in str(raised.value)
    assert path.read_bytes().startswith(b"not a database")


def test_a_closed_journal_says_so_as_a_loop_error(tmp_path: Path):
    journal = Journal(tmp_path / "journal.sqlite")
    journal.close()
    with pytest.raises(LoopError):
        journal.rankings(0)


def test_a_new_journal_waits_for_whoever_is_just_making_it(tmp_path: Path):
    making = sqlite3.connect(tmp_path / "journal.sqlite", isolation_level=None, check_same_thread=False)
    making.executescript("CREATE TABLE other (n); BEGIN IMMEDIATE; INSERT INTO other VALUES (1);")
    with ThreadPoolExecutor(1) as pool:
        opened = pool.submit(Journal, tmp_path / "journal.sqlite")
        time.sleep(0.3)
        making.execute("COMMIT")
        opened.result(timeout=20).close()
    making.close()
