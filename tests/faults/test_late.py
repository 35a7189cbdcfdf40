"""People rank on while a snapshot is taken: whatever moment a vote hits, it is stored and learned from once."""

import contextlib
import threading
from pathlib import Path

from feedback_loop.asking.labelling import open_desk
from feedback_loop.labels import everything
from feedback_loop.loop import collect
from feedback_loop.records import Answer, Ranking
from feedback_loop.run import Run, read_jsonl
from feedback_loop.store.journal import Journal
from tests.feedback_loop.decided_run import answers, ask, asked, learn, new_run, vote
from tests.feedback_loop.test_loop import Store


def taken(run: Run, number: int, name: str = "rankings") -> list[str]:
    file = run.stage_folder(number, "rankings") / f"{name}.jsonl"
    return [r.label for r in read_jsonl(file, Ranking)] if file.exists() else []


def test_votes_while_a_snapshot_is_taken_are_in_it_or_in_the_next_one(tmp_path: Path):
    run = new_run(tmp_path / "run")
    ask(run, 0)
    vote(run, 0, answers(0))
    acknowledged, closing = list[str](), threading.Event()

    def rank(journal: Journal) -> None:
        """Different people, before, while and after the snapshot is taken."""
        desk, after = open_desk(run, journal), 0
        for n in range(10_000):
            shown = asked(0)[n % 4]
            given = desk.vote(f"user{n}", shown.id, Answer(choice=shown.completions[0].id))
            acknowledged.append(given.label)
            after += closing.is_set()
            if after == 3:
                return

    with contextlib.closing(Journal(run.path / "journal.sqlite")) as journal:
        ranking = threading.Thread(target=rank, args=(journal,))
        ranking.start()
        try:
            assert collect(run, 0, Store) is None
        finally:
            closing.set()
            ranking.join()
    first = taken(run, 0)
    assert set(acknowledged) - set(first), "some came too late for the first snapshot"
    learn(run, 0)
    ask(run, 1)
    vote(run, 1, answers(1))
    assert collect(run, 1, Store) is None
    assert sorted([*first, *taken(run, 1, "late-round-000")]) == sorted([*acknowledged, *(r.label for r in answers(0))])
    counted = [r.label for one in everything(run) for r in one.rankings]
    assert sorted(counted) == sorted([*acknowledged, *(r.label for number in (0, 1) for r in answers(number))])
