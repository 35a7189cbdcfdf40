"""The measurements of the forgetting guard: neutral text and probes, for the base, the parent and the candidate."""

import hashlib
import json
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from feedback_loop.gate import probes
from feedback_loop.gate.forgetting import Figures
from feedback_loop.gate.probes import Passage, Probe
from feedback_loop.progress import Progress
from feedback_loop.records import Record
from feedback_loop.run import Draft, Run, read_jsonl, write_jsonl
from feedback_loop.stages.stand_in import as_policy

if TYPE_CHECKING:
    from policies.base import Policy

SOLVED, READ = "probes.jsonl", "neutral.jsonl"


class Solved(Record):
    """A policy's likeliest answer to a probe: a line of probes.jsonl."""

    policy: str
    probe: str
    kind: str
    answer: str
    right: bool


class Heard(Record):
    """How well a policy foresees a passage of neutral text: a line of neutral.jsonl."""

    policy: str
    passage: str
    loss: float | None
    """Nats a token; None where it is not finite."""
    blind: float
    """What guessing blindly among all tokens would come to."""


Measured = tuple[list[Solved], list[Heard]]
"""Of one policy."""


def measure(
    run: Run, number: int, draft: Draft, policy: "Policy", names: Sequence[str], report: Progress
) -> dict[str, Measured]:
    """probes.jsonl and neutral.jsonl of these policies; those measured in an earlier round are not measured again."""
    tasks, passages = probes_of(run, draft), probes.neutral(run.recipe.model.name)
    key = settings(run, tasks, passages)
    draft.facts["guard_settings"] = key
    found: dict[str, Measured] = {}
    for name in dict.fromkeys(names):
        earlier = None if name == policy.name else measured_before(run, number, name, key)
        if earlier is None:
            with as_policy(run, policy, name) as here:
                earlier = solve(run, here, tasks, report), read(here, passages, report)
        found[name] = earlier
    write_jsonl(draft.path / SOLVED, (row for solved, _ in found.values() for row in solved))
    write_jsonl(draft.path / READ, (row for _, heard in found.values() for row in heard))
    return found


def figures(measured: Measured, texts: Sequence[str]) -> Figures:
    """What the table of checks needs of a policy: these measurements, and its answers to the held-out prompts."""
    solved, heard = measured
    return Figures(
        losses=[math.inf if row.loss is None else row.loss for row in heard],
        blind=heard[0].blind,
        solved={row.probe: row.right for row in solved},
        kinds={row.probe: row.kind for row in solved},
        texts=texts,
    )


def probes_of(run: Run, draft: Draft) -> list[Probe]:
    """The run's own probes; of a run that has none, made before there were any, those that come with the project."""
    file = run.path / "probes.jsonl"
    return (draft.read(file, Probe) if file.exists() else []) or probes.shipped()


def solve(run: Run, policy: "Policy", tasks: Sequence[Probe], report: Progress) -> list[Solved]:
    """A policy's likeliest answers to the probes, and whether they are right."""
    from policies.sampler import greedy

    size, answers = run.recipe.sampling.batch_size, dict[str, str]()
    for most in sorted({t.tokens for t in tasks}):
        own = [t for t in tasks if t.tokens == most]
        written = greedy(policy, own, max_new_tokens=most, batch_size=size, report=report)
        answers |= zip((t.id for t in own), written, strict=True)
    return [
        Solved(policy=policy.name, probe=t.id, kind=t.kind, answer=answers[t.id], right=probes.right(t, answers[t.id]))
        for t in tasks
    ]


def read(policy: "Policy", passages: Sequence[Passage], report: Progress) -> list[Heard]:
    """How well a policy foresees the neutral text."""
    from policies.perplexity import losses

    blind = math.log(policy.model.get_output_embeddings().weight.shape[0])
    found = losses(policy, [p.text for p in passages], report=report)
    return [
        Heard(policy=policy.name, passage=p.id, loss=loss if math.isfinite(loss) else None, blind=blind)
        for p, loss in zip(passages, found, strict=True)
    ]


def measured_before(run: Run, number: int, name: str, key: str) -> Measured | None:
    """What an earlier round's evaluation measured of the policy, where probes, text and model were the same."""
    for n in range(number - 1, -1, -1):
        if not run.done(n, "evaluation") or run.manifest(n, "evaluation").facts.get("guard_settings") != key:
            continue
        folder = run.stage_folder(n, "evaluation")
        solved = [row for row in read_jsonl(folder / SOLVED, Solved) if row.policy == name]
        heard = [row for row in read_jsonl(folder / READ, Heard) if row.policy == name]
        if heard:
            return solved, heard
    return None


def settings(run: Run, tasks: Sequence[Probe], passages: Sequence[Passage]) -> str:
    """Hash of all that the measurements hang on, the policy apart."""
    parts = [run.recipe.model.model_dump(), *(p.model_dump() for p in (*tasks, *passages))]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]
