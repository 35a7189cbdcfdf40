"""Duels: the new policy against its parent, answer beside answer, for people to judge blind."""

import hashlib
import math
import random
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING

from feedback_loop.asking.asked import duels
from feedback_loop.asking.upcoming import uses
from feedback_loop.brief.brief import instructions, of_round
from feedback_loop.gate.duels import Foreseen
from feedback_loop.gate.promote import breaches
from feedback_loop.lineage import adapter_folder
from feedback_loop.progress import Progress
from feedback_loop.records import Comparison, Completion, Prompt
from feedback_loop.run import Draft, Run, write_jsonl
from feedback_loop.stages.beside import checks, identity, repeats
from feedback_loop.stages.stand_in import as_policy
from feedback_loop.stages.training import reward_folders

if TYPE_CHECKING:
    from policies.base import Policy

MOST = 3
"""Times as many prompts as duels are wanted that are answered at most, where both policies answer many alike."""


@dataclass(frozen=True)
class Pair:
    """An answer of each policy to the same prompt, which differ."""

    prompt: Prompt
    new: Completion
    old: Completion


def make_duels(run: Run, number: int, draft: Draft, report: Progress) -> None:
    """comparisons.jsonl: duels on prompts drawn at random, repeats and checks; foreseen.jsonl: what the reward model expects.

    None where people are not asked, or need not be, since something else speaks against the new policy already.
    """
    rule, judged = run.recipe.promotion, run.manifest(number, "evaluation").facts
    draft.use(*(file for name in ("reward", "policy", "evaluation") for file in run.files(number, name)))
    why = "the reward model decides" if rule.judge == "reward" else "; ".join(breaches(judged, rule))
    pool = draft.read(run.path / "prompts.jsonl", Prompt)
    wanted = 0 if why else rule.votes * (1 + rule.unlabelled)
    learned = {c.prompt_id for n in range(number) for c in duels(run, n)} | set(uses(run, number + 1))
    drawn = draw(pool, learned, MOST * wanted, run.seed(number, "duels"))
    pairs, foreseen, same = _answered(run, number, (judged["candidate"], judged["parent"]), drawn, wanted, report)
    count = math.ceil(len(pairs) / (1 + rule.unlabelled))
    made = _duels(run, number, pairs[:count])
    write_jsonl(draft.path / "comparisons.jsonl", [*made, *_beside(run, number, made)])
    write_jsonl(draft.path / "foreseen.jsonl", spread([c.id for c in made], foreseen))
    draft.facts |= {"duels": len(made), "unasked": len(pairs) - count, "same": same, "why": why}


def draw(pool: Sequence[Prompt], learned: Collection[str], count: int, seed: int) -> list[Prompt]:
    """`count` prompts at random, once each and then again: those whose labels were not learned before the others.

    Which ones hangs on the seed alone: whoever picks the prompts picks the winner.
    """
    rng, drawn = random.Random(seed), list[Prompt]()
    while len(drawn) < count and pool:
        once = rng.sample(pool, len(pool))
        drawn += sorted(once, key=lambda p: p.id in learned)
    return drawn[:count]


def spread(asked: Sequence[str], foreseen: Sequence[float]) -> list[Foreseen]:
    """What the reward model expects of each duel that people are asked, with an equal share of those that they are not."""
    count = len(asked)
    return [
        Foreseen(comparison_id=name, probability=foreseen[place], unasked=tuple(foreseen[count + place :: count]))
        for place, name in enumerate(asked)
    ]


def _answered(
    run: Run, number: int, names: tuple[str, str], drawn: Sequence[Prompt], wanted: int, report: Progress
) -> tuple[list[Pair], list[float], int]:
    """As many pairs as are wanted, in an order of chance, where there are so many that differ; how likely the new one of each
    is better by the reward model; and how many prompts both answered alike.

    Both policies draw with the same seeds, so what differs is due to the policies and not to chance.
    """
    from policies.base import load_policy
    from reward.score import load_members

    if not drawn:
        return [], [], 0
    policy = load_policy(run.recipe.model, adapter_folder(run, names[0]), name=names[0])
    pairs, start = list[Pair](), 0
    while len(pairs) < wanted and start < len(drawn):
        some = drawn[start : start + wanted]
        new = _write(run, number, policy, some, start, report)
        with as_policy(run, policy, names[1]) as parent:
            old = _write(run, number, parent, some, start, report)
        both = [(p, a, b) for p, a, b in zip(some, new, old, strict=True) if a and b]
        pairs += [Pair(p, a, b) for p, a, b in both if a.completion != b.completion]
        start += len(some)
    same = start - len(pairs)
    pairs = pairs[:wanted]
    random.Random(run.seed(number, "duels")).shuffle(pairs)
    members = load_members(
        policy.model,
        policy.tokenizer,
        reward_folders(run, number),
        thinking=run.recipe.model.thinking,
        batch_size=run.recipe.sampling.batch_size,
    )
    prompts = [p.prompt for p in pairs]
    ours, theirs = ([getattr(p, side).completion for p in pairs] for side in ("new", "old"))
    scores = zip(members(prompts, ours), members(prompts, theirs), strict=True)
    return pairs, [_preferred(a, b) for a, b in scores], same


def _write(
    run: Run, number: int, policy: "Policy", drawn: Sequence[Prompt], start: int, report: Progress
) -> list[Completion | None]:
    """An answer to each prompt, another one where a prompt comes again; None where only empty ones came."""
    from policies.sampler import sample

    answers: list[Completion | None] = [None] * len(drawn)
    seen: dict[str, int] = {}
    passes: dict[int, list[int]] = {}
    for place, prompt in enumerate(drawn):
        seen[prompt.id] = seen.get(prompt.id, -1) + 1
        passes.setdefault(seen[prompt.id], []).append(place)
    for turn, places in passes.items():
        sampled = sample(
            policy,
            [drawn[place] for place in places],
            run.recipe.sampling,
            completions=1,
            thinking=run.recipe.model.thinking,
            seed=run.seed(number, f"duels {start} {turn}"),
            report=report,
            instructions=instructions(of_round(run, number), (0.0,)),
        )
        found = {c.prompt_id: c for c in sampled.completions}
        for place in places:
            answers[place] = found.get(drawn[place].id)
    return answers


def _preferred(new: Sequence[float], old: Sequence[float]) -> float:
    """Probability that the new answer is better, by Bradley and Terry, the mean over the reward model's members."""
    return fmean((1 + math.tanh((a - b) / 2)) / 2 for a, b in zip(new, old, strict=True))


def _duels(run: Run, number: int, pairs: Sequence[Pair]) -> list[Comparison]:
    """A comparison of each pair; who stands first is drawn from the seed."""
    seed, made = run.seed(number, "duels"), list[Comparison]()
    rng = random.Random(seed)
    for place, pair in enumerate(pairs):
        shown = [nameless(pair.new, seed), nameless(pair.old, seed)]
        name = identity(number, place, pair.prompt, shown, "duel")
        rng.shuffle(shown)
        made.append(Comparison(id=name, round=number, prompt=pair.prompt, completions=tuple(shown), purpose="duel"))
    return made


def nameless(completion: Completion, seed: int) -> Completion:
    """The same under an id that does not name its policy: Argilla shows the ids to whoever answers."""
    digest = hashlib.sha256(f"{seed}\n{completion.id}".encode()).hexdigest()[:12]
    return completion.model_copy(update={"id": f"{completion.prompt_id}-{digest}"})


def _beside(run: Run, number: int, made: Sequence[Comparison]) -> list[Comparison]:
    """Repeats and checks, as beside any other comparisons."""
    asking, seed = run.recipe.asking, run.seed(number, "duels")
    prompts = list({c.prompt.id: c.prompt for c in made}.values())
    answers = [completion for c in made for completion in c.completions]
    known = checks(number, prompts, answers, asking.checks, 2, seed) if made else []
    return [*repeats(made, asking.repeats, seed), *known]
