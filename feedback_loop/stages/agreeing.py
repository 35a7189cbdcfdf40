"""How often the reward model of the round before prefers what people chose in this one.

It was not trained on these pairs, each of which holds an answer of the policy that it helped to make, where that was kept: beside
another of that policy's or, in a run with a brief, one of the base's. Only pairs drawn at random count: those chosen for being
hard would look like a fall.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from feedback_loop.asking.asked import asked, files
from feedback_loop.lineage import BASE
from feedback_loop.records import Preference
from feedback_loop.run import Draft, Run


def counts(pair: Preference, number: int) -> bool:
    """Whether a pair shows what people chose in that round, for the first time, between answers that nobody picked for them."""
    plain = pair.source == "ranking" and not pair.tie and not pair.repeat
    return pair.round == number and plain and pair.selection == "random"


def witnesses(run: Run, number: int, draft: Draft, pairs: Sequence[Preference]) -> list[Preference]:
    """Those that count and hold an answer of the policy in force; what the base wrote on both sides says nothing of it."""
    found = [p for p in pairs if counts(p, number)]
    if not run.done(number, "comparisons") or run.manifest(number, "comparisons").facts.get("policy", BASE) == BASE:
        return found
    draft.use(*files(run, number))
    writers = {x.id: x.policy for c in asked(run, number) for x in c.completions}
    return [p for p in found if {writers.get(p.chosen_id or ""), writers.get(p.rejected_id or "")} != {BASE}]


def agreement(pairs: Sequence[Preference], chosen: Sequence[float], rejected: Sequence[float]) -> dict[str, Any]:
    """{agreement, low, high: its 90 % interval, pairs}, from the scores of these pairs' answers."""
    from reward.bias import share

    right = [1.0 if a > b else 0.5 if a == b else 0.0 for a, b in zip(chosen, rejected, strict=True)]
    found = share(right, [p.share for p in pairs], [p.prompt_id for p in pairs])
    return {"agreement": found.pop("share"), **found}


def by_head(
    run: Run, number: int, draft: Draft, pairs: Sequence[Preference], known: Mapping[tuple[str, str], Any]
) -> dict[str, Any] | None:
    """The agreement as soon as the labels are there, at the cost of no model: by a head, from the features in `known`.

    None where the round before has no head, or an answer was not read when it was drawn; the evaluation reads it then.
    """
    import numpy as np

    from reward.head import FILE, load

    folder = run.stage_folder(number - 1, "reward") / "head"
    counted = witnesses(run, number, draft, pairs)
    chosen, rejected = (
        [(p.prompt_id, getattr(p, side)[-1].content) for p in counted] for side in ("chosen", "rejected")
    )
    if not counted or not (folder / FILE).exists() or not known.keys() >= {*chosen, *rejected}:
        return None
    draft.use(*run.files(number - 1, "reward"))
    head = load(folder)
    ours, theirs = (
        head.scores(np.stack([known[name] for name in names])).mean(1).tolist() for names in (chosen, rejected)
    )
    return agreement(counted, ours, theirs)
