"""What people said becomes training pairs, and no prompt is both trained on and held out."""

from typing import Any

import pytest

from feedback_loop.preferences import disliked, preferences, split
from feedback_loop.records import Preference
from tests.feedback_loop.store.samples import check, comparison, ranking, repeat


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


A, B, C, D = (f"c0-{x}" for x in "abcd")
Stated = list[tuple[str | None, str | None, bool]]


def of_order(order: tuple[tuple[str, ...], ...] | None, choice: str, answers: int = 4, **more: Any) -> list[Preference]:
    return preferences([comparison(answers=answers)], [ranking(choice=choice, order=order, **more)])


def stated(pairs: list[Preference]) -> Stated:
    return [(p.chosen_id, p.rejected_id, p.tie) for p in pairs]


@pytest.mark.parametrize(
    ("answers", "order", "choice", "expected"),
    [
        (3, ((B,), (C,), (A,)), B, [(B, A, False), (C, A, False), (B, C, False)]),
        (3, ((B,), (A, C)), B, [(B, A, False), (A, C, True), (B, C, False)]),
        (3, ((A, C), (B,)), "tie", [(A, B, False), (A, C, True), (C, B, False)]),
        (3, ((C, B, A),), "tie", [(A, B, True), (A, C, True), (B, C, True)]),
        (2, ((B,), (A,)), B, [(B, A, False)]),
        (
            4,
            ((D,), (A, B), (C,)),
            D,
            [(A, B, True), (A, C, False), (D, A, False), (B, C, False), (D, B, False), (D, C, False)],
        ),
    ],
)
def test_an_order_gives_every_pair_with_its_ties(answers: int, order: Any, choice: str, expected: Stated):
    found = of_order(order, choice, answers)
    assert stated(found) == expected
    texts = {f"c0-{x}": f"Answer {x} to 0" for x in "abcd"}
    assert [(p.chosen[0].content, p.rejected[0].content) for p in found] == [
        (texts[a], texts[b]) for a, b, _ in expected
    ]
    assert [p.chosen_first for p in found] == [a < b for a, b, _ in expected]


@pytest.mark.parametrize(("answers", "choices"), [(2, 1), (3, 2), (4, 3)])
def test_an_order_weighs_as_much_as_the_choices_it_is_made_of(answers: int, choices: int):
    best_first = tuple((f"c0-{x}",) for x in "abcd"[:answers])
    found = of_order(best_first, A, answers)
    assert len({p.weight for p in found}) == 1
    assert sum(p.weight for p in found) == pytest.approx(choices)
    alone = of_order(None, A, answers)
    assert stated(alone) == [(A, f"c0-{x}", False) for x in "bcd"[: answers - 1]]
    assert sum(p.weight for p in alone) == pytest.approx(1), "of the others nothing is said"
    alike = of_order(None, "tie", answers)
    assert all(p.tie for p in alike)
    assert sum(p.weight for p in alike) == pytest.approx(choices)


def test_an_orders_share_and_its_annotators_weight_are_multiplied():
    (pair, *_) = preferences([comparison(answers=4)], [ranking(order=((A,), (B,), (C,), (D,)))], {"anna": 0.5})
    assert (pair.share, pair.weight) == (0.5, 0.25)


def test_how_much_better_is_said_of_the_best_and_of_no_more_than_the_person_knows():
    slight = of_order(((B,), (A,), (C,)), B, 3, strength="slight")
    assert {(p.chosen_id, p.rejected_id): p.strength for p in slight} == {(B, A): "slight", (B, C): None, (A, C): None}
    much = of_order(((B,), (A,), (C,)), B, 3, strength="much")
    assert {(p.chosen_id, p.rejected_id): p.strength for p in much} == {(B, A): "much", (B, C): "much", (A, C): None}
    assert [p.strength for p in of_order(None, B, 3, strength="slight")] == [None, None]
    assert [p.strength for p in of_order(None, B, 2, strength="slight")] == ["slight"]


def test_ones_own_words_beat_all_that_was_shown_and_keep_where_they_come_from():
    found = [p for p in of_order(((B,), (A,), (C,)), B, 3, edit="Mine", edit_of=B) if p.source == "edit"]
    assert [(p.chosen[0].content, p.chosen_id, p.rejected_id, p.edit_of, p.strength) for p in found] == [
        ("Mine", None, name, B, None) for name in (A, B, C)
    ]
    own = of_order(None, "neither", 2, edit="Mine")
    assert [(p.rejected_id, p.edit_of, p.weight) for p in own] == [(A, None, 1.0), (B, None, 1.0)]
    assert sum(p.weight for p in found) == pytest.approx(sum(p.weight for p in own))


def test_a_comment_and_a_flag_go_with_every_pair_and_dislike():
    said = {"comment": "too long", "flagged": True}
    pairs = preferences([comparison()], [ranking(edit="Mine", edit_of=A, **said)])
    assert [(p.comment, p.flagged) for p in pairs] == [("too long", True)] * 3
    (one, _) = disliked([comparison()], [ranking(choice="neither", **said)])
    assert (one.comparison_id, one.completion_id, one.comment, one.flagged) == ("c0", A, "too long", True)


def test_a_check_trains_nothing_and_a_repeat_is_a_further_label():
    asked = [comparison(0), repeat(1, of=0), check(2), check(3)]
    given = [ranking(0), ranking(1, choice=A), ranking(2, edit="Mine"), ranking(3, choice="neither")]
    pairs = preferences(asked, given)
    assert [(p.comparison_id, p.chosen_id, p.chosen_first, p.repeat) for p in pairs] == [
        ("c0", A, True, False),
        ("c1", A, False, True),
    ]
    assert disliked(asked, given) == []
