"""What labels taught: the traits that chosen answers have against rejected ones, and how the new policy moved on each.

It is read from a round's preferences and held-out completions, never by the loop itself: nothing is trained or decided by it.
"""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from feedback_loop import compare
from feedback_loop.compare import Floats, paired
from feedback_loop.durable import write_text
from feedback_loop.errors import UsageError
from feedback_loop.lineage import BASE, policy_name
from feedback_loop.records import Completion, Preference, Prompt
from feedback_loop.run import Run, read_jsonl, read_record
from feedback_loop.taught import traits
from feedback_loop.taught.lessons import Difference, Direction, Lesson, Taught, Verdict, Wanted
from feedback_loop.taught.traits import Reading, Trait

SMALL = 0.2
"""Standard deviations of a trait that make a small difference (Cohen 1988, section 2.2): less is not worth a word."""
SIDES = ("chosen", "rejected")


def taught(run: Run, number: int) -> Taught:
    """What the labels up to a round taught; UsageError where the round has no preferences yet.

    Kept in the run's cache, as a second or two is long for a page.
    """
    if not run.done(number, "preferences"):
        raise UsageError(
            f"{run.path}: round {number:03d} has no preferences yet, so there is nothing to say of what they taught. "
            f"Look: feedback-loop status {run.path}"
        )
    file = run.cache / f"taught-{number:03d}-{_key(run, number)}.json"
    if file.exists():
        return read_record(file, Taught)
    found = _taught(run, number)
    run.cache.mkdir(exist_ok=True)
    write_text(file, found.model_dump_json() + "\n")
    return found


def latest(run: Run) -> int:
    """The last round that has preferences; the first one where none has."""
    return max((n for n in run.rounds() if run.done(n, "preferences")), default=0)


def _taught(run: Run, number: int) -> Taught:
    folder = run.stage_folder(number, "preferences")
    said = [p for name in ("train", "heldout") for p in read_jsonl(folder / f"{name}.jsonl", Preference)]
    pairs = [p for p in said if not p.tie and p.source != "reward_model"]
    answers, parent = _answers(run, number)
    seed = run.seed(number, "taught")
    return Taught(
        round=number,
        candidate=policy_name(number),
        parent=parent,
        pairs=len(pairs),
        prompts=len({p.prompt_id for p in pairs}),
        ties=sum(p.tie for p in said),
        round_pairs=sum(p.round == number for p in pairs),
        heldout=len(answers.get(BASE, ())),
        lessons=lessons(pairs, number, answers, parent, seed),
    )


def lessons(
    pairs: Sequence[Preference], number: int, answers: Mapping[str, list[Reading]], parent: str, seed: int
) -> tuple[Lesson, ...]:
    """A lesson for each trait. `answers` hold those of the base, `parent` and the new policy of round `number` to the same
    prompts in the same order; empty before there are any.
    """
    chosen, rejected = ([traits.read(getattr(p, side)[-1].content, _request(p)) for p in pairs] for side in SIDES)
    written = [answers.get(name, []) for name in (policy_name(number), parent, BASE)]
    measured = (*traits.TRAITS, *_phrases([*chosen, *rejected], [r for readings in written for r in readings]))
    shown = _measure(measured, chosen), _measure(measured, rejected)
    new, before, first = (_measure(measured, readings) for readings in written)
    labels = _chosen_less_rejected(*shown, pairs, seed)
    now = [n for n, p in enumerate(pairs) if p.round == number]
    lately = _chosen_less_rejected(shown[0][now], shown[1][now], [pairs[n] for n in now], seed)
    moved = [_new_less_old(new, old, seed) for old in (before, first)]
    spreads = _spread(shown), _spread((new, first))
    columns = zip(measured, labels, lately, *moved, *(map(float, spread) for spread in spreads), strict=True)
    return tuple(lesson for _, lesson in sorted((_lesson(*column) for column in columns), key=lambda found: found[0]))


def wanted(labels: Difference | None, spread: float) -> Wanted:
    """What choices say of a trait whose standard deviation among the answers is `spread`.

    `either` is a claim too, and an honest one only where the interval leaves no room for more than a small difference.
    """
    if labels is None:
        return "unknown"
    if labels.clear:
        return labels.clear
    if labels.low == labels.high == 0:
        return "unseen"
    return "either" if max(-labels.low, labels.high) < SMALL * spread else "unknown"


def verdict(want: Wanted, labels: Difference | None, parent: Difference, base: Difference, about: float) -> Verdict:
    """What became of a trait that is wanted so; `about` is its standard deviation among the policies' answers."""
    if labels is not None and labels.clear:
        return _learned(labels.clear, labels, parent, base)
    moved = base.clear or parent.clear
    if moved is None or max(abs(base.value), abs(parent.value)) < SMALL * about:
        return "still"
    return "leaning" if labels is not None and want == "unknown" and labels.leans == moved else "unasked"


def _learned(want: Direction, labels: Difference, parent: Difference, base: Difference) -> Verdict:
    other = "less" if want == "more" else "more"
    if base.clear == other:
        return "against"
    if parent.clear == other:
        return "slipped"
    if base.clear == want:
        return "followed"
    reached = base.ours >= labels.ours if want == "more" else base.ours <= labels.ours
    return "there" if reached else "not yet"


def _lesson(
    trait: Trait,
    labels: Difference | None,
    lately: Difference | None,
    parent: Difference | None,
    base: Difference | None,
    spread: float,
    about: float,
) -> tuple[tuple[int, float], Lesson]:
    """A trait's lesson, and its place among the others."""
    want = wanted(labels, spread)
    became = "wanted" if parent is None or base is None else verdict(want, labels, parent, base, about)
    lesson = Lesson(
        trait=trait.name,
        phrase=trait.phrase,
        kind=trait.kind,
        labels=labels,
        this_round=lately,
        parent=parent,
        base=base,
        wanted=want,
        verdict=became,
    )
    if labels is not None and want in ("more", "less"):
        return (0, -abs(labels.value) / spread), lesson
    return ((1, -abs(base.value) / about) if base is not None and became == "unasked" and about else (2, 0.0)), lesson


def _chosen_less_rejected(
    chosen: Floats, rejected: Floats, pairs: Sequence[Preference], seed: int
) -> Sequence[Difference | None]:
    return _differences(chosen, rejected, [p.prompt_id for p in pairs], [p.weight for p in pairs], seed)


def _new_less_old(new: Floats, old: Floats, seed: int) -> Sequence[Difference | None]:
    return _differences(new, old, [str(n) for n in range(len(new))], [1.0] * len(new), seed)


def _differences(
    ours: Floats, theirs: Floats, clusters: Sequence[str], weights: Sequence[float], seed: int
) -> Sequence[Difference | None]:
    """A difference for each trait; None of each where there is nothing to compare."""
    if not len(ours):
        return [None] * ours.shape[1]
    found = paired(ours - theirs, clusters, weights, seed)
    means = [np.average(side, axis=0, weights=weights) for side in (ours, theirs)]
    columns = (*means, found.mean, found.low, found.high, found.chance)
    return [
        Difference(**dict(zip(Difference.model_fields, map(float, row), strict=True)))
        for row in zip(*columns, strict=True)
    ]


def _spread(sides: tuple[Floats, Floats]) -> Floats:
    """Each trait's standard deviation over all these answers; 0 of none."""
    together = np.concatenate(sides)
    return together.std(0) if len(together) else np.zeros(together.shape[1])


def _measure(measured: Sequence[Trait], readings: Sequence[Reading]) -> Floats:
    return np.array(traits.measure(measured, readings), dtype=float).reshape(len(readings), len(measured))


def _phrases(shown: Sequence[Reading], written: Sequence[Reading]) -> list[Trait]:
    """Openings and closings that are common among the answers shown or those that the policies wrote."""
    found = [trait for readings in (shown, written) for trait in traits.phrases(readings)]
    return list({(trait.name, trait.phrase): trait for trait in found}.values())


def _answers(run: Run, number: int) -> tuple[dict[str, list[Reading]], str]:
    """Each policy's answers to the held-out prompts, in one order, and the parent's name; before the evaluation none."""
    if not run.done(number, "evaluation"):
        return {}, ""
    prompts = {p.id: p.request for p in read_jsonl(run.path / "heldout.jsonl", Prompt)}
    made = read_jsonl(run.stage_folder(number, "evaluation") / "completions.jsonl", Completion)
    found: dict[str, list[Reading]] = {}
    for completion in sorted(made, key=lambda c: c.prompt_id):
        reading = traits.read(completion.completion, prompts.get(completion.prompt_id, ""))
        found.setdefault(completion.policy, []).append(reading)
    return found, str(run.manifest(number, "evaluation").facts["parent"])


def _request(pair: Preference) -> str:
    return Prompt(id=pair.prompt_id, prompt=pair.prompt).request


def _key(run: Run, number: int) -> str:
    """Hash of all that the answer hangs on: the two stages' manifests, and how it is computed."""
    stages = [run.stage_folder(number, stage) / "manifest.json" for stage in ("preferences", "evaluation")]
    ways = [*(Path(module.__file__ or "") for module in (traits, compare)), Path(__file__), traits.FILE]
    files = [file for file in (*stages, *ways) if file.exists()]
    return hashlib.sha256(b"".join(hashlib.sha256(file.read_bytes()).digest() for file in files)).hexdigest()[:16]
