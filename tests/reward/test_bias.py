"""Length and position: known answers by hand, and what is taken out is gone."""

import numpy as np
import pytest

from reward.bias import length_correlation, length_slope, share


def test_a_score_that_is_length_correlates_perfectly_whichever_way_round_a_pair_is_spelled():
    found = length_correlation([1.0, 2.0, -3.0, 0.5, 1.0], [10, 20, -30, 5, 10])
    assert found["length_correlation"] == pytest.approx(1.0)
    assert found["length_correlation_low"] > 0.9
    assert found["length_pairs"] == 5


def test_a_known_correlation_by_hand():
    """sum(m d) = 1*2 + 1*0 + 2*1 + 0*2 = 4; sum m² = 6; sum d² = 9."""
    found = length_correlation([1.0, 1.0, 2.0, 0.0], [2, 0, 1, 2])
    assert found["length_correlation"] == pytest.approx(4 / 54**0.5)


def test_which_answer_is_called_chosen_does_not_matter():
    rng = np.random.default_rng(0)
    margins, differences = rng.normal(size=40), rng.integers(-200, 200, 40)
    flips = rng.choice([-1, 1], 40)
    ours = length_correlation(list(margins), [int(d) for d in differences])
    theirs = length_correlation(list(margins * flips), [int(d) for d in differences * flips])
    assert ours["length_correlation"] == pytest.approx(theirs["length_correlation"])


def test_its_interval_holds_the_truth_nine_times_of_ten():
    rng, held = np.random.default_rng(1), 0
    for _ in range(400):
        length = rng.normal(size=50)
        margin = 0.5 * length + 0.75**0.5 * rng.normal(size=50)
        found = length_correlation(list(margin), [int(1e6 * d) for d in length])
        held += found["length_correlation_low"] < 0.5 < found["length_correlation_high"]
    assert 0.86 < held / 400 < 0.94


@pytest.mark.parametrize(
    ("margins", "differences"),
    [([], []), ([1.0, 2.0, 1.0], [1, 2, 3]), ([0.0] * 9, [5] * 9), ([1.0] * 9, [0] * 9)],
    ids=["no pairs", "three pairs", "constant scores", "equal lengths"],
)
def test_where_it_cannot_be_said_it_is_none(margins: list[float], differences: list[int]):
    found = length_correlation(margins, differences)
    assert found["length_correlation"] is None
    assert found["length_correlation_low"] is None
    assert found["length_pairs"] == len(margins)


def test_a_share_has_its_interval_and_of_nothing_there_is_none():
    assert share([1.0] * 8 + [0.0] * 2) == {
        "share": 0.8, "low": pytest.approx(0.541, abs=1e-3), "high": pytest.approx(0.931, abs=1e-3), "pairs": 10
    }  # fmt: skip
    assert share([]) == {"share": None, "low": None, "high": None, "pairs": 0}


def two_people(rng: np.random.Generator, prompts: int, right: float) -> tuple[list[float], list[str]]:
    """Hits of a reward model that is right about 70 % of prompts, by two people who each are so often."""
    model = rng.random(prompts) < 0.7
    hits = (rng.random((prompts, 2)) < right) == model[:, None]
    return [float(h) for h in hits.ravel()], [f"p{n // 2}" for n in range(2 * prompts)]


@pytest.mark.parametrize("right", [1.0, 0.85])
def test_two_peoples_labels_of_the_same_pairs_are_not_counted_as_twice_the_evidence(right: float):
    rng, truth, held, alone = np.random.default_rng(5), 0.7 * right + 0.3 * (1 - right), 0, 0
    for _ in range(600):
        hits, groups = two_people(rng, 32, right)
        found, plain = share(hits, groups=groups), share(hits)
        assert (found["share"], found["pairs"]) == (plain["share"], 64)
        held += found["low"] <= truth <= found["high"]
        alone += plain["low"] <= truth <= plain["high"]
    assert held / 600 > 0.86
    assert alone / 600 < held / 600 - 0.03, "which is what it is for"


def test_a_pair_that_two_people_answered_tells_once_of_length():
    rng = np.random.default_rng(6)
    margins, differences = rng.normal(size=30).tolist(), rng.normal(size=30).tolist()
    prompts = [f"p{n}" for n in range(30)]
    once = length_correlation(margins, differences, groups=prompts)
    twice = length_correlation(
        [*margins, *(-m for m in margins)], [*differences, *(-d for d in differences)], groups=[*prompts, *prompts]
    )
    assert twice["length_correlation"] == pytest.approx(once["length_correlation"])
    assert twice["length_correlation_low"] == pytest.approx(once["length_correlation_low"], abs=0.01)
    assert (once["length_pairs"], twice["length_pairs"]) == (30, 60)


def test_the_pairs_of_an_order_count_by_their_share_of_length_too():
    margins, differences = [1.0, 2.0, 1.0, 3.0, -1.0, 0.5], [2.0, 1.0, 1.0, 2.0, 1.0, -1.0]
    whole = length_correlation(margins, differences)
    halves = length_correlation(margins * 2, differences * 2, [0.5] * 12)
    assert halves == {name: pytest.approx(value) for name, value in whole.items()}


def test_each_members_slope_is_recovered():
    rng = np.random.default_rng(2)
    lengths = rng.integers(1, 900, 200).astype(float)
    planted = np.array([0.8, -1.5, 0.0])
    scores = np.log1p(lengths)[:, None] * planted + 0.1 * rng.normal(size=(200, 3))
    assert length_slope(scores, lengths, [n // 4 for n in range(200)]) == pytest.approx(planted, abs=0.05)


def test_one_members_scores_may_be_a_vector():
    lengths = np.array([5.0, 50.0, 500.0])
    assert float(length_slope(3 + 0.5 * np.log1p(lengths), lengths, list("aaa"))) == pytest.approx(0.5)


def test_how_scores_differ_from_prompt_to_prompt_does_not_matter():
    """Prompts with long answers score low, and within each the longer answer scores high: that is what is taken out."""
    rng = np.random.default_rng(3)
    prompts = np.repeat(np.arange(30), 3)
    lengths = 20 * 1.2**prompts * rng.uniform(0.5, 2, 90)
    scores = 0.7 * np.log1p(lengths) - 2.0 * prompts
    assert float(length_slope(scores, lengths, prompts)) == pytest.approx(0.7)
    assert float(length_slope(scores, lengths, [str(p) for p in prompts])) == pytest.approx(0.7)


def test_what_is_taken_out_is_what_the_correlation_measures():
    rng = np.random.default_rng(4)
    prompts = np.repeat(np.arange(40), 2)
    lengths = 10.0 * 1.1**prompts * rng.uniform(0.4, 2.5, 80)
    scores = 0.7 * np.log1p(lengths) - 2.0 * prompts + 0.3 * rng.normal(size=80)
    left = scores - length_slope(scores, lengths, prompts) * np.log1p(lengths)
    longer = np.diff(np.log1p(lengths).reshape(-1, 2))[:, 0]
    before, after = (length_correlation(list(np.diff(s.reshape(-1, 2))[:, 0]), list(longer)) for s in (scores, left))
    assert before["length_correlation"] > 0.5
    assert after["length_correlation"] == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("lengths", [[40.0, 40.0, 40.0], [40.0]], ids=["equal lengths", "one completion"])
def test_where_lengths_do_not_vary_nothing_is_taken_out(lengths: list[float]):
    scores = np.arange(len(lengths) * 2.0).reshape(-1, 2)
    assert length_slope(scores, np.array(lengths), ["p"] * len(lengths)) == pytest.approx([0.0, 0.0])


def test_one_answer_to_each_prompt_says_nothing_of_length():
    assert length_slope(np.arange(6.0).reshape(-1, 2), np.array([4.0, 40.0, 400.0]), ["a", "b", "c"]) == pytest.approx(
        0
    )
