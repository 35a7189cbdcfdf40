"""From prompts to comparisons, and from rankings to preferences."""

import hashlib
import json
import random
import zlib
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from feedback_loop import prompts
from feedback_loop.consistency import consistent, evidence, weighed, weighed_disliked
from feedback_loop.errors import LoopError
from feedback_loop.lineage import adapter_folder, current_policy
from feedback_loop.preferences import disliked, preferences, split
from feedback_loop.progress import Progress
from feedback_loop.records import Comparison, Completion, Disliked, Preference, Prompt, Ranking, Strategy
from feedback_loop.run import Draft, Run, files_below, read_jsonl, write_jsonl

if TYPE_CHECKING:
    import numpy as np

    from policies.base import Policy

FEATURES = "features.safetensors"


def choose_prompts(run: Run, number: int, draft: Draft, report: Progress) -> None:
    """prompts.jsonl: the requests of this round, the least used first."""
    pool = draft.read(run.path / "prompts.jsonl", Prompt)
    earlier = (run.stage_folder(n, "prompts") / "prompts.jsonl" for n in range(number))
    used = Counter(p.id for file in earlier for p in read_jsonl(file, Prompt))
    chosen = prompts.choose(pool, used, run.recipe.prompts.per_round, run.seed(number, "prompts"))
    write_jsonl(draft.path / "prompts.jsonl", chosen)
    draft.facts["prompts"] = len(chosen)


def make_comparisons(run: Run, number: int, draft: Draft, report: Progress) -> None:
    """comparisons.jsonl: two of a prompt's candidates by the policy in force, in a random order that is recorded.

    candidates.jsonl holds all candidates; with `reward.form = "head"`, features.safetensors what the base makes of each.
    """
    from policies.base import load_policy
    from policies.sampler import sample
    from reward.acquire import check_choice

    recipe, seed, name = run.recipe, run.seed(number, "comparisons"), current_policy(run)
    check_choice(recipe.asking.strategy, recipe.reward.members, recipe.sampling.completions)
    strategy = recipe.asking.strategy if _judge(run, number) else "random"
    asked = draft.read(run.stage_folder(number, "prompts") / "prompts.jsonl", Prompt)
    policy = load_policy(recipe.model, adapter_folder(run, name), name=name)
    candidates = sample(
        policy,
        asked,
        recipe.sampling,
        completions=2 if strategy == "random" else recipe.sampling.completions,
        thinking=recipe.model.thinking,
        seed=seed,
        report=report,
    ).completions
    several = [p.id for p in asked if sum(c.prompt_id == p.id for c in candidates) > 1]
    if not several:
        raise LoopError(
            f"Round {number:03d}: the model wrote the same answer twice to every prompt, so there is nothing to rank. "
            f"Raise sampling.temperature in {run.path / 'recipe.toml'}"
        )
    choice = [name for name in several if sum(c.prompt_id == name for c in candidates) > 2]
    plain: dict[str, Strategy] = dict.fromkeys(several, "random")
    selections = plain | select(choice, strategy, recipe.asking.random_share, seed)
    read = _read(run, draft, policy, asked, candidates, report) if recipe.reward.form == "head" else {}
    judged = [c for c in candidates if selections.get(c.prompt_id, "random") != "random"]
    scores = _scores(run, number, draft, policy, asked, judged, read) if judged else {}
    made = pair_up(number, asked, pick(candidates, selections, scores, seed), seed, selections)
    write_jsonl(draft.path / "comparisons.jsonl", made)
    write_jsonl(draft.path / "candidates.jsonl", candidates)
    draft.facts |= {
        "policy": name,
        "comparisons": len(made),
        "dropped": len(asked) - len(made),
        "candidates": len(candidates),
        "selections": dict(Counter(c.selection for c in made)),
    }


def select(prompt_ids: Sequence[str], strategy: Strategy, random_share: float, seed: int) -> dict[str, Strategy]:
    """How each prompt's pair is picked: `random_share` of them, drawn from the seed alone, at random, the others by strategy.

    The share is rounded to whole prompts.
    """
    count = round(random_share * len(prompt_ids))
    drawn = set(random.Random(f"{seed}/random_share").sample(prompt_ids, count))
    return {name: "random" if name in drawn else strategy for name in prompt_ids}


def pick(
    candidates: Sequence[Completion],
    selections: Mapping[str, Strategy],
    scores: Mapping[str, Sequence[float]],
    seed: int,
) -> list[Completion]:
    """The two candidates to ask of each prompt in `selections`, in the candidates' order.

    `scores` holds each candidate's by every member, by its id; it may lack those of prompts picked at random. A prompt's
    random pair hangs on the seed and the prompt's id, not on any score.
    """
    import numpy as np

    from reward.acquire import STRATEGIES

    picked = []
    for name, selection in selections.items():
        own = [c for c in candidates if c.prompt_id == name]
        known = [[0.0]] * len(own) if selection == "random" else [scores[c.id] for c in own]
        rng = np.random.default_rng([seed, zlib.crc32(name.encode())])
        picked += [own[place] for place in sorted(STRATEGIES[selection](np.array(known), rng))]
    return picked


def pair_up(
    number: int,
    asked: Sequence[Prompt],
    completions: Sequence[Completion],
    seed: int,
    selections: Mapping[str, Strategy] | None = None,
) -> list[Comparison]:
    """Comparisons of each prompt's completions; which one stands first is drawn from the seed.

    The id holds a hash of the content, so a ranking can never be taken for one of other answers. `selections` says how each
    prompt's were picked; at random where it does not.
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
        made.append(
            Comparison(
                id=f"r{number:03d}-{index:03d}-{digest}",
                round=number,
                prompt=prompt,
                completions=tuple(pair),
                selection=(selections or {}).get(prompt.id, "random"),
            )
        )
    return made


def candidate_features(run: Run, number: int) -> "tuple[list[Completion], np.ndarray]":
    """All candidates of a round and their features, float32 (candidates, features).

    Without candidates and of shape (0, 0) where the stage kept none: it was done before `reward.form = "head"`. LoopError
    where the two files do not belong together.
    """
    import numpy as np
    from safetensors.numpy import load_file

    folder = run.stage_folder(number, "comparisons")
    if not (folder / FEATURES).exists():
        return [], np.zeros((0, 0), np.float32)
    candidates, features = read_jsonl(folder / "candidates.jsonl", Completion), load_file(folder / FEATURES)["features"]
    if len(features) != len(candidates):
        raise LoopError(
            f"{folder / FEATURES}: {len(features)} rows for {len(candidates)} candidates. "
            f"Make it again: feedback-loop redo {run.path} comparisons --round {number}"
        )
    return candidates, features


def _judge(run: Run, number: int) -> list[Path]:
    """Where the reward models lie by which this round's pairs are picked: the last round's; empty in the first round."""
    from feedback_loop.stages.training import reward_folders

    return reward_folders(run, number - 1) if number > 0 and run.done(number - 1, "reward") else []


def _scores(
    run: Run,
    number: int,
    draft: Draft,
    policy: "Policy",
    asked: Sequence[Prompt],
    candidates: Sequence[Completion],
    read: "Mapping[str, np.ndarray]",
) -> dict[str, list[float]]:
    """Each candidate's score by every member of the last round's reward model, by the candidate's id; `read` as of `_read`."""
    import numpy as np

    from reward.head import load
    from reward.score import is_head, load_members

    folders, recipe = _judge(run, number), run.recipe
    draft.inputs += [file for folder in folders for file in files_below(folder)]
    if read and is_head(folders[0]):
        rows = load(folders[0]).scores(np.stack([read[c.id] for c in candidates])).tolist()
    else:
        members = load_members(
            policy.model,
            policy.tokenizer,
            folders,
            thinking=recipe.model.thinking,
            batch_size=recipe.sampling.batch_size,
        )
        prompts = {p.id: p for p in asked}
        rows = members([prompts[c.prompt_id] for c in candidates], [c.completion for c in candidates])
    return {c.id: row for c, row in zip(candidates, rows, strict=True)}


def _read(
    run: Run,
    draft: Draft,
    policy: "Policy",
    asked: Sequence[Prompt],
    candidates: Sequence[Completion],
    report: Progress,
) -> "dict[str, np.ndarray]":
    """Each candidate's features, by its id; and features.safetensors, a row for each line of candidates.jsonl."""
    from safetensors.numpy import save_file

    from reward.features import features

    prompts = {p.id: p for p in asked}
    found = features(
        policy.model,
        policy.tokenizer,
        [prompts[c.prompt_id] for c in candidates],
        [c.completion for c in candidates],
        thinking=run.recipe.model.thinking,
        batch_size=run.recipe.sampling.batch_size,
        report=report,
    )
    save_file({"features": found}, draft.path / FEATURES)
    return {c.id: row for c, row in zip(candidates, found, strict=True)}


def build_preferences(run: Run, number: int, draft: Draft, report: Progress) -> None:
    """train.jsonl and heldout.jsonl: the preferences of this and all earlier rounds, held out by prompt; disliked.jsonl.

    Whose choices are less consistent by the evidence of all these rounds has a lower weight.
    """
    weights, asked, given = run.recipe.preferences.weights, list[Comparison](), list[Ranking]()
    pairs: list[Preference] = []
    poor: list[Disliked] = []
    for n in range(number + 1):
        comparisons = draft.read(run.stage_folder(n, "comparisons") / "comparisons.jsonl", Comparison)
        rankings = draft.read(run.stage_folder(n, "rankings") / "rankings.jsonl", Ranking)
        pairs += preferences(comparisons, rankings, weights)
        poor += disliked(comparisons, rankings, weights)
        asked, given = asked + comparisons, given + rankings
    consistency = consistent(run.recipe.preferences, asked, given)
    pairs, poor = weighed(pairs, consistency), weighed_disliked(poor, consistency)
    train, heldout = split(pairs, run.recipe.preferences.heldout, run.recipe.seed)
    write_jsonl(draft.path / "train.jsonl", train)
    write_jsonl(draft.path / "heldout.jsonl", heldout)
    write_jsonl(draft.path / "disliked.jsonl", poor)
    draft.facts |= {
        "train": len(train),
        "heldout": len(heldout),
        "ties": sum(p.tie for p in pairs),
        "edits": sum(p.source == "edit" for p in pairs),
        "disliked": len(poor),
        "consistency": {name: e.model_dump() for name, e in evidence(asked, given).items()},
        "consistency_weights": consistency,
    }
