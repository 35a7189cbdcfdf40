"""The chain of a policy for the terminal."""

from feedback_loop.records import Decision
from feedback_loop.repair.why import Ancestor, Why


def as_text(found: Why) -> str:
    """A paragraph for each policy, the one asked for first."""
    head = [f"{found.run} ({found.id}): {found.model}, policy in force: {found.in_force}"]
    if found.branched_from is not None:
        head.append(f"branched from run {found.branched_from.run} after round {found.branched_from.round:03d}")
    if not found.chain:
        head.append("The base model is asked for: nothing was learned for it.")
    return "\n".join([*head, *(line for one in found.chain for line in _lines(one))])


def _lines(one: Ancestor) -> list[str]:
    state = "set aside" if one.set_aside else "in force" if one.in_force else "not in force"
    lines = [f"{one.policy} ({state}), from {one.parent}: {one.folder}"]
    decided = [one.decision] if one.decision else []
    for decision in (*decided, *one.rollbacks):
        lines += _decided(decision)
    if not decided:
        lines.append("    not decided yet")
    learned = one.learned
    lines.append(f"    learned from {learned.total} labels")
    groups = (
        ("by round", {f"{number:03d}": count for number, count in learned.by_round.items()}),
        ("by person", learned.by_person),
        ("by kind", learned.by_kind),
    )
    lines += [f"        {name}: " + ", ".join(f"{k} {n}" for k, n in group.items()) for name, group in groups if group]
    lines += [f"        with {name} taken into account" for name in one.discards]
    seeds = ", ".join(f"{stage} {seed}" for stage, seed in one.seeds.items())
    lines.append(f"    recipe {one.recipe[:12]}, seed {_or(one.recipe_seed)}; {seeds}")
    if one.changes is None:
        lines.append("        what changed in it is not known: an older version kept no copy")
    lines += [f"        {c.key}: {_or(c.before)} -> {_or(c.after)}" for c in one.changes or ()]
    versions = ", ".join(f"{name} {version}" for name, version in one.packages.items())
    lines.append(f"    made {one.made_at[:19]}, source {_or(one.git_revision and one.git_revision[:12])}; {versions}")
    return lines + _files(one)


def _decided(decision: Decision) -> list[str]:
    kept = (
        f"{decision.policy} put in force" if decision.promoted or decision.candidate == decision.policy else "not kept"
    )
    said = f"    decided {decision.decided_at[:19]} by {decision.decided_by}: {kept}"
    figures = ", ".join(f"{k} {v:.3g}" for k, v in decision.evidence.items() if isinstance(v, int | float))
    return [said, *(f"        {reason}" for reason in decision.reasons), *([f"        {figures}"] if figures else [])]


def _files(one: Ancestor) -> list[str]:
    """All are in the JSON; here those that are the adapter, and those that are not as they were written."""
    wrong = [f for f in one.files if f.state != "same"]
    weights = [f for f in one.files if f.path.endswith("adapter_model.safetensors") and "-policy" in f.path]
    lines = [f"    {f.path}  sha256 {f.sha256}" for f in weights]
    lines += [f"    LOOK: {f.path} is {'missing' if f.state == 'missing' else 'not as it was written'}" for f in wrong]
    return lines if wrong else [*lines, f"    all {len(one.files)} files are as they were written"]


def _or(value: object) -> str:
    return "none" if value is None else str(value)
