"""An arm's next labels: whose answers are compared, and which two of them."""

from collections.abc import Sequence

from benchmarks.label_efficiency.arms import CANDIDATES, DRAWS, REFIT, Arm
from benchmarks.label_efficiency.person import Label, Person
from benchmarks.label_efficiency.train import Trained, fit
from benchmarks.label_efficiency.world import World
from feedback_loop.preferences import preferences
from feedback_loop.progress import silent
from feedback_loop.records import Completion, Preference, Prompt, Strategy
from feedback_loop.stages.asking import pair_up, pick, select
from policies.base import load_policy
from policies.sampler import sample
from reward.head import Head


def ask(
    world: World, arm: Arm, person: Person, earlier: Sequence[Label], upto: int, number: int, made: Trained
) -> tuple[Label, ...]:
    """The labels so far and the next, up to `upto`, about answers by the base or the policy `made`; round `number`.

    In the first round all pairs are random, as in the loop, where no reward model is there to pick them by.
    """
    labels, seed = list(earlier), world.seed + 1000 * number
    strategy: Strategy = arm.strategy if number else "random"
    asked = [world.prompts[place % len(world.prompts)] for place in range(len(earlier), upto)]
    drawn = _candidates(world, asked, made, 2 if strategy == "random" else CANDIDATES, seed)
    selections = select(sorted({p.id for p in asked}), strategy, arm.random_share, seed)
    head: Head | None = None
    for place, prompt in enumerate(asked, start=len(earlier)):
        due = head is None or place % REFIT == 0
        if strategy != "random" and due and (pairs := pairs_of(labels)):
            head = fit(world, pairs, members=DRAWS, counts=arm.counts)
        own = drawn[prompt.id]
        selection = selections[prompt.id] if head else "random"
        scores = {}
        if head and selection != "random":
            found = head.scores(world.rows([prompt] * len(own), [c.completion for c in own]))
            scores = {c.id: row for c, row in zip(own, found.tolist(), strict=True)}
        pair = pick(own, {prompt.id: selection}, scores, seed)
        comparison = pair_up(number, [prompt], pair, 1000 * seed + place, {prompt.id: selection})[0]
        editing = int((place + 1) * arm.edits) > int(place * arm.edits)
        among = [c.completion for c in world.candidates[prompt.id]] if editing else ()
        labels.append(person.label(comparison, place, among))
    return tuple(labels)


def pairs_of(labels: Sequence[Label]) -> list[Preference]:
    """What the labels state."""
    return preferences([one.comparison for one in labels], [one.ranking for one in labels])


def _candidates(
    world: World, asked: Sequence[Prompt], made: Trained, count: int, seed: int
) -> dict[str, list[Completion]]:
    """Different answers by prompt: the base's, where there is no policy, or where it gives but one."""
    base = {p.id: world.candidates[p.id] for p in asked}
    if made.adapter is None:
        return base
    policy = load_policy(world.read.model, made.adapter, name="current")
    prompts = list({p.id: p for p in asked}.values())
    drawn = sample(policy, prompts, world.read.sampling, completions=count, thinking=False, seed=seed, report=silent)
    mine: dict[str, list[Completion]] = {p.id: [] for p in asked}
    for one in drawn.completions:
        mine[one.prompt_id].append(one)
    return {name: found if len(found) > 1 else base[name] for name, found in mine.items()}
