"""The examples for a request are those of requests that share its rarest words, in any of the app's languages."""

import pytest

from feedback_loop.examples.demonstrations import Demonstration
from feedback_loop.examples.nearest import nearest
from feedback_loop.records import Message, Prompt


def prompt(*turns: str, system: str = "") -> Prompt:
    """A chat whose turns are the user's and the model's by turns."""
    roles = ("user", "assistant")
    spoken = [Message(role=roles[n % 2], content=text) for n, text in enumerate(turns)]
    return Prompt(id="p", prompt=(*([Message(role="system", content=system)] if system else []), *spoken))


def demonstration(*turns: str) -> Demonstration:
    return Demonstration(
        request=prompt(*turns).prompt, text="Like so.", origin="edit", comparison_id="c", user_id="anna", worth=0.75
    )


def found(request: Prompt, pool: list[Demonstration], k: int = 2) -> list[str]:
    return [d.request[-1].content for d in nearest(request, pool, k)]


POOL = [
    demonstration(text)
    for text in (
        "How do I clean a window?",
        "How do I write to my landlord?",
        "How do windows stay clean in winter?",
        "What is a good name for a boat?",
        "Как написать письмо соседу?",
        "Что приготовить на ужин?",
        "怎么清洗窗户?",
        "给我的船起个名字",
    )
]


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("How do I get a dirty window clean?", "How do I clean a window?"),
        ("Letters to landlords", "How do I write to my landlord?"),
        ("Напиши, как начать письма к друзьям", "Как написать письмо соседу?"),
        ("窗户脏了怎么办?", "怎么清洗窗户?"),
    ],
)
def test_the_nearest_shares_the_rarest_words_whatever_their_endings(asked: str, expected: str):
    assert found(prompt(asked), POOL, 1) == [expected]


def test_the_nearest_comes_first_and_as_many_as_were_asked_for():
    assert found(prompt("clean windows in winter"), POOL) == [POOL[2].request[-1].content, POOL[0].request[-1].content]
    assert nearest(prompt("clean"), POOL, 0) == []
    assert len(nearest(prompt("clean"), POOL, 99)) == len(POOL)


def test_where_no_word_is_shared_the_best_are_shown():
    assert nearest(prompt("Zzz"), POOL, 2) == POOL[:2]
    assert nearest(prompt("?!"), POOL, 1) == POOL[:1]
    assert nearest(prompt("clean"), [demonstration("…")], 1) == [demonstration("…")]
    assert nearest(prompt("clean"), [], 1) == []


def test_a_request_is_never_shown_its_own_answer():
    asked = POOL[0].request[0].content
    assert asked not in found(prompt(asked), POOL, 99)
    assert asked not in found(prompt(asked, system="Be brief."), POOL, 99), "an instruction makes it no other request"
    assert asked in found(prompt(asked, "With vinegar.", "And then?"), POOL, 99)
