"""From prompts to comparisons, and from rankings to preferences."""

import hashlib
import json
import random
from collections import Counter
from collections.abc import Sequence

from feedback_loop import prompts
from feedback_loop.errors import LoopError
from feedback_loop.lineage import adapter_folder, current_policy
from feedback_loop.preferences import preferences, split
from feedback_loop.progress import Progress
from feedback_loop.records import Comparison, Completion, Preference, Prompt, Ranking
from feedback_loop.run import Draft, Run, read_jsonl, write_jsonl


def choose_prompts(run: Run, number: int, draft: Draft, report: Progress) -> None:
    """prompts.jsonl: the requests of this round, the least used first."""
    pool = draft.read(run.path / "prompts.jsonl", Prompt)
    earlier = (run.stage_folder(n, "prompts") / "prompts.jsonl" for n in range(number))
    used = Counter(p.id for file in earlier for p in read_jsonl(file, Prompt))
    chosen = prompts.choose(pool, used, run.recipe.prompts.per_round, run.seed(number, "prompts"))
    write_jsonl(draft.path / "prompts.jsonl", chosen)
    draft.facts["prompts"] = len(chosen)


def make_comparisons(run: Run, number: int, draft: Draft, report: Progress) -> None:
    """comparisons.jsonl: two completions a prompt by the policy in force, in a random order that is recorded."""
    from policies.base import load_policy
    from policies.sampler import sample

    recipe, seed, name = run.recipe, run.seed(number, "comparisons"), current_policy(run)
    asked = draft.read(run.stage_folder(number, "prompts") / "prompts.jsonl", Prompt)
    sampled = sample(
        load_policy(recipe.model, adapter_folder(run, name), name=name),
        asked,
        recipe.sampling,
        completions=recipe.sampling.completions,
        thinking=recipe.model.thinking,
        seed=seed,
        report=report,
    )
    made = pair_up(number, asked, sampled.completions, seed)
    if not made:
        raise LoopError(
            f"Round {number:03d}: the model wrote the same answer twice to every prompt, so there is nothing to rank. "
            f"Raise sampling.temperature in {run.path / 'recipe.toml'}"
        )
    write_jsonl(draft.path / "comparisons.jsonl", made)
    draft.facts |= {"policy": name, "comparisons": len(made), "dropped": len(sampled.dropped)}


def pair_up(number: int, asked: Sequence[Prompt], completions: Sequence[Completion], seed: int) -> list[Comparison]:
    """Comparisons of each prompt's completions; which one stands first is drawn from the seed.

    The id holds a hash of the content, so a ranking can never be taken for one of other answers.
    """
    rng = random.Random(seed)
    answers: dict[str, list[Completion]] = {}
    for completion in completions:
        answers.setdefault(completion.prompt_id, []).append(completion)
    made = []
    for index, prompt in enumerate(asked):
        pair = answers.pop(prompt.id, [])
        if len(pair) < 2:
            continue
        content = json.dumps([prompt.messages, [c.completion for c in pair]])
        digest = hashlib.sha256(content.encode()).hexdigest()[:8]
        rng.shuffle(pair)
        identity = f"r{number:03d}-{index:03d}-{digest}"
        made.append(Comparison(id=identity, round=number, prompt=prompt, completions=tuple(pair)))
    return made


def build_preferences(run: Run, number: int, draft: Draft, report: Progress) -> None:
    """train.jsonl and heldout.jsonl: the preferences of this and all earlier rounds, held out by prompt."""
    pairs: list[Preference] = []
    for n in range(number + 1):
        comparisons = draft.read(run.stage_folder(n, "comparisons") / "comparisons.jsonl", Comparison)
        rankings = draft.read(run.stage_folder(n, "rankings") / "rankings.jsonl", Ranking)
        pairs += preferences(comparisons, rankings)
    train, heldout = split(pairs, run.recipe.preferences.heldout, run.recipe.seed)
    write_jsonl(draft.path / "train.jsonl", train)
    write_jsonl(draft.path / "heldout.jsonl", heldout)
    draft.facts |= {
        "train": len(train),
        "heldout": len(heldout),
        "ties": sum(p.tie for p in pairs),
        "edits": sum(p.source == "edit" for p in pairs),
    }
