"""What became of a label: what was asked, who said what and when, what was learned from it, and which adapters it reached."""

from collections.abc import Sequence
from typing import Literal

from feedback_loop.errors import UsageError
from feedback_loop.labels import anywhere, everything
from feedback_loop.lineage import current_policy, policy_name
from feedback_loop.records import Comparison, Disliked, Preference, Ranking, Record
from feedback_loop.repair import chain, discards
from feedback_loop.repair.chain import Made
from feedback_loop.repair.discards import Discard
from feedback_loop.run import Run, read_jsonl
from feedback_loop.store.journal import Event, looked_into

FILES = ("train", "heldout")


class Heard(Record):
    """An answer, a changed answer or an undo, in the order in which they came."""

    at: str
    kind: Literal["vote", "undo"]
    ranking: Ranking | None
    """None of an undo, unless it took back a change: what stands again then."""


class Became(Record):
    """A training pair, or an answer called no good, that a label gave."""

    kind: Literal["ranking", "edit", "tie", "disliked"]
    chosen: str
    """Of a tie, the one spelled so; empty of what was called no good."""
    rejected: str
    weight: float
    part: Literal["train", "heldout", "disliked"]


class Reached(Record):
    """A reward model or an adapter that was made with a label."""

    stage: Literal["reward", "policy"]
    name: str
    """`round-002`."""
    folder: str
    set_aside: bool
    in_force: bool = False
    through: str = ""
    """The parent by which it came there; empty where the label itself was learned from."""


class Told(Record):
    """One person's label."""

    label: str
    user_id: str
    heard: tuple[Heard, ...]
    """From the journal; none where the run was copied without it."""
    stands: Ranking | None
    """What counts now, or would; None where it was taken back, or is in no snapshot and no journal."""
    discarded: Discard | None
    became: tuple[Became, ...]
    """As the last round that learned from it did."""
    why_nothing: str
    """Why it became nothing; empty where it became something."""
    reached: tuple[Reached, ...]


class Trace(Record):
    """A comparison, and what became of each label that was given to it."""

    comparison: Comparison
    set_aside: bool
    """Whether it is no longer part of any round of the run."""
    labels: tuple[Told, ...]


def trace(run: Run, label: str) -> Trace:
    """Of a comparison's id, or `COMPARISON@USER`; UsageError where there is none of that name."""
    identity, _, user = label.partition("@")
    comparison, aside = _comparison(run, identity)
    events = _events(run, identity)
    standing = {r.user_id: r for said in everything(run, ()) for r in said.rankings if r.comparison_id == identity}
    users = [name for name in dict.fromkeys([*(e.user_id for e in events), *standing]) if user in ("", name)]
    if user and not users:
        raise UsageError(
            f"{run.path}: {user} said nothing of {identity}. All of it: feedback-loop trace {run.path} {identity}"
        )
    out = discards.by_label(discards.records(run))
    told = (
        _told(run, comparison, name, [e for e in events if e.user_id == name], standing.get(name), out)
        for name in users
    )
    return Trace(comparison=comparison, set_aside=aside, labels=tuple(told))


def reached(run: Run, learned: Sequence[Made]) -> list[Reached]:
    """The reward models and adapters made of these preferences stages, and the adapters that started from those."""
    found, force = list[Reached](), current_policy(run)
    rewards = [one for source in learned for one in chain.made_by(run, source, "reward")]
    adapters = [one for source in learned for one in chain.made_by(run, source, "policy")]
    found += [_reached(run, one, "reward", force) for one in dict.fromkeys(rewards)]
    waiting = [(one, "") for one in dict.fromkeys(adapters)]
    seen = {one for one, _ in waiting}
    while waiting:
        one, through = waiting.pop(0)
        found.append(_reached(run, one, "policy", force, through))
        children = [c for c in chain.made_by(run, one, "policy") if c not in seen]
        seen |= set(children)
        waiting += [(c, policy_name(one.round)) for c in children]
    return found


def _told(
    run: Run,
    comparison: Comparison,
    user: str,
    events: Sequence[Event],
    stands: Ranking | None,
    out: dict[str, Discard],
) -> Told:
    label = f"{comparison.id}@{user}"
    learned = [one for one in chain.made(run, "preferences") if _became(one, comparison.id, user)]
    live = [one for one in learned if one.live]
    became = _became(max(live, key=lambda one: one.round), comparison.id, user) if live else []
    discarded = out.get(label)
    return Told(
        label=label,
        user_id=user,
        heard=tuple(Heard(at=e.at, kind=e.kind, ranking=e.ranking) for e in events),
        stands=stands,
        discarded=discarded,
        became=tuple(became),
        why_nothing="" if became else _why_nothing(run, comparison, stands, discarded),
        reached=tuple(reached(run, learned)),
    )


def _why_nothing(run: Run, comparison: Comparison, stands: Ranking | None, discarded: Discard | None) -> str:
    if discarded is not None:
        return f"it was discarded: {discarded.reason}"
    if stands is None:
        return "it was taken back, or its round was done again without it"
    if stands.status == "discarded":
        return "a skip says nothing of the answers"
    if comparison.purpose == "check":
        return "a check shows who reads, and never trains"
    return f"no round has learned since it was given. Go on: feedback-loop advance {run.path}"


def _became(one: Made, identity: str, user: str) -> list[Became]:
    """What a preferences stage made of a label."""
    found = [
        Became(
            kind="edit" if p.source == "edit" else "tie" if p.tie else "ranking",
            chosen=p.chosen[-1].content,
            rejected=p.rejected[-1].content,
            weight=p.weight,
            part=part,
        )
        for part in FILES
        for p in read_jsonl(one.path / f"{part}.jsonl", Preference)
        if (p.comparison_id, p.user_id) == (identity, user)
    ]
    poor = one.path / "disliked.jsonl"
    return found + [
        Became(kind="disliked", chosen="", rejected=d.completion, weight=d.weight, part="disliked")
        for d in (read_jsonl(poor, Disliked) if poor.exists() else [])
        if (d.comparison_id, d.user_id) == (identity, user)
    ]


def _reached(run: Run, one: Made, stage: Literal["reward", "policy"], force: str, through: str = "") -> Reached:
    name = policy_name(one.round)
    return Reached(
        stage=stage,
        name=name,
        folder=str(one.path.relative_to(run.path)),
        set_aside=not one.live,
        in_force=stage == "policy" and one.live and name == force,
        through=through,
    )


def _comparison(run: Run, identity: str) -> tuple[Comparison, bool]:
    """What was asked, also in rounds that were set aside; and whether it is in those alone."""
    for one in anywhere(run):
        for comparison in one.comparisons:
            if comparison.id == identity:
                return comparison, one.source.carried
    for file in sorted((run.path / "rounds").glob("*/*/comparisons.jsonl")):
        for comparison in read_jsonl(file, Comparison):
            if comparison.id == identity:
                return comparison, True
    raise UsageError(
        f"{run.path}: no comparison {identity}. Ids are in rounds/*/2-comparisons*/comparisons.jsonl, and in what this "
        f"prints: feedback-loop contradictions {run.path}"
    )


def _events(run: Run, identity: str) -> list[Event]:
    if not (run.path / "journal.sqlite").exists():
        return []
    with looked_into(run.path / "journal.sqlite") as journal:
        return journal.history(identity)
