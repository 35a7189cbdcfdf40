"""What a label says of two scores: one likelihood, spelled as an interval for the head and as margins for TRL."""

import math
from typing import Any

import numpy as np
import pytest

from feedback_loop.records import Preference
from reward.observations import Thresholds, bounds, margins, thresholds
from tests.models_fixture import BAD, GOOD, preference, tiny_prompts

AT = Thresholds(tie=0.4, much=2.0)
(PROMPT,) = tiny_prompts(1)


def label(**changes: Any) -> Preference:
    return preference(PROMPT, GOOD, BAD).model_copy(update=changes)


KINDS = {
    "tie": label(tie=True),
    "slight": label(strength="slight"),
    "much": label(strength="much"),
    "not said": label(),
    "edit": label(source="edit"),
}


def sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x))


@pytest.mark.parametrize(
    ("kind", "low", "high"),
    [
        ("tie", -0.4, 0.4),
        ("slight", 0.4, 2.0),
        ("much", 2.0, math.inf),
        ("not said", 0.4, math.inf),
        ("edit", 0.4, math.inf),
    ],
)
def test_each_label_is_an_interval_of_the_felt_difference(kind: str, low: float, high: float):
    assert bounds(KINDS[kind], AT) == (low, high)


@pytest.mark.parametrize("kind", KINDS)
def test_trls_loss_with_margins_is_the_intervals_likelihood_up_to_a_constant(kind: str):
    low, high = bounds(KINDS[kind], AT)
    rows = margins(KINDS[kind], AT)
    constants = []
    for difference in (-3.0, -0.2, 0.0, 1.1, 5.0):
        interval = math.log((1.0 if math.isinf(high) else sigmoid(high - difference)) - sigmoid(low - difference))
        product = sum(math.log(sigmoid((-difference if swapped else difference) - margin)) for swapped, margin in rows)
        constants.append(interval - product)
    assert constants == pytest.approx([constants[0]] * 5, abs=1e-9)


def test_the_three_kinds_of_choice_and_the_tie_leave_no_difference_out():
    """Tie, slight and much, either way round, cover the whole line once."""
    edges = [bounds(KINDS[kind], AT) for kind in ("tie", "slight", "much")]
    for felt in (-5.0, -1.0, 0.1, 1.0, 5.0):
        assert sum(low < abs(felt) <= high or (low < 0 and abs(felt) <= high) for low, high in edges) == 1


def felt(count: int, at: Thresholds, seed: int = 0) -> list[Preference]:
    """What people say of answers of equal worth."""
    noise = np.abs(np.random.default_rng(seed).logistic(size=count))
    said = {True: "much", False: "slight"}
    return [label(tie=True) if x < at.tie else label(strength=said[bool(x > at.much)]) for x in noise]


@pytest.mark.parametrize("planted", [Thresholds(0.2, 1.5), Thresholds(1.0, 2.5)])
def test_planted_thresholds_are_recovered_from_the_shares(planted: Thresholds):
    found = thresholds(felt(4000, planted))
    assert (found.tie, found.much) == (pytest.approx(planted.tie, abs=0.1), pytest.approx(planted.much, abs=0.15))


def test_edits_do_not_move_them():
    said = felt(40, AT)
    assert thresholds([*said, *[label(source="edit")] * 50]) == thresholds(said)


def test_much_is_rare_where_it_is_said_of_few_of_all_choices():
    """The app says "much" or nothing, so a choice without a word is no great one."""
    rare = thresholds([*[label()] * 54, *[label(strength="much")] * 6])
    assert rare.much > thresholds([*[label()] * 30, *[label(strength="much")] * 30]).much + 1


@pytest.mark.parametrize(
    "pairs",
    [[], [label()], [label(tie=True)] * 40, [label(strength="much")] * 40, [label(source="edit")] * 3],
    ids=["nothing", "one choice", "all ties", "all much", "edits alone"],
)
def test_few_or_uniform_labels_give_sensible_thresholds(pairs: list[Preference]):
    found = thresholds(pairs)
    assert 0 < found.tie < found.much
    assert math.isfinite(found.much)
