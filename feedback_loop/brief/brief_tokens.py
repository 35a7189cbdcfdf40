"""How many tokens a brief costs before every request, by the run's own tokenizer."""

from collections.abc import Sequence

from feedback_loop.brief.brief import Brief, cut, instructed
from feedback_loop.errors import UsageError
from feedback_loop.recipe import ModelTable, Recipe
from feedback_loop.records import Prompt


def tokens(model: ModelTable, texts: Sequence[str]) -> list[int]:
    """Tokens of each text, without anything that a chat adds."""
    from feedback_loop.models import load_tokenizer

    tokenizer = load_tokenizer(model)
    return [len(tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"]) for text in texts]


def check_room(recipe: Recipe, brief: Brief, prompts: Sequence[Prompt], where: str) -> None:
    """UsageError where the whole brief, the longest request and an answer do not fit into the model's window."""
    from transformers import AutoConfig

    from feedback_loop.chat import render_prompt
    from feedback_loop.models import load_tokenizer, resolve

    window = getattr(AutoConfig.from_pretrained(resolve(recipe.model.name)), "max_position_embeddings", None)
    if window is None:
        return
    tokenizer = load_tokenizer(recipe.model)
    longest = max(prompts, key=lambda p: sum(len(m["content"]) for m in p.messages))
    messages = instructed(longest, cut(brief, 1.0)).messages
    text = render_prompt(tokenizer, messages, thinking=recipe.model.thinking)
    count = len(tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"])
    room = window - recipe.sampling.max_new_tokens
    if count > room:
        raise UsageError(
            f"{where}: with the longest request it has {count} tokens; {recipe.model.name} has room "
            f"for {room} beside an answer. Shorten the brief, or lower sampling.max_new_tokens."
        )
