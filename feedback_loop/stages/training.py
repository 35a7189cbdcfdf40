"""The two trainings of a round: the reward model, then the policy."""

import hashlib
import json
import os
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from feedback_loop import prompts, tracking
from feedback_loop.asking.asked import candidate_features, feature_files
from feedback_loop.begin import shipped
from feedback_loop.brief import brief
from feedback_loop.damage import sha256, written
from feedback_loop.errors import UsageError
from feedback_loop.examples.demonstrations import Demonstration, best
from feedback_loop.lineage import adapter_files, adapter_folder, current_policy, policy_name
from feedback_loop.progress import Progress
from feedback_loop.records import Disliked, Preference, Prompt
from feedback_loop.repair.contradictions import Judged, measured
from feedback_loop.run import Draft, Run, read_jsonl
from feedback_loop.stages.agreeing import by_head
from feedback_loop.thinning import thinned
from feedback_loop.versions import packages

if TYPE_CHECKING:
    from policies.task import Task


def train_reward(run: Run, number: int, draft: Draft, report: Progress) -> None:
    """The reward model (adapter/, adapter-1/, ... by LoRA; head/), checked.jsonl and curves.jsonl.

    `contradicted` counts the earlier labels of which it finds the opposite true.
    """
    with tracking.stage_run(run, number, "reward") as tracked:
        if run.recipe.reward.form == "head":
            draft.facts |= _fit_head(run, number, draft, report, tracked.log)
        else:
            draft.facts |= _train_lora(run, number, draft, report)
        judged = read_jsonl(draft.path / "checked.jsonl", Judged)
        draft.facts["contradicted"] = len(measured(judged, number, draft.facts))
        tracked.finish(draft.facts)


def _train_lora(run: Run, number: int, draft: Draft, report: Progress) -> dict[str, Any]:
    from reward.train import check_options, train_reward

    check_options(run.recipe.reward)
    if run.recipe.reward.annotators == "measured":
        raise UsageError(
            'reward.annotators = "measured" needs reward.form = "head". Set that, or "equal" and preferences.weights'
        )
    folder = run.stage_folder(number, "preferences")
    return train_reward(
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


def _fit_head(
    run: Run, number: int, draft: Draft, report: Progress, track: Callable[[Mapping[str, float]], None]
) -> dict[str, Any]:
    """A head learns from all pairs: it is cross-validated."""
    from reward.fit import train_head

    folder = run.stage_folder(number, "preferences")
    pairs = draft.read(folder / "train.jsonl", Preference) + draft.read(folder / "heldout.jsonl", Preference)
    poor = folder / "disliked.jsonl"  # absent where an older version made the stage
    known: dict[tuple[str, str], Any] = {}
    for n in range(number + 1):
        draft.use(*feature_files(run, n))
        completions, rows = candidate_features(run, n)
        known |= {(c.prompt_id, c.completion): row for c, row in zip(completions, rows, strict=True)}
    told = {"next_round_agreement": by_head(run, number, draft, pairs, known)} if number else {}
    return told | train_head(
        run.recipe.model,
        run.recipe.reward,
        sorted(pairs, key=lambda p: (p.round, p.comparison_id, p.user_id, p.source)),
        draft.read(poor, Disliked) if written(poor) else [],
        known=known,
        out=draft.path / "head",
        seed=run.seed(number, "reward"),
        thinking=run.recipe.model.thinking,
        batch_size=run.recipe.sampling.batch_size,
        report=report,
        track=track,
        consistency=run.manifest(number, "preferences").facts.get("consistency_weights") or {},
    )


def train_policy(run: Run, number: int, draft: Draft, report: Progress) -> None:
    """adapter/, curves.jsonl and samples.jsonl of the policy, by the recipe's step; where it started is in the manifest.

    It learns from all of people's pairs: the held-out ones are kept from the reward model alone, to measure it.
    """
    from policies.steps import STEPS, check_options

    check_options(run.recipe.policy)
    _check_launcher(run)
    parent = current_policy(run)
    with tracking.stage_run(run, number, "policy") as tracked:
        task = policy_task(run, number, draft, report, tracked.log)
        facts = STEPS[run.recipe.policy.step](task)
        draft.facts |= facts | {"policy": policy_name(number), "parent": parent}
        tracked.finish(draft.facts, adapter=draft.path / "adapter")


def policy_task(
    run: Run, number: int, draft: Draft, report: Progress, track: Callable[..., None], baked: Path | None = None
) -> "Task":
    """All that a policy step is given; of people's pairs, each as often as its weight says.

    `baked` is the brief that is moved into the adapter; the one that the round works by, where None.
    """
    from policies.task import Task
    from reward.score import load_members

    recipe, folder = run.recipe, run.stage_folder(number, "preferences")
    pairs = draft.read(folder / "train.jsonl", Preference) + draft.read(folder / "heldout.jsonl", Preference)
    asked = draft.read(run.path / "prompts.jsonl", Prompt)
    rewards, parent = reward_folders(run, number), adapter_folder(run, current_policy(run))
    draft.use(*run.files(number, "reward"), *adapter_files(run, current_policy(run)))
    run.cache.mkdir(exist_ok=True)
    neutral = _neutral(run, draft) if recipe.policy.step == "bake" or recipe.policy.hold else []
    instruction = (
        _to_bake(run, baked or brief.file_of_round(run, number), draft) if recipe.policy.step == "bake" else ""
    )
    return Task(
        model=recipe.model,
        policy=recipe.policy,
        sampling=recipe.sampling,
        pairs=thinned(pairs, run.seed(number, "policy")),
        prompts=asked,
        parent=parent,
        reward=rewards[0],
        load_members=partial(
            load_members, folders=rewards, thinking=recipe.model.thinking, batch_size=recipe.sampling.batch_size
        ),
        accuracy=run.manifest(number, "reward").facts.get("accuracy_low"),
        out=draft.path,
        work=draft.work,
        resume=draft.resumed(_key(run, number, draft)),
        cache=run.cache,
        seed=run.seed(number, "policy"),
        run_seed=run.seed(0, "policy"),
        report=report,
        track=track,
        brief=instruction,
        demonstrations=_demonstrations(run, number, pairs, draft) if recipe.policy.step == "ditto" else [],
        neutral=neutral,
    )


def _demonstrations(run: Run, number: int, pairs: Sequence[Preference], draft: Draft) -> list[Demonstration]:
    poor = run.stage_folder(number, "preferences") / "disliked.jsonl"
    oldest_first = sorted(pairs, key=lambda p: p.round)
    return best(oldest_first, draft.read(poor, Disliked) if written(poor) else [])


def _to_bake(run: Run, said: Path, draft: Draft) -> str:
    """The whole brief; UsageError where there is none."""
    if not said.exists():
        raise UsageError(
            f'policy.step = "bake" moves a brief into the adapter, and {said} is not there: the round began without one. '
            f"Write {brief.file_of(run)}, then: feedback-loop redo {run.path} prompts"
        )
    draft.use(said)
    return brief.cut(brief.read(said), 1.0)


def _neutral(run: Run, draft: Draft) -> list[Prompt]:
    """The chats of which neither the brief nor people's wishes say anything."""
    file = shipped("prompts", run.recipe.policy.neutral_file, ".jsonl")
    asked = {p.prompt for p in read_jsonl(run.path / "prompts.jsonl", Prompt)}
    draft.facts["neutral_sha256"] = sha256(file)
    return [p for p in prompts.load(file) if p.prompt not in asked]


def reward_folders(run: Run, number: int) -> list[Path]:
    """Where a round's reward models lie, the first one first; a head is one folder."""
    folder = run.stage_folder(number, "reward")
    if (folder / "head").exists():
        return [folder / "head"]
    return [folder / "adapter", *sorted(folder.glob("adapter-*"))]


def _check_launcher(run: Run) -> None:
    """UsageError where a launcher starts several processes for a step that draws its own answers in one."""
    if int(os.environ.get("WORLD_SIZE", "1")) > 1 and run.recipe.policy.step in ("ppo", "rloo", "bon", "bake", "ditto"):
        raise UsageError(
            f'policy.step = "{run.recipe.policy.step}" runs in one process. Set launcher = "" in {run.path / "recipe.toml"}'
        )


def _key(run: Run, number: int, draft: Draft) -> str:
    """Hash of all that an unfinished policy step hangs on: one of other labels or another recipe is begun anew."""
    from feedback_loop.models import fingerprint

    parts = [run.recipe_digest, run.seed(number, "policy"), fingerprint(run.recipe.model), packages()]
    parts += [draft.digest(file) for file in draft.inputs]
    parts += [draft.facts.get("neutral_sha256")]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()
