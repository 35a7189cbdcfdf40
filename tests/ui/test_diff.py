"""Where answers differ."""

import random

import pytest

from tests.work import calls
from ui.diff import MOST, compared


def marked(*texts: str) -> list[str]:
    """Each text with what is only there in brackets."""
    return ["".join(f"[{part}]" if only else part for only, part in text) for text in compared(texts)]


def test_words_that_only_one_answer_has_are_marked_in_it():
    assert marked("The cat sat on the mat.", "The dog sat on the red mat.") == [
        "The [cat ]sat on the mat.",
        "The [dog ]sat on the [red ]mat.",
    ]


def test_punctuation_is_apart_from_its_word():
    assert marked("Yes, of course.", "Yes of course!") == ["Yes[, ]of course[.]", "Yes of course[!]"]


def test_equal_answers_have_no_difference_and_an_empty_one_is_all_difference():
    assert marked("Same text.", "Same text.") == ["Same text.", "Same text."]
    assert marked("", "All new.") == ["", "[All new.]"]


def test_words_shared_by_chance_are_no_island_in_what_differs():
    first, second = marked(
        "You can ask Anna for Friday off, if the work is done.",
        "Dear Anna, of course. Enjoy your Friday; the report can wait until Monday.",
    )
    assert first.count("[") == second.count("[") == 1


def test_ideographs_are_compared_one_by_one():
    assert marked("我喜欢吃苹果", "我很喜欢吃苹果") == ["我喜欢吃苹果", "我[很]喜欢吃苹果"]


def test_of_three_answers_each_is_compared_with_the_first():
    assert marked("one two", "one three", "zero one two") == ["one two", "one [three]", "[zero ]one two"]


def test_what_moves_text_is_visible_here_too():
    assert marked("a \u202eb", "a b")[0] == "a [[U+202E]b]"


@pytest.mark.parametrize("kinds", [1, 2, 5, 100, 2000])
def test_long_answers_of_repeated_words_are_compared_in_a_moment(kinds: int):
    draw = random.Random(1)
    one, two = (" ".join(str(draw.randrange(kinds)) for _ in range(200_000)) for _ in range(2))
    assert calls(lambda: compared([one, two])) < 2_500_000, "about 0.3 s"
    found = compared([one, two])
    assert "".join(part for _, part in found[0]) == one[:MOST]
    assert kinds > 1 or not any(only for only, _ in found[0])


def test_a_long_answer_with_one_word_changed_has_one_difference():
    words = [f"word{n % 700}" for n in range(2500)]
    other = [*words[:1200], "else", *words[1201:]]
    found = compared([" ".join(words), " ".join(other)])
    assert [part for only, part in found[1] if only] == ["else "]
