"""The rule: a new policy is kept if it wins and breaks no limit; whoever decides otherwise says why."""

from typing import Any

import pytest

from feedback_loop.gate.gate import Standing
from feedback_loop.gate.promote import decide, override
from feedback_loop.recipe import PromotionTable


def facts(rate: float = 0.6, kl: float = 3.0) -> dict[str, Any]:
    return {
        "candidate": "round-001",
        "parent": "round-000",
        "win_rate_parent": rate,
        "prompts": 64,
        "policies": {"round-001": {"kl": kl}, "round-000": {"kl": 1.0}},
    }


def standing(verdict: str) -> Standing:
    figures = {
        "votes": 20,
        "win_rate": 0.7,
        "estimate": 0.7,
        "low": 0.55,
        "high": 0.85,
        "evidence": 25.0,
        "against": 0.1,
    }
    return Standing(verdict=verdict, model_weight=0.0, reason="It won 14 of 20 duels.", **figures)


@pytest.mark.parametrize(
    ("rate", "kl", "kept", "why"),
    [
        (0.6, 3.0, True, "wins 60%"),
        (0.5, 3.0, True, "enough"),
        (0.49, 3.0, False, "too few"),
        (0.9, 31.0, False, "31.0 nats an answer from the base; beyond the 30"),
    ],
)
def test_without_duels_the_reward_model_judges(rate: float, kl: float, kept: bool, why: str):
    decision = decide(1, facts(rate, kl), PromotionTable(), None, when="now")
    assert decision.promoted is kept
    assert decision.policy == ("round-001" if kept else "round-000")
    assert why in " ".join(decision.reasons)
    assert (decision.decided_by, decision.evidence["win_rate_reward_model"]) == ("rule", rate)


@pytest.mark.parametrize(("verdict", "rate", "kl", "kept"), [
    ("promote", 0.3, 3.0, True),
    ("keep", 0.9, 3.0, False),
    ("promote", 0.9, 31.0, False),
])  # fmt: skip
def test_people_judge_whatever_the_reward_model_says_and_a_broken_limit_is_a_veto(
    verdict: str, rate: float, kl: float, kept: bool
):
    decision = decide(1, facts(rate, kl), PromotionTable(), standing(verdict), when="now")
    assert decision.promoted is kept
    assert decision.decided_by == "people"
    assert decision.reasons[0] == "It won 14 of 20 duels."
    assert decision.evidence["duels"]["evidence"] == 25.0
    assert any("beyond" in reason for reason in decision.reasons) is (kl > 30)


@pytest.mark.parametrize("judge", ["people", "the reward model"])
@pytest.mark.parametrize("ok", [True, False])
def test_a_breach_keeps_the_parent_whoever_says_that_it_wins(ok: bool, judge: str):
    row = {"name": "abilities", "candidate": 0.3, "low": 0.6, "ok": ok, "reason": "It has unlearned plain tasks."}
    duels = standing("promote") if judge == "people" else None
    decision = decide(1, facts(0.9) | {"checks": [row]}, PromotionTable(), duels, when="now")
    assert decision.promoted is ok
    assert ("It has unlearned plain tasks." in decision.reasons) is not ok


@pytest.mark.parametrize("promote", [True, False])
def test_a_decision_of_ones_own_says_who_and_why_and_what_was_known(promote: bool):
    decision = override(1, facts(), standing("ask"), promote=promote, who="anna", why="the tone is right", when="now")
    assert (decision.promoted, decision.policy) == (promote, "round-001" if promote else "round-000")
    assert decision.decided_by == "anna"
    assert decision.reasons == ("anna decided: the tone is right", "It won 14 of 20 duels.")
    assert decision.evidence["duels"]["votes"] == 20
