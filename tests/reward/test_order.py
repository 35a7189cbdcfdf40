"""The order in which what is left is asked, from features kept on disk and the labels so far."""

from collections.abc import Sequence

import numpy as np
import pytest

from feedback_loop.preferences import disliked, preferences
from feedback_loop.records import Comparison, Completion, Message, Preference, Prompt, Ranking
from reward.features import REQUEST
from reward.order import Known, known, priorities
from reward.text import NAMES

AXES = 6


def answers(number: int, axis: int) -> tuple[list[Completion], np.ndarray]:
    """Two answers to a prompt that differ along one axis of the features, hardly along the others."""
    rng = np.random.default_rng(number)
    rows = np.zeros((2, AXES + len(NAMES) + REQUEST), np.float32)
    rows[:, :AXES] = rng.normal(0, 0.05, (2, AXES))
    rows[:, axis] += (1, -1)
    made = [
        Completion(id=f"p{number}-{x}", prompt_id=f"p{number}", completion=f"{x} to {number}", policy="base", seed=0)
        for x in "ab"
    ]
    return made, rows


def comparison(number: int, pair: Sequence[Completion]) -> Comparison:
    prompt = Prompt(id=f"p{number}", prompt=(Message(role="user", content=f"Question {number}?"),))
    return Comparison(id=f"c{number}", round=1, prompt=prompt, completions=tuple(pair), selection="drts")


def world(axes: Sequence[int]) -> tuple[list[Comparison], Known]:
    made = [answers(n, axis) for n, axis in enumerate(axes)]
    return [comparison(n, pair) for n, (pair, _) in enumerate(made)], known(made)


def label(*asked: Comparison, edit: str | None = None) -> list[Preference]:
    """The first answer of each is better."""
    given = [
        Ranking(
            comparison_id=c.id,
            user_id="anna",
            status="submitted",
            choice=c.completions[0].id,
            edit=edit,
            created_at="2026-01-01T00:00:00.000+00:00",
        )
        for c in asked
    ]
    return preferences(asked, given)


def test_labels_of_one_kind_of_difference_send_the_other_kinds_to_the_front():
    asked, features = world([0, 0, 0, 0, 0, 0, 0, 1, 2, 0])
    found = priorities(asked, label(*asked[:6]), [], features)
    assert set(found) == {c.id for c in asked}
    assert min(found["c7"], found["c8"]) > max(found["c6"], found["c9"])


def test_what_was_most_open_sinks_once_its_like_is_answered():
    asked, features = world([0, 0, 0, 1, 1, 1, 2, 2, 2])
    before = priorities(asked, label(*asked[:3]), [], features)
    after = priorities(asked, label(*asked[:3], *asked[3:5]), [], features)
    assert before["c5"] > 0.7 * before["c8"], "neither kind has been answered"
    assert after["c5"] < 0.7 * after["c8"], "one has"


def test_answers_that_were_called_no_good_teach_the_order_as_they_teach_the_rounds_head():
    asked, features = world([0, 0, 0, 1, 1, 1, 2, 2, 2])
    neither = [
        Ranking(comparison_id=c.id, user_id="anna", choice="neither", created_at="2026-01-01T00:00:00.000+00:00")
        for c in asked[3:5]
    ]
    poor = disliked(asked, neither)
    before, after = (priorities(asked, label(*asked[:3]), said, features) for said in ([], poor))
    assert after["c5"] / after["c8"] < 0.8 * before["c5"] / before["c8"]
    unknown = [d.model_copy(update={"completion": "Read nowhere."}) for d in poor]
    assert priorities(asked, label(*asked[:3]), unknown, features) == before


def test_the_order_hangs_on_votes_alone():
    asked, features = world([0, 1, 2, 0, 1])
    first, second = (priorities(asked, label(*asked[:2]), [], features) for _ in range(2))
    assert first == second


def test_without_labels_or_features_there_is_no_order():
    asked, features = world([0, 1])
    assert priorities(asked, [], [], features) == {}
    assert priorities(asked, label(*asked), [], known([])) == {}
    assert priorities(asked, label(*asked), [], known([([], np.zeros((0, 0)))])) == {}


def test_a_comparison_without_features_and_an_edit_are_left_out():
    asked, features = world([0, 1, 2, 0, 1, 2])
    stranger = comparison(9, answers(9, 0)[0])
    found = priorities([*asked, stranger], label(*asked, edit="As I would say it."), [], features)
    assert set(found) == {c.id for c in asked}
    assert found == priorities(asked, label(*asked), [], features)


def test_earlier_rounds_count_too():
    asked, features = world([0, 0, 1])
    old = [answers(n, 1) for n in range(10, 16)]
    both = known(
        [
            *((pair, rows) for pair, rows in old),
            *((a.completions, features.rows[2 * n : 2 * n + 2]) for n, a in enumerate(asked)),
        ]
    )
    earlier = label(*(comparison(10 + n, pair) for n, (pair, _) in enumerate(old)))
    found = priorities(asked, earlier, [], both)
    assert found["c2"] < min(found["c0"], found["c1"])


def test_an_order_of_three_teaches_the_sum_of_its_pairs_by_their_share():
    asked, features = world([0, 0, 0, 0, 0, 0])
    third = np.zeros((1, features.rows.shape[1]), np.float32)
    third[0, 3] = 1.0
    more = Completion(id="p5-c", prompt_id="p5", completion="c to 5", policy="base", seed=0)
    wide = Known(np.concatenate([features.rows, third]), {**features.places, ("p5", "c to 5"): len(features.rows)})
    first, second = asked[5].completions
    three = asked[5].model_copy(update={"completions": (first, more, second)})
    pairs = [
        asked[5].model_copy(update={"id": f"pair{n}", "completions": both})
        for n, both in enumerate([(first, more), (first, second), (more, second)])
    ]
    found = priorities([three, *pairs], label(*asked[:5]), [], wide)
    assert found["c5"] == pytest.approx(2 / 3 * sum(found[f"pair{n}"] for n in range(3)), rel=1e-5)
    assert found["pair1"] != found["pair0"]
