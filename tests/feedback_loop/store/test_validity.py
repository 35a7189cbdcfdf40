"""An answer that contradicts itself, or speaks of what was not shown, is refused in one line."""

from typing import Any

import pytest

from feedback_loop.errors import UsageError
from feedback_loop.records import Answer
from feedback_loop.store.validity import check_answer
from tests.feedback_loop.store.samples import comparison

A, B, C = "c0-a", "c0-b", "c0-c"
SKIP = {"status": "discarded"}


@pytest.mark.parametrize(
    "said",
    [
        {"choice": A},
        {"choice": A, "strength": "much"},
        {"choice": "neither"},
        {"choice": B, "order": ((B,), (A, C))},
        {"choice": "tie", "order": ((A, B), (C,))},
        {"choice": "tie", "order": ((C, A, B),)},
        {"choice": B, "order": ((B,), (C,), (A,)), "strength": "slight"},
        {"choice": A, "edit": "Better", "edit_of": A},
        {"choice": A, "edit": "Better", "edit_of": B},
        {"choice": "neither", "edit": "My own"},
        {"choice": A, "edit": "My own"},
        {"choice": "tie", "comment": "why", "flagged": True, "seconds": 3.5},
        SKIP,
        {**SKIP, "reason": "unsafe", "comment": "no", "flagged": True},
    ],
    ids=str,
)
def test_what_hangs_together_is_taken(said: dict[str, Any]):
    check_answer(comparison(answers=3), Answer(**said))


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"choice": "tie", "strength": "much"}, "leave `strength` out"),
        ({**SKIP, "strength": "much"}, "leave `strength` out"),
        ({"choice": A, "order": ((A,), (B,))}, "each of the 3 answers"),
        ({"choice": A, "order": ((A,), (B,), (B,))}, "exactly once"),
        ({"choice": A, "order": ((A,), (B, C, C))}, "exactly once"),
        ({"choice": A, "order": ((A,), (B, "c1-a"))}, "exactly once"),
        ({"choice": A, "order": ((A,), (), (B, C))}, "no empty place"),
        ({"choice": "tie", "order": ()}, "exactly once"),
        ({"choice": B, "order": ((A,), (B,), (C,))}, "what the order has first"),
        ({"choice": "tie", "order": ((A,), (B, C))}, "what the order has first"),
        ({"choice": A, "order": ((A, B), (C,))}, "`tie` where several are best"),
        ({"choice": "neither", "order": ((A, B), (C,))}, "what the order has first"),
        ({**SKIP, "order": ((A,), (B,), (C,))}, "leave `order` out"),
        ({"choice": A, "reason": "unclear"}, "leave `reason` out"),
        ({**SKIP, "edit": "Better"}, "leave `edit` out"),
        ({"choice": A, "edit": " \n\t"}, "The edit is empty"),
        ({"choice": A, "edit_of": A}, "there is no edit"),
        ({"choice": A, "edit": "Better", "edit_of": "c1-a"}, "not of this comparison"),
        ({"choice": A, "edit": "Better", "edit_of": "first"}, "not of this comparison"),
    ],
    ids=str,
)
def test_what_does_not_hang_together_is_refused(said: dict[str, Any], why: str):
    with pytest.raises(UsageError, match=why) as raised:
        check_answer(comparison(answers=3), Answer(**said))
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("seconds", [-1.0, float("nan"), float("inf")])
def test_a_time_that_is_none_is_no_answer(seconds: float):
    with pytest.raises(ValueError, match="seconds"):
        Answer(choice=A, seconds=seconds)
