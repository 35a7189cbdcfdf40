"""The one door for people and simulated annotators."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from feedback_loop.errors import UsageError
from feedback_loop.records import Answer, Comparison
from feedback_loop.store.desk import AlreadyAnswered, Desk, NotAnswered, RoundClosed, UnknownComparison
from feedback_loop.store.journal import Journal
from tests.feedback_loop.store.samples import check, comparison, repeat


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    journal = Journal(tmp_path / "journal.sqlite")
    yield journal
    journal.close()


@pytest.fixture
def open_round() -> list[Comparison]:
    """What is asked now; a test changes it to close the round."""
    return [comparison(n) for n in range(6)]


@pytest.fixture
def desk(journal: Journal, open_round: list[Comparison]) -> Desk:
    return Desk(lambda: open_round, journal, lambda: 4, per_comparison=1)


def answer_some(desk: Desk, user: str, count: int) -> set[str]:
    answered = set()
    for _ in range(count):
        found = desk.next(user)
        assert found
        desk.vote(user, found.id, Answer(choice="tie"))
        answered.add(found.id)
    return answered


def test_a_user_is_shown_each_comparison_once(desk: Desk):
    assert answer_some(desk, "anna", 6) == {f"c{n}" for n in range(6)}
    assert desk.next("anna") is None
    assert desk.next("otto") is not None


def test_the_same_comparison_is_shown_until_it_is_answered(desk: Desk):
    shown = desk.next("anna")
    assert shown
    assert desk.next("anna") == shown
    assert desk.next("anna", skip=[shown.id]) not in (shown, None)
    desk.vote("anna", shown.id, Answer(status="discarded"))
    assert desk.next("anna") != shown


def test_what_lacks_answers_comes_first(desk: Desk):
    assert answer_some(desk, "anna", 3) | answer_some(desk, "otto", 3) == {f"c{n}" for n in range(6)}


def test_two_users_at_once_seldom_get_the_same(journal: Journal):
    many = [comparison(n) for n in range(50)]
    desk = Desk(lambda: many, journal, lambda: 4, per_comparison=1)
    first = [desk.next(f"user{n}") for n in range(10)]
    assert len({c.id for c in first if c}) >= 7


def test_a_vote_is_kept_as_given(desk: Desk, journal: Journal):
    given = desk.vote("Ольга", "c1", Answer(choice="c1-b", comment="хорошо", edit="**Better**"))
    assert journal.rankings(0) == [given]
    assert (given.choice, given.comment, given.edit) == ("c1-b", "хорошо", "**Better**")


def test_how_much_better_is_kept_with_the_choice(desk: Desk, journal: Journal):
    desk.vote("anna", "c1", Answer(choice="c1-b", strength="much"))
    desk.vote("anna", "c2", Answer(choice="c2-a", strength="slight"))
    desk.vote("anna", "c3", Answer(choice="c3-a"))
    assert [r.strength for r in journal.rankings(0)] == ["much", "slight", None]


@pytest.mark.parametrize(("status", "choice"), [("submitted", "tie"), ("submitted", "neither"), ("discarded", None)])
def test_how_much_better_is_refused_where_nothing_is_chosen(desk: Desk, journal: Journal, status, choice):
    with pytest.raises(UsageError, match="leave `strength` out"):
        desk.vote("anna", "c1", Answer(status=status, choice=choice, strength="much"))
    assert journal.rankings(0) == []


def test_the_same_vote_twice_is_stored_once(desk: Desk, journal: Journal):
    desk.vote("anna", "c1", Answer(choice="c1-b"))
    with pytest.raises(AlreadyAnswered, match="Undo"):
        desk.vote("anna", "c1", Answer(choice="c1-b"))
    assert len(journal.rankings(0)) == 1


@pytest.mark.parametrize("choice", ["first", "c2-a", "", None])
def test_what_is_no_choice_of_the_comparison_is_refused(desk: Desk, journal: Journal, choice: str | None):
    with pytest.raises(UnknownComparison):
        desk.vote("anna", "c1", Answer(choice=choice))
    assert journal.rankings(0) == []


def test_a_skip_has_no_choice(desk: Desk):
    with pytest.raises(UnknownComparison):
        desk.vote("anna", "c1", Answer(status="discarded", choice="c1-a"))


def test_unknown_comparisons_and_closed_rounds_are_told_apart(desk: Desk, open_round: list[Comparison]):
    with pytest.raises(UnknownComparison):
        desk.vote("anna", "nowhere", Answer(choice="tie"))
    desk.vote("otto", "c1", Answer(choice="tie"))
    open_round[:] = [comparison(n, round=1) for n in range(6, 9)]
    with pytest.raises(RoundClosed):
        desk.vote("anna", "c1", Answer(choice="tie"))
    open_round.clear()
    with pytest.raises(RoundClosed):
        desk.vote("anna", "c7", Answer(choice="tie"))


def test_undo_shows_the_comparison_again(desk: Desk):
    desk.vote("anna", "c1", Answer(choice="tie"))
    desk.vote("anna", "c2", Answer(status="discarded"))
    assert desk.undo("anna") == comparison(2)
    assert desk.undo("anna") == comparison(1)
    assert desk.undo("anna") is None
    desk.vote("anna", "c1", Answer(choice="neither"))


def test_a_closed_round_is_not_undone(desk: Desk, journal: Journal, open_round: list[Comparison]):
    desk.vote("anna", "c1", Answer(choice="tie"))
    open_round[:] = [comparison(9, round=1)]
    assert desk.undo("anna") is None
    open_round.clear()
    assert desk.undo("anna") is None
    assert len(journal.rankings(0)) == 1


def test_undo_takes_back_no_answer_to_a_comparison_that_was_set_aside(
    desk: Desk, journal: Journal, open_round: list[Comparison]
):
    desk.vote("anna", "c1", Answer(choice="tie"))
    desk.vote("anna", "c2", Answer(choice="tie"))
    open_round[:] = [comparison(1), comparison(9)]
    assert desk.undo("anna") == comparison(1)
    assert desk.undo("anna") is None
    assert [r.comparison_id for r in journal.rankings(0)] == ["c2"]


def test_progress_counts_answers_and_what_a_user_can_still_be_shown(desk: Desk):
    desk.vote("anna", "c1", Answer(choice="tie"))
    desk.vote("anna", "c2", Answer(status="discarded"))
    desk.vote("otto", "c1", Answer(choice="tie"))
    anna, otto = desk.progress("anna"), desk.progress("otto")
    assert (anna.answered, anna.mine, anna.needed, anna.left) == (2, 1, 4, 4)
    assert (otto.answered, otto.mine, otto.needed, otto.left) == (2, 1, 4, 5)


def test_no_open_round_asks_nothing(desk: Desk, open_round: list[Comparison]):
    open_round.clear()
    assert desk.next("anna") is None
    assert desk.progress("anna").left == 0


def test_undo_walks_back_through_all_that_was_answered(desk: Desk):
    answered = []
    for n in (4, 0, 5, 1, 3, 2):
        desk.vote("anna", f"c{n}", Answer(choice="tie"))
        answered.append(f"c{n}")
    taken_back = []
    while found := desk.undo("anna"):
        taken_back.append(found.id)
    assert taken_back == answered[::-1]
    assert desk.progress("anna").left == 6


def test_a_change_stands_in_place_of_the_answer_and_the_old_one_stays_on_record(desk: Desk, journal: Journal):
    desk.vote("anna", "c1", Answer(choice="c1-a", comment="quick"))
    desk.vote("otto", "c1", Answer(choice="c1-a"))
    changed = desk.vote("anna", "c1", Answer(choice="c1-b", strength="much"), revise=True)
    assert [r for r in journal.rankings(0) if r.user_id == "anna"] == [changed]
    on_record = [e.ranking for e in journal.undelivered() if e.user_id == "anna"]
    assert [r and (r.choice, r.comment) for r in on_record] == [("c1-a", "quick"), ("c1-b", None)]
    assert desk.progress("anna").answered == 2


def test_the_same_change_sent_twice_is_one_revision(desk: Desk, journal: Journal):
    desk.vote("anna", "c1", Answer(choice="c1-a"))
    once = desk.vote("anna", "c1", Answer(choice="tie", seconds=2.0), revise=True)
    assert desk.vote("anna", "c1", Answer(choice="tie", seconds=2.5), revise=True) == once
    assert len(journal.undelivered()) == 2


def test_what_does_not_stand_is_not_changed(desk: Desk, journal: Journal, open_round: list[Comparison]):
    with pytest.raises(NotAnswered, match="Answer it as a new one"):
        desk.vote("anna", "c1", Answer(choice="tie"), revise=True)
    desk.vote("otto", "c1", Answer(choice="tie"))
    desk.vote("anna", "c1", Answer(choice="tie"))
    desk.undo("anna")
    with pytest.raises(NotAnswered):
        desk.vote("anna", "c1", Answer(choice="tie"), revise=True)
    desk.vote("anna", "c1", Answer(choice="tie"))
    open_round[:] = [comparison(9, round=1)]
    with pytest.raises(RoundClosed):
        desk.vote("anna", "c1", Answer(choice="neither"), revise=True)
    assert {r.choice for r in journal.rankings(0)} == {"tie"}


def test_a_wrong_change_leaves_the_answer_as_it_was(desk: Desk, journal: Journal):
    given = desk.vote("anna", "c1", Answer(choice="c1-a"))
    with pytest.raises(UsageError):
        desk.vote("anna", "c1", Answer(choice="tie", strength="much"), revise=True)
    assert journal.rankings(0) == [given]


def test_history_is_ones_own_last_answers_newest_first(desk: Desk):
    for n in (3, 1, 2):
        desk.vote("anna", f"c{n}", Answer(choice="tie"))
    desk.vote("otto", "c5", Answer(choice="tie"))
    desk.vote("anna", "c0", Answer(status="discarded", reason="unclear"))
    desk.vote("anna", "c1", Answer(choice="c1-b"), revise=True)
    desk.vote("anna", "c1", Answer(choice="c1-a"), revise=True)
    found = desk.history("anna", 3)
    assert [(c, r.choice, changed) for c, r, changed in found] == [
        (comparison(1), "c1-a", 2),
        (comparison(0), None, 0),
        (comparison(2), "tie", 0),
    ]
    desk.undo("anna")
    assert [(c.id, r.choice) for c, r, _ in desk.history("anna", 2)] == [("c1", "c1-b"), ("c0", None)]
    assert desk.history("ida", 10) == []


def test_a_closed_round_has_no_history(desk: Desk, open_round: list[Comparison]):
    desk.vote("anna", "c1", Answer(choice="tie"))
    open_round.clear()
    assert desk.history("anna", 10) == []


def test_repeats_checks_and_skips_are_no_labels_of_the_round(desk: Desk, open_round: list[Comparison]):
    open_round += [repeat(10, of=1), repeat(11, of=2), repeat(12, of=3), check(13)]
    for n in (1, 2, 3):
        desk.vote("anna", f"c{n}", Answer(choice=f"c{n}-a", seconds=1.5))
    desk.vote("anna", "c4", Answer(status="discarded", seconds=0.5))
    desk.vote("anna", "c10", Answer(choice="c1-a", seconds=2.0))
    desk.vote("anna", "c11", Answer(choice="tie"))
    desk.vote("anna", "c12", Answer(status="discarded"))
    desk.vote("anna", "c13", Answer(choice="c13-b"))
    found = desk.progress("anna")
    assert (found.answered, found.mine) == (3, 6)
    assert desk.progress("otto").answered == 3, "a repeat or a check is no further label of the round"
