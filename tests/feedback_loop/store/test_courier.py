"""Votes reach Argilla once and in order, whatever is down or dies on the way, and never wait for it."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import httpx
import pytest

from feedback_loop import argilla_local
from feedback_loop.argilla_local import Connection
from feedback_loop.errors import LoopError
from feedback_loop.records import Comparison
from feedback_loop.store import argilla_dataset
from feedback_loop.store import courier as couriers
from feedback_loop.store.argilla_store import ArgillaStore, open_store
from feedback_loop.store.courier import Courier, deliver, reconcile
from feedback_loop.store.journal import Journal
from feedback_loop.store.ranking_store import RankingStore, RefusedError
from tests.feedback_loop.store.samples import comparison, first_settings, ranking

real_argilla = [pytest.mark.argilla]


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    journal = Journal(tmp_path / "journal.sqlite")
    yield journal
    journal.close()


@pytest.fixture
def start(journal: Journal) -> Iterator[Callable[..., Courier]]:
    """Starts couriers that are stopped with the test."""
    started: list[Courier] = []

    def begin(connect: Callable[[], RankingStore], asked: Callable[[], Sequence[Comparison]] = tuple) -> Courier:
        started.append(couriers.start(journal.path, connect, asked))
        return started[-1]

    yield begin
    for courier in started:
        courier.stop()


def until(true: Callable[[], object], seconds: float = 60) -> None:
    ends = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < ends, "it did not happen in time"
        time.sleep(0.05)


def store_at(connection: Connection, run_id: str, comparisons: int = 10) -> ArgillaStore:
    store = open_store(connection.api_url, connection.api_key, run_id, "courier")
    store.publish([comparison(n) for n in range(comparisons)])
    return store


def held(store: RankingStore) -> list[tuple[str, str, str | None]]:
    return sorted((r.user_id, r.comparison_id, r.choice) for r in store.rankings(0))


def test_votes_are_acknowledged_while_connecting_blocks(journal: Journal, start: Callable[..., Courier]):
    opened = threading.Event()

    def blocks() -> RankingStore:
        opened.wait(30)
        raise LoopError("gave up")

    courier = start(blocks)
    for n in range(20):
        journal.record(ranking(n), 0)
    assert courier.state().pending == 20
    assert not courier.state().error, "it still waits"
    opened.set()


def test_what_stands_in_the_way_is_said(journal: Journal, start: Callable[..., Courier]):
    def fails() -> RankingStore:
        raise LoopError("Argilla at nowhere\ndoes not answer")

    journal.record(ranking(), 0)
    courier = start(fails)
    until(lambda: courier.state().error)
    assert courier.state().error == "Argilla at nowhere does not answer"
    assert courier.state().pending == 1


def test_a_new_vote_wakes_a_courier_that_waits_for_argilla(journal: Journal, start: Callable[..., Courier]):
    tries = []

    def fails() -> RankingStore:
        tries.append(time.monotonic())
        raise LoopError("down")

    start(fails)
    until(lambda: len(tries) >= 2)
    before = len(tries)
    journal.record(ranking(), 0)
    until(lambda: len(tries) > before, seconds=1.5)


class TestWithArgilla:
    pytestmark = real_argilla

    def test_what_is_asked_later_is_there_before_anybody_answers_it(
        self, argilla: Connection, journal: Journal, start: Callable[..., Courier]
    ):
        store = store_at(argilla, "asked-later", 0)
        asked = [[comparison(n) for n in range(2)]]
        courier = start(lambda: store_at(argilla, "asked-later", 0), lambda: asked[-1])
        until(lambda: len(list(store._pages())) == 2)
        asked.append([comparison(n) for n in range(5)])
        until(lambda: len(list(store._pages())) == 5)
        asked.append([comparison(n) for n in range(6)])
        journal.record(ranking(5), 0)
        until(lambda: held(store) == [("anna", "c5", ranking(5).choice)])
        assert courier.state().error == ""

    def test_all_that_waits_is_delivered_once(self, argilla: Connection, journal: Journal):
        store = store_at(argilla, "once")
        journal.record(ranking(0, choice="c0-b"), 0)
        journal.record(ranking(1, "otto"), 0)
        journal.undo("anna", 0)
        journal.record(ranking(0, choice="tie"), 0)
        assert deliver(journal, store) == 4
        assert deliver(journal, store) == 0
        assert held(store) == [("anna", "c0", "tie"), ("otto", "c1", "c1-a")]

    def test_a_change_that_was_taken_back_leaves_the_answer_before_it(self, argilla: Connection, journal: Journal):
        store, given = store_at(argilla, "changed-back"), ranking(0, choice="c0-b")
        journal.record(given, 0)
        deliver(journal, store)
        journal.revise(ranking(0, choice="tie"), 0)
        deliver(journal, store)
        journal.undo("anna", 0)
        assert deliver(journal, store) == 1
        reconcile(journal, store, 0)
        assert held(store) == [("anna", "c0", "c0-b")]
        assert journal.rankings(0) == [given]

    def test_a_kill_between_submitting_and_marking_repeats_without_harm(self, argilla: Connection, journal: Journal):
        store = store_at(argilla, "between")
        given = ranking(0, comment="once")
        journal.record(given, 0)
        store.submit("anna", given)
        assert deliver(journal, store) == 1
        assert held(store) == [("anna", "c0", "c0-a")]

    def test_a_refused_answer_holds_up_no_other(self, argilla: Connection, journal: Journal):
        store = store_at(argilla, "refused", comparisons=2)
        for n in (0, 99, 1):
            journal.record(ranking(n), 0)
        with pytest.raises(RefusedError, match="c99"):
            deliver(journal, store)
        assert [c for _, c, _ in held(store)] == ["c0", "c1"]
        assert [e.comparison_id for e in journal.undelivered()] == ["c99"]
        store.publish([comparison(99)])
        assert deliver(journal, store) == 1

    def test_two_processes_deliver_at_once_and_nothing_is_twice(
        self, argilla: Connection, journal: Journal, start: Callable[..., Courier]
    ):
        store = store_at(argilla, "two", comparisons=30)
        for n in range(30):
            journal.record(ranking(n), 0)
        courier = start(lambda: store_at(argilla, "two"))
        deliver(journal, store)
        until(lambda: courier.state().pending == 0 and courier.state().argilla_url)
        assert held(store) == sorted(("anna", f"c{n}", f"c{n}-a") for n in range(30))

    def test_an_answer_given_in_argilla_is_taken_in_once(self, argilla: Connection, journal: Journal):
        store = store_at(argilla, "theirs")
        store.submit("otto", ranking(0, "otto", "neither", comment="Ни то, ни другое"))
        reconcile(journal, store, 0)
        reconcile(journal, store, 0)
        (found,) = journal.rankings(0)
        assert (found.user_id, found.choice, found.comment) == ("otto", "neither", "Ни то, ни другое")
        assert journal.waiting() == 0
        assert [len(events) for events in journal.events(0).values()] == [1]

    def test_reconciling_leaves_ones_own_answers_as_they_were_given(self, argilla: Connection, journal: Journal):
        store = store_at(argilla, "ours")
        text = "  # Заголовок\n\n- a\n- b 🙂\n\n"
        for given in (ranking(0, edit=text, comment=text), ranking(1, choice=None, comment="why"), ranking(2, "Zoë")):
            journal.record(given, 0)
        before = journal.rankings(0)
        reconcile(journal, store, 0)
        assert journal.rankings(0) == before
        assert len(store.rankings(0)) == 3

    def test_an_undone_answer_does_not_come_back(self, argilla: Connection, journal: Journal):
        store = store_at(argilla, "undone")
        journal.record(ranking(), 0)
        reconcile(journal, store, 0)
        journal.undo("anna", 0)
        reconcile(journal, store, 0)
        assert journal.rankings(0) == store.rankings(0) == []

    def test_the_later_word_wins_where_a_person_changes_it_in_argilla(self, argilla: Connection, journal: Journal):
        store = store_at(argilla, "later")
        journal.record(ranking(choice="c0-a"), 0)
        reconcile(journal, store, 0)
        store.submit("anna", ranking(choice="c0-b"))
        reconcile(journal, store, 0)
        assert [r.choice for r in journal.rankings(0)] == ["c0-b"]

    def test_a_strength_changed_in_argilla_wins_like_any_other_word(self, argilla: Connection, journal: Journal):
        store = store_at(argilla, "strength")
        journal.record(ranking(strength="much"), 0)
        reconcile(journal, store, 0)
        assert [len(events) for events in journal.events(0).values()] == [1]
        store.submit("anna", ranking(strength="slight"))
        reconcile(journal, store, 0)
        assert [r.strength for r in journal.rankings(0)] == ["slight"]

    def test_what_a_dataset_cannot_hold_is_taken_from_the_journal(
        self, argilla: Connection, journal: Journal, monkeypatch: pytest.MonkeyPatch
    ):
        monkeypatch.setattr(argilla_dataset, "settings", first_settings)
        store = store_at(argilla, "first-settings")
        given = [
            ranking(n, strength="much", flagged=True, seconds=1.5, edit="Mine", edit_of=f"c{n}-a") for n in range(4)
        ]
        given.append(ranking(4, choice=None, reason="unsafe", seconds=0.5))
        for one in given:
            journal.record(one, 0)
        for _ in range(2):
            reconcile(journal, store, 0)
        assert journal.rankings(0) == given
        store.submit("anna", ranking(1, comment="yes", edit="Mine"))
        store.submit("anna", ranking(2, choice="c2-b", edit="Mine"))
        store.submit("anna", ranking(3, edit="Mine, better"))
        reconcile(journal, store, 0)
        kept = {r.comparison_id: (r.choice, r.strength, r.flagged, r.edit_of, r.seconds) for r in journal.rankings(0)}
        assert kept == {
            "c0": ("c0-a", "much", True, "c0-a", 1.5),
            "c1": ("c1-a", "much", True, "c1-a", 1.5),
            "c2": ("c2-b", None, False, None, None),
            "c3": ("c3-a", "much", True, None, 1.5),
            "c4": (None, None, False, None, 0.5),
        }
        assert [r.reason for r in journal.rankings(0) if r.comparison_id == "c4"] == ["unsafe"]

    def test_how_long_an_answer_took_stays_in_the_journal(self, argilla: Connection, journal: Journal):
        store = store_at(argilla, "seconds")
        journal.record(ranking(seconds=2.5), 0)
        reconcile(journal, store, 0)
        store.submit("anna", ranking(comment="on second thoughts"))
        reconcile(journal, store, 0)
        assert [(r.comment, r.seconds) for r in journal.rankings(0)] == [("on second thoughts", 2.5)]

    def test_a_revision_replaces_the_answer_in_argilla_and_both_stay_in_the_journal(
        self, argilla: Connection, journal: Journal
    ):
        store = store_at(argilla, "revised")
        journal.record(ranking(choice="c0-a"), 0)
        deliver(journal, store)
        journal.revise(ranking(choice="c0-b"), 0)
        reconcile(journal, store, 0)
        assert held(store) == [("anna", "c0", "c0-b")]
        assert [r.choice for r in journal.rankings(0)] == ["c0-b"]
        assert journal.votes("anna", ["c0"]) == {"c0": 2}
        assert answers_of_records(argilla, store) == [1] + [0] * 9

    def test_a_killed_courier_loses_nothing_and_delivers_nothing_twice(self, argilla: Connection, journal: Journal):
        store = store_at(argilla, "killed", comparisons=60)
        for n in range(60):
            journal.record(ranking(n, choice=("tie", f"c{n}-b")[n % 2]), 0)
        program = [sys.executable, "-c", DELIVERS, argilla.api_url, argilla.api_key, "killed", str(journal.path)]
        for left in (50, 30):
            process = subprocess.Popen(program)
            until(lambda left=left: journal.waiting() <= left)
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
        assert 0 < journal.waiting() <= 30
        deliver(journal, store)
        assert held(store) == sorted(("anna", f"c{n}", ("tie", f"c{n}-b")[n % 2]) for n in range(60))
        assert answers_of_records(argilla, store) == [1] * 60

    def test_votes_wait_while_argilla_is_down_and_arrive_when_it_is_back(
        self, fresh_home: Path, journal: Journal, start: Callable[..., Courier]
    ):
        connection = argilla_local.start()
        store_at(connection, "down")
        courier = start(lambda: store_at(running(), "down"))
        journal.record(ranking(0), 0)
        until(lambda: courier.state().pending == 0)
        argilla_local.stop()
        journal.record(ranking(1), 0)
        until(lambda: courier.state().error)
        journal.undo("anna", 0)
        journal.record(ranking(1, choice="c1-b"), 0)
        journal.record(ranking(2, "Ольга", choice="tie"), 0)
        assert courier.state().pending == 4
        argilla_local.start()
        until(lambda: courier.state().pending == 0)
        until(lambda: not courier.state().error)
        expected = [("anna", "c0", "c0-a"), ("anna", "c1", "c1-b"), ("Ольга", "c2", "tie")]
        assert held(store_at(running(), "down")) == expected


DELIVERS = """
import sys
from pathlib import Path
from feedback_loop.store.argilla_store import open_store
from feedback_loop.store.courier import deliver
from feedback_loop.store.journal import Journal
url, key, run_id, path = sys.argv[1:]
deliver(Journal(Path(path)), open_store(url, key, run_id, "courier"))
"""


def running() -> Connection:
    found = argilla_local.connection()
    if found is None:
        raise LoopError("Argilla is down")
    return found


def answers_of_records(connection: Connection, store: ArgillaStore) -> list[int]:
    """How many responses each record has."""
    url = f"{connection.api_url}/api/v1/datasets/{store.dataset}/records"
    headers = {"X-Argilla-Api-Key": connection.api_key}
    answer = httpx.get(url, params={"include": "responses", "limit": 500}, headers=headers, timeout=30)
    return [len(record["responses"]) for record in answer.json()["items"]]
