"""A run of two decided rounds for tests of the Rounds page: its reward model follows length and is too sure of itself."""

from functools import cache

from feedback_loop.brief.curve import Needed
from feedback_loop.gate.forgetting import Check
from feedback_loop.records import Decision
from feedback_loop.report.overview import Bin, Curve, Group, Overview, RoundView, Sample, StageView, Trust
from feedback_loop.run import STAGES
from feedback_loop.simulation.personas import find
from feedback_loop.taught.lessons import Taught
from feedback_loop.taught.taught import lessons as learn
from feedback_loop.taught.traits import read
from tests.feedback_loop.taught_parts import answers, labels

BINS = tuple(
    Bin(predicted=p, observed=o, low=o - 0.14, high=min(1, o + 0.12), pairs=24)
    for p, o in ((0.56, 0.5), (0.68, 0.58), (0.79, 0.63), (0.9, 0.72), (0.98, 0.8))
)
LENGTH = (
    "The reward follows length: r = +0.52 (+0.33 to +0.67) over 60 pairs, beyond 0.3; people chose the longer answer in 61% of "
    'theirs. If length is not what is meant, set reward.length = "remove", then: feedback-loop redo runs/test reward'
)
DOUBT = (
    "Over-optimisation in the policy step: from step 0 the reward rose by 0.45 standard deviations, the reward models' "
    "disagreement about it by 0.80. They are guessing there. Lower policy.max_kl or raise policy.caution, then: "
    "feedback-loop redo runs/test policy"
)
UNLEARNED = (
    "It has unlearned plain tasks: of 40 that the base solves it fails 20 (arithmetic: 12, fact: 8), and it solves 2 that the "
    "base does not; guard.max_ability_loss allows 10%. Train it more gently (a lower learning rate, fewer epochs). If such "
    "answers are what you want, raise it."
)
CHECKS = (
    Check(
        name="perplexity",
        base=21.4,
        parent=22.0,
        candidate=23.1,
        high=32.1,
        ok=True,
        reason="On neutral text its perplexity is 1.1 times the base's (23.1 and 21.4); up to 1.5 times is allowed.",
    ),
    Check(
        name="length",
        base=120.0,
        parent=90.0,
        candidate=64.0,
        low=12.0,
        high=600.0,
        ok=True,
        reason="Its answers have 64 words on average, the base's 120; 12 to 600 are allowed.",
    ),
    Check(
        name="abilities",
        base=0.8,
        parent=0.78,
        candidate=0.44,
        low=0.72,
        ok=False,
        reason=UNLEARNED,
    ),
)
OVER = {
    "reward_accuracy": (0.62, 0.74, 0.71), "reward_accuracy_low": (0.49, 0.64, 0.62), "reward_accuracy_high": (0.74, 0.82, 0.79),
    "win_rate_parent": (0.61, 0.66, 0.7), "win_rate_base": (0.61, 0.72, 0.83),
    "win_rate_base_low": (0.5, 0.62, 0.74), "win_rate_base_high": (0.71, 0.81, 0.9), "true_win_rate_base": (0.58, 0.64, 0.55),
    "true_win_rate_parent": (0.58, 0.55, 0.41), "next_round_agreement": (0.66, 0.58), "calibration_error": (0.1, 0.13, 0.19),
    "length_correlation": (0.1, 0.24, 0.52), "alarms": (0, 0, 2),
    "brief_tokens_needed": (400, 83, 0), "brief_tokens_needed_low": (83, 0, 0), "brief_tokens_needed_high": (833, 400, 83),
}  # fmt: skip

NEEDED = Needed(policy="", tokens=None, low=0, high=None, of=833, judge="reward model")


def _round(number: int, alarms: tuple[str, ...]) -> RoundView:
    policy, parent = f"round-{number:03d}", f"round-{number - 1:03d}" if number else "base"
    reasons = (
        f"It wins 66% of 64 held-out prompts against {parent}, by the reward model; enough: the rule asks for 50%.",
    )
    groups = (("anna", 0.82, 0.7, 0.9, 40), ("ben", 0.55, 0.36, 0.72, 18))
    return RoundView(
        round=number,
        policy=policy,
        stages=tuple(StageView(name=name, state="done", seconds=3.2) for name in STAGES),
        labels=32,
        needed=32,
        metrics={name: values[number] for name, values in OVER.items() if number < len(values)} | {"kl": 3.1, "labels": 64},
        curves=(
            Curve(name="policy/reward", x=(0, 8, 16, 24), y=(0.0, 0.2, 0.4, 0.45)),
            Curve(name="policy/reward_sd", x=(0, 8, 16, 24), y=(0.3, 0.5, 0.8, 1.1)),
            Curve(name="policy/kl", x=(0, 8, 16, 24), y=(0.0, 1.2, 4.0, 9.5)),
        ),
        note="PPO, 24 steps.",
        samples=(Sample(prompt="How?", before="Like so.", after="Like so, and so.", reward_before=0.1, reward_after=0.9),),
        decision=Decision(
            round=number, promoted=True, policy=policy, candidate=policy, parent=parent, reasons=reasons, decided_by="rule",
            decided_at="2025-01-01T00:00:00.000+00:00",
        ),
        trust=Trust(
            reliability=BINS,
            by_annotator=tuple(Group(name=n, accuracy=a, low=lo, high=hi, pairs=k) for n, a, lo, hi, k in groups),
        ),
        brief_base=NEEDED.model_copy(update={"policy": "base", "tokens": 833}),
        brief_needed=NEEDED.model_copy(update={"policy": policy, "tokens": OVER["brief_tokens_needed"][number]}),
        alarms=alarms, checks=CHECKS if alarms else CHECKS[:2],
    )  # fmt: skip


def alarmed() -> Overview:
    """Three rounds; the last one has two alarms."""
    rounds = tuple(_round(number, (LENGTH, DOUBT) if number == 2 else ()) for number in range(3))
    curves = tuple(Curve(name=f"loop/{name}", x=tuple(range(len(ys))), y=ys) for name, ys in OVER.items())
    return Overview(
        run="test", folder="runs/test", model="tiny", policy="round-002", busy=False, message="", failed=False, labels=96,
        rounds=rounds, curves=curves,
    )  # fmt: skip


@cache
def lessons(number: int) -> Taught:
    """What the persona `warm` taught up to that round: the new version took to emoji, and to doubting, which nobody asked for."""
    pairs = [p for p in labels(find("warm"), 200, number=number) if not p.tie]
    new, parent = f"round-{number:03d}", f"round-{number - 1:03d}" if number else "base"
    made = answers({"base": {}, parent: {}, new: {"emoji": True, "hedged": True}})
    written = {name: [read(c.completion) for c in made if c.policy == name] for name in {"base", parent, new}}
    return Taught(
        round=number, candidate=new, parent=parent, pairs=len(pairs), prompts=len(pairs), ties=200 - len(pairs),
        round_pairs=len(pairs), heldout=100, lessons=learn(pairs, number, written, parent, seed=1),
    )  # fmt: skip
