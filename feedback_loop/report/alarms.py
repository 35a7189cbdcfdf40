"""When to stop believing a reward model: from a run's figures to warnings in plain words, each with what to do next."""

from collections.abc import Mapping, Sequence
from typing import Any

from feedback_loop.evaluate import mean, wilson

LIMIT = 0.3
"""Correlation of the reward with length, or of a choice with position, above which something is wrong."""
BETWEEN = "Over-optimisation between rounds"
"""How an alarm begins that a round gets when the next one's labels are there."""
RISE = 0.15
"""Least growth of the members' disagreement that is taken for one, in standard deviations of reward."""


def of_reward_model(facts: Mapping[str, Any]) -> list[str]:
    """Length and position, from the facts of a reward stage (`reward.calibrate.figures`).

    Both are correlations r; of position, r = 2 * share - 1, the share of pairs in which the first shown was chosen. An alarm is
    |r| > 0.3 where chance does not explain it: the 90 % interval leaves 0 out, or r of a dozen pairs would cry every third
    time.
    """
    return [*_length(facts), *_position(facts)]


def of_policy_step(rows: Sequence[Mapping[str, float]]) -> list[str]:
    """Reward that rises by leaving what the reward model knows: its members' disagreement rises faster than it.

    `rows` are those of curves.jsonl; of them, the ones with `reward` and `reward_sd` count, both in standard deviations of the
    completions that the step started from. The last quarter's means are compared with the first quarter's, and with those
    of the quarter in the middle, as it may begin late. An alarm is: reward higher, disagreement higher by at least 0.15,
    and by more than the reward. That is where the members' mean less one deviation, a cautious opinion, fell although the
    mean rose; 0.15 is some three standard errors of a probe of 16 completions. One member never disagrees.
    """
    seen = [row for row in rows if "reward" in row and "reward_sd" in row]
    if len(seen) < 3:
        return []
    count = max(1, len(seen) // 4)
    middle = (len(seen) - count) // 2
    reward, doubt = ([row[name] for row in seen] for name in ("reward", "reward_sd"))
    for start in (0, middle):
        gain, growth = (mean(values[-count:]) - mean(values[start : start + count]) for values in (reward, doubt))
        if gain > 0 and growth > max(gain, RISE):
            said = (
                f"Over-optimisation in the policy step: from step {seen[start]['step']:g} the reward rose by {gain:.2f} "
                f"standard deviations, the reward models' disagreement about it by {growth:.2f}. They are guessing there. "
                "Lower policy.max_kl or raise policy.caution, then: feedback-loop redo RUN policy"
            )
            return [said]
    return []


def between_rounds(
    reward: Mapping[str, Any], judged: Mapping[str, Any], then: Mapping[str, Any], *, kept: bool
) -> list[str]:
    """The reward model says that its policy is better, but people agree with it less where that policy wrote.

    `reward` and `judged` are a round's facts of the reward and evaluation stages, `then` the next round's of either, whose
    `next_round_agreement` is the share of that round's labels that this round's reward model foresaw. An alarm is: the
    policy was kept, wins by the reward model, and the agreement's 90 % interval lies wholly below that of the accuracy the
    reward model had when it was made, as the stages found them; of old stages, as of independent labels. Better answers are
    closer to one another and so harder to tell apart: a small fall is no witness.
    """
    found, before = then.get("next_round_agreement") or {}, reward.get("accuracy")
    agreed, after = found.get("agreement"), found.get("pairs") or 0
    pairs = reward.get("checked_pairs") or reward.get("heldout_pairs") or 0
    if not kept or before is None or agreed is None or judged.get("win_rate_parent", 0.0) <= 0.5 or not pairs:
        return []
    high = found.get("high") or wilson(agreed * after, after)[1]
    if high >= (reward.get("accuracy_low") or wilson(before * pairs, pairs)[0]):
        return []
    said = (
        f"{BETWEEN}: the reward model gives its policy {judged['win_rate_parent']:.0%} against the "
        f"one before, but of people's {after} choices with an answer of that policy it foresaw {agreed:.0%}, where it had "
        f"{before:.0%} on held-out pairs. Read the samples; if they are no better, label more, and: "
        f"feedback-loop rollback RUN --to {judged.get('parent', 'base')}"
    )
    return [said]


def of_truth(judged: Mapping[str, Any], measured: Mapping[str, Any]) -> list[str]:
    """Reward up and true utility down, where a simulated annotator's is known.

    `judged` are the facts of an evaluation, `measured` a row of `feedback-loop simulate`: both hold the new policy's win rate
    against its parent. An alarm is: over a half by the reward model, and in truth under a half by more than chance (90 %).
    """
    rate, prompts = measured.get("win_rate_parent"), judged.get("prompts") or 0
    if rate is None or not prompts or judged.get("win_rate_parent", 0.0) <= 0.5:
        return []
    if wilson(rate * prompts, prompts)[1] >= 0.5:
        return []
    said = (
        f"Over-optimisation against the truth: the new policy wins {judged['win_rate_parent']:.0%} against the one before by "
        f"the reward model, and {rate:.0%} by the annotator's true utility. Label more before optimising it further"
    )
    return [said]


def _length(facts: Mapping[str, Any]) -> list[str]:
    r, low, high = (facts.get(f"length_correlation{end}") for end in ("", "_low", "_high"))
    if r is None or low is None or high is None or abs(r) <= LIMIT or low <= 0 <= high:
        return []
    share = facts.get("longer_share")
    people = f"; people chose the longer answer in {share:.0%} of theirs" if share is not None else ""
    said = (
        f"The reward follows length: r = {r:+.2f} ({low:+.2f} to {high:+.2f}) over {facts.get('length_pairs')} pairs, beyond "
        f'{LIMIT}{people}. If length is not what is meant, set reward.length = "remove", then: feedback-loop redo RUN reward'
    )
    return [said]


def _position(facts: Mapping[str, Any]) -> list[str]:
    everyone = {
        "share": facts.get("position_share"),
        "low": facts.get("position_low"),
        "high": facts.get("position_high"),
        "pairs": facts.get("position_pairs"),
    }
    names = facts.get("position_by_annotator") or {}
    people = names if len(names) > 1 else {}
    return [
        f"{name} chose what was shown {'first' if p['share'] > 0.5 else 'second'} in {max(p['share'], 1 - p['share']):.0%} of "
        f"{p['pairs']} pairs, whose order is drawn at random: that is position, not worth. Ask for both answers to be read, or "
        "give such labels less weight under [preferences.weights]"
        for name, p in {"People": everyone, **people}.items()
        if p["share"] is not None and abs(2 * p["share"] - 1) > LIMIT and not p["low"] <= 0.5 <= p["high"]
    ]
