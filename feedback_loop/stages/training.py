"""The two trainings of a round: the reward model, then the policy."""

from pathlib import Path
from typing import Any

from feedback_loop import tracking
from feedback_loop.lineage import adapter_folder, current_policy, policy_name
from feedback_loop.progress import Progress
from feedback_loop.prompts import choose
from feedback_loop.records import Preference, Prompt
from feedback_loop.run import Draft, Run


def train_reward(run: Run, number: int, draft: Draft, report: Progress) -> None:
    """adapter/ (LoRA and score head) and curves.jsonl of the reward model."""
    from reward.train import train_reward as train

    folder = run.stage_folder(number, "preferences")
    with tracking.stage_run(run, number, "reward") as tracked:
        draft.facts |= train(
            run.recipe.model,
            run.recipe.reward,
            draft.read(folder / "train.jsonl", Preference),
            draft.read(folder / "heldout.jsonl", Preference),
            out=draft.path / "adapter",
            work=draft.work,
            seed=run.seed(number, "reward"),
            thinking=run.recipe.model.thinking,
            report=report,
        )
        tracked.finish(draft.facts)


def train_policy(run: Run, number: int, draft: Draft, report: Progress) -> None:
    """adapter/ and curves.jsonl of the policy; its starting point and reference stand in the manifest.

    It learns from all of people's pairs: the held-out ones are kept from the reward model alone, to measure it.
    """
    from policies.dpo import train_dpo

    folder = run.stage_folder(number, "preferences")
    pairs = draft.read(folder / "train.jsonl", Preference) + draft.read(folder / "heldout.jsonl", Preference)
    parent = current_policy(run)
    if run.recipe.policy.pseudo_pairs:
        pairs += _pseudo_pairs(run, number, parent, draft, report)
    with tracking.stage_run(run, number, "policy") as tracked:
        facts: dict[str, Any] = train_dpo(
            run.recipe.model,
            run.recipe.policy,
            pairs,
            parent_adapter=adapter_folder(run, parent),
            out=draft.path / "adapter",
            work=draft.work,
            seed=run.seed(number, "policy"),
            report=report,
        )
        draft.facts |= facts | {"policy": policy_name(number), "parent": parent}
        tracked.finish(draft.facts, adapter=draft.path / "adapter")


def reward_folder(run: Run, number: int) -> Path:
    """Where a round's reward model lies."""
    return run.stage_folder(number, "reward") / "adapter"


def _pseudo_pairs(run: Run, number: int, parent: str, draft: Draft, report: Progress) -> list[Preference]:
    """Fresh pairs of the policy in force on the run's training prompts, ranked by this round's reward model."""
    from policies.base import load_policy
    from policies.sampler import sample
    from reward.pseudo import rank_pairs
    from reward.score import load_scorer

    recipe, seed = run.recipe, run.seed(number, "policy")
    pool = draft.read(run.path / "prompts.jsonl", Prompt)
    asked = choose(pool, {}, min(recipe.policy.pseudo_pairs, len(pool)), seed)
    policy = load_policy(recipe.model, adapter_folder(run, parent), name=parent)
    sampled = sample(
        policy,
        asked,
        recipe.sampling,
        completions=recipe.policy.pseudo_completions,
        thinking=recipe.model.thinking,
        seed=seed,
        report=report,
    )
    score = load_scorer(
        policy.model,
        policy.tokenizer,
        reward_folder(run, number),
        thinking=recipe.model.thinking,
        batch_size=recipe.sampling.batch_size,
    )
    pairs = rank_pairs(asked, sampled.completions, score, round=number)
    draft.facts["pseudo_pairs"] = len(pairs)
    return pairs
