"""The loop: the stages of a round in order, until people are needed.

Nothing is remembered between calls but the stage folders: whatever was killed is simply done again.
"""

import contextlib
import json
import os
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from feedback_loop import locks, tracking
from feedback_loop import run as runs
from feedback_loop import stage as stages
from feedback_loop.asking import asked
from feedback_loop.connect import Connect
from feedback_loop.errors import LoopError, UsageError
from feedback_loop.labels import late, write_late
from feedback_loop.lineage import open_round
from feedback_loop.progress import silent
from feedback_loop.records import Comparison, Ranking, now
from feedback_loop.repair import discards
from feedback_loop.report.report import overview
from feedback_loop.run import STAGES, Run, commit, read_note, write_json, write_jsonl
from feedback_loop.store.courier import reconcile
from feedback_loop.store.journal import Journal
from feedback_loop.team.team_report import over_rounds

Say = Callable[[str], None]


@dataclass(frozen=True)
class Waiting:
    """People are needed before the round can go on."""

    round: int
    rankings: int
    needed: int
    message: str


def advance(run: Run, connect: Connect, say: Say, *, rounds: int | None = None) -> Waiting | None:
    """Run stages until people are needed, or until `rounds` rounds are decided (then None)."""
    with working(run) as lock:
        while rounds is None or open_round(run) < rounds:
            waiting = run_round(run, open_round(run), connect, say, lock)
            if waiting is not None:
                note(run, "waiting", waiting.message)
                return waiting
    return None


@contextlib.contextmanager
def alone(run: Run) -> Iterator[int]:
    """Hold the run's lock, and end what a discard that was cut off had begun; yields the lock."""
    with locks.lock(run) as descriptor:
        discards.finish(run)
        yield descriptor


@contextlib.contextmanager
def working(run: Run) -> Iterator[int]:
    """Hold the run's lock and leave a note of how the work ended; yields the lock for `run_round`."""
    with alone(run) as descriptor:
        note(run, "running", "")
        try:
            yield descriptor
        except LoopError as error:
            note(run, "failed", str(error))
            raise
        except BaseException as error:
            note(run, "failed", f"Stopped ({type(error).__name__}). Go on: feedback-loop advance {run.path}")
            raise
        if _noted(run) == "running":
            note(run, "done", f"Round {open_round(run) - 1:03d} is decided.")


def run_round(run: Run, number: int, connect: Connect, say: Say, lock: int) -> Waiting | None:
    """Do what is left of a round; Waiting where people are needed first, None when the round is decided."""
    for name in STAGES:
        if run.done(number, name):
            continue
        waiting = None
        if name == "rankings":
            waiting = collect(run, number, connect)
            if waiting is not None and asked.left(run, number):  # whoever sampled them was cut off, or gave way
                do_stage(run, number, "comparisons", say, lock)
                waiting = collect(run, number, connect)
        elif name == "promotion":
            waiting = judge(run, number, connect)
        else:
            do_stage(run, number, name, say, lock)
        if waiting is not None:
            return waiting
    tracking.summarise(run, overview(run), over_rounds(run))
    return None


def run_stages(run: Run, names: Sequence[str], connect: Connect, say: Say) -> Waiting | None:
    """Do the named stages of the open round, where they are not done; UsageError where an earlier one is missing."""
    number = open_round(run)
    missing = [name for name in STAGES[: STAGES.index(names[0])] if not run.done(number, name)]
    if missing:
        raise UsageError(
            f"Round {number:03d} has no {missing[0]} yet, which {names[0]} needs. Do all: feedback-loop advance {run.path}"
        )
    with working(run) as lock:
        for name in names:
            if run.done(number, name) and not (name == "comparisons" and asked.left(run, number)):
                say(f"round {number:03d}: {name} is already there")
            elif name in ("rankings", "promotion"):
                return (collect if name == "rankings" else judge)(run, number, connect)
            else:
                do_stage(run, number, name, say, lock)
    return None


def do_stage(run: Run, number: int, name: str, say: Say, lock: int) -> None:
    """Do one stage of a round, in its own process where it needs models; LoopError says why it could not."""
    from feedback_loop.stages import WORK

    say(f"round {number:03d}: {name}")
    note(run, "running", "", number, name)
    if WORK[name].models:
        _in_own_process(run, number, name, lock)
        return
    with commit(run, number, name) as draft:
        WORK[name].work(run, number, draft, silent)


def collect(run: Run, number: int, connect: Connect) -> Waiting | None:
    """Bring journal and Argilla together, and snapshot the round's rankings once there are enough.

    With them goes what came late to earlier rounds. What is said of this one until the snapshot is there, the next one takes in.
    """
    sources, comparisons = asked.files(run, number), asked.asked(run, number)
    rankings = _brought_together(run, number, comparisons, connect)
    waiting = enough(run, number, comparisons, rankings)
    if waiting is not None:
        return waiting
    with commit(run, number, "rankings") as draft:
        draft.use(*sources)
        write_jsonl(draft.path / "rankings.jsonl", rankings)
        draft.facts |= _counted(comparisons, rankings)
        write_late(run, draft)
    runs.sweep(run, number)
    return None


def judge(run: Run, number: int, connect: Connect) -> Waiting | None:
    """Decide on the round's policy; Waiting where people's answers to its duels do not settle it yet."""
    from feedback_loop.gate.duels import PASSED, standing
    from feedback_loop.gate.votes import Votes, votes
    from feedback_loop.stages.judging import decide_promotion

    given, found = Votes(), None
    if asked.duelling(run, number):
        _brought_together(run, number, asked.duels(run, number), connect)
        given = votes(run, number)
        found = standing(run, number, given)
        if found.verdict == "ask":
            most = asked.most_duels(run, number)
            said = f"Round {number:03d} has {found.votes} of at most {most} duels, new against old."
            if PASSED in found.reason:
                said += f" {PASSED} (feedback-loop decide {run.path} keep --reason WHY)."
            return Waiting(number, found.votes, most, f"{said} Rank more: feedback-loop serve {run.path}")
    with commit(run, number, "promotion") as draft:
        decide_promotion(run, number, draft, given, found)
    return None


def decide(run: Run, *, promote: bool, who: str, why: str, connect: Connect) -> None:
    """Take the decision on the open round's policy oneself, with what people said so far; UsageError where there is none yet."""
    from feedback_loop.gate.duels import standing
    from feedback_loop.gate.promote import override
    from feedback_loop.gate.votes import Votes, votes
    from feedback_loop.stages.judging import write_decision

    if not why.strip():
        raise UsageError("A decision of one's own needs a reason, which stays on record: --reason 'why'.")
    with alone(run):
        number = open_round(run)
        if not run.done(number, "duels"):
            raise UsageError(
                f"Round {number:03d} has no new policy to decide on yet. Make it: feedback-loop advance {run.path}"
            )
        facts, given = run.manifest(number, "evaluation").facts, Votes()
        if asked.duelling(run, number):
            _brought_together(run, number, asked.duels(run, number), connect)
            given = votes(run, number)
        found = standing(run, number, given) if given.standing else None
        decision = override(number, facts, found, promote=promote, who=who, why=why.strip(), when=now())
        with commit(run, number, "promotion") as draft:
            write_decision(run, number, draft, decision, given)
    tracking.summarise(run, overview(run), over_rounds(run))


def _brought_together(run: Run, number: int, comparisons: list[Comparison], connect: Connect) -> list[Ranking]:
    """The answers to these comparisons that stand, once journal and Argilla hold the same."""
    store = connect()
    store.publish([*comparisons, *(c for one in late(run) for c in one.comparisons)])
    with contextlib.closing(Journal(run.path / "journal.sqlite")) as journal:
        reconcile(journal, store, number, {c.id for c in comparisons})
        return journal.rankings(number, {c.id for c in comparisons})


def _counted(comparisons: list[Comparison], rankings: list[Ranking]) -> dict[str, int]:
    """A round's answers by what they are; repeats and checks apart."""
    purposes = {c.id: c.purpose for c in comparisons}
    of = {
        purpose: [r for r in rankings if r.status == "submitted" and purposes[r.comparison_id] == purpose]
        for purpose in ("label", "repeat", "check")
    }
    return {
        "rankings": len(of["label"]),
        "skips": sum(r.status == "discarded" for r in rankings),
        "ties": sum(r.choice == "tie" for r in of["label"]),
        "neither": sum(r.choice == "neither" for r in of["label"]),
        "edits": sum(bool(r.edit) for r in of["label"]),
        "repeats": len(of["repeat"]),
        "checks": len(of["check"]),
        "flagged": sum(r.flagged for r in rankings),
        "annotators": len({r.user_id for r in rankings}),
    }


def enough(run: Run, number: int, comparisons: list[Comparison], rankings: list[Ranking]) -> Waiting | None:
    """None where a round has the rankings it needs, two of which at least say which answer is better.

    Answers to repeats and checks do not count.
    """
    labels = {c.id for c in comparisons if c.counts}
    most = (len(labels) + asked.left(run, number)) * run.recipe.rankings.per_comparison
    needed = asked.needed(run, number)
    counts = discards.kept(rankings, discards.left_out(run))
    given = [r for r in counts if r.status == "submitted" and r.comparison_id in labels]
    decided = [r for r in given if prefers(r)]
    label = f"Label more: feedback-loop serve {run.path}"
    if len(given) < needed:
        return Waiting(number, len(given), needed, f"Round {number:03d} has {len(given)} of {needed} rankings. {label}")
    if number > 0 or len(decided) >= 2:
        return None
    text = f"Round {number:03d} has {len(given)} rankings, but {len(decided)} of them prefer an answer; 2 are needed."
    if len(given) >= most:
        label = (
            f"All comparisons are ranked: raise prompts.per_round or sampling.temperature in {run.path / 'recipe.toml'}, "
            f"then: feedback-loop redo {run.path} prompts"
        )
    return Waiting(number, len(given), needed, f"{text} {label}")


def prefers(ranking: Ranking) -> bool:
    """Whether an answer says that something is better than something else."""
    several = ranking.order is not None and len(ranking.order) > 1
    return bool(ranking.edit) or several or ranking.choice not in ("tie", "neither")


def launch(run: Run) -> None:
    """Start the open round in a process of its own that outlives this one, and then the sampling of what the next one asks."""
    if locks.locked(run):
        raise LoopError("A round is already running.")
    (run.path / "logs").mkdir(exist_ok=True)
    note(run, "running", "")
    with (run.path / "logs" / "advance.log").open("ab") as log:
        subprocess.Popen(
            [sys.executable, "-m", "feedback_loop.cli", "advance", "--once", str(run.path)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


def _in_own_process(run: Run, number: int, name: str, lock: int) -> None:
    arguments = ["-m", "feedback_loop.stage", str(run.path), str(number), name]
    try:
        status = in_child(run, arguments, lock, run.recipe.launcher)
    finally:
        stages.progress_file(run).unlink(missing_ok=True)
    if status != 0 or not run.done(number, name):
        raise failure(run, f"Round {number:03d}, {name}", status, stages.log_file(run, number, name), stages.again(run))


def in_child(run: Run, arguments: Sequence[str], lock: int, launcher: str = "") -> int:
    """Run Python, or the launcher, with these arguments; its exit status.

    The child inherits the run's lock, so it stays held if this process dies, and a pipe by which it notices that.
    """
    read_end, write_end = os.pipe()
    first = shlex.split(launcher) or [sys.executable]
    stages.keep_room_for_words(run)
    try:
        child = subprocess.Popen(
            [*first, *arguments], pass_fds=(lock, read_end), env={**os.environ, stages.LIFELINE: str(read_end)}
        )
    except OSError as error:
        raise LoopError(
            f"launcher {first[0]!r} cannot be started ({error.strerror}). Correct it in {run.path / 'recipe.toml'}"
        ) from error
    finally:
        os.close(read_end)
    try:
        return child.wait()
    finally:
        os.close(write_end)


def failure(run: Run, what: str, status: int, log: Path, again: str) -> LoopError:
    """Why a child failed, by its own words where it left some."""
    file = stages.error_file(run)
    if file.exists() and (text := file.read_text(encoding="utf-8").strip()):
        said = json.loads(text)
        file.unlink()
        return UsageError(said["message"]) if said["status"] == UsageError.exit_status else LoopError(said["message"])
    why = f"was killed by signal {-status} (out of memory?)" if status < 0 else f"ended with status {status}"
    return LoopError(f"{what}: its process {why}; log: {log}. {again}")


def note(run: Run, state: str, message: str, number: int | None = None, stage: str = "") -> None:
    """advance.json: what the Rounds page says of the work under way, or of how it ended."""
    said = {"state": state, "message": message, "round": number, "stage": stage, "pid": os.getpid(), "at": now()}
    with contextlib.suppress(OSError):  # on a full disk the work itself says so
        write_json(run.path / "advance.json", said)


def _noted(run: Run) -> str:
    return str(read_note(run.path / "advance.json").get("state"))
