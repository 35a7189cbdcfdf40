"""The half-a-word curve's answers: base and new policy with all of the brief, less of it, and nothing, on held-out prompts."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from feedback_loop.brief.brief import NAME, Brief, cut, of_round
from feedback_loop.brief.curve import Row, by_reward
from feedback_loop.lineage import BASE
from feedback_loop.progress import Progress
from feedback_loop.records import Completion, Prompt
from feedback_loop.run import Draft, Run, read_jsonl, write_jsonl
from feedback_loop.scores import Members
from feedback_loop.stages.judging import settings, write
from feedback_loop.stages.stand_in import as_policy

if TYPE_CHECKING:
    from policies.base import Policy

LEVELS = "levels.jsonl"
CURVE = "curve.jsonl"
At = dict[tuple[str, float], list[Completion]]
"""Answers by policy and level, in the prompts' order."""


def write_levels(
    run: Run,
    number: int,
    draft: Draft,
    policy: "Policy",
    asked: Sequence[Prompt],
    plain: Mapping[str, Sequence[Completion]],
    report: Progress,
) -> At:
    """levels.jsonl: the answers of the base and of `policy` to `asked` at each level; nothing in a run without a brief.

    `plain` are their answers at level 0 to the first of these or to more, by policy. What an earlier round's base wrote under
    the very same instructions is not written again.
    """
    brief = of_round(run, number)
    if brief is None or not asked:
        return {}
    draft.use(run.stage_folder(number, "prompts") / NAME)
    levels = levels_of(run)
    key = _key(run, asked, brief, levels)
    at: At = {(name, 0.0): [c.model_copy(update={"level": 0.0}) for c in plain[name][: len(asked)]] for name in plain}
    at |= _before(run, number, key)
    for level in levels:
        instruction = level, cut(brief, level)
        for name in (policy.name, BASE):
            there = at.setdefault((name, level), [])
            if len(there) < len(asked):
                with as_policy(run, policy, name) as here:
                    there += write(run, here, asked[len(there) :], instruction, report)
    kept = {(name, level): at[name, level] for name in (BASE, policy.name) for level in levels}
    write_jsonl(draft.path / LEVELS, (c for answers in kept.values() for c in answers))
    tokenizer = policy.tokenizer
    tokens = [len(tokenizer(cut(brief, level), add_special_tokens=False)["input_ids"]) for level in levels]
    draft.facts["brief"] = {"settings": key, "prompts": len(asked), "levels": list(levels), "tokens": tokens}
    return kept


def score_levels(draft: Draft, at: At, asked: Sequence[Prompt], members: Members) -> None:
    """curve.jsonl: win rates by the reward model, which sees the plain request and the answer, as in training."""
    if not at:
        return
    facts = draft.facts["brief"]
    scores = {place: members(asked, [c.completion for c in answers]) for place, answers in at.items()}
    rows = []
    for (name, level), ours in scores.items():
        same = (name, level) == (BASE, 1.0)
        rate, low, high = (0.5, 0.5, 0.5) if same else by_reward(ours, scores[BASE, 1.0])
        tokens = facts["tokens"][facts["levels"].index(level)]
        rows.append(
            Row(
                policy=name,
                level=level,
                tokens=tokens,
                win_rate=rate,
                low=low,
                high=high,
                judge="reward model",
                answers=len(asked),
            )
        )
    write_jsonl(draft.path / CURVE, rows)


def levels_of(run: Run) -> list[float]:
    """The curve's levels, the whole brief first; that and nothing are always among them."""
    return sorted({*run.recipe.brief.levels, 1.0, 0.0}, reverse=True)


def _before(run: Run, number: int, key: str) -> At:
    """The base's answers of an earlier round's curve with the same settings."""
    for n in range(number - 1, -1, -1):
        if run.done(n, "evaluation") and run.manifest(n, "evaluation").facts.get("brief", {}).get("settings") == key:
            found: At = {}
            for c in read_jsonl(run.stage_folder(n, "evaluation") / LEVELS, Completion):
                if c.policy == BASE and c.level is not None:
                    found.setdefault((BASE, c.level), []).append(c)
            return found
    return {}


def _key(run: Run, asked: Sequence[Prompt], brief: Brief, levels: Sequence[float]) -> str:
    """Hash of all that the answers depend on, the policy apart."""
    parts = [settings(run, asked), [(level, cut(brief, level)) for level in levels]]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]
