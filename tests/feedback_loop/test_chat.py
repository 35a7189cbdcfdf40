"""One way to render a chat: what is trained on and scored is what was sampled."""

import pytest

from feedback_loop.chat import end, end_id, render_prompt, token_ids, without_thought
from feedback_loop.models import load_tokenizer
from feedback_loop.recipe import ModelTable
from feedback_loop.records import Message, Prompt

TOKENIZER = load_tokenizer(ModelTable(name="tiny"))
PROMPT = Prompt(
    id="p", prompt=(Message(role="system", content="Be brief."), Message(role="user", content="How do I clean a lamp?"))
)
ASKED = "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHow do I clean a lamp?<|im_end|>\n"


def test_without_thinking_an_empty_thought_stands_before_the_answer():
    text = render_prompt(TOKENIZER, PROMPT.messages, thinking=False)
    assert text == ASKED + "<|im_start|>assistant\n<think>\n\n</think>\n\n"


def test_with_thinking_the_model_begins_with_its_thought():
    assert render_prompt(TOKENIZER, PROMPT.messages, thinking=True) == ASKED + "<|im_start|>assistant\n"


def test_tokens_are_those_of_the_whole_text_and_end_the_turn():
    head, tail = token_ids(TOKENIZER, PROMPT, "With a soft cloth.", thinking=False)
    whole = render_prompt(TOKENIZER, PROMPT.messages, thinking=False) + "With a soft cloth." + end(TOKENIZER)
    assert head + tail == TOKENIZER(whole)["input_ids"]
    assert tail[-1] == end_id(TOKENIZER) == TOKENIZER.eos_token_id
    assert end(TOKENIZER) == "<|im_end|>"


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("<think>\nHm.\n</think>\n\nUse a cloth.", "Use a cloth."),
        ("Hm.\n</think>\nUse a cloth.", "Use a cloth."),
        ("<think>\nHm, I was cut", ""),
        (" Use a cloth.\n", "Use a cloth."),
        ("I think > 2 cloths.", "I think > 2 cloths."),
    ],
)
def test_a_thought_is_not_part_of_the_answer(written: str, kept: str):
    assert without_thought(written) == kept
