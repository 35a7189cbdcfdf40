"""Which policy is in force, and where its adapter lies. There is no pointer: the decisions say it."""

from pathlib import Path

from feedback_loop.damage import checked
from feedback_loop.durable import make_folder, write_text
from feedback_loop.errors import UsageError
from feedback_loop.records import Decision
from feedback_loop.run import STAGES, Run, read_record

BASE = "base"


def policy_name(number: int) -> str:
    """Name of the policy that a round makes: `round-007`."""
    return f"round-{number:03d}"


def adapter_folder(run: Run, policy: str) -> Path | None:
    """The adapter of a policy; None for the base model."""
    if policy == BASE:
        return None
    return run.stage_folder(_round_of(policy), "policy") / "adapter"


def adapter_files(run: Run, policy: str) -> list[Path]:
    """The files of a policy's adapter, as its stage wrote them; none for the base model."""
    folder = adapter_folder(run, policy)
    return [] if folder is None else [f for f in run.files(_round_of(policy), "policy") if f.parent == folder]


def verified_adapter(run: Run, policy: str) -> Path | None:
    """The adapter of a policy as its round wrote it; UsageError where there is no such policy, LoopError where it is damaged."""
    if policy not in policies(run):
        raise UsageError(f"{run.path}: no policy {policy}. There are: {', '.join(policies(run))}.")
    for file in adapter_files(run, policy):
        checked(file)
    return adapter_folder(run, policy)


def policies(run: Run) -> list[str]:
    """The base and every policy that was trained, kept or not, the oldest first."""
    return [BASE, *(policy_name(n) for n in run.rounds() if run.done(n, "policy"))]


def decisions(run: Run) -> list[Decision]:
    """Promotions and rollbacks, in the order in which they were made."""
    promotions = [
        read_record(run.stage_folder(n, "promotion") / "decision.json", Decision)
        for n in run.rounds()
        if run.done(n, "promotion")
    ]
    # A rollback is filed under the last round decided before it, so the clock plays no part.
    return sorted([*promotions, *(decision for _, decision in rollbacks(run))], key=lambda d: d.round)


def rollbacks(run: Run) -> list[tuple[Path, Decision]]:
    """The rollbacks that count, in the order in which they were made, and the file of each."""
    return [(file, read_record(file, Decision)) for file in sorted((run.path / "rollbacks").glob("*.json"))]


def current_policy(run: Run) -> str:
    """The policy in force: the last decision's, or the base model."""
    made = decisions(run)
    return made[-1].policy if made else BASE


def open_round(run: Run) -> int:
    """The round being worked on: the first without a decision."""
    numbers = run.rounds()
    if not numbers:
        return 0
    return numbers[-1] + 1 if run.done(numbers[-1], STAGES[-1]) else numbers[-1]


def roll_back(run: Run, to: str, *, who: str, when: str, why: str = "") -> Decision:
    """Put an earlier policy in force, on record; errors as in `check_rollback`.

    `to` is `base` or a policy's name such as `round-002`.
    """
    check_rollback(run, to, why)
    made, current = decisions(run), current_policy(run)
    decision = Decision(
        round=made[-1].round,
        promoted=False,
        policy=to,
        candidate=to,
        parent=current,
        reasons=(_rolled_back(who, current, to) + (f": {why}" if why else ""),),
        decided_by=who,
        decided_at=when,
    )
    folder = run.path / "rollbacks"
    make_folder(folder)
    number = len({file.name[:3] for file in folder.glob("*.json*")})  # those that were set aside keep theirs
    write_text(folder / f"{number:03d}.json", decision.model_dump_json(indent=2) + "\n")
    return decision


def reason_of(rollback: Decision) -> str:
    """Why, in the words of whoever rolled back; empty where they said nothing."""
    said = _rolled_back(rollback.decided_by, rollback.parent, rollback.policy)
    return rollback.reasons[0].removeprefix(said).removeprefix(": ")


def check_rollback(run: Run, to: str, why: str = "") -> None:
    """UsageError where there is no such policy, where it is in force already, or where its round refused it and nobody says why
    that should not hold.
    """
    known = [BASE, *(d.candidate for d in decisions(run) if d.candidate != BASE)]
    if to not in known or (to != BASE and not _is_there(run, to)):
        raise UsageError(f"{run.path}: no policy {to}. There are: {', '.join(dict.fromkeys(known))}.")
    if to == current_policy(run):
        raise UsageError(f"{run.path}: {to} is already in force.")
    refused = next((d for d in reversed(decisions(run)) if to != BASE and d.candidate == to and not _by_hand(d)), None)
    if refused is not None and not refused.promoted and not why.strip():
        raise UsageError(
            f"{to} was not kept by its round ({' '.join(refused.reasons)}) "
            "To put it in force needs a reason, which stays on record: --reason 'why'."
        )


def _rolled_back(who: str, before: str, to: str) -> str:
    return f"{who} rolled back from {before} to {to}"


def _by_hand(decision: Decision) -> bool:
    """Whether it is a rollback, not a round's decision: its candidate is put in force though it is not promoted."""
    return decision.candidate == decision.policy and not decision.promoted


def _round_of(policy: str) -> int:
    return int(policy.removeprefix("round-"))


def _is_there(run: Run, policy: str) -> bool:
    folder = adapter_folder(run, policy)
    return folder is None or folder.exists()
