"""The answers that people wrote or ranked highest become demonstrations, one a request, the surest first."""

from pathlib import Path

import pytest

from feedback_loop.examples.demonstrations import Demonstration, Origin, demonstrations, to_learn
from feedback_loop.policy_tables import DittoTable
from feedback_loop.records import Message
from feedback_loop.repair.repair import Wish, discard
from feedback_loop.run import Run
from tests.feedback_loop.decided_run import ask, asked, collect, decided, new_run, vote
from tests.feedback_loop.team_samples import said

C0, C1, C2, C3 = asked(0)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return new_run(tmp_path / "run")


def shown(run: Run, number: int | None = None) -> list[tuple[str, str, str, str]]:
    return [(d.request[-1].content, d.text, d.origin, d.user_id) for d in demonstrations(run, number)]


def test_edits_come_first_then_what_was_written_from_nothing_then_what_was_ranked_highest(run: Run):
    ask(run, 0)
    vote(
        run,
        0,
        [
            said(C0, "a"),
            said(C1, "neither", edit="From nothing"),
            said(C2, "b", edit="b, but better", edit_of="2-b"),
            said(C3, "tie"),
        ],
    )
    assert shown(run) == [
        ("Question 2?", "b, but better", "edit", "anna"),
        ("Question 1?", "From nothing", "written", "anna"),
        ("Question 0?", "a to 0!!!!", "ranked", "anna"),
    ], "a tie shows nobody what is wanted"


def test_of_what_people_say_of_a_request_only_the_best_is_kept(run: Run):
    ask(run, 0)
    vote(run, 0, [said(C0, "a", "anna"), said(C0, "b", "ben"), said(C0, "b", "cleo"), said(C1, "a", "anna")])
    found = {d.request[-1].content: d for d in demonstrations(run)}
    assert found["Question 0?"].text.startswith("b")
    assert found["Question 0?"].user_id == "cleo"
    assert found["Question 0?"].worth < found["Question 1?"].worth, "two of three beside one of one"
    assert [d.request[-1].content for d in demonstrations(run)] == ["Question 1?", "Question 0?"]


def test_an_answer_that_loses_as_often_as_it_wins_or_is_called_no_good_shows_nothing(run: Run):
    ask(run, 0)
    vote(run, 0, [said(C0, "a", "anna"), said(C0, "b", "ben"), said(C1, "a", "anna"), said(C1, "neither", "ben")])
    assert demonstrations(run) == []


def test_whose_labels_weigh_more_decides(tmp_path: Path):
    run = new_run(tmp_path / "run", "preferences.weights.ben=3")
    ask(run, 0)
    vote(run, 0, [said(C0, "b", "ben"), said(C0, "a", "anna")])
    assert shown(run) == [("Question 0?", "b to 0!!!", "ranked", "ben")]


def test_a_round_shows_what_it_learned_from_and_the_present_shows_all(run: Run):
    decided(run, 0, [said(c, "a") for c in asked(0)])
    ask(run, 1)
    vote(run, 1, [said(asked(1)[0], "a", edit="Mine", edit_of="10-a")])
    assert {text[-4:] for _, text, *_ in shown(run, 0)} == {"!!!!"}
    assert shown(run)[0] == ("Question 10?", "Mine", "edit", "anna")


def test_what_was_discarded_is_shown_no_more(run: Run):
    collect(run, 0, [said(C0, "a", edit="Mine", edit_of="0-a"), said(C1, "a", "ben")])
    discard(run, Wish(annotator="anna"), "clicked without reading", "owner")
    assert [user for *_, user in shown(run)] == ["ben"]


def test_ditto_learns_ranked_answers_only_where_people_wrote_few():
    def some(count: int, origin: Origin) -> list[Demonstration]:
        said = {"request": (Message(role="user", content="?"),), "origin": origin, "user_id": "anna", "worth": 0.75}
        return [Demonstration(text=f"{origin} {n}", comparison_id=f"c{n}", **said) for n in range(count)]

    ranked = some(6, "ranked")
    assert to_learn([*some(4, "edit"), *ranked], DittoTable()) == some(4, "edit")
    assert to_learn([*some(3, "edit"), *ranked], DittoTable(demonstrations=5)) == [*some(3, "edit"), *ranked[:2]]
    assert to_learn(ranked, DittoTable(own=0)) == ranked
