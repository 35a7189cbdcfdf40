"""From prompts to comparisons, and from rankings to preferences."""

import random
import zlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from feedback_loop import prompts
from feedback_loop.asking.asked import FEATURES, still_needed
from feedback_loop.asking.upcoming import candidates as per_prompt
from feedback_loop.asking.upcoming import group_size, strategy, uses
from feedback_loop.brief import brief
from feedback_loop.damage import checked
from feedback_loop.durable import write_text
from feedback_loop.errors import LoopError
from feedback_loop.labels import learned
from feedback_loop.lineage import BASE, adapter_files, adapter_folder, current_policy
from feedback_loop.preferences import disliked, faded, preferences, split
from feedback_loop.progress import Progress
from feedback_loop.records import Comparison, Completion, Prompt, Strategy
from feedback_loop.repair import discards
from feedback_loop.repair.contradictions import direct
from feedback_loop.run import Draft, Run, files_below, write_jsonl
from feedback_loop.stages.beside import checks, identity, repeats
from feedback_loop.team.consistency import consistent, evidence, weighed, weighed_disliked

if TYPE_CHECKING:
    import numpy as np

    from feedback_loop.scores import Members
    from policies.base import Policy


def choose_prompts(run: Run, number: int, draft: Draft, report: Progress) -> None:
    """prompts.jsonl: the requests of this round, the least used first; brief.md: the brief that the whole round works by."""
    pool = draft.read(run.path / "prompts.jsonl", Prompt)
    seed = run.seed(number, "prompts")
    wanted, needed = run.recipe.prompts.per_round, run.recipe.rankings.needed
    wanted = -(-wanted * still_needed(run, number) // needed)
    chosen = prompts.choose(pool, uses(run, number), wanted, seed)
    write_jsonl(draft.path / "prompts.jsonl", chosen)
    draft.facts["prompts"] = len(chosen)
    if (found := brief.load(run)) is not None:
        draft.use(brief.file_of(run))
        write_text(draft.path / brief.NAME, found.text)


@dataclass(frozen=True)
class Models:
    """What a round's comparisons are made by, loaded when first asked for and once for all of them."""

    run: Run
    number: int

    @cached_property
    def policy(self) -> "Policy":
        """The policy in force."""
        from policies.base import load_policy

        name = current_policy(self.run)
        for file in adapter_files(self.run, name):
            checked(file)
        return load_policy(self.run.recipe.model, adapter_folder(self.run, name), name=name)

    @cached_property
    def members(self) -> "Members":
        """The last round's reward models, on the policy's base."""
        from reward.score import load_members

        recipe, policy = self.run.recipe, self.policy
        return load_members(
            policy.model,
            policy.tokenizer,
            _judge(self.run, self.number),
            thinking=recipe.model.thinking,
            batch_size=recipe.sampling.batch_size,
        )


def make_comparisons(run: Run, number: int, draft: Draft, report: Progress, models: Models | None = None) -> None:
    """comparisons.jsonl of the first group of the round's prompts, so that ranking begins soon; the rest: `more.py`.

    Where the model writes the same answer twice to every one of them, the next group takes their place.
    """
    asked = draft.read(run.stage_folder(number, "prompts") / "prompts.jsonl", Prompt)
    models, size, start = models or Models(run, number), group_size(run, number), 0
    while not ask(models, draft, report, asked[start : start + size], start, "comparisons"):
        start += size
        if start >= len(asked):
            raise LoopError(
                f"Round {number:03d}: the model wrote the same answer twice to every prompt, so there is nothing to rank. "
                f"Raise sampling.temperature in {run.path / 'recipe.toml'}"
            )
    covered = min(start + size, len(asked))
    draft.facts |= {"prompts": covered, "dropped": covered - draft.facts["comparisons"]}


def ask(models: Models, draft: Draft, report: Progress, asked: Sequence[Prompt], start: int, stage: str) -> int:
    """comparisons.jsonl of a group of prompts: some of each one's candidates, in a random order; how many, and facts of them.

    In a run with a brief, a prompt's candidates are written at the levels of `brief.sampled` in turn, those under the whole
    brief by the base, which is what the half-a-word curve measures policies against; the comparison's prompt is the plain
    one. After these come repeats and checks (`stages.beside`). candidates.jsonl holds all candidates; with `reward.form =
    "head"`, features.safetensors what the base makes of each. `start` is the group's place among the round's prompts,
    `stage` the stage or batch that is made.
    """
    from policies.sampler import sample
    from reward.acquire import check_choice

    run, number, recipe = models.run, models.number, models.run.recipe
    seed, asking = run.seed(number, stage), recipe.asking
    check_choice(asking.strategy, recipe.reward.members, recipe.sampling.completions, asking.answers)
    said = brief.of_round(run, number)
    draft.use(*([run.stage_folder(number, "prompts") / brief.NAME] if said else []))
    candidates = sample(
        models.policy,
        asked,
        recipe.sampling,
        completions=per_prompt(run, number),
        thinking=recipe.model.thinking,
        seed=seed,
        report=report,
        instructions=brief.instructions(said, recipe.brief.sampled),
        whole_by=BASE if min(recipe.brief.sampled) < 1 else "",
    ).completions
    selections = _selections(run, number, asked, candidates, seed, start)
    with_features = recipe.reward.form == "head" and bool(candidates)
    read = _read(models, draft, asked, candidates, report) if with_features else {}
    judged = [c for c in candidates if selections.get(c.prompt_id, "random") != "random"]
    scores = _scores(models, draft, asked, judged, read) if judged else {}
    made = pair_up(number, asked, pick(candidates, selections, scores, seed, asking.answers), seed, selections, start)
    again = repeats(made, asking.repeats, seed, start)
    known = checks(number, asked, candidates, asking.checks, asking.answers, seed, start)
    write_jsonl(draft.path / "comparisons.jsonl", [*made, *again, *known])
    write_jsonl(draft.path / "candidates.jsonl", candidates)
    if said:
        draft.facts["levels"] = dict(Counter(str(c.level) for c in candidates))
    draft.facts |= {
        "policy": models.policy.name,
        "prompts": len(asked),
        "comparisons": len(made),
        "answers": asking.answers,
        "repeats": len(again),
        "checks": len(known),
        "dropped": len(asked) - len(made),
        "candidates": len(candidates),
        "selections": dict(Counter(c.selection for c in made)),
    }
    return len(made)


def _selections(
    run: Run, number: int, asked: Sequence[Prompt], candidates: Sequence[Completion], seed: int, start: int
) -> dict[str, Strategy]:
    """How each prompt's answers are picked, for those with several; at random where there are no more than are shown."""
    counts = Counter(c.prompt_id for c in candidates)
    several = [p.id for p in asked if counts[p.id] > 1]
    choice = [name for name in several if counts[name] > run.recipe.asking.answers]
    plain: dict[str, Strategy] = dict.fromkeys(several, "random")
    return plain | select(choice, strategy(run, number), run.recipe.asking.random_share, seed, start)


def select(
    prompt_ids: Sequence[str], strategy: Strategy, random_share: float, seed: int, start: int = 0
) -> dict[str, Strategy]:
    """How each prompt's pair is picked: `random_share` of them, drawn from the seed alone, at random, the others by strategy.

    The share is rounded to whole prompts, those before `start` counted in: the groups of a round keep it together.
    """
    count = round(random_share * (start + len(prompt_ids))) - round(random_share * start)
    drawn = set(random.Random(f"{seed}/random_share").sample(prompt_ids, count))
    return {name: "random" if name in drawn else strategy for name in prompt_ids}


def pick(
    candidates: Sequence[Completion],
    selections: Mapping[str, Strategy],
    scores: Mapping[str, Sequence[float]],
    seed: int,
    answers: int = 2,
) -> list[Completion]:
    """The candidates to ask of each prompt in `selections`, in the candidates' order: a pair by its strategy, and what
    `reward.acquire.fill` adds where `answers` is more.

    `scores` holds each candidate's by every member, by its id; it may lack those of prompts picked at random. A prompt's
    random answers hang on the seed and the prompt's id, not on any score.
    """
    import numpy as np

    from reward.acquire import STRATEGIES, fill

    picked = []
    for name, selection in selections.items():
        own = [c for c in candidates if c.prompt_id == name]
        known = np.array([[0.0]] * len(own) if selection == "random" else [scores[c.id] for c in own])
        rng = np.random.default_rng([seed, zlib.crc32(name.encode())])
        pair = STRATEGIES[selection](known, rng)
        picked += [own[place] for place in sorted(fill(known, pair, answers, rng))]
    return picked


def pair_up(
    number: int,
    asked: Sequence[Prompt],
    completions: Sequence[Completion],
    seed: int,
    selections: Mapping[str, Strategy] | None = None,
    start: int = 0,
) -> list[Comparison]:
    """Comparisons of each prompt's completions; which one stands where is drawn from the seed.

    `selections` says how each prompt's were picked; at random where it does not. `start` is the first prompt's place in the
    round.
    """
    rng = random.Random(seed)
    answers: dict[str, list[Completion]] = {}
    for completion in completions:
        answers.setdefault(completion.prompt_id, []).append(completion)
    made = []
    for index, prompt in enumerate(asked, start):
        shown = answers.pop(prompt.id, [])
        if len(shown) < 2:
            continue
        name = identity(number, index, prompt, shown, "label")
        rng.shuffle(shown)
        made.append(
            Comparison(
                id=name,
                round=number,
                prompt=prompt,
                completions=tuple(shown),
                selection=(selections or {}).get(prompt.id, "random"),
            )
        )
    return made


def _judge(run: Run, number: int) -> list[Path]:
    """Where the reward models lie by which this round's pairs are picked: the last round's; empty in the first round."""
    from feedback_loop.stages.training import reward_folders

    return reward_folders(run, number - 1) if number > 0 and run.done(number - 1, "reward") else []


def _scores(
    models: Models,
    draft: Draft,
    asked: Sequence[Prompt],
    candidates: Sequence[Completion],
    read: "Mapping[str, np.ndarray]",
) -> dict[str, list[float]]:
    """Each candidate's score by every member of the last round's reward model, by the candidate's id; `read` as of `_read`."""
    import numpy as np

    from reward.head import load
    from reward.score import is_head

    folders = _judge(models.run, models.number)
    draft.use(*(file for folder in folders for file in files_below(folder)))
    if read and is_head(folders[0]):
        rows = load(folders[0]).scores(np.stack([read[c.id] for c in candidates])).tolist()
    else:
        prompts = {p.id: p for p in asked}
        rows = models.members([prompts[c.prompt_id] for c in candidates], [c.completion for c in candidates])
    return {c.id: row for c, row in zip(candidates, rows, strict=True)}


def _read(
    models: Models, draft: Draft, asked: Sequence[Prompt], candidates: Sequence[Completion], report: Progress
) -> "dict[str, np.ndarray]":
    """Each candidate's features, by its id; and features.safetensors, a row for each line of candidates.jsonl."""
    from safetensors.numpy import save_file

    from reward.features import features

    prompts, recipe = {p.id: p for p in asked}, models.run.recipe
    found = features(
        models.policy.model,
        models.policy.tokenizer,
        [prompts[c.prompt_id] for c in candidates],
        [c.completion for c in candidates],
        thinking=recipe.model.thinking,
        batch_size=recipe.sampling.batch_size,
        report=report,
    )
    save_file({"features": found}, draft.path / FEATURES)
    return {c.id: row for c, row in zip(candidates, found, strict=True)}


def build_preferences(run: Run, number: int, draft: Draft, report: Progress) -> None:
    """train.jsonl and heldout.jsonl: the preferences of all labels so far, held out by prompt; disliked.jsonl.

    Whose choices are less consistent by the evidence of all these labels has a lower weight, and so have older labels where
    `preferences.decay` says so.
    """
    table, said = run.recipe.preferences, learned(run, number, draft.read)
    draft.inputs += discards.files(run)
    asked, given = [c for one in said for c in one.comparisons], [r for one in said for r in one.rankings]
    found = evidence(asked, given)
    consistency = consistent(table, found)
    pairs = weighed(faded(preferences(asked, given, table.weights), table.decay, number), consistency)
    poor = weighed_disliked(faded(disliked(asked, given, table.weights), table.decay, number), consistency)
    train, heldout = split(pairs, table.heldout, run.recipe.seed)
    write_jsonl(draft.path / "train.jsonl", train)
    write_jsonl(draft.path / "heldout.jsonl", heldout)
    write_jsonl(draft.path / "disliked.jsonl", poor)
    draft.facts |= {
        "train": len(train),
        "heldout": len(heldout),
        "ties": sum(p.tie for p in pairs),
        "edits": sum(p.source == "edit" for p in pairs),
        "disliked": len(poor),
        "contradictions": sum(c.concerns(number) for c in direct(said)),
        "consistency": {name: e.model_dump() for name, e in found.items()},
        "consistency_weights": consistency,
    }
