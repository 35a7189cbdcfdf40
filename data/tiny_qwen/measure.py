"""How well the tiny Qwen follows its directives: `python -m data.tiny_qwen.measure`. A minute or two on a CPU core.

Samples with the loop's own sampler on verb-noun pairs that the model was not trained on, and prints a Markdown table.
"""

import random
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from data.tiny_qwen import world
from feedback_loop.progress import bar
from feedback_loop.recipe import ModelTable, SamplingTable
from feedback_loop.records import Message, Prompt
from feedback_loop.simulation.checks import met
from policies.base import Policy, load_policy
from policies.sampler import sample

SAMPLING = SamplingTable(temperature=1.0, max_new_tokens=96, batch_size=64)
SEED = 0


@dataclass(frozen=True)
class Answered:
    """A prompt, the style drawn for it (stated or not), and what the model wrote."""

    prompt: Prompt
    style: world.Style
    completion: str

    def follows(self, directive: str) -> bool:
        """Whether the completion has the style's value of one directive."""
        return met(directive, self.completion, asdict(self.style)[directive], self.prompt)

    @property
    def on_topic(self) -> bool:
        """Whether it holds the request's content words and no others."""
        return met("on_topic", self.completion, True, self.prompt)


def ask(policy: Policy, stated: Sequence[str], count: int) -> list[Answered]:
    """`count` sampled answers, each to a held-out request under a random style of which the named directives are stated."""
    rng = random.Random(f"measure {SEED} {stated}")
    requests = world.prompt_set("tiny_heldout")
    prompts, styles = [], {}
    for number in range(count):
        style, request = world.draw_style(rng), requests[number % len(requests)]
        system = world.instruction(style, rng, stated) if stated else ""
        said = [Message(role="system", content=system)] if system else []
        prompt = Prompt(id=str(number), prompt=(*said, Message(role="user", content=request.text)))
        prompts.append(prompt)
        styles[prompt.id] = style
    drawn = sample(policy, prompts, SAMPLING, completions=1, thinking=False, seed=SEED, report=bar())
    by_id = {prompt.id: prompt for prompt in prompts}
    return [Answered(by_id[c.prompt_id], styles[c.prompt_id], c.completion) for c in drawn.completions]


def share(outcomes: Sequence[bool]) -> str:
    """Per cent, to one decimal."""
    return f"{100 * sum(outcomes) / len(outcomes):.1f} %"


def main() -> None:
    """Sample, check and print."""
    policy = load_policy(ModelTable(name="tiny", device="cpu"), None, name="base")
    alone = {name: ask(policy, [name], 128) for name in world.DIRECTIVES}
    together = ask(policy, world.DIRECTIVES, 384)
    silent = ask(policy, (), 384)
    print("| directive | stated alone | stated with the other seven | not stated |")
    print("| --- | ---: | ---: | ---: |")
    for name in world.DIRECTIVES:
        cells = [share([a.follows(name) for a in answers]) for answers in (alone[name], together, silent)]
        print(f"| `{name}` | {' | '.join(cells)} |")
    every = [share([all(a.follows(n) for n in world.DIRECTIVES) for a in answers]) for answers in (together, silent)]
    print(f"| all eight at once | | {' | '.join(every)} |")
    single = [answer.on_topic for answers in alone.values() for answer in answers]
    topic = [share(single), *(share([a.on_topic for a in answers]) for answers in (together, silent))]
    print(f"| content words (`on_topic`) | {' | '.join(topic)} |")


if __name__ == "__main__":
    main()
