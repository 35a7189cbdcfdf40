"""When people are warned of a reward model, and when they are left in peace."""

import random
from typing import Any

import pytest

from feedback_loop.report.alarms import between_rounds, of_policy_step, of_reward_model, of_truth


def length(r: float, low: float, high: float) -> dict[str, Any]:
    return {
        "length_correlation": r,
        "length_correlation_low": low,
        "length_correlation_high": high,
        "length_pairs": 60,
        "longer_share": 0.62,
    }


def position(share: float, low: float, high: float, pairs: int = 30) -> dict[str, Any]:
    return {"share": share, "low": low, "high": high, "pairs": pairs}


def steps(reward: list[float], doubt: list[float]) -> list[dict[str, float]]:
    return [{"step": n, "reward": r, "reward_sd": d} for n, (r, d) in enumerate(zip(reward, doubt, strict=True))]


@pytest.mark.parametrize(("r", "low", "high"), [(0.45, 0.25, 0.6), (-0.45, -0.6, -0.25)])
def test_a_reward_that_follows_length_is_named_with_its_figure_and_what_to_do(r: float, low: float, high: float):
    (said,) = of_reward_model(length(r, low, high))
    assert f"{r:+.2f}" in said
    assert "62 %" in said or "62%" in said
    assert 'reward.length = "remove"' in said
    assert "\n" not in said


@pytest.mark.parametrize(
    "facts",
    [
        {},
        length(0.3, 0.1, 0.5),
        length(0.5, -0.1, 0.8),
        {"length_correlation": None, "position_share": None, "position_by_annotator": {}},
    ],
    ids=["an old run", "not above 0.3", "a few pairs, by chance", "nothing judged"],
)
def test_silence_about_length(facts: dict[str, Any]):
    assert of_reward_model(facts) == []


def test_an_annotator_who_clicks_on_one_side_is_named_among_others():
    facts = {
        "position_share": 0.62, "position_low": 0.52, "position_high": 0.71, "position_pairs": 80,
        "position_by_annotator": {"anna": position(0.5, 0.37, 0.63), "ben": position(0.15, 0.08, 0.28)},
    }  # fmt: skip
    (said,) = of_reward_model(facts)
    assert said.startswith("ben chose what was shown second in 85% of 30 pairs")


def test_a_single_annotator_is_not_named_twice():
    alone = {"anna": position(0.9, 0.79, 0.95)}
    facts = {"position_share": 0.9, "position_low": 0.79, "position_high": 0.95, "position_pairs": 30}
    assert len(of_reward_model(facts | {"position_by_annotator": alone})) == 1


def test_disagreement_that_outruns_the_reward_is_an_alarm():
    (said,) = of_policy_step(steps([0.0, 0.2, 0.3, 0.4, 0.45], [0.3, 0.4, 0.6, 0.9, 1.1]))
    assert "0.45" in said
    assert "0.80" in said


def test_it_may_begin_late():
    reward, doubt = [0.0, 0.5, 1.0, 1.2, 1.3, 1.35, 1.4, 1.45], [0.3, 0.3, 0.3, 0.35, 0.4, 0.8, 1.0, 1.1]
    (said,) = of_policy_step(steps(reward, doubt))
    assert "from step 3" in said


@pytest.mark.parametrize(
    ("reward", "doubt"),
    [
        ([0.0, 0.5, 1.0, 1.5], [0.3, 0.35, 0.4, 0.5]),
        ([0.0, 0.05, 0.1], [0.30, 0.35, 0.42]),
        ([0.0, -0.2, -0.4], [0.3, 0.6, 0.9]),
        ([0.0, 0.5, 1.0], [0.0, 0.0, 0.0]),
        ([0.0, 0.1], [0.1, 0.9]),
        ([], []),
    ],
    ids=["less than the reward", "hardly", "reward falls", "one member", "two measurements", "none"],
)
def test_silence_about_a_policy_step(reward: list[float], doubt: list[float]):
    assert of_policy_step(steps(reward, doubt)) == []


def test_rows_of_the_trainer_itself_do_not_count():
    rows: list[dict[str, float]] = [{"step": n, "loss": 0.5} for n in range(9)]
    assert of_policy_step([*rows, *steps([0.0, 0.1, 0.1], [0.1, 0.5, 0.9])])
    assert of_policy_step(rows) == []


def test_noise_alone_is_hardly_ever_an_alarm():
    """Probes of 16 completions: the reward's mean is off by 0.2 or so, its spread by 0.05."""
    rng, cried = random.Random(0), 0
    for _ in range(1000):
        reward = [0.1 * n + rng.gauss(0, 0.2) for n in range(5)]
        cried += bool(of_policy_step(steps(reward, [0.3 + rng.gauss(0, 0.05) for _ in range(5)])))
    assert cried < 20


REWARD = {"accuracy": 0.85, "checked_pairs": 60}


@pytest.mark.parametrize(
    ("agreement", "pairs", "wins", "kept", "alarm"),
    [
        (0.55, 40, 0.7, True, True),
        (0.80, 40, 0.7, True, False),
        (0.50, 4, 0.7, True, False),
        (0.55, 40, 0.4, True, False),
        (0.55, 40, 0.7, False, False),
    ],
    ids=["it falls", "hardly", "too few labels", "never said better", "its policy was not kept"],
)
def test_agreement_that_falls_while_the_reward_model_says_better(
    agreement: float, pairs: int, wins: float, kept: bool, alarm: bool
):
    then = {"next_round_agreement": {"agreement": agreement, "pairs": pairs}}
    said = between_rounds(REWARD, {"win_rate_parent": wins}, then, kept=kept)
    assert bool(said) == alarm
    assert all("rollback" in line for line in said)


def test_it_is_as_sure_as_the_stages_were_whose_labels_may_say_the_same():
    """Sixty labels of thirty prompts tell less than their number says."""
    then = {"agreement": 0.63, "pairs": 60}
    judged = {"win_rate_parent": 0.7}
    assert between_rounds(REWARD, judged, {"next_round_agreement": then}, kept=True)
    wide = {"next_round_agreement": then | {"low": 0.49, "high": 0.75}}
    assert between_rounds(REWARD | {"accuracy_low": 0.72}, judged, wide, kept=True) == []


@pytest.mark.parametrize("then", [{}, {"next_round_agreement": None}, {"next_round_agreement": {"pairs": 0}}])
def test_silence_where_the_next_round_says_nothing(then: dict[str, Any]):
    assert between_rounds(REWARD, {"win_rate_parent": 0.7}, then, kept=True) == []
    assert between_rounds({"accuracy": None}, {"win_rate_parent": 0.7}, then, kept=True) == []


@pytest.mark.parametrize(
    ("proxy", "truth", "alarm"),
    [(0.7, 0.3, True), (0.7, 0.47, False), (0.4, 0.3, False), (0.7, 0.8, False)],
    ids=["reward up, utility down", "by chance", "it never said better", "both up"],
)
def test_reward_up_and_utility_down(proxy: float, truth: float, alarm: bool):
    said = of_truth({"win_rate_parent": proxy, "prompts": 64}, {"win_rate_parent": truth})
    assert bool(said) == alarm


def test_without_a_simulated_annotator_the_truth_is_not_known():
    assert of_truth({"win_rate_parent": 0.7, "prompts": 64}, {}) == []
