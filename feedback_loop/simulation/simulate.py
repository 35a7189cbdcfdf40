"""Whole rounds without people: a persona answers through the same desk, and its true utility measures the policies."""

import contextlib
import random
from collections.abc import Sequence
from datetime import datetime

from feedback_loop.asking.labelling import open_desk
from feedback_loop.asking.refitting import Refit
from feedback_loop.connect import Connect
from feedback_loop.errors import LoopError
from feedback_loop.evaluate import mean, win_rate
from feedback_loop.gate.duels import wanted
from feedback_loop.labels import counting, learned, rankings
from feedback_loop.lineage import BASE, open_round
from feedback_loop.loop import Say, run_round, working
from feedback_loop.records import Completion, Decision, Prompt, Record
from feedback_loop.run import Run, read_jsonl, read_record
from feedback_loop.simulation.personas import Persona, gated, respond, utility
from feedback_loop.simulation.truth import write_truth
from feedback_loop.store.journal import Journal


class SimulatedRound(Record):
    """A decided round as the persona's true utility sees it, on the held-out prompts.

    `win_rate_parent` is the new policy's, whether or not it was kept; the other figures are those of the policy in force
    after the decision. Win rates count ties half.
    """

    round: int
    labels: int
    """Rankings so far, all rounds, ties included."""
    reward_accuracy: float | None
    win_rate_base: float
    win_rate_parent: float
    utility: float
    """Mean, from 0 to 1."""
    on_topic: float
    """Share of completions that pass all of the persona's gates."""
    kl: float
    """From the base, nats a completion."""
    promoted: bool
    seconds: float
    """From the round's first stage to its decision."""


def simulate(run: Run, persona: Persona, rounds: int, connect: Connect, say: Say) -> list[SimulatedRound]:
    """Run what is left of the first `rounds` rounds with the persona as annotator; a figure for each."""
    while open_round(run) < rounds:
        number = open_round(run)
        with working(run) as lock:
            waiting = run_round(run, number, connect, say, lock)
        write_truth(run, persona)
        if waiting is not None:
            say(f"round {number:03d}: {persona.name} answers")
            if not label(run, persona):
                raise LoopError(f"{waiting.message.split('. ')[0]}, and {persona.name} has no more to answer there.")
    write_truth(run, persona)
    return [measure(run, n, persona) for n in range(rounds)]


def label(run: Run, persona: Persona) -> int:
    """Let the persona answer until the round has what it waits for or nothing is left to ask; how many it answered.

    Each answer is drawn from the seed and the comparison's id, so it does not depend on where a run was interrupted.
    """
    user, number, given = f"persona-{persona.name}", open_round(run), 0
    before = sum(r.user_id == user for n in range(number + 1) for r in rankings(run, n))
    with contextlib.closing(Journal(run.path / "journal.sqlite")) as journal:
        refit = Refit(run, journal)
        desk = open_desk(run, journal, refit.order)
        while wanted(run, journal):
            refit.step()
            comparison = desk.next(user)
            if comparison is None:
                break
            rng = random.Random(f"{run.recipe.seed}/{comparison.id}")
            desk.vote(user, comparison.id, respond(persona, comparison, rng, before + given))
            given += 1
    return given


def measure(run: Run, number: int, persona: Persona) -> SimulatedRound:
    """A decided round by the persona's true utility, from the completions of its evaluation."""
    judged = run.manifest(number, "evaluation").facts
    decision = read_record(run.stage_folder(number, "promotion") / "decision.json", Decision)
    prompts = {p.id: p for p in read_jsonl(run.path / "heldout.jsonl", Prompt)}
    answers = read_jsonl(run.stage_folder(number, "evaluation") / "completions.jsonl", Completion)

    def of(policy: str) -> list[Completion]:
        return sorted((c for c in answers if c.policy == policy), key=lambda c: c.prompt_id)

    def utilities(policy: str) -> list[float]:
        return [utility(persona, prompts[c.prompt_id], c.completion) for c in of(policy)]

    in_force = of(decision.policy)
    return SimulatedRound(
        round=number,
        labels=len(counting(learned(run, number))),
        reward_accuracy=run.manifest(number, "reward").facts.get("accuracy"),
        win_rate_base=win_rate(utilities(decision.policy), utilities(BASE)),
        win_rate_parent=win_rate(utilities(decision.candidate), utilities(decision.parent)),
        utility=mean(utilities(decision.policy)),
        on_topic=mean([gated(persona, prompts[c.prompt_id], c.completion) for c in in_force]),
        kl=judged["policies"][decision.policy]["kl"],
        promoted=decision.promoted,
        seconds=_seconds(run, number),
    )


def table(rows: Sequence[SimulatedRound]) -> str:
    """The rounds as text, a line each."""
    heads = (
        "round",
        "labels",
        "reward accuracy",
        "wins vs base",
        "wins vs parent",
        "utility",
        "on topic",
        "KL",
        "kept",
    )
    lines = ["  ".join(f"{head:>{max(len(head), 6)}}" for head in (*heads, "seconds"))]
    for r in rows:
        accuracy = "-" if r.reward_accuracy is None else f"{r.reward_accuracy:.0%}"
        cells = (str(r.round), str(r.labels), accuracy, f"{r.win_rate_base:.0%}", f"{r.win_rate_parent:.0%}")
        more = (
            f"{r.utility:.2f}",
            f"{r.on_topic:.0%}",
            f"{r.kl:.1f}",
            "yes" if r.promoted else "no",
            f"{r.seconds:.0f}",
        )
        widths = [max(len(head), 6) for head in (*heads, "seconds")]
        lines.append("  ".join(f"{cell:>{width}}" for cell, width in zip((*cells, *more), widths, strict=True)))
    return "\n".join(lines)


def _seconds(run: Run, number: int) -> float:
    first, last = run.manifest(number, "prompts").started_at, run.manifest(number, "promotion").finished_at
    return round((datetime.fromisoformat(last) - datetime.fromisoformat(first)).total_seconds(), 1)
