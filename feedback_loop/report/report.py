"""A run at one moment, read from its own files: what the Rounds page, `status` and the W&B summary show."""

import shlex
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from feedback_loop import locks
from feedback_loop.asking import ahead
from feedback_loop.asking.asked import count, duelling, label_ids, most_duels, needed
from feedback_loop.brief.brief_curve import needed_of, under_another
from feedback_loop.evaluate import wilson
from feedback_loop.gate.duels import standing
from feedback_loop.gate.forgetting import NAMES, Check
from feedback_loop.gate.votes import votes
from feedback_loop.labels import counting, everything, learned, rankings
from feedback_loop.lineage import current_policy, open_round, policy_name, reason_of, rollbacks
from feedback_loop.records import Decision, Ranking
from feedback_loop.repair import discards
from feedback_loop.report import alarms
from feedback_loop.report.curves import curve, training_curves, training_rows
from feedback_loop.report.overview import (
    Bin,
    Curve,
    Discarded,
    Gate,
    Group,
    Mirror,
    Overview,
    RolledBack,
    RoundView,
    Sample,
    StageView,
    Trust,
)
from feedback_loop.run import STAGES, Manifest, Run, read_jsonl, read_note, read_record
from feedback_loop.simulation.simulated import truth
from feedback_loop.stage import progress_file

REWARD = {
    "reward_accuracy": "accuracy",
    "reward_accuracy_low": "accuracy_low",
    "reward_accuracy_high": "accuracy_high",
    "reward_margin": "margin",
    "calibration_error": "calibration_error",
    "temperature": "temperature",
    "length_correlation": "length_correlation",
    "first_shown_chosen": "position_share",
}
"""A round's figures of its reward model, and what the stage's facts call them."""
GOLD = ("next_round_agreement", "next_round_agreement_low", "next_round_agreement_high")
"""How often the reward model foresaw people's choices in the next round, among answers it never saw."""
TRUE = ("true_win_rate_parent", "true_win_rate_base")
"""Where a simulated annotator answers: what its true utility says."""
RATES = tuple(f"{name}{end}" for name in ("win_rate_parent", "win_rate_base", *TRUE) for end in ("", "_low", "_high"))
"""Win rates of the new policy, each with its 90 % interval over the held-out prompts."""
BRIEF = tuple(f"brief_tokens_needed{end}" for end in ("", "_low", "_high"))
"""Tokens of the brief with which the new policy matches the base with all of it, of those tried."""
DUELS = ("duel_win_rate", "duel_win_rate_low", "duel_win_rate_high")
"""What people say of the new policy against its parent, with the gate's interval."""
STARTING = 20.0
"""Seconds that a process that was started gets until it must hold the run's lock."""
BLIND = 10
"""Duels between two looks at how an open gate stands."""
OVER_ROUNDS = (*REWARD, *GOLD, *DUELS, *RATES, *BRIEF, "duels", "kl", "length", "labels", "ties", "alarms")
"""Figures drawn as curves over rounds, where a round has them."""


def overview(run: Run) -> Overview:
    """Everything about a run, for people."""
    busy, note = locks.locked(run), read_note(run.path / "advance.json")
    numbers = run.rounds() or [0]
    if open_round(run) not in numbers:
        numbers.append(open_round(run))
    others = under_another(run)
    rounds = tuple(_round(run, n, busy, note).model_copy(update={"other_brief": n in others}) for n in numbers)
    lost = note.get("state") == "running" and not busy and not _begins(note)
    supply = ahead.supply(run)
    starved = supply.state == "failed" and not lost and note.get("state") != "failed"
    return Overview(
        run=run.path.name,
        folder=str(run.path),
        model=run.recipe.model.name,
        policy=current_policy(run),
        busy=busy,
        message=supply.message if starved else _message(run, note, lost=lost),
        failed=note.get("state") == "failed" or lost or starved,
        supply=supply,
        labels=len(counting(everything(run))),
        rounds=rounds,
        discarded=_discarded(run),
        rollbacks=_rollbacks(run),
        curves=_over_rounds(rounds),
        mirror=mirror(run),
    )


def _begins(note: dict[str, Any]) -> bool:
    """Whether the work was started a moment ago: its process does not hold the run's lock yet."""
    since = datetime.now(UTC) - datetime.fromisoformat(note["at"]) if "at" in note else timedelta.max
    return not note.get("stage") and since < timedelta(seconds=STARTING)


def mirror(run: Run) -> Mirror:
    """Where W&B has the run: the address of what was sent, and what to type for files that were not."""
    folder, link = run.path / "wandb", link_file(run)
    here = any(folder.glob("offline-run-*"))
    return Mirror(
        url=link.read_text(encoding="utf-8").strip() if link.exists() else "",
        sync=f"wandb sync {shlex.quote(str(folder))}/offline-run-*" if here else "",
        view=f"wandb leet {shlex.quote(str(folder))}" if here else "",
    )


def link_file(run: Run) -> Path:
    """Where the address of the summary on W&B's site is kept, once one was sent there."""
    return run.path / "wandb" / "online.txt"


def _message(run: Run, note: dict[str, Any], *, lost: bool) -> str:
    """What the last work ended with; where it waits for people, how many rankings are there by now."""
    if lost:
        return f"The last work was cut off. Go on: feedback-loop advance {run.path}"
    number = open_round(run)
    if duelling(run, number) and (stands := gate(run, number)):
        return _duels_message(run, number, stands)
    asks = run.done(number, "comparisons") and not run.done(number, "rankings")
    if note.get("state") != "waiting" and not (asks and note.get("state", "done") == "done"):
        return str(note.get("message", ""))
    given, enough = len(labels(run, number)), needed(run, number)
    if given < enough:
        return f"Round {number:03d} has {given} of {enough} rankings. Label more: feedback-loop serve {run.path}"
    return f"Round {number:03d} has its {enough} rankings. Start it: feedback-loop advance {run.path}"


def _duels_message(run: Run, number: int, stands: Gate) -> str:
    """What the duels of the round have shown so far, and what to type next."""
    said = f"Round {number:03d}: {stands.votes} of at most {stands.most} duels, new against old, are answered. {stands.reason}"
    if stands.verdict == "ask":
        return f"{said} Rank more: feedback-loop serve {run.path}"
    return f"{said} Close the round: feedback-loop advance {run.path}"


def labels(run: Run, number: int) -> list[Ranking]:
    """A round's answers that count towards `needed`: skips, repeats and checks do not, nor what was discarded."""
    given = [r for r in rankings(run, number) if r.status == "submitted"]
    if not given:
        return []
    known = label_ids(run, number)
    return [r for r in given if r.comparison_id in known]


def _round(run: Run, number: int, busy: bool, note: dict[str, Any]) -> RoundView:
    given = labels(run, number)
    found, warnings = metrics(run, number), warned(run, number)
    brief = needed_of(run, number)
    figures = dict(zip(BRIEF, brief[1].figures, strict=True)) if brief else {}
    return RoundView(
        round=number,
        policy=policy_name(number),
        stages=tuple(_stage(run, number, name, busy, note) for name in STAGES),
        labels=len(given),
        comparisons=count(run, number),
        needed=needed(run, number),
        metrics=found | figures | {"alarms": float(len(warnings))} if found else {},
        curves=tuple(training_curves(run, number)),
        note=_note(run, number),
        samples=samples(run, number),
        decision=_decision(run, number),
        gate=gate(run, number),
        brief_base=brief[0] if brief else None,
        brief_needed=brief[1] if brief else None,
        trust=_trust(_facts(run, number, "reward")),
        contradictions=_contradictions(run, number),
        alarms=warnings,
        checks=tuple(Check(**row) for row in _facts(run, number, "evaluation").get("checks") or ()),
    )


def gate(run: Run, number: int) -> Gate | None:
    """Where the round's duels stand, by the answers so far, or by those that it was decided on.

    Until it is settled the figures move every `BLIND` duels only: whoever saw them move with a vote of their own would know
    whose answer was whose.
    """
    if not most_duels(run, number):
        return None
    given = votes(run, number)
    now = standing(run, number, given)
    asks = now.verdict == "ask" and not run.done(number, "promotion")
    told = standing(run, number, given, now.votes // BLIND * BLIND) if asks else now
    figures = told.model_dump(exclude={"evidence", "against", "verdict", "votes"})
    return Gate(verdict=now.verdict, votes=now.votes, told=told.votes, most=most_duels(run, number), **figures)


def samples(run: Run, number: int) -> tuple[Sample, ...]:
    """Held-out prompts answered before and after a round; none before its evaluation."""
    file = run.stage_folder(number, "evaluation") / "samples.jsonl"
    return tuple(read_jsonl(file, Sample)) if run.done(number, "evaluation") else ()


def metrics(run: Run, number: int) -> dict[str, float]:
    """A round's figures once it is evaluated: of the reward model, and of the policy that the round made.

    `next_round_agreement` is there once the next round has a head or is evaluated, the true win rates where a persona answers.
    """
    if not run.done(number, "evaluation"):
        return {}
    reward, judged = run.manifest(number, "reward").facts, run.manifest(number, "evaluation").facts
    given = counting(learned(run, number))
    candidate = judged["policies"][judged["candidate"]]
    then, true = _then(run, number).get("next_round_agreement") or {}, truth(run, number)
    found = {name: reward.get(fact) for name, fact in REWARD.items()}
    found |= dict(zip(GOLD, map(then.get, ("agreement", "low", "high")), strict=True))
    rates = {name: judged[name] for name in ("win_rate_parent", "win_rate_base")}
    rates |= dict(zip(TRUE, (true.win_rate_parent, true.win_rate_base), strict=True)) if true else {}
    asked = judged.get("prompts") or 0
    for name, rate in rates.items():
        found |= dict(zip((name, f"{name}_low", f"{name}_high"), (rate, *wilson(rate * asked, asked)), strict=True))
    if (stands := gate(run, number)) is not None and stands.told:
        found |= dict(zip(DUELS, (stands.win_rate, stands.low, stands.high), strict=True)) | {"duels": stands.votes}
    found |= {
        "kl": candidate["kl"],
        "length": candidate["length"],
        "labels": len(given),
        "ties": sum(r.choice == "tie" for r in given),
    }
    return {name: float(value) for name, value in found.items() if value is not None}


def warned(run: Run, number: int) -> tuple[str, ...]:
    """A round's alarms so far, each with the command to type."""
    reward, judged, then = _facts(run, number, "reward"), _facts(run, number, "evaluation"), _then(run, number)
    decision, true = _decision(run, number), truth(run, number)
    found = alarms.of_reward_model(reward) + alarms.of_policy_step(training_rows(run, number, "policy"))
    if judged:
        found += alarms.between_rounds(reward, judged, then, kept=decision is not None and decision.promoted)
        found += alarms.of_truth(judged, true.model_dump() if true else {})
    return tuple(line.replace(" RUN", f" {run.path}") for line in found)


def _trust(facts: dict[str, Any]) -> Trust:
    """From the facts of a reward stage; runs made before they were measured have none."""
    named = {key: facts.get(key) or {} for key in ("by_annotator", "by_round")}
    groups = {key: tuple(Group(name=name, **group) for name, group in found.items()) for key, found in named.items()}
    return Trust(reliability=tuple(Bin(**b) for b in facts.get("reliability") or ()), **groups)


def _facts(run: Run, number: int, stage: str) -> dict[str, Any]:
    """A stage's facts; none where it is not done."""
    return run.manifest(number, stage).facts if run.done(number, stage) else {}


def _then(run: Run, number: int) -> dict[str, Any]:
    """Facts that hold what the next round's labels said of a round's reward model: of its evaluation, before it of its head."""
    return _facts(run, number + 1, "evaluation") or _facts(run, number + 1, "reward")


def _contradictions(run: Run, number: int) -> int:
    """As they were when the round learned; see `contradictions.py`."""
    found = _facts(run, number, "preferences").get("contradictions"), _facts(run, number, "reward").get("contradicted")
    return sum(count or 0 for count in found)


def _discarded(run: Run) -> tuple[Discarded, ...]:
    """The discards that stand, in order."""
    found = [
        Discarded(number=d.number, asked=d.asked, labels=len(d.labels), reason=d.reason, by=d.by, at=d.at)
        for d in discards.standing(discards.records(run))
    ]
    return tuple(found)


def _rollbacks(run: Run) -> tuple[RolledBack, ...]:
    return tuple(
        RolledBack(
            round=d.round, policy=d.policy, before=d.parent, by=d.decided_by, at=d.decided_at, reason=reason_of(d)
        )
        for _, d in rollbacks(run)
    )


def _note(run: Run, number: int) -> str:
    if not run.done(number, "policy"):
        return ""
    facts = run.manifest(number, "policy").facts
    said = [f"{facts.get('step', 'dpo').upper()}, {facts['steps']} steps."]
    if facts.get("doubt"):
        said.append(f"Only people's pairs were learned: {facts['doubt']}.")
    if facts.get("stopped"):
        said.append(f"Stopped early: {facts['stopped']}.")
    return " ".join(said)


def _stage(run: Run, number: int, name: str, busy: bool, note: dict[str, Any]) -> StageView:
    if run.done(number, name):
        return StageView(name=name, state="done", seconds=_seconds(run.manifest(number, name)))
    if name == "comparisons" and not busy and number == open_round(run) and locks.sampling(run):
        supply = ahead.supply(run)
        return StageView(name=name, state="running", done=supply.done, total=supply.total, what="sampling")
    here = note.get("round") == number and note.get("stage") == name
    if busy and here:
        progress = read_note(progress_file(run))
        return StageView(name=name, state="running", **progress)
    if (waits := _waits(run, number, name)) is not None:
        return waits
    if here and note.get("state") in ("failed", "running"):
        return StageView(name=name, state="failed")
    return StageView(name=name, state="todo")


def _waits(run: Run, number: int, name: str) -> StageView | None:
    """How far a stage is that waits for people; None where it does not."""
    if name == "rankings" and run.done(number, "comparisons"):
        return StageView(name=name, state="waiting", done=len(labels(run, number)), total=needed(run, number))
    if name == "promotion" and duelling(run, number) and (stands := gate(run, number)):
        return StageView(name=name, state="waiting", done=stands.votes, total=stands.most)
    return None


def _seconds(manifest: Manifest) -> float:
    times = datetime.fromisoformat(manifest.finished_at) - datetime.fromisoformat(manifest.started_at)
    return round(times.total_seconds(), 1)


def _over_rounds(rounds: Sequence[RoundView]) -> tuple[Curve, ...]:
    drawn = {name: [r for r in rounds if name not in BRIEF or not r.other_brief] for name in OVER_ROUNDS}
    loop = {name: [(r.round, r.metrics[name]) for r in rs if name in r.metrics] for name, rs in drawn.items()}
    guard = {
        name: [(r.round, c.candidate) for r in rounds for c in r.checks if c.name == name and c.candidate is not None]
        for name in NAMES
    }
    curves = [curve(f"loop/{name}", points) for name, points in loop.items()]
    return (*curves, *(curve(f"guard/{name}", points) for name, points in guard.items() if points))


def _decision(run: Run, number: int) -> Decision | None:
    if not run.done(number, "promotion"):
        return None
    return read_record(run.stage_folder(number, "promotion") / "decision.json", Decision)
