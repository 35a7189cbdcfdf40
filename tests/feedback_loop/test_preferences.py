"""What people said becomes training pairs, and no prompt is both trained on and held out."""

import pytest

from feedback_loop.preferences import disliked, preferences, split
from tests.feedback_loop.store.samples import comparison, ranking


def said(choice: str | None = "", **more: str | None) -> list[tuple[str, str, bool, str]]:
    pairs = preferences([comparison()], [ranking(choice=choice, **more)])
    return [(p.chosen[0].content, p.rejected[0].content, p.tie, p.source) for p in pairs]


def test_a_choice_prefers_the_chosen_completion():
    assert said("c0-a") == [("Answer a to 0", "Answer b to 0", False, "ranking")]
    assert said("c0-b") == [("Answer b to 0", "Answer a to 0", False, "ranking")]


def test_a_tie_is_one_pair_that_prefers_neither():
    assert said("tie") == [("Answer a to 0", "Answer b to 0", True, "ranking")]


@pytest.mark.parametrize("choice", ["neither", None])
def test_neither_and_skips_give_no_pair(choice: str | None):
    assert said(choice) == []


def test_neither_dislikes_each_answer_by_itself_with_its_annotators_weight():
    asked = [comparison(n, round=2) for n in range(4)]
    given = [ranking(0, "ben", choice="neither"), ranking(1), ranking(2, choice="tie"), ranking(3, choice=None)]
    found = disliked(asked, given, {"ben": 0.5})
    assert [(d.completion, d.prompt_id, d.user_id, d.round, d.weight) for d in found] == [
        ("Answer a to 0", "p0", "ben", 2, 0.5),
        ("Answer b to 0", "p0", "ben", 2, 0.5),
    ]
    assert found[0].prompt == asked[0].prompt.prompt
    assert disliked(asked[1:], given) == [], "answers to unknown comparisons are left out"


def test_an_edit_is_better_than_all_that_was_shown():
    assert said("neither", edit="Mine") == [
        ("Mine", "Answer a to 0", False, "edit"),
        ("Mine", "Answer b to 0", False, "edit"),
    ]
    assert len(said("c0-a", edit="Mine")) == 3
    assert said("c0-a", edit="Answer a to 0")[1:] == [("Answer a to 0", "Answer b to 0", False, "edit")]


def test_a_pair_knows_where_it_came_from():
    (pair,) = preferences([comparison(3, round=2)], [ranking(3, "Ольга")])
    assert (pair.prompt_id, pair.comparison_id, pair.user_id, pair.round) == ("p3", "c3", "Ольга", 2)
    assert pair.prompt == comparison(3).prompt.prompt
    assert pair.chosen[0].role == pair.rejected[0].role == "assistant"


def test_answers_to_unknown_comparisons_are_left_out():
    assert preferences([comparison(0)], [ranking(1)]) == []


def test_users_who_disagree_are_both_heard():
    pairs = preferences([comparison()], [ranking(user="a", choice="c0-a"), ranking(user="b", choice="c0-b")])
    assert [p.chosen[0].content for p in pairs] == ["Answer a to 0", "Answer b to 0"]


def test_a_prompt_held_out_stays_held_out_as_pairs_arrive():
    numbers = range(400)
    prefs = preferences([comparison(n) for n in numbers], [ranking(n) for n in numbers])
    train, held = split(prefs, 0.2, seed=1)
    assert not {p.prompt_id for p in train} & {p.prompt_id for p in held}
    assert len(train) + len(held) == 400
    assert 50 < len(held) < 110
    early_train, early_held = split(prefs[:40], 0.2, seed=1)
    assert set(map(hash, early_held)) <= set(map(hash, held))
    assert set(map(hash, early_train)) <= set(map(hash, train))
    assert split(prefs, 0.2, seed=2) != (train, held)


def test_all_pairs_of_a_prompt_go_to_one_side():
    users = [f"user{n}" for n in range(5)]
    prefs = preferences([comparison(n) for n in range(50)], [ranking(n, user) for n in range(50) for user in users])
    train, held = split(prefs, 0.3, seed=0)
    assert train
    assert held
    assert not {p.prompt_id for p in train} & {p.prompt_id for p in held}


def test_something_is_left_to_train_on():
    prefs = preferences([comparison(n) for n in range(3)], [ranking(n) for n in range(3)])
    train, held = split(prefs, 1.0, seed=0)
    assert len(train) == 1
    assert len(held) == 2
    assert split([], 0.5, seed=0) == ([], [])
    assert split(prefs, 0.0, seed=0) == (prefs, [])
