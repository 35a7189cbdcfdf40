"""Each check, on answers that pass it and answers that do not."""

import random
import re
from dataclasses import asdict
from pathlib import Path

import pytest

from data.tiny_qwen import world
from feedback_loop.errors import UsageError
from feedback_loop.records import Message, Prompt
from feedback_loop.simulation.checks import CHECKS, met

DOCS = Path(__file__).resolve().parents[3] / "docs" / "checks.md"
TYPES = {"true or false": bool, "whole number": int, "text": str, "list of texts": list}


def ask(text: str) -> Prompt:
    return Prompt(id="p", prompt=(Message(role="user", content=text),))


LAMP = ask("How do I clean the old lamp in the kitchen?")

# check, value, an answer that passes, an answer that does not
CASES = [
    ("greeting", True, "Good day.\n\nClean it.", "Clean it. Hello is what I say."),
    ("greeting", True, "hi, clean it", "Hidden dirt is the worst."),
    ("greeting", False, "Clean it.", "Dear friend, clean it."),
    ("sentences", 1, "Hello.\n\nClean it.\n\nKind regards.", "Clean it. Wait."),
    ("sentences", 2, "- Clean it.\n- Wait! 🙂", "Clean it."),
    ("sentences", 1, "It costs 3.50 today", "First line\nSecond line"),
    ("sentences", 2, "先洗。再等。", "先洗。"),
    ("bullets", True, "Hi!\n\n- Clean it.\n- Wait.\n\nCheers!", "Do this:\n- Clean it."),
    ("bullets", True, "1. Clean it.\n2) Wait.", "Hi!"),
    ("bullets", False, "Clean it - slowly.", "* Clean it."),
    ("emoji", True, "Clean it. ✨", "Clean it™ → now ─ at 20 °C."),
    ("emoji", False, "Clean it.", "Clean it 🚀"),
    ("formal", True, "Please clean it.", "Don't clean it."),
    ("formal", True, "The lamp shop is shut.", "It’s shut."),
    ("formal", False, "Hey there! Clean it.", "Please clean it."),
    ("ends_with_question", True, "Clean it. Does that help? 🙂\n\nCheers!", "Does that help? I hope so."),
    ("ends_with_question", True, "好吗？", "好。"),
    ("ends_with_question", False, "Clean it.", "Is it clean?"),
    ("hedged", True, "Perhaps clean it.", "Clean it, mighty one."),
    ("hedged", False, "Clean it.", "You could clean it."),
    ("closing", True, "Clean it.\n\nKind regards.", "Clean it. Kind regards."),
    ("closing", False, "Good luck!\n\nClean it.", "Clean it.\n\nGood luck!"),
    ("max_words", 3, "Don't touch it", "one two three four"),
    ("min_words", 3, "one two three", "don't touch"),
    ("max_sentences", 1, "Clean it.", "Hello. Clean it."),
    ("min_sentences", 2, "Hello. Clean it.", "Clean it..."),
    ("max_characters", 5, "  12345\n", "123456"),
    ("numbered_steps", True, "So:\n1. Clean.\n2. Wait.", "1. Clean.\n3. Wait."),
    ("numbered_steps", False, "1. Clean.", "1) Clean.\n2) Wait."),
    ("starts_with", "well", "Well, clean it.", "Oh well."),
    ("ends_with", "done.", "Well DONE.\n", "done. Really."),
    ("contains_any", ["soap", "water"], "Use Water.", "Use sand."),
    ("contains_all", ["soap", "water"], "Soap and water.", "Use water."),
    ("contains_none", ["soap", "water"], "Use sand.", "Use WATER."),
    ("lower_case", True, "clean it, 3 times.", "Clean it."),
    ("lower_case", False, "Clean it.", "clean it."),
    ("no_commas", True, "Clean it.", "First, clean."),
    ("no_commas", True, "先洗。", "先洗，再等。"),
    ("script", "latin", "Élan, 100 %!", "Протри лампу."),
    ("script", "cyrillic", "Протри тёмную лампу тряпкой. OK", "Wipe it, или нет."),
    ("script", "han", "擦灯。", "42"),
    ("equals", "lantern", '"Lantern".', "A lantern."),
    ("equals", "берег", "«Берег»", "берега"),
    ("number", 42, "17 + 25 = 42.", "42 is not 43"),
    ("number", 1200, "It costs 1,200.", "1,20"),
    ("number", -3, "It is -3", "2-3"),
    ("number", 42, "42.0", "forty-two"),
    ("matches", r"\bMay\b", "In May.", "Mayor"),
]


@pytest.mark.parametrize(("check", "value", "passes", "fails"), CASES)
def test_check(check: str, value: object, passes: str, fails: str) -> None:
    assert met(check, passes, value, LAMP)
    assert not met(check, fails, value, LAMP)


def test_on_topic_wants_all_content_words_of_the_request_and_no_others() -> None:
    request = ask("How do I clean the golden lamp near the forest?")
    assert met("on_topic", "Just CLEAN the golden lamp near the forest, it's easy.", True, request)
    assert not met("on_topic", "Just clean the lamp near the forest.", True, request)
    assert not met("on_topic", "Clean the golden lamp near the forest, or sell it.", True, request)
    assert met("on_topic", "Sell it.", False, request)


def test_on_topic_reads_the_last_request_of_a_chat() -> None:
    turns = (("user", "How do I sell the kettle?"), ("assistant", "Sell the kettle."), ("user", "Now paint the lamp."))
    chat = Prompt(id="p", prompt=tuple(Message(role=role, content=text) for role, text in turns))
    assert met("on_topic", "Paint the lamp.", True, chat)


def test_every_check_is_tried_above() -> None:
    assert {case[0] for case in CASES} | {"on_topic"} == set(CHECKS)


@pytest.mark.parametrize("check", list(CHECKS))
@pytest.mark.parametrize("text", ["", " \n", "\n\n\n", "- ", "🙂", "?", "\x00", "a" * 5000])
def test_no_text_breaks_a_check(check: str, text: str) -> None:
    value = {bool: True, int: 1, list: ["x"], str: "latin"}[CHECKS[check].value]
    assert met(check, text, value, LAMP) in (True, False)


def test_an_unknown_check_is_told_with_those_there_are() -> None:
    with pytest.raises(UsageError, match=r"'sentence': no such check.*sentences"):
        met("sentence", "Clean it.", 1, LAMP)


def test_replies_of_the_tiny_world_pass_the_checks_of_their_own_style() -> None:
    rng, pairs = random.Random(1), world.training_pairs()
    for _ in range(300):
        request, style = world.draw_request(rng, pairs), world.draw_style(rng)
        text = world.reply(request, style, rng)
        for check, value in {**asdict(style), "on_topic": True}.items():
            assert met(check, text, value, ask(request.text)), (check, value, text)


def test_the_guide_documents_every_check_and_its_type() -> None:
    table = DOCS.read_text(encoding="utf-8").split("\n## Checks\n")[1]
    rows = re.findall(r"^\| `(\w+)` \| ([a-z ]+) \| [A-Z].*\. \|$", table, re.MULTILINE)
    assert {name: TYPES[kind] for name, kind in rows} == {name: known.value for name, known in CHECKS.items()}
