"""The commands by which mistakes are found and undone, and decisions taken: why, trace, discard, rollback, decide and others."""

import getpass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from feedback_loop.cli_parts import AsJson, RunFolder, say

if TYPE_CHECKING:
    from feedback_loop.repair.discards import Discard

Reason = Annotated[str, typer.Option(help="Why; it stays on record.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")]


class Verdict(StrEnum):
    """What may be decided about a new policy."""

    promote = "promote"
    keep = "keep"


def add_to(app: typer.Typer) -> None:
    """Make these commands part of the command line."""
    for command in (why, trace, contradictions, discard, restore, redo, rollback, decide, branch):
        app.command()(command)


def why(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="The run's folder, or an adapter's folder inside it.")],
    policy: Annotated[
        str, typer.Argument(metavar="[POLICY]", help="Such as round-002; by default the one in force.")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Say what made an adapter: its parents, decisions, labels, recipe, seeds and versions."""
    from feedback_loop.repair.chain import run_around
    from feedback_loop.repair.why import why as look
    from feedback_loop.repair.why_text import as_text
    from feedback_loop.run import open_run

    place = run_around(run) if not (run / "run.json").is_file() and not policy else run
    found = look(open_run(place), policy or None, None if place == run else run)
    print(found.model_dump_json(indent=2) if as_json else as_text(found))


def trace(
    run: RunFolder,
    label: Annotated[str, typer.Argument(metavar="LABEL", help="A comparison's id, or COMPARISON@USER.")],
    as_json: AsJson = False,
) -> None:
    """Say what became of a label: who said what, what was learned from it, and which adapters it reached."""
    from feedback_loop.repair.trace import trace as look
    from feedback_loop.repair.trace_text import as_text
    from feedback_loop.run import open_run

    found = look(open_run(run), label)
    print(found.model_dump_json(indent=2) if as_json else as_text(found))


def contradictions(run: RunFolder, as_json: AsJson = False) -> None:
    """List labels that say the opposite of others, and earlier ones that the present reward model contradicts."""
    from feedback_loop.repair.contradictions import as_text
    from feedback_loop.repair.contradictions import contradictions as look
    from feedback_loop.run import open_run

    found = look(open_run(run))
    print(found.model_dump_json(indent=2) if as_json else as_text(found))


def discard(
    run: RunFolder,
    reason: Reason,
    label: Annotated[str, typer.Option(help="A comparison's id, or COMPARISON@USER.")] = "",
    annotator: Annotated[str, typer.Option(metavar="NAME", help="All labels of one person.")] = "",
    since: Annotated[
        str,
        typer.Option(metavar="TIME", help="With --annotator: from then on, ISO 8601; local time without a zone."),
    ] = "",
    until: Annotated[str, typer.Option(metavar="TIME", help="With --annotator: up to this time.")] = "",
    number: Annotated[int | None, typer.Option("--round", help="All labels of one round.", min=0)] = None,
    dry_run: DryRun = False,
) -> None:
    """Let labels no longer count, and set aside what was made from them; the next advance makes it again."""
    from feedback_loop.repair.repair import Wish
    from feedback_loop.repair.repair import discard as do
    from feedback_loop.run import open_run

    wish = Wish(label=label, annotator=annotator, since=since, until=until, round=number)
    record, moved = do(open_run(run), wish, reason, getpass.getuser(), dry=dry_run)
    _tell(run, record, moved, dry=dry_run)


def restore(
    run: RunFolder,
    number: Annotated[int, typer.Argument(metavar="NUMBER", help="The discard's number.", min=0)],
    reason: Reason,
    dry_run: DryRun = False,
) -> None:
    """Let the labels of a discard count again; what was made without them is set aside."""
    from feedback_loop.repair.repair import restore as do
    from feedback_loop.run import open_run

    record, moved = do(open_run(run), number, reason, getpass.getuser(), dry=dry_run)
    _tell(run, record, moved, dry=dry_run)


def redo(
    run: RunFolder,
    stage: Annotated[str, typer.Argument(help="A stage's name, such as reward.")],
    number: Annotated[int | None, typer.Option("--round", help="The round; the latest by default.", min=0)] = None,
) -> None:
    """Set a stage aside with all that was made from it; the next advance makes them again, of all that people said."""
    from feedback_loop.repair.repair import redo as do
    from feedback_loop.run import open_run

    opened = open_run(run)
    latest = (opened.rounds() or [0])[-1]
    for folder in do(opened, stage, latest if number is None else number, getpass.getuser()):
        say(f"set aside: {folder}")
    say(f"Make them again: feedback-loop advance {run}")


def rollback(
    run: RunFolder,
    to: Annotated[str, typer.Option(help="A round's number, a policy's name, or base.")],
    reason: Annotated[
        str, typer.Option(help="Why; it stays on record. Needed for a policy that its round did not keep.")
    ] = "",
) -> None:
    """Put another round's policy in force, whether or not it was kept."""
    from feedback_loop.lineage import policy_name
    from feedback_loop.repair.repair import roll_back
    from feedback_loop.run import open_run

    name = policy_name(int(to)) if to.isdigit() else to
    roll_back(open_run(run), name, who=getpass.getuser(), why=reason)
    say(f"{name} is in force. Rank its answers: feedback-loop serve {run}")


def decide(
    run: RunFolder,
    what: Annotated[Verdict, typer.Argument(help="promote the open round's new policy, or keep its parent.")],
    reason: Annotated[str, typer.Option(help="Why; it stays on record.")],
) -> None:
    """Decide on the open round's policy yourself, before its duels have."""
    from feedback_loop import loop
    from feedback_loop.connect import argilla
    from feedback_loop.lineage import current_policy
    from feedback_loop.run import open_run

    opened = open_run(run)
    with argilla(opened, say) as connect:
        loop.decide(opened, promote=what == "promote", who=getpass.getuser(), why=reason, connect=connect)
    say(f"{current_policy(opened)} is in force. Rank its answers: feedback-loop serve {run}")


def branch(
    run: RunFolder,
    new: Annotated[Path, typer.Argument(metavar="NEW", help="The new run's folder.")],
    number: Annotated[int, typer.Option("--round", help="The last round that the new run has.", min=0)],
) -> None:
    """Make a new run that goes on from an older round of this one; this one is not changed."""
    from feedback_loop.repair.branch import branch as do
    from feedback_loop.run import open_run

    made = do(open_run(run), new, number)
    say(f"{new}: a run of its own from round {number:03d} of {run} on ({made.id}). Go on: feedback-loop advance {new}")


def _tell(run: Path, record: "Discard", moved: list[str], *, dry: bool) -> None:
    count = f"{len(record.labels)} label{'s' * (len(record.labels) != 1)}"
    what = "count again" if record.kind == "restore" else "no longer count"
    done = f"discard {record.number}, {record.at[:16]}, {record.by}"
    say(f"{count} would {what} ({record.asked}):" if dry else f"{count} {what} ({done}; {record.asked}):")
    for name in record.labels:
        say(f"   {name}")
    for path in moved:
        say(f"would be set aside: {path}" if dry else f"set aside: {path}")
    if moved and not dry:
        say(f"Make it again: feedback-loop advance {run}")
