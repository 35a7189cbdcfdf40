"""The rule: better than the parent by the reward model, and not too far from the base."""

import pytest

from feedback_loop.promote import decide
from feedback_loop.recipe import PromotionTable


@pytest.mark.parametrize(
    ("rate", "kl", "kept", "why"),
    [
        (0.6, 3.0, True, "wins 60%"),
        (0.5, 3.0, True, "enough"),
        (0.49, 3.0, False, "too few"),
        (0.9, 31.0, False, "31.0 nats an answer from the base; beyond the 30"),
    ],
)
def test_a_candidate_is_kept_only_if_better_and_near(rate: float, kl: float, kept: bool, why: str):
    facts = {
        "candidate": "round-001",
        "parent": "round-000",
        "win_rate_parent": rate,
        "prompts": 64,
        "policies": {"round-001": {"kl": kl}, "round-000": {"kl": 1.0}},
    }
    decision = decide(1, facts, PromotionTable(), when="now")
    assert decision.promoted is kept
    assert decision.policy == ("round-001" if kept else "round-000")
    assert why in " ".join(decision.reasons)


@pytest.mark.parametrize(("ok", "kept"), [(True, True), (False, False)])
def test_a_breach_keeps_the_parent_however_much_is_won(ok: bool, kept: bool):
    row = {"name": "abilities", "candidate": 0.3, "low": 0.6, "ok": ok, "reason": "It has unlearned plain tasks."}
    facts = {
        "candidate": "round-001",
        "parent": "round-000",
        "win_rate_parent": 0.9,
        "prompts": 64,
        "policies": {"round-001": {"kl": 3.0}, "round-000": {"kl": 1.0}},
        "checks": [row],
    }
    decision = decide(1, facts, PromotionTable(), when="now")
    assert decision.promoted is kept
    assert ("It has unlearned plain tasks." in decision.reasons) is not ok
