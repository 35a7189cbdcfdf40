"""What every cell pastes before the held-out requests, what it answers, and what the reward model says of that."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from feedback_loop.brief.brief import instructed
from feedback_loop.brief.brief_tokens import tokens
from feedback_loop.damage import checked
from feedback_loop.examples.demonstrations import Demonstration
from feedback_loop.examples.nearest import nearest
from feedback_loop.examples.shots import shown, turns
from feedback_loop.models import fingerprint, load_tokenizer, resolve
from feedback_loop.progress import Progress
from feedback_loop.records import Completion, Prompt
from feedback_loop.run import Run, read_jsonl, write_json, write_jsonl
from feedback_loop.soup.advice import named
from feedback_loop.soup.cells import Cell, folder
from feedback_loop.soup.trained import Trained
from feedback_loop.stages.judging import settings, write
from feedback_loop.stages.training import reward_folders

if TYPE_CHECKING:
    from policies.base import Policy


@dataclass(frozen=True)
class Dish:
    """A cell with what it pastes, and its answers once it has them."""

    cell: Cell
    made: Trained
    prompts: tuple[Prompt, ...]
    """The requests with their examples before them, but without the instruction."""
    instruction: str
    tokens: float
    """Mean of what is pasted."""
    too_long: str = ""
    """Why it cannot be asked."""
    answers: tuple[Completion, ...] = ()

    @property
    def name(self) -> str:
        """The cell in words."""
        return named(self.cell)

    @property
    def texts(self) -> list[str]:
        """The answers' text."""
        return [c.completion for c in self.answers]


def pasted(
    run: Run, cell: Cell, made: Trained, asked: Sequence[Prompt], instruction: str, pool: Sequence[Demonstration]
) -> Dish:
    """The cell's prompts; `pool` is what its examples come from, for each request the nearest ones."""
    chosen = [nearest(p, pool, cell.shots) for p in asked]
    prompts = tuple(shown(p, some) for p, some in zip(asked, chosen, strict=True))
    texts = [[m.content for one in some for m in turns(one)] for some in chosen]
    counted = tokens(run.recipe.model, [instruction, *(text for row in texts for text in row)])
    pasted = counted[0] + sum(counted[1:]) / len(asked)
    return Dish(cell, made, prompts, instruction, pasted, _too_long(run, prompts, instruction))


def answer(run: Run, dishes: Sequence[Dish], report: Progress) -> list[Dish]:
    """The dishes with their answers, an answer a request, by the seed and sampling of the evaluation; those kept are read."""
    policies: dict[str, Any] = {}
    done = []
    for dish in dishes:
        file = folder(run) / f"answers-{_key(run, dish)}.jsonl"
        if not file.exists():
            if dish.made.key not in policies:
                policies = {dish.made.key: _load(run, dish.made)}  # one model at a time
            under = dish.cell.level, dish.instruction
            write_jsonl(file, write(run, policies[dish.made.key], dish.prompts, under, _labelled(report, dish.name)))
        done.append(replace(dish, answers=tuple(read_jsonl(file, Completion))))
    return done


def scored(
    run: Run, number: int, asked: Sequence[Prompt], dishes: Sequence[Dish], report: Progress
) -> list[list[list[float]]]:
    """Of each dish and request, what every member of the round's reward model says of the plain request and the answer."""
    reward = [fingerprint(run.recipe.model), *(checked(file) for file in run.files(number, "reward"))]
    places = [
        folder(run) / f"scores-{_digest([reward, [p.model_dump() for p in asked], dish.texts])}.json" for dish in dishes
    ]
    members = None
    for place, (file, dish) in enumerate(zip(places, dishes, strict=True)):
        report(place, len(dishes), "judging")
        if not file.exists():
            members = members or _members(run, number)
            write_json(file, members(asked, dish.texts))
    report(len(dishes), len(dishes), "judging")
    return [json.loads(file.read_text(encoding="utf-8")) for file in places]


def _load(run: Run, made: Trained) -> "Policy":
    from policies.base import load_policy

    return load_policy(run.recipe.model, made.adapter, name=made.name)


def _members(run: Run, number: int) -> Any:
    from policies.base import load_policy
    from reward.score import load_members

    recipe, base = run.recipe, load_policy(run.recipe.model, None, name="base")
    size, thinking = recipe.sampling.batch_size, recipe.model.thinking
    return load_members(base.model, base.tokenizer, reward_folders(run, number), thinking=thinking, batch_size=size)


def _too_long(run: Run, prompts: Sequence[Prompt], instruction: str) -> str:
    """Why the longest of these prompts and an answer do not fit into the model's window; empty where they do."""
    from transformers import AutoConfig

    from feedback_loop.chat import render_prompt

    recipe = run.recipe
    window = getattr(AutoConfig.from_pretrained(resolve(recipe.model.name)), "max_position_embeddings", None)
    tokenizer = load_tokenizer(recipe.model)
    longest = max((instructed(p, instruction) for p in prompts), key=lambda p: sum(len(m.content) for m in p.prompt))
    text = render_prompt(tokenizer, longest.messages, thinking=recipe.model.thinking)
    count = len(tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"])
    if window is None or count + recipe.sampling.max_new_tokens <= window:
        return ""
    return f"{count} tokens before an answer of {recipe.sampling.max_new_tokens}; the model has room for {window}."


def _key(run: Run, dish: Dish) -> str:
    return _digest([dish.made.key, settings(run, dish.prompts), dish.cell.level, dish.instruction])


def _digest(parts: Any) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:24]


def _labelled(report: Progress, name: str) -> Progress:
    return lambda done, total, what: report(done, total, f"{name}: {what}")
