"""Every label counts once: of the round, of the rounds before, of their duels, what came late; less what was discarded."""

import contextlib
import json
from pathlib import Path

import pytest

from feedback_loop.labels import counting, earlier, everything, learned, rankings
from feedback_loop.lineage import decisions
from feedback_loop.loop import collect
from feedback_loop.records import Preference, Ranking
from feedback_loop.repair.branch import branch
from feedback_loop.repair.repair import Wish, discard, redo
from feedback_loop.repair.trace import trace
from feedback_loop.report.report import overview
from feedback_loop.run import Run, read_jsonl
from feedback_loop.store.journal import Journal
from feedback_loop.team.team_report import team
from tests.feedback_loop.decided_run import adapter, answers, ask, asked, decided, duels, learn, names, new_run, vote
from tests.feedback_loop.team_samples import said
from tests.feedback_loop.test_loop import Store


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """A round of Anna's and Ben's with duels, a second one of Anna's, and an open one with one vote."""
    run = new_run(tmp_path / "run")
    decided(run, 0, answers(0, "anna", "ben"), [said(c, "b") for c in duels(0)])
    decided(run, 1, answers(1), [said(c, "a") for c in duels(1)])
    ask(run, 2)
    vote(run, 2, answers(2)[:1])
    return run


def ids(said_: list) -> list[str]:
    return [r.label for one in said_ for r in one.rankings]


def test_duels_are_learned_from_the_round_after_on(run: Run):
    assert names(run, 0) == {f"c{n}@{user}" for n in range(4) for user in ("anna", "ben")}
    assert names(run, 1) - names(run, 0) == {f"c{n}@anna" for n in (5, 6, 10, 11, 12, 13)}
    assert len(counting(learned(run, 1))) == 14


def test_the_open_rounds_votes_count_and_are_not_learned_from_yet(run: Run):
    assert "c20@anna" in ids(everything(run))
    assert "c20@anna" not in ids(learned(run, 2))
    assert ids(earlier(run, 2)) == ids(learned(run, 2))
    assert [r.label for r in rankings(run, 2)] == ["c20@anna"]
    assert overview(run).labels == 8 + 2 + 4 + 2 + 1


def test_what_is_discarded_counts_nowhere_and_stays_on_disk(run: Run):
    discard(run, Wish(annotator="ben"), "clicked without reading", "owner")
    assert [p.name for p in team(run).people] == ["anna"]
    assert {r.user_id for r in rankings(run, 0)} == {"anna"}
    assert overview(run).rounds[0].labels == 4
    snapshot = run.stage_folder(0, "rankings") / "rankings.jsonl"
    assert {json.loads(line)["user_id"] for line in snapshot.read_text().splitlines()} == {"anna", "ben"}


@pytest.mark.parametrize(("decay", "weight"), [(1.0, 1.0), (0.5, 0.25)])
def test_older_labels_weigh_what_the_recipe_says(tmp_path: Path, decay: float, weight: float):
    run = new_run(tmp_path / "run", f"preferences.decay={decay}", "preferences.heldout=0")
    for number in range(3):
        decided(run, number, answers(number))
    pairs = read_jsonl(run.stage_folder(2, "preferences") / "train.jsonl", Preference)
    assert {p.round: p.weight for p in pairs} == {0: weight, 1: decay, 2: 1.0}


def test_a_label_that_lies_in_two_places_counts_once(run: Run):
    discard(run, Wish(label="c0@ben"), "a slip", "owner")
    learn(run, 0)
    decided(run, 1, answers(1))
    found = ids(learned(run, 1))
    assert len(found) == len(set(found))
    assert found.count("c10@anna") == 1, "asked again with the same answers, and carried over"


def revise(run: Run, number: int, given: Ranking) -> None:
    with contextlib.closing(Journal(run.path / "journal.sqlite")) as journal:
        assert journal.revise(given, number) == given


def goes_on(run: Run, number: int) -> None:
    """A whole round with a real snapshot."""
    ask(run, number)
    vote(run, number, answers(number))
    assert collect(run, number, Store) is None
    learn(run, number)


def late_run(path: Path) -> Run:
    """Round 0 is decided, and since then Ben answered two of its comparisons, Anna one of its duels."""
    run = new_run(path)
    decided(run, 0, answers(0), [said(duels(0)[0], "a")])
    vote(run, 0, [said(asked(0)[1], "b", "ben"), said(asked(0)[3], None, "ben"), said(duels(0)[1], "b")])
    return run


def test_what_came_late_is_learned_from_in_the_next_round(tmp_path: Path):
    run = late_run(tmp_path / "run")
    assert overview(run).labels == 4 + 1 + 2, "it counts at once, a skip apart"
    assert trace(run, "c1@ben").labels[0].why_nothing.startswith("no round has learned since")
    goes_on(run, 1)
    new = names(run, 1) - names(run, 0)
    assert new == {"c1@ben", "c5@anna", "c6@anna", *(f"c{n}@anna" for n in range(10, 14))}
    found = ids(everything(run))
    assert sorted(found) == sorted(set(found))
    snapshot = run.manifest(1, "rankings")
    assert {"late-round-000.jsonl", "late-duels-000.jsonl"} < set(snapshot.outputs)
    assert snapshot.facts["late"] == 2
    assert "rounds/001/3-rankings/late-round-000.jsonl" in run.manifest(1, "preferences").inputs
    assert trace(run, "c1@ben").labels[0].became[0].kind == "ranking"
    decided(run, 2, answers(2))
    assert new <= names(run, 2)


def test_late_answers_change_neither_a_decision_nor_what_the_next_round_needs(tmp_path: Path):
    run = new_run(tmp_path / "run")
    decided(run, 0, answers(0), [said(duels(0)[0], "a")])
    before, view = decisions(run), overview(run)
    vote(run, 0, [said(duels(0)[1], "b")])
    assert decisions(run) == before
    assert [(r.needed, r.gate) for r in overview(run).rounds] == [(r.needed, r.gate) for r in view.rounds]


def test_ones_last_word_counts_also_where_it_came_late_and_once(tmp_path: Path):
    run = new_run(tmp_path / "run")
    decided(run, 0, answers(0))
    revise(run, 0, said(asked(0)[1], "b"))
    goes_on(run, 1)
    (told,) = trace(run, "c1@anna").labels
    assert (told.stands, len(told.became)) == (said(asked(0)[1], "b"), 1)
    assert told.became[0].chosen == asked(0)[1].completions[1].completion
    goes_on(run, 2)
    assert run.manifest(2, "rankings").facts["late"] == 0, "it is taken in once"
    assert trace(run, "c1@anna").labels[0].became == told.became


def test_late_answers_survive_what_sets_the_round_aside_that_took_them_in(tmp_path: Path):
    run = late_run(tmp_path / "run")
    goes_on(run, 1)
    discard(run, Wish(label="c0@anna"), "a slip", "owner")
    assert run.rounds() == [0]
    (run.path / "journal.sqlite").unlink()  # as in a copy: what was committed suffices
    learn(run, 0)
    assert names(run, 0) >= {"c1@ben", "c1@anna", "c10@anna"}
    found = ids(everything(run))
    assert sorted(found) == sorted(set(found))


def test_late_answers_survive_when_what_they_answer_is_made_anew(tmp_path: Path):
    run = late_run(tmp_path / "run")
    redo(run, "comparisons", 0, "owner")
    assert {"c1@ben", "c0@anna"} <= set(ids(everything(run)))


def test_late_answers_go_along_into_a_branch(tmp_path: Path):
    made = branch(late_run(tmp_path / "run"), tmp_path / "made", 0)
    goes_on(made, 1)
    assert {"c1@ben", "c6@anna"} <= names(made, 1)


def test_a_late_answer_can_be_discarded_before_and_after_it_was_learned(tmp_path: Path):
    run, never = late_run(tmp_path / "run"), late_run(tmp_path / "never")
    assert discard(run, Wish(label="c1@ben"), "a slip", "owner")[1] == [], "nothing has learned it"
    goes_on(run, 1)
    goes_on(never, 1)
    assert adapter(run, 1) != adapter(never, 1)
    discard(never, Wish(label="c1@ben"), "a slip", "owner")
    assert (never.done(0, "promotion"), never.done(1, "rankings"), never.done(1, "preferences")) == (True, True, False)
    learn(never, 1)
    assert adapter(run, 1) == adapter(never, 1)
