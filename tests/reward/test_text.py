"""What is counted in an answer, by hand."""

import math

import pytest

from feedback_loop.records import Message, Prompt
from reward.text import NAMES, statistics

PROMPT = Prompt(id="p", prompt=(Message(role="user", content="How do I clean a window?"),))


def counted(text: str) -> dict[str, float]:
    return dict(zip(NAMES, statistics(PROMPT, text), strict=True))


LISTED = "You need:\n\n- 2 cloths\n- a window, cleaned 😀"


@pytest.mark.parametrize(
    ("text", "name", "value"),
    [
        ("Wipe the window.", "words", math.log(4)),
        ("Wipe the window.", "characters", math.log(17)),
        ("Wipe the window.", "word length", 13 / 3),
        ("no no no", "vocabulary", 1 / 3),
        ("Wipe it. Dry it.", "two sentences", 1.0),
        ("Wipe it. Dry it.", "one sentence", 0.0),
        ("One. Two. Three. Four.", "more than three sentences", 1.0),
        ("Wipe it.\n\nThen dry it well.", "one paragraph", 0.0),
        ("Wipe it.\n\nThen dry it well.", "words of the first paragraph", math.log(3)),
        ("Wipe it.\n\nThen dry it well.", "words of the last paragraph", math.log(5)),
        (LISTED, "list lines", 2 / 3),
        (LISTED, "any list", 1.0),
        (LISTED, "emoji", math.log(2)),
        (LISTED, "digits", math.log(2)),
        (LISTED, "commas", math.log(2)),
        ("Is it dirty? 🙂", "ends with a question", 1.0),
        ("Is it dirty? Yes.", "ends with a question", 0.0),
        ("Wow! Great!", "exclamations", math.log(3)),
        ("It's **bold** `code`.", "apostrophes", math.log(2)),
        ("It's **bold** `code`.", "code", math.log(5)),
        ("lower", "starts with a capital", 0.0),
        ("Протри окно", "letters beyond ASCII", 1.0),
        ("clean a window", "request's words used", 3 / 6),
        ("clean windows slowly", "words not in the request", 2 / 3),
    ],
)
def test_counts_by_hand(text: str, name: str, value: float):
    assert counted(text)[name] == pytest.approx(value)


@pytest.mark.parametrize("text", ["", " \n ", "?", "😀", "\u200b", "a" * 100_000, "- \n- ", "```"])
def test_any_text_gives_a_finite_number_for_every_name(text: str):
    found = statistics(PROMPT, text)
    assert len(found) == len(NAMES)
    assert all(map(math.isfinite, found))


def test_space_around_an_answer_says_nothing():
    assert statistics(PROMPT, "  Wipe it.\n") == statistics(PROMPT, "Wipe it.")
