"""Why a policy is as it is: the chain of its parents; of each the decision, the labels, the recipe, the seeds and versions."""

import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

from feedback_loop.damage import sha256
from feedback_loop.errors import UsageError
from feedback_loop.lineage import BASE, current_policy, policy_name, rollbacks
from feedback_loop.records import Comparison, Decision, Disliked, Preference, Record
from feedback_loop.repair import chain
from feedback_loop.repair.chain import Made
from feedback_loop.run import Origin, Run, read_jsonl, read_record, recipe_file

MAKING = ("preferences", "reward", "policy")
"""Stages whose files make an adapter what it is, beside the labels."""


class Change(Record):
    """A key of the recipe that differs from the recipe of the policy before; None where it was not there."""

    key: str
    before: Any
    after: Any


class FileState(Record):
    """A file of a stage, and whether it is still as it was written."""

    path: str
    sha256: str
    state: Literal["same", "changed", "missing"]


class Learned(Record):
    """The labels that a policy learned from, by whom, when and of what kind they are."""

    total: int
    by_round: dict[int, int]
    by_person: dict[str, int]
    by_kind: dict[str, int]
    """`choice`, `tie`, `edit`, `neither`; a label with an edit counts as that. `repeat` and `duel` by how they were asked."""


class Ancestor(Record):
    """One policy of the chain."""

    policy: str
    round: int
    folder: str
    """Below the run's folder."""
    in_force: bool
    set_aside: bool
    parent: str
    decision: Decision | None
    """None before it was decided on."""
    rollbacks: tuple[Decision, ...]
    """Those that put it in force."""
    made_at: str
    recipe: str
    """sha256."""
    changes: tuple[Change, ...] | None
    """Against the recipe that its parent was made by, none where that is the base; None where one of the two was not kept."""
    recipe_seed: int | None
    seeds: dict[str, int]
    """By stage."""
    git_revision: str | None
    packages: dict[str, str]
    learned: Learned
    discards: tuple[str, ...]
    """The records of discards that its labels took into account."""
    files: tuple[FileState, ...]


class Why(Record):
    """All of it."""

    run: str
    id: str
    model: str
    in_force: str
    branched_from: Origin | None
    chain: tuple[Ancestor, ...]
    """The policy asked for first, then its parent, and so on up to the base, which is not among them."""


def why(run: Run, policy: str | None = None, folder: Path | None = None) -> Why:
    """The chain of a policy: that of a name, that whose adapter lies in `folder`, or by default the one in force."""
    name, found = policy or current_policy(run), list[Made]()
    one = chain.policy_at(run, folder) if folder else None if name == BASE else chain.policy_of(run, name)
    while one is not None and one not in found:
        found.append(one)
        one = chain.maker(run, one, "policy") or _by_name(run, one)
    return Why(
        run=str(run.path),
        id=run.id,
        model=run.recipe.model.name,
        in_force=current_policy(run),
        branched_from=run.record.branched_from,
        chain=tuple(_ancestor(run, *pair) for pair in zip(found, [*found[1:], None], strict=False)),
    )


def changed(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[Change, ...]:
    """The keys in which two recipes differ, as `table.key`."""
    old, new = dict(_flat(before)), dict(_flat(after))
    keys = sorted(old.keys() | new.keys())
    return tuple(
        Change(key=k, before=old.get(k), after=new.get(k))
        for k in keys
        if (k in old, old.get(k)) != (k in new, new.get(k))
    )


def _ancestor(run: Run, one: Made, parent: Made | None) -> Ancestor:
    name, manifest = policy_name(one.round), one.manifest
    sources = [source for stage in MAKING[:-1] if (source := chain.maker(run, one, stage)) is not None]
    recipe, preferences = (
        _recipe(run, manifest.recipe),
        next((s for s in sources if s.manifest.stage == "preferences"), None),
    )
    before = {} if parent is None else _recipe(run, parent.manifest.recipe)
    return Ancestor(
        policy=name,
        round=one.round,
        folder=str(one.path.relative_to(run.path)),
        in_force=one.live and current_policy(run) == name,
        set_aside=not one.live,
        parent=manifest.facts.get("parent", BASE),
        decision=_decision(run, one),
        rollbacks=tuple(d for _, d in rollbacks(run) if one.live and d.policy == name),
        made_at=manifest.finished_at,
        recipe=manifest.recipe,
        changes=() if parent is None else None if recipe is None or before is None else changed(before, recipe),
        recipe_seed=None if recipe is None else recipe.get("seed"),
        seeds={s.manifest.stage: s.manifest.seed for s in (*sources, one)},
        git_revision=manifest.git_revision,
        packages=manifest.packages,
        learned=_learned(run, preferences),
        discards=tuple(
            n
            for n in (preferences.manifest.inputs if preferences else ())
            if n.startswith("discards/") and n.count("/") == 1
        ),
        files=tuple(state for s in (*sources, one) for state in _files(run, s)),
    )


def _learned(run: Run, preferences: Made | None) -> Learned:
    """Counted from the pairs themselves; a label is one person's answer to one comparison, whatever number of pairs it gives."""
    if preferences is None:
        return Learned(total=0, by_round={}, by_person={}, by_kind={})
    duels = _duels(run, preferences)
    kinds: dict[tuple[str, str], tuple[int, str]] = {}
    for name in ("train", "heldout"):
        for pair in read_jsonl(preferences.path / f"{name}.jsonl", Preference):
            key = (pair.comparison_id, pair.user_id)
            if kinds.get(key, (0, ""))[1] != "edit":
                kinds[key] = (pair.round, _kind(pair, duels))
    poor = preferences.path / "disliked.jsonl"
    for bad in read_jsonl(poor, Disliked) if poor.exists() else []:
        kinds.setdefault((bad.comparison_id or bad.prompt_id, bad.user_id), (bad.round, "neither"))
    return Learned(
        total=len(kinds),
        by_round=dict(sorted(Counter(number for number, _ in kinds.values()).items())),
        by_person=dict(sorted(Counter(user for _, user in kinds).items())),
        by_kind=dict(sorted(Counter(kind for _, kind in kinds.values()).items())),
    )


def _kind(pair: Preference, duels: set[str]) -> str:
    if pair.source == "edit":
        return "edit"
    if pair.comparison_id in duels:
        return "duel"
    return "repeat" if pair.repeat else "tie" if pair.tie else "choice"


def _duels(run: Run, preferences: Made) -> set[str]:
    """Ids of the duels among what a preferences stage read, as far as the files are still there."""
    files = [run.path / name for name in preferences.manifest.inputs if name.endswith("/comparisons.jsonl")]
    return {c.id for file in files if file.exists() for c in read_jsonl(file, Comparison) if c.purpose == "duel"}


def _decision(run: Run, one: Made) -> Decision | None:
    """The decision on this very policy, found by what it was made from."""
    for promotion in chain.made(run, "promotion"):
        judged = chain.maker(run, promotion, "evaluation")
        if judged is not None and (found := chain.maker(run, judged, "policy")) is not None and found.path == one.path:
            return read_record(promotion.path / "decision.json", Decision)
    return None


def _by_name(run: Run, one: Made) -> Made | None:
    """Its parent by name, where it did not read the parent's adapter: it started afresh from the base."""
    parent = one.manifest.facts.get("parent", BASE)
    try:
        return None if parent == BASE else chain.policy_of(run, parent)
    except UsageError:
        return None


def _recipe(run: Run, digest: str) -> dict[str, Any] | None:
    file = recipe_file(run, digest)
    return tomllib.loads(file.read_text(encoding="utf-8")) if file.exists() else None


def _flat(table: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in table.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield prefix + key, value


def _files(run: Run, one: Made) -> Iterator[FileState]:
    for name, digest in one.manifest.outputs.items():
        file = one.path / name
        state: Literal["same", "changed", "missing"] = "missing"
        if file.exists():
            state = "same" if sha256(file) == digest else "changed"
        yield FileState(path=str(file.relative_to(run.path)), sha256=digest, state=state)
