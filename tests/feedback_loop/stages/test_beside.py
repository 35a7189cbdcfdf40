"""Repeats and checks: drawn from the seed, told from the others by nothing that the page is sent, with the right answer known."""

from collections import Counter

import pytest

from feedback_loop.records import Comparison, Completion, Message, Prompt
from feedback_loop.stages.asking import pair_up
from feedback_loop.stages.beside import checks, how_many, likeness, repeats

SUBJECTS = [
    "a sponge cake with lemon", "the boiling point of water", "my landlord and the broken heating", "jazz in Paris in 1930",
    "why the sea is salty", "a birthday card for grandmother", "bicycle tyres and punctures", "tax on a second job",
    "how bees find flowers", "knots for climbing", "a poem about November", "Берлинская стена и её падение",
]  # fmt: skip


def prompts(count: int = 12) -> list[Prompt]:
    wanted = [f"{SUBJECTS[n % 12]}{' again' * (n // 12)}" for n in range(count)]
    return [Prompt(id=f"p{n}", prompt=(Message(role="user", content=f"Tell me: {w}"),)) for n, w in enumerate(wanted)]


def candidates(asked: list[Prompt], each: int = 3) -> list[Completion]:
    """Answers to each prompt, which say what it asks for."""
    return [
        Completion(
            id=f"{p.id}-{n}", prompt_id=p.id, completion=f"{p.request[9:]}, said {n} times", policy="base", seed=0
        )
        for p in asked
        for n in range(each)
    ]


def made(count: int = 12, each: int = 2) -> list[Comparison]:
    asked = prompts(count)
    return pair_up(0, asked, candidates(asked, each), 5)


@pytest.mark.parametrize(
    ("share", "comparisons", "count"),
    [(0.06, 24, 1), (0.03, 24, 1), (0.06, 100, 6), (0.03, 8, 1), (0.03, 7, 0), (0.5, 7, 4), (0.0, 100, 0)],
)
def test_a_share_is_rounded_and_a_round_of_eight_has_one(share: float, comparisons: int, count: int):
    assert how_many(share, comparisons) == count


@pytest.mark.parametrize("each", [2, 3, 4])
def test_a_repeat_shows_the_same_answers_the_other_way_round(each: int):
    first = {c.id: c for c in made(40, each)}
    again = repeats(list(first.values()), 0.1, 7)
    assert len({c.repeat_of for c in again}) == 4
    for found in again:
        shown = first[found.repeat_of or ""]
        assert (found.purpose, found.prompt, found.round, found.selection) == (
            "repeat",
            shown.prompt,
            0,
            shown.selection,
        )
        places = [found.completions.index(c) for c in shown.completions]
        assert places == sorted(places, reverse=True), "of every two answers the other one stands first"


def test_a_check_shows_one_answer_to_the_request_and_else_answers_to_other_ones():
    asked = prompts(40)
    drawn = candidates(asked)
    for answers in (2, 3, 4):
        found = checks(0, asked, drawn, 0.1, answers, 7)
        assert len(found) == 4
        for check in found:
            right = [c for c in check.completions if c.prompt_id == check.prompt.id]
            assert [c.id for c in right] == [check.expected]
            assert len({c.completion for c in check.completions}) == answers
            assert check.purpose == "check"


def test_the_other_answers_of_a_check_are_to_quite_another_request():
    asked = [
        Prompt(id=name, prompt=(Message(role="user", content=text),))
        for name, text in (
            ("bread", "How do I bake a bread with rye flour?"),
            ("rolls", "How do I bake rolls with rye flour?"),
            ("law", "Darf mein Vermieter die Miete erhöhen?"),
        )
    ]
    drawn = candidates(asked, 1)
    found = {c.prompt.id: c for seed in range(30) for c in checks(0, asked, drawn, 0.3, 2, seed)}
    others = {name: [c.prompt_id for c in check.completions if c.prompt_id != name] for name, check in found.items()}
    assert others["bread"] == others["rolls"] == ["law"]


def test_what_stands_first_in_a_check_is_drawn():
    asked = prompts(40)
    drawn = candidates(asked)
    found = [c for seed in range(10) for c in checks(0, asked, drawn, 0.2, 2, seed)]
    right_first = sum(c.completions[0].id == c.expected for c in found)
    assert 0.25 < right_first / len(found) < 0.75


def test_a_prompt_without_another_answer_that_reads_differently_has_no_check():
    asked = prompts(8)
    same = [c.model_copy(update={"completion": "I cannot say."}) for c in candidates(asked)]
    assert checks(0, asked, same, 0.5, 2, 7) == []
    assert checks(0, asked[:1], candidates(asked[:1]), 0.5, 2, 7) == []
    assert checks(0, asked, candidates(asked), 0, 2, 7) == []


def test_ids_are_of_one_form_and_never_the_same():
    own = made(40)
    asked = prompts(40)
    everything = [*own, *repeats(own, 0.5, 3), *checks(0, asked, candidates(asked, 2), 0.5, 2, 3)]
    assert max(Counter(c.id for c in everything).values()) == 1
    assert {len(c.id) for c in everything} == {len(own[0].id)}
    assert max(int(c.id.split("-")[1]) for c in everything) < 40, "no number tells that it came after the round's own"


def test_they_hang_on_the_seed():
    own, asked = made(40), prompts(40)
    assert repeats(own, 0.1, 3) == repeats(own, 0.1, 3) != repeats(own, 0.1, 4)
    drawn = candidates(asked)
    assert (
        checks(0, asked, drawn, 0.1, 2, 3) == checks(0, asked, drawn, 0.1, 2, 3) != checks(0, asked, drawn, 0.1, 2, 4)
    )


def test_likeness_needs_no_spaces_between_words():
    assert likeness("Bake a cake", "BAKE  a\ncake") == 1
    assert likeness("红烧肉怎么做", "红烧肉的做法") > likeness("红烧肉怎么做", "北京的天气") == 0
    assert likeness("", "") == likeness("", "something") == 0
