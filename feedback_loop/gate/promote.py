"""The rule by which a new policy is kept: it wins, and nothing else speaks against it."""

from typing import Any

from feedback_loop.gate import forgetting
from feedback_loop.gate.gate import Standing
from feedback_loop.recipe import PromotionTable
from feedback_loop.records import Decision

SAID = "kl_base"
"""The check that stands in a sentence of its own, in evaluations of earlier versions too."""


def decide(
    number: int, facts: dict[str, Any], rule: PromotionTable, standing: Standing | None, *, when: str
) -> Decision:
    """Promote a candidate that wins, by people's duels or else by the reward model, and that breaks no limit.

    `facts` are the evaluation's: candidate, parent, win_rate_parent, prompts, policies -> kl (nats a completion), and the rows
    of the table of `checks`, of which those of earlier versions have none. `standing` is where the duels stand; None where
    people were not asked.
    """
    candidate, parent = facts["candidate"], facts["parent"]
    against = breaches(facts, rule)
    enough = facts["win_rate_parent"] >= rule.min_win_rate
    wins = enough if standing is None else standing.verdict == "promote"
    reasons = [by_reward_model(facts, rule), *against] if standing is None else [standing.reason, *against]
    if not against:
        reasons.append(f"It stands {_kl(facts):.1f} nats an answer from the base; within the {rule.max_kl:g} allowed.")
    promoted = wins and not against
    return Decision(
        round=number,
        promoted=promoted,
        policy=candidate if promoted else parent,
        candidate=candidate,
        parent=parent,
        reasons=tuple(reasons),
        decided_by="rule" if standing is None else "people",
        decided_at=when,
        evidence=evidence(facts, standing),
    )


def override(
    number: int, facts: dict[str, Any], standing: Standing | None, *, promote: bool, who: str, why: str, when: str
) -> Decision:
    """The decision that somebody takes upon themselves, with what was known of the duels by then."""
    candidate, parent = facts["candidate"], facts["parent"]
    return Decision(
        round=number,
        promoted=promote,
        policy=candidate if promote else parent,
        candidate=candidate,
        parent=parent,
        reasons=(f"{who} decided: {why}", *([standing.reason] if standing else [])),
        decided_by=who,
        decided_at=when,
        evidence=evidence(facts, standing),
    )


def breaches(facts: dict[str, Any], rule: PromotionTable) -> list[str]:
    """What speaks against a new policy whatever people say of its answers, a sentence each."""
    far = _kl(facts) > rule.max_kl
    said = f"It stands {_kl(facts):.1f} nats an answer from the base; beyond the {rule.max_kl:g} that the rule allows."
    broken = forgetting.breaches(facts.get("checks") or ())
    return [*([said] if far else []), *(check.reason for check in broken if check.name != SAID)]


def by_reward_model(facts: dict[str, Any], rule: PromotionTable) -> str:
    """How the candidate does against its parent by the reward model, in a sentence."""
    rate = facts["win_rate_parent"]
    return (
        f"It wins {rate:.0%} of {facts['prompts']} held-out prompts against {facts['parent']}, by the reward model; "
        f"{'enough' if rate >= rule.min_win_rate else 'too few'}: the rule asks for {rule.min_win_rate:.0%}."
    )


def evidence(facts: dict[str, Any], standing: Standing | None) -> dict[str, Any]:
    """The figures that a decision rests on."""
    by_model = {"win_rate_reward_model": facts["win_rate_parent"], "prompts": facts["prompts"], "kl": _kl(facts)}
    return by_model | ({"duels": standing.model_dump(exclude={"reason"})} if standing else {})


def _kl(facts: dict[str, Any]) -> float:
    """From the base, nats a completion."""
    return float(facts["policies"][facts["candidate"]]["kl"])
