"""A pair is trained on as often as its weight says."""

from collections import Counter

import pytest

from feedback_loop.records import Message, Preference
from feedback_loop.thinning import thinned


def pairs(count: int, weight: float, **more: float) -> list[Preference]:
    return [
        Preference(
            prompt=(Message(role="user", content="Why?"),),
            chosen=(Message(role="assistant", content="So."),),
            rejected=(Message(role="assistant", content="No."),),
            prompt_id=f"p{n}",
            comparison_id=f"c{n}",
            user_id="anna",
            round=0,
            weight=weight,
            **more,
        )
        for n in range(count)
    ]


def test_full_weights_change_nothing():
    assert thinned(pairs(50, 1.0), 7) == pairs(50, 1.0)


@pytest.mark.parametrize(
    ("weight", "least", "most"), [(0.3, 260, 340), (0.9, 870, 930), (1.5, 1450, 1550), (2.0, 2000, 2000)]
)
def test_the_expected_number_is_the_weight(weight: float, least: int, most: int):
    made = thinned(pairs(1000, weight), 7)
    assert least <= len(made) <= most
    assert set(Counter(p.comparison_id for p in made).values()) <= {int(weight), int(weight) + 1}


def test_an_orders_pairs_all_stay_where_the_person_weighs_in_full():
    assert thinned(pairs(60, 0.5, share=0.5), 7) == pairs(60, 0.5, share=0.5)
    assert 15 < len(thinned(pairs(60, 0.25, share=0.5), 7)) < 45


def test_it_hangs_on_the_seed_and_the_pair_alone():
    many = pairs(200, 0.5)
    assert thinned(many, 7) == thinned(many, 7)
    assert thinned(many[::-1], 7) == thinned(many, 7)[::-1]
    assert thinned(many[:50], 7) == thinned(many, 7)[: len(thinned(many[:50], 7))]
    assert thinned(many, 8) != thinned(many, 7)


def test_what_stays_at_a_weight_stays_at_a_greater_one():
    few, more = ({p.comparison_id for p in thinned(pairs(200, w), 7)} for w in (0.4, 0.6))
    assert few < more


def test_something_decided_always_stays():
    assert len(thinned(pairs(3, 1e-6), 7)) == 1
    left = thinned([*pairs(2, 1e-6), *pairs(2, 1.0, tie=True)], 7)
    assert sorted(p.tie for p in left) == [False, True, True]
    assert thinned([], 7) == []
