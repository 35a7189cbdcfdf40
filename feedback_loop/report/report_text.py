"""An overview for the terminal: what `status` prints."""

from feedback_loop.brief.curve_text import said
from feedback_loop.records import Decision
from feedback_loop.report.overview import Group, Overview, RolledBack, Supply

SUPPLIES = {
    "first": "the first answers are not sampled yet",
    "writing": "more answers are being sampled; those there can be ranked meanwhile",
}
"""What the terminal is told of what there is to rank."""


def as_text(view: Overview) -> str:
    """An overview for the terminal."""
    lines = [f"{view.run}: {view.model}, policy in force: {view.policy}, {view.labels} rankings"]
    for r in view.rounds:
        marks = {"done": "x", "running": ">", "waiting": "?", "failed": "!", "todo": " "}
        stages = " ".join(f"[{marks[s.state]}] {s.name}" for s in r.stages)
        lines += [
            f"round {r.round:03d}  {stages}",
            f"           {r.labels} of {r.needed} rankings, {r.comparisons} comparisons",
        ]
        if r.note:
            lines.append(f"           {r.note}")
        if r.metrics:
            lines.append("           " + ", ".join(_figures(r.metrics)))
        if r.brief_needed and r.brief_base:
            lines.append(f"           tokens of the brief needed: {said(r.brief_needed)}; {said(r.brief_base)}")
        if len(r.trust.by_annotator) > 1:
            lines.append("           the reward model is right: " + ", ".join(map(_group, r.trust.by_annotator)))
        if r.decision:
            lines += [f"           {_decided(r.decision)}"]
            lines += [f"           - {reason}" for reason in r.decision.reasons]
        lines += [f"           {_rolled_back(back)}" for back in view.rollbacks if back.round == r.round]
        if r.contradictions:
            lines.append(
                f"           {r.contradictions} contradictions. Look: feedback-loop contradictions {view.folder}"
            )
        lines += [f"           ALARM: {alarm}" for alarm in r.alarms]
        told = r.decision.reasons if r.decision else ()
        lines += [
            f"           BREACH: {check.reason}" for check in r.checks if not check.ok and check.reason not in told
        ]
        if r.checks:
            lines.append("           checks: " + ", ".join(f"{check.name} {check.shown}" for check in r.checks))
    lines += [
        f"discard {d.number}: {d.labels} labels ({d.asked}) by {d.by}, {d.at[:16]}: {d.reason}" for d in view.discarded
    ]
    lines += [_supplied(view.supply)] if view.supply.state in SUPPLIES else []
    return "\n".join([*lines, *([view.message] if view.message else [])])


def _decided(decision: Decision) -> str:
    """In the past tense: a rollback may have changed since what is in force."""
    kept = "kept: {} came into force" if decision.promoted else "not kept: {} stayed in force"
    return f"{kept.format(decision.policy)}, decided by {decision.decided_by}, {decision.decided_at[:16]}"


def _rolled_back(back: RolledBack) -> str:
    return f"rolled back from {back.before} to {back.policy} by {back.by}, {back.at[:16]}: {back.reason or 'no reason given'}"


def _supplied(supply: Supply) -> str:
    return SUPPLIES[supply.state] + (f": {supply.done} of {supply.total}" if supply.total else "")


def _figures(metrics: dict[str, float]) -> list[str]:
    """Each figure with its interval, where it has one."""
    said = []
    for name, value in metrics.items():
        low, high = metrics.get(f"{name}_low"), metrics.get(f"{name}_high")
        if not name.endswith(("_low", "_high")):
            interval = "" if low is None or high is None else f" ({low:.3g} to {high:.3g})"
            said.append(f"{name} {value:.3g}{interval}")
    return said


def _group(group: Group) -> str:
    return f"{group.name} {group.accuracy:.0%} ({group.low:.0%} to {group.high:.0%}, {group.pairs} pairs)"
