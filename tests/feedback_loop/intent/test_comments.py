"""Which words of comments are quoted."""

import pytest

from feedback_loop.intent.comments import recurring
from feedback_loop.intent.profile import Quote


def phrases(*texts: str) -> list[tuple[str, int]]:
    return [
        (phrase, len(held)) for phrase, held in recurring([Quote(label=f"c{n}@a", text=t) for n, t in enumerate(texts)])
    ]


@pytest.mark.parametrize(
    ("texts", "found"),
    [
        (["much too long", "Too long.", "it is too long for me"], [("too long", 3)]),
        (["too long", "too long"], []),
        (["it is the one", "this is it", "that is it"], []),
        (["слишком длинно", "Слишком длинно!", "опять слишком длинно"], [("слишком длинно", 3)]),
        (["太长了", "太长", "还是太长"], [("太长", 3)]),
        (["so cold", "cold and long", "a cold long one", "long"], [("cold", 3), ("long", 3)]),
        ([], []),
    ],
)
def test_phrases_in_three_comments_or_more(texts: list[str], found: list[tuple[str, int]]):
    assert phrases(*texts) == found


def test_the_same_word_twice_in_a_comment_counts_once():
    assert phrases("cold cold cold", "warm") == []
