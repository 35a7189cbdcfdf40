"""The rule by which a new policy is kept."""

from typing import Any

from feedback_loop.forgetting import breaches
from feedback_loop.recipe import PromotionTable
from feedback_loop.records import Decision

SAID = ("reward", "kl_base")
"""Checks that the rule itself speaks of, and is no milder on."""


def decide(number: int, facts: dict[str, Any], rule: PromotionTable, *, when: str) -> Decision:
    """Promote a candidate that the reward model prefers to its parent and that has not drifted too far from the base.

    `facts` are the evaluation's: candidate, parent, win_rate_parent, prompts, policies -> kl (nats a completion), and the
    rows of `checks`, of which none may be a breach; evaluations of earlier versions have none.
    """
    broken = [check for check in breaches(facts.get("checks", [])) if check.name not in SAID]
    candidate, parent = facts["candidate"], facts["parent"]
    rate, kl = facts["win_rate_parent"], facts["policies"][candidate]["kl"]
    better, near = rate >= rule.min_win_rate, kl <= rule.max_kl
    reasons: tuple[str, ...] = (
        (
            f"It wins {rate:.0%} of {facts['prompts']} held-out prompts against {parent}, by the reward model; "
            f"{'enough' if better else 'too few'}: the rule asks for {rule.min_win_rate:.0%}."
        ),
        (
            f"It stands {kl:.1f} nats an answer from the base; "
            f"{'within' if near else 'beyond'} the {rule.max_kl:g} that the rule allows."
        ),
    )
    reasons += tuple(check.reason for check in broken)
    promoted = better and near and not broken
    return Decision(
        round=number,
        promoted=promoted,
        policy=candidate if promoted else parent,
        candidate=candidate,
        parent=parent,
        reasons=reasons,
        decided_by="rule",
        decided_at=when,
    )
