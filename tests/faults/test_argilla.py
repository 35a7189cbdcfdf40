"""Argilla on a bad day: whatever it does, the journal is the truth, and what Argilla lost is given back to it."""

import shutil
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from feedback_loop import argilla_local
from feedback_loop.argilla_local import Connection
from feedback_loop.errors import LoopError
from feedback_loop.store import courier as couriers
from feedback_loop.store.argilla_store import ArgillaStore, open_store
from feedback_loop.store.courier import deliver, reconcile
from feedback_loop.store.journal import Journal
from tests.faults.proxy import Fault, in_front_of
from tests.feedback_loop.store.samples import comparison, ranking

pytestmark = [pytest.mark.argilla]
VOTES = 12
ASKED = [comparison(n) for n in range(VOTES)]


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    journal = Journal(tmp_path / "journal.sqlite")
    yield journal
    journal.close()


def opened(connection: Connection, name: str) -> ArgillaStore:
    store = open_store(connection.api_url, connection.api_key, name, "fault")
    store.publish(ASKED)
    return store


def told(journal: Journal) -> list[tuple[str, str, str | None]]:
    return sorted((r.user_id, r.comparison_id, r.choice) for r in journal.rankings(0))


def held(store: ArgillaStore) -> list[tuple[str, str, str | None]]:
    """What Argilla has, so that an answer that is there twice is seen twice."""
    return sorted((r.user_id, r.comparison_id, r.choice) for r in store.rankings(0))


def vote(journal: Journal, numbers: range, user: str = "anna") -> None:
    for n in numbers:
        journal.record(ranking(n, user, choice=("tie", f"c{n}-a", f"c{n}-b")[n % 3]), 0)


@pytest.mark.parametrize("fault", ["500 before", "500 after", "cut before", "cut after"])
def test_each_change_fails_once_and_is_made_once(argilla: Connection, journal: Journal, fault: Fault):
    name = fault.replace(" ", "-")
    opened_only(argilla, name)  # the SDK alone makes the dataset, in one go or not at all
    vote(journal, range(VOTES))
    with in_front_of(argilla.api_url) as (url, proxy):
        proxy.fault, failed, store = fault, 0, opened_only(Connection(url, argilla.api_key), name)
        for _ in range(100):
            try:
                store.publish(ASKED)
                reconcile(journal, store, 0)
                break
            except LoopError:
                failed += 1
    assert failed >= VOTES
    assert proxy.struck == failed
    assert held(opened(argilla, name)) == told(journal)
    assert journal.waiting() == 0


def test_a_slow_argilla_holds_up_no_vote(argilla: Connection, journal: Journal):
    opened(argilla, "slow")
    with in_front_of(argilla.api_url) as (url, proxy):
        proxy.fault = "slow"
        courier = couriers.start(journal.path, lambda: opened(Connection(url, argilla.api_key), "slow"), lambda: ASKED)
        began = time.monotonic()
        vote(journal, range(VOTES))
        assert time.monotonic() - began < 0.5 * VOTES, "each request of the courier alone takes half a second"
        ends = time.monotonic() + 120
        while courier.state().pending and time.monotonic() < ends:
            time.sleep(0.05)
        courier.stop()
    assert proxy.struck
    assert held(opened(argilla, "slow")) == told(journal)


def test_records_deleted_by_hand_come_back_with_their_answers(argilla: Connection, journal: Journal):
    store = opened(argilla, "deleted")
    vote(journal, range(VOTES))
    reconcile(journal, store, 0)
    before = told(journal)
    lost = [record["id"] for record in list(store._pages())[:5]]
    store.ask("DELETE", f"/datasets/{store.dataset}/records", params={"ids": ",".join(lost)})
    assert len(held(opened_only(argilla, "deleted"))) == VOTES - 5
    assert told(journal) == before, "training reads the journal"
    again = opened(argilla, "deleted")
    reconcile(journal, again, 0)
    assert held(again) == told(journal) == before


def opened_only(connection: Connection, name: str) -> ArgillaStore:
    return open_store(connection.api_url, connection.api_key, name, "fault")


def test_a_dataset_deleted_while_the_app_runs_is_made_anew(argilla: Connection, journal: Journal):
    vote(journal, range(4))
    courier = couriers.start(journal.path, lambda: opened(argilla, "gone"), lambda: ASKED)
    try:
        until_delivered(courier, journal)
        store = opened_only(argilla, "gone")
        store.ask("DELETE", f"/datasets/{store.dataset}")
        vote(journal, range(4, 8))
        until_delivered(courier, journal)
    finally:
        courier.stop()
    assert held(opened_only(argilla, "gone")) == told(journal)
    assert len(told(journal)) == 8


def until_delivered(courier: couriers.Courier, journal: Journal) -> None:
    ends = time.monotonic() + 120
    while journal.waiting() or courier.state().error:
        assert time.monotonic() < ends, courier.state()
        time.sleep(0.05)


def test_what_somebody_takes_back_in_argillas_own_pages_stays_as_they_left_it(argilla: Connection, journal: Journal):
    store = opened(argilla, "draft")
    vote(journal, range(2))
    reconcile(journal, store, 0)
    for n, status in enumerate(("draft", "discarded")):
        item = {"record_id": store._record(f"c{n}")["id"], "status": status, "values": {}}
        store.ask("POST", "/me/responses/bulk", json={"items": [item]}, key=store._user("anna")["api_key"])
    reconcile(journal, store, 0)
    assert held(store) == [("anna", "c1", None)], "the draft is not overwritten"
    assert told(journal) == [("anna", "c0", "tie"), ("anna", "c1", None)], (
        "nor is it an answer; a discarded one is a skip"
    )


def test_answers_deleted_through_argillas_api_are_delivered_again(argilla: Connection, journal: Journal):
    store = opened(argilla, "responses")
    vote(journal, range(3))
    reconcile(journal, store, 0)
    store.withdraw("anna", "c1")
    reconcile(journal, store, 0)
    assert held(store) == told(journal)
    assert len(told(journal)) == 3


def test_an_answer_to_what_is_no_longer_asked_holds_up_no_round(argilla: Connection, journal: Journal):
    store = opened(argilla, "elsewhere")
    journal.record(ranking(99), 0)
    vote(journal, range(2))
    reconcile(journal, store, 0, {c.id for c in ASKED})
    assert len(held(store)) == 2
    assert journal.waiting() == 1, "it waits, should its comparison ever be asked again"


class TestAnOlderBackup:
    """Argilla's database is put back as it was some votes ago, and the server started on it."""

    @pytest.mark.nightly
    def test_gets_all_that_was_delivered_since(self, fresh_home: Path, journal: Journal):
        store, database = opened(argilla_local.start(), "backup"), fresh_home / "argilla" / "argilla.db"
        vote(journal, range(6))
        deliver(journal, store)
        argilla_local.stop()
        shutil.copy2(database, fresh_home / "backup.db")
        store = opened(argilla_local.start(), "backup")
        vote(journal, range(6, VOTES))
        journal.revise(ranking(0, choice="c0-b", comment="on second thoughts"), 0)
        journal.revise(ranking(1, choice="tie"), 0)
        journal.undo("anna", 0)  # c11
        journal.record(ranking(11, "otto"), 0)
        deliver(journal, store)
        store.submit("anna", ranking(2, choice="c2-a"))
        reconcile(journal, store, 0)
        before = told(journal)
        assert ("anna", "c2", "c2-a") in before, "said in Argilla's own pages"
        argilla_local.stop()
        for suffix in ("-wal", "-shm"):
            database.with_name(database.name + suffix).unlink(missing_ok=True)
        shutil.copy2(fresh_home / "backup.db", database)
        store = opened(argilla_local.start(), "backup")
        assert len(held(store)) == 6
        reconcile(journal, store, 0)
        assert held(store) == told(journal) == before

    def test_of_an_answer_taken_back_since_does_not_bring_it_back(self, argilla: Connection, journal: Journal):
        store = opened(argilla, "undone-since")
        journal.record(ranking(0), 0)
        deliver(journal, store)
        record = next(r for r in store._pages(include="responses") if r["external_id"] == "c0")
        kept, user = record["responses"][0], store._user("anna")
        journal.undo("anna", 0)
        deliver(journal, store)
        put_back(argilla, store, kept, user["id"])
        assert len(held(store)) == 1
        reconcile(journal, store, 0)
        assert held(store) == told(journal) == []


def put_back(connection: Connection, store: ArgillaStore, response: dict[str, object], user_id: str) -> None:
    """What a backup does to one answer: it is there again, with the time that it had."""
    database = sqlite3.connect(argilla_local.status().home / "argilla.db")
    with database:
        names = [row[1] for row in database.execute("PRAGMA table_info(responses)")]
        found = {"values": '{"choice": {"value": "first"}}', "status": "submitted"}
        stamp = str(response["updated_at"]).replace("T", " ")
        row = {
            "id": str(response["id"]).replace("-", ""),
            "record_id": str(response["record_id"]).replace("-", ""),
            "user_id": str(user_id).replace("-", ""),
            "inserted_at": stamp,
            "updated_at": stamp,
            **found,
        }
        columns = [name for name in names if name in row]
        marks = ", ".join("?" for _ in columns)
        quoted = ", ".join(f'"{name}"' for name in columns)
        database.execute(f"INSERT INTO responses ({quoted}) VALUES ({marks})", [row[name] for name in columns])
    database.close()
    assert httpx.get(connection.api_url, timeout=10).status_code < 500
