"""The model card of an export: what it is, what it was taught by, and the evidence. No machine's path, no person's name."""

from collections.abc import Sequence
from typing import Any

from feedback_loop.brief.brief_curve import needed_of, of_round
from feedback_loop.brief.curve_text import said
from feedback_loop.export.merging import public_name
from feedback_loop.lineage import decisions
from feedback_loop.records import Decision
from feedback_loop.repair.why import Ancestor, why
from feedback_loop.report.report import metrics
from feedback_loop.run import Run

KINDS = {
    "choice": "choices between answers",
    "tie": "ties",
    "edit": "answers that people rewrote",
    "neither": "pairs of which neither was good",
    "repeat": "repeats",
    "duel": "duels against an earlier policy",
}
PARTS = {
    "adapter": "the LoRA adapter, in PEFT's format",
    "merged": "the whole model: weights in safetensors, tokenizer, chat template, generation config",
    "model.gguf": "the whole model for llama.cpp and Ollama",
    "Modelfile": "for `ollama create`",
    "comparisons.jsonl": "what people were shown",
    "rankings.jsonl": "what they said. It holds their names: leave it out where that is not wanted",
    "preferences.jsonl": "training pairs in TRL's format, with the same names",
}


def card(run: Run, policy: str, parts: Sequence[str]) -> str:
    """README.md of an export of that policy; `parts` are the names of what lies beside it."""
    base, found = public_name(run.recipe.model.name), why(run, policy).chain
    blocks = [
        _front(base, "adapter" if "adapter" in parts and "merged" not in parts else "model"),
        f"# {policy} of {base}",
    ]
    if not found:
        blocks.append("This is the base model as it is: nothing was learned yet.")
    else:
        number = found[0].round
        blocks += [
            f"Taught by people who said which of its answers are better, with feedback-loop, in {_rounds(found)}.",
            *_labels(found[0]),
            *_decisions(run),
            *_figures(run, number),
            *_guard(run, number),
            *_curve(run, number),
            *_made(found),
        ]
    lying = [f"- `{name}`: {PARTS[name]}." for name in PARTS if name in parts]
    return "\n\n".join([*blocks, "## What lies here\n" + "\n".join(lying), _licence(base)]) + "\n"


def _front(base: str, kind: str) -> str:
    lines = [f"base_model: {base}", f"library_name: {'peft' if kind == 'adapter' else 'transformers'}"]
    lines += ["pipeline_tag: text-generation", "license: other", "license_name: that-of-the-base-model"]
    return "\n".join(["---", *lines, "tags: [qwen, lora, human-feedback, feedback-loop]", "---"])


def _rounds(found: Sequence[Ancestor]) -> str:
    return "one round" if len(found) == 1 else f"{len(found)} rounds, each from the one before"


def _labels(one: Ancestor) -> list[str]:
    learned = one.learned
    people = len(learned.by_person)
    who = f"{people} {'person' if people == 1 else 'people'}"
    kinds = [f"- {count} {KINDS.get(kind, kind)}" for kind, count in learned.by_kind.items()]
    return [f"## Labels\n{learned.total} labels by {who}:\n\n" + "\n".join(kinds)]


def _decisions(run: Run) -> list[str]:
    """Every decision of the run, in order: also the rounds that were refused say how hard the gate is to pass."""
    rows = [_decided(d) for d in decisions(run)]
    head = ["| policy | against | decided | by | on |", "| --- | --- | --- | --- | --- |"]
    return ["## Rounds kept and refused\n" + "\n".join([*head, *rows])] if rows else []


def _decided(one: Decision) -> str:
    duels = one.evidence.get("duels") or {}
    if one.candidate == one.policy and not one.promoted:
        return f"| {one.policy} | {one.parent} | put back in force | an owner | |"
    if duels:
        on = (
            f"{duels['votes']} blind duels: better in {duels['estimate']:.0%} ({duels['low']:.0%} to {duels['high']:.0%}), "
            f"evidence {duels['evidence']:.3g}"
        )
    else:
        rate = one.evidence.get("win_rate_reward_model")
        on = "" if rate is None else f"the reward model prefers it on {rate:.0%} of {one.evidence['prompts']} prompts"
    by = {"people": "people's duels", "rule": "the rule"}.get(one.decided_by, "an owner")
    return f"| {one.candidate} | {one.parent} | {'kept' if one.promoted else 'refused'} | {by} | {on} |"


def _figures(run: Run, number: int) -> list[str]:
    found = metrics(run, number)
    rows = [
        ("Reward model right on pairs it never saw", _share(found, "reward_accuracy")),
        ("Win rate against the base, by the reward model", _share(found, "win_rate_base")),
        ("Win rate against its parent, by the reward model", _share(found, "win_rate_parent")),
        ("KL divergence from the base, nats an answer", f"{found['kl']:.2f}" if "kl" in found else ""),
        ("Length of an answer, characters", f"{found['length']:.0f}" if "length" in found else ""),
    ]
    lines = [f"| {name} | {value} |" for name, value in rows if value]
    return (
        ["## Figures, on prompts that nothing was trained on\n| | |\n| --- | --- |\n" + "\n".join(lines)]
        if lines
        else []
    )


def _share(found: dict[str, float], name: str) -> str:
    if name not in found:
        return ""
    ends = [found.get(f"{name}_{end}") for end in ("low", "high")]
    between = f" ({ends[0]:.0%} to {ends[1]:.0%})" if None not in ends else ""
    return f"{found[name]:.0%}{between}"


def _guard(run: Run, number: int) -> list[str]:
    """The evaluation's checks of what must not have been unlearned, where it made some."""
    facts = run.manifest(number, "evaluation").facts if run.done(number, "evaluation") else {}
    checks: list[dict[str, Any]] = facts.get("checks") or []
    head = ["| check | base | parent | this | allowed | |", "| --- | --- | --- | --- | --- | --- |"]
    rows = [
        f"| {c['name']} | {_number(c.get('base'))} | {_number(c.get('parent'))} | {_number(c.get('candidate'))} | "
        f"{_allowed(c)} | {'kept' if c['ok'] else 'BREACH'} |"
        for c in checks
    ]
    return ["## What must not have been unlearned\n" + "\n".join([*head, *rows])] if rows else []


def _curve(run: Run, number: int) -> list[str]:
    """How much of the brief it still needs, beside the base; where the run has one."""
    rows, both = of_round(run, number), needed_of(run, number)
    if not rows or both is None:
        return []
    head = ["| policy | share of the brief | tokens | wins against the base with all of it | judged by |"]
    head.append("| --- | --- | --- | --- | --- |")
    lines = [
        f"| {r.policy} | {r.level:.0%} | {r.tokens} | {r.win_rate:.0%} ({r.low:.0%} to {r.high:.0%}) | {r.judge} |"
        for r in rows
    ]
    told = "\n".join(f"- {said(one)}" for one in both)
    title = "## How much instruction it still needs\nTokens of the brief that match all of it:\n\n"
    return [f"{title}{told}\n\n" + "\n".join([*head, *lines])]


def _allowed(check: dict[str, Any]) -> str:
    ends = (("at least", check.get("low")), ("at most", check.get("high")))
    return ", ".join(f"{name} {limit:.3g}" for name, limit in ends if limit is not None)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3g}"


def _made(found: Sequence[Ancestor]) -> list[str]:
    """How to make it again: of each policy in the chain the recipe, the seeds and the versions."""
    lines = []
    for one in found:
        seeds = ", ".join(f"{stage} {seed}" for stage, seed in one.seeds.items())
        versions = ", ".join(f"{name} {version}" for name, version in one.packages.items())
        lines.append(
            f"- {one.policy}, from {one.parent}, {one.made_at[:10]}: recipe {one.recipe[:12]} with seed {one.recipe_seed}; "
            f"seeds {seeds}; {versions}; source {(one.git_revision or 'unknown')[:12]}"
        )
    return ["## Seeds and versions\n" + "\n".join(lines)]


def _licence(base: str) -> str:
    return f"## Licence\nThat of the base model, {base}: nothing here is of use without it."
