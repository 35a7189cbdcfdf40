"""Evaluation and promotion: is the new policy better than its parent, on prompts that nothing was trained on?"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import fmean
from typing import TYPE_CHECKING, Any

from feedback_loop.asking.asked import duels
from feedback_loop.brief.brief import PLAIN
from feedback_loop.durable import write_text
from feedback_loop.evaluate import kl_estimate, win_rate
from feedback_loop.gate import promote
from feedback_loop.gate.forgetting import distances, forgotten, preferred
from feedback_loop.gate.gate import Standing
from feedback_loop.gate.votes import COUNTED, SNAPSHOT, Votes
from feedback_loop.lineage import BASE, adapter_files, adapter_folder, policy_name
from feedback_loop.progress import Progress
from feedback_loop.prompts import choose
from feedback_loop.records import Completion, Decision, Preference, Prompt, now
from feedback_loop.report.overview import Sample
from feedback_loop.run import Draft, Run, read_jsonl, write_jsonl
from feedback_loop.stages import guarding
from feedback_loop.stages.agreeing import agreement, witnesses
from feedback_loop.stages.stand_in import as_policy
from feedback_loop.stages.training import reward_folders

if TYPE_CHECKING:
    from policies.base import Policy


@dataclass(frozen=True)
class Answers:
    """A policy's completions to the held-out prompts, in their order, and its KL from the base (nats a completion)."""

    completions: list[Completion]
    kl: float
    logprobs: list[float] = field(default_factory=list)
    """Of the completions, by the policy itself; empty where they were read from an earlier round."""

    @property
    def texts(self) -> list[str]:
        """The completions' text."""
        return [c.completion for c in self.completions]


def evaluate_policy(run: Run, number: int, draft: Draft, report: Progress) -> None:
    """completions.jsonl and samples.jsonl: the new policy against its parent and the base, scored by the reward model.

    Prompts and seed are the same in every round, so a policy that has answered them before is not asked again. The facts
    hold the table of `checks` that promotion asks for besides a win; probes.jsonl and neutral.jsonl are what it is made of.
    In a run with a brief, levels.jsonl and curve.jsonl say how much of it the new policy still needs (`stages.curving`).
    """
    from feedback_loop.stages.curving import score_levels, write_levels
    from policies.base import load_policy
    from reward.score import load_members

    candidate, parent = policy_name(number), run.manifest(number, "policy").facts["parent"]
    asked = heldout_prompts(run, draft, run.recipe.evaluation.prompts)
    draft.use(*run.files(number, "reward"), *run.files(number, "policy"), *adapter_files(run, parent))
    policy = load_policy(run.recipe.model, adapter_folder(run, candidate), name=candidate)
    answers: dict[str, Answers] = {}
    for name in dict.fromkeys((BASE, parent)):
        with as_policy(run, policy, name) as here:
            answers[name] = answered_before(run, number, name, asked) or answer(run, here, asked, report)
    answers[candidate] = answer(run, policy, asked, report)
    kls = answers[parent].kl, answers[candidate].kl, kl_from(run, policy, parent, asked, answers[candidate])
    measured = guarding.measure(run, number, draft, policy, (BASE, parent, candidate), report)
    told = run.manifest(number, "reward").facts.get("next_round_agreement")
    draft.facts["next_round_agreement"] = told or foreseen(run, number, draft, policy)
    plain = {name: answers[name].completions for name in (BASE, candidate)}
    briefed = heldout_prompts(run, draft, run.recipe.brief.prompts)
    levels = write_levels(run, number, draft, policy, briefed, plain, report)
    members = load_members(
        policy.model,
        policy.tokenizer,
        reward_folders(run, number),
        thinking=run.recipe.model.thinking,
        batch_size=run.recipe.sampling.batch_size,
    )
    score_levels(draft, levels, briefed, members)
    scores = {name: members(asked, a.texts) for name, a in answers.items()}
    rewards = {name: [fmean(row) for row in rows] for name, rows in scores.items()}
    write_jsonl(draft.path / "completions.jsonl", (c for a in answers.values() for c in a.completions))
    before, after = ((answers[name].texts, rewards[name]) for name in (parent, candidate))
    write_jsonl(draft.path / "samples.jsonl", side_by_side(asked, before, after))
    seen = {name: guarding.figures(measured[name], a.texts) for name, a in answers.items()}
    checks = [
        preferred(scores[candidate], scores[parent]),
        *distances(kls, run.recipe.promotion, run.recipe.guard),
        *forgotten(seen[BASE], seen[parent], seen[candidate], run.recipe.guard),
    ]
    draft.facts |= {
        "candidate": candidate,
        "parent": parent,
        "win_rate_parent": win_rate(rewards[candidate], rewards[parent]),
        "win_rate_base": win_rate(rewards[candidate], rewards[BASE]),
        "prompts": len(asked),
        "settings": settings(run, asked),
        "policies": {
            name: {"kl": a.kl, "reward": mean(rewards[name]), "length": mean([len(text) for text in a.texts])}
            for name, a in answers.items()
        },
        "checks": [check.model_dump() for check in checks],
    }


def side_by_side(
    asked: Sequence[Prompt], before: tuple[Sequence[str], Sequence[float]], after: tuple[Sequence[str], Sequence[float]]
) -> list[Sample]:
    """Each prompt's answers and rewards before and after."""
    rows = zip(asked, *before, *after, strict=True)
    return [Sample(prompt=p.request, before=b, after=a, reward_before=rb, reward_after=ra) for p, b, rb, a, ra in rows]


def foreseen(run: Run, number: int, draft: Draft, policy: "Policy") -> dict[str, Any] | None:
    """What `agreeing.agreement` says of this round's pairs; None in the first one.

    `policy` lends its base and is left as it was.
    """
    from reward.score import ADAPTER, load_scorer

    if number == 0 or not run.done(number - 1, "reward"):
        return None
    folder = run.stage_folder(number, "preferences")
    pairs = draft.read(folder / "train.jsonl", Preference) + draft.read(folder / "heldout.jsonl", Preference)
    pairs = witnesses(run, number, draft, pairs)
    if not pairs:
        return None
    draft.use(*run.files(number - 1, "reward"))
    score = load_scorer(
        policy.model,
        policy.tokenizer,
        reward_folders(run, number - 1),
        thinking=run.recipe.model.thinking,
        batch_size=run.recipe.sampling.batch_size,
    )
    prompts = [Prompt(id=p.prompt_id, prompt=p.prompt) for p in pairs]
    chosen, rejected = (
        score(prompts, [getattr(p, side)[-1].content for p in pairs]) for side in ("chosen", "rejected")
    )
    forget(policy.model, ADAPTER)
    return agreement(pairs, chosen, rejected)


def forget(network: Any, prefix: str) -> None:
    """Take the adapters whose names begin so off a PEFT model, so that others may have their names."""
    for name in [name for name in getattr(network, "peft_config", {}) if name.startswith(prefix)]:
        network.delete_adapter(name)


def decide_promotion(run: Run, number: int, draft: Draft, votes: Votes, standing: Standing | None) -> None:
    """decision.json: keep the new policy or its parent, and why; the duels' answers: rankings.jsonl, those that stand, for
    whoever learns from them, and counted.jsonl, those that the decision rests on, as they were counted.
    """
    facts = run.manifest(number, "evaluation").facts
    decision = promote.decide(number, facts, run.recipe.promotion, standing, when=now())
    write_decision(run, number, draft, decision, votes)


def write_decision(run: Run, number: int, draft: Draft, decision: Decision, votes: Votes) -> None:
    """The promotion stage's files and facts."""
    draft.inputs += [run.stage_folder(number, name) / "manifest.json" for name in ("evaluation", "duels")]
    write_text(draft.path / "decision.json", decision.model_dump_json(indent=2) + "\n")
    write_jsonl(draft.path / SNAPSHOT, votes.standing)
    write_jsonl(draft.path / COUNTED, votes.counted)
    asked = {c.id for c in duels(run, number) if c.counts}
    counted = sum(r.status == "submitted" and r.comparison_id in asked for r in votes.standing)
    draft.facts |= {"promoted": decision.promoted, "policy": decision.policy, "rankings": counted}


def heldout_prompts(run: Run, draft: Draft, most: int) -> list[Prompt]:
    """The held-out prompts that every round is judged on, as many as `most`; fewer are the first of these."""
    pool = draft.read(run.path / "heldout.jsonl", Prompt)
    return choose(pool, {}, min(most, len(pool)), run.seed(0, "evaluation"))


def kl_from(run: Run, policy: "Policy", parent: str, asked: Sequence[Prompt], answers: Answers) -> float:
    """How far the policy stands from its parent on its own answers, nats a completion."""
    from policies.logprobs import completion_logprobs

    if parent == BASE:
        return answers.kl
    thinking, size = run.recipe.model.thinking, run.recipe.sampling.batch_size
    with as_policy(run, policy, parent) as there:
        reference = completion_logprobs(there, asked, answers.texts, thinking=thinking, batch_size=size)
    return kl_estimate(answers.logprobs, reference)


def answer(run: Run, policy: "Policy", asked: Sequence[Prompt], report: Progress) -> Answers:
    """One completion a prompt, and how far the policy stands from the base on them."""
    from policies.logprobs import completion_logprobs

    thinking, size = run.recipe.model.thinking, run.recipe.sampling.batch_size
    completions = write(run, policy, asked, PLAIN[0], report)
    if policy.name == BASE:
        return Answers(completions, 0.0)
    texts = [c.completion for c in completions]
    here = completion_logprobs(policy, asked, texts, thinking=thinking, batch_size=size)
    there = completion_logprobs(policy, asked, texts, thinking=thinking, batch_size=size, base=True)
    return Answers(completions, kl_estimate(here, there), here)


def write(
    run: Run, policy: "Policy", asked: Sequence[Prompt], instruction: tuple[float | None, str], report: Progress
) -> list[Completion]:
    """One completion a prompt, in the prompts' order, under one instruction; an empty one where only such came."""
    from policies.sampler import sample

    thinking, seed = run.recipe.model.thinking, run.seed(0, "evaluation")
    sampled = sample(
        policy,
        asked,
        run.recipe.sampling,
        completions=1,
        thinking=thinking,
        seed=seed,
        report=report,
        instructions=[instruction],
    )
    made = {c.prompt_id: c for c in sampled.completions}
    empty = Completion(id="", prompt_id="", completion="", policy=policy.name, seed=seed, level=instruction[0])
    return [
        made.get(p.id) or empty.model_copy(update={"id": f"{policy.name}-{p.id}", "prompt_id": p.id}) for p in asked
    ]


def answered_before(run: Run, number: int, name: str, asked: Sequence[Prompt]) -> Answers | None:
    """The policy's answers in an earlier round's evaluation, where prompts and sampling were the same."""
    for n in range(number - 1, -1, -1):
        if not run.done(n, "evaluation"):
            continue
        facts: dict[str, Any] = run.manifest(n, "evaluation").facts
        if facts["settings"] != settings(run, asked) or name not in facts["policies"]:
            continue
        made = read_jsonl(run.stage_folder(n, "evaluation") / "completions.jsonl", Completion)
        return Answers([c for c in made if c.policy == name], facts["policies"][name]["kl"])
    return None


def settings(run: Run, asked: Sequence[Prompt]) -> str:
    """Hash of all that a policy's held-out answers depend on, the policy apart."""
    recipe = run.recipe
    parts = [recipe.seed, recipe.model.model_dump(), recipe.sampling.model_dump(), [p.model_dump() for p in asked]]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]


def mean(values: Sequence[float]) -> float:
    """The mean of a sequence that is not empty."""
    return sum(values) / len(values)
