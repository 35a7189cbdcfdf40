"""Train a reward head: read the features of what was compared, cross-validate by prompt, fit on everything, save."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from feedback_loop import training
from feedback_loop.errors import LoopError
from feedback_loop.models import load_base, load_tokenizer
from feedback_loop.progress import Progress
from feedback_loop.recipe import ModelTable, RewardTable
from feedback_loop.records import Disliked, Preference, Prompt
from feedback_loop.run import write_jsonl
from reward import head as heads
from reward.annotators import measured_weights, still_to_take_off
from reward.bias import length_slope, more_characters, share
from reward.calibrate import Checked, figures, measuring
from reward.dislikes import with_disliked
from reward.features import REQUEST, features
from reward.head import Array
from reward.observations import NOTHING, thresholds
from reward.text import NAMES

FOLDS = 10
"""Parts into which prompts are split, each judged by a head that was fit on the others."""
TESTED = 12
"""Labels that a point of the learning curve is measured on at least: of fewer, three right of four may be a coin's tosses."""
Known = Mapping[tuple[str, str], Array]
"""Features by (prompt id, answer), where they were read before."""


def train_head(
    model: ModelTable,
    reward: RewardTable,
    pairs: Sequence[Preference],
    disliked: Sequence[Disliked],
    *,
    known: Known,
    out: Path,
    seed: int,
    thinking: bool,
    batch_size: int,
    report: Progress,
    track: Callable[[Mapping[str, float]], None],
    consistency: Mapping[str, float] = MappingProxyType({}),
) -> dict[str, Any]:
    """Fit on all labels and write the head to `out`, checked.jsonl and curves.jsonl beside it; the facts.

    Every pair is judged once by a head that never saw its prompt, so no label is kept from the reward model to measure it.
    Disliked answers teach it, but do not measure it. `track` hears the learning curve. `consistency` is what the labels'
    weights hold already of how consistent each person is. LoopError where there is no pair.
    """
    if not pairs:
        raise LoopError(NOTHING)
    rows = _read(model, pairs, disliked, known, thinking=thinking, size=batch_size, report=report)
    background = np.stack(list(rows.values()))
    view = heads.frame(background)
    labels = labelled(view, rows, pairs, disliked)
    checked = judged(labels, pairs, disliked, seed)
    weights = measured_weights(checked) if reward.annotators == "measured" else {}
    left = still_to_take_off(weights, consistency)
    if set(left.values()) - {1.0}:
        users = [p.user_id for p in pairs] + [d.user_id for d in disliked]
        labels = replace(labels, weight=labels.weight * np.array([left.get(user, 1.0) for user in users]))
        checked = judged(labels, pairs, disliked, seed)
    head = heads.Head(view, heads.draw(labels, heads.fit(labels), reward.members, seed).astype(np.float32))
    if reward.length == "remove":
        asked = [prompt for prompt, _ in rows]
        checked = judged_without_length(checked, pairs, head, background, asked)
        head = without_length(head, background, asked)
    heads.save(head, out)
    write_jsonl(out.parent / "checked.jsonl", checked)
    curve = learning_curve(labels, pairs)
    training.write_curves(out.parent / "curves.jsonl", curve)
    for row in curve:
        track(row)
    return {
        "form": "head",
        "pairs": len(pairs),
        "ties": sum(p.tie for p in pairs),
        "disliked": len(disliked),
        "members": reward.members,
        "columns": background.shape[1],
        "annotator_weights": weights,
        **figures(checked, thresholds(pairs).tie),
    }


def labelled(view: heads.Frame, rows: Known, pairs: Sequence[Preference], disliked: Sequence[Disliked]) -> heads.Labels:
    """The labels of the pairs, then those of the disliked answers; their features are in `rows`."""
    at = thresholds(pairs)
    chosen = np.stack([rows[p.prompt_id, p.chosen[-1].content] for p in pairs])
    rejected = np.stack([rows[p.prompt_id, p.rejected[-1].content] for p in pairs])
    poor = np.array([rows[d.prompt_id, d.completion] for d in disliked])
    return with_disliked(heads.prepare(chosen, rejected, pairs, view, at), poor, disliked, view, at)


def judged(labels: heads.Labels, pairs: Sequence[Preference], disliked: Sequence[Disliked], seed: int) -> list[Checked]:
    """Each pair by a head that was fit on other prompts' labels alone, its priors too; none where all pairs have one prompt."""
    prompts = sorted({p.prompt_id for p in pairs})
    if len(prompts) < 2:
        return []
    fold = {name: i % FOLDS for i, name in enumerate(np.random.default_rng(seed).permutation(prompts))}
    places = np.array([fold[p.prompt_id] for p in pairs] + [fold.get(d.prompt_id, -1) for d in disliked])
    found: dict[int, Checked] = {}
    for part in sorted(set(fold.values())):
        inside, outside = np.flatnonzero(places[: len(pairs)] == part), np.flatnonzero(places != part)
        others = heads.subset(labels, outside)
        means, spreads = heads.predict(others, heads.fit(others), labels.differences[inside], labels.requests[inside])
        for i, mean, spread in zip(inside.tolist(), means, spreads, strict=True):
            found[i] = Checked.of(pairs[i], float(mean), float(spread))
    return [found[i] for i in range(len(pairs))]


def judged_without_length(
    checked: Sequence[Checked],
    pairs: Sequence[Preference],
    head: heads.Head,
    background: Array,
    asked: Sequence[str],
) -> list[Checked]:
    """The judged pairs less what length alone explains, so that figures are of the head that is used."""
    slope = float(length_slope(head.scores(background).mean(1), characters(background), asked))
    lengths = [more_characters(p) for p in pairs[: len(checked)]]
    return [c.model_copy(update={"margin": c.margin - slope * d}) for c, d in zip(checked, lengths, strict=True)]


def without_length(head: heads.Head, background: Array, asked: Sequence[str] | None = None) -> heads.Head:
    """The head less what length alone explains, within prompts, of each member's scores on these answers.

    `asked` names each answer's prompt; without it, answers with the same request have one. The head itself where all answers
    are as long.
    """
    place = _characters_column(background)
    if not np.isfinite(head.frame.scale[place]):
        return head
    prompts = _requests(background) if asked is None else asked
    slopes = length_slope(head.scores(background), characters(background), prompts)
    weights = head.weights.copy()
    weights[:, 0, place] -= slopes * head.frame.scale[place]
    return replace(head, weights=weights)


def characters(rows: Array) -> Array:
    """How long answers are, from their features."""
    counted: Array = np.expm1(rows[:, _characters_column(rows)])
    return counted


def _requests(rows: Array) -> Array:
    """A number for each answer's request; batches give its columns with a rounding error."""
    places: Array = np.unique(rows[:, -REQUEST:].round(3), axis=0, return_inverse=True)[1].reshape(-1)
    return places


def _characters_column(rows: Array) -> int:
    return int(rows.shape[1]) - REQUEST - len(NAMES) + NAMES.index("characters")


def learning_curve(labels: heads.Labels, pairs: Sequence[Preference]) -> list[dict[str, float]]:
    """Share right of the next labels, after the first 4, 8, 16, ...: `step` is how many, `tested` of how many it is the share.

    What "test, then train" measures, as by Dawid 1984, "Statistical theory: the prequential approach". Labels are taken prompt
    by prompt, in the order in which prompts came: what somebody else said of the same answers, or the same order of them,
    tells on the next. Those tested are those that `figures` counts for accuracy. A part with fewer than TESTED is left out.
    """
    order, cuts = _by_prompt(pairs)
    measured = {i for i in measuring(pairs) if not pairs[i].tie}
    rows = []
    for seen, until in pairwise(cuts):
        coming = [i for i in order[seen:until] if i in measured]
        shares = [pairs[i].share for i in coming]
        if round(sum(shares)) < TESTED:
            continue
        past = heads.subset(labels, np.array(order[:seen]))
        means, spreads = heads.predict(past, heads.fit(past), labels.differences[coming], labels.requests[coming])
        right = share([float(m > 0) for m in means], shares)
        rows.append(
            {"step": seen, "tested": right["pairs"], "accuracy": right["share"], "spread": float(spreads.mean())}
        )
    return rows


def _by_prompt(pairs: Sequence[Preference]) -> tuple[list[int], list[int]]:
    """(places of the pairs, prompt after prompt; how many these are when 4, 8, 16, ... are reached, and in all)."""
    prompts: dict[str, list[int]] = {}
    for i, pair in enumerate(pairs):
        prompts.setdefault(pair.prompt_id, []).append(i)
    cuts, wanted, count = [], 4, 0
    for places in prompts.values():
        count += len(places)
        if count >= wanted or count == len(pairs):
            cuts.append(count)
        while wanted <= count:
            wanted *= 2
    return [i for places in prompts.values() for i in places], cuts


def _read(
    model: ModelTable,
    pairs: Sequence[Preference],
    disliked: Sequence[Disliked],
    known: Known,
    *,
    thinking: bool,
    size: int,
    report: Progress,
) -> Known:
    """Features of all answers; the model is loaded only for labelled ones that are not known, such as edits."""
    asked = {(p.prompt_id, side[-1].content): p.prompt for p in pairs for side in (p.chosen, p.rejected)}
    asked |= {(d.prompt_id, d.completion): d.prompt for d in disliked}
    missing = [name for name in asked if name not in known]
    if not missing:
        return known
    read = features(
        load_base(model),
        load_tokenizer(model),
        [Prompt(id=name[0], prompt=asked[name]) for name in missing],
        [text for _, text in missing],
        thinking=thinking,
        batch_size=size,
        report=report,
    )
    return {**known, **dict(zip(missing, read, strict=True))}
