"""Every label counts once: of the round, of the rounds before, of their duels; less what was discarded."""

import json
from pathlib import Path

import pytest

from feedback_loop.labels import counting, earlier, everything, learned, rankings
from feedback_loop.records import Preference
from feedback_loop.repair.repair import Wish, discard
from feedback_loop.report.report import overview
from feedback_loop.run import Run, read_jsonl
from feedback_loop.team.team_report import team
from tests.feedback_loop.decided_run import answers, ask, decided, duels, learn, names, new_run, vote
from tests.feedback_loop.team_samples import said


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
