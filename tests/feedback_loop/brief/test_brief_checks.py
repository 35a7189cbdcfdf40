"""Checks that are proposed for what a brief says in so many words, and none for what might be meant otherwise."""

import json

import pytest

from feedback_loop.brief.brief import Criterion, parse
from feedback_loop.brief.brief_checks import line, proposed, written
from feedback_loop.brief.brief_edits import checked
from feedback_loop.errors import UsageError
from feedback_loop.intent.sentences import SENTENCES
from feedback_loop.simulation.checks import problem


def checks(text: str) -> dict[str, object]:
    (one,) = parse(f"- {text}").requirements
    return {found.check: found.value for found in proposed(one)}


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ("At most 40 words.", {"max_words": 40}),
        ("Answer in at most 40 words.", {"max_words": 40}),
        ("Keep it under 80 words. Customers read on their phones, often beside the road.", {"max_words": 79}),
        ("No more than three sentences", {"max_sentences": 3}),
        ("Keep answers to 60 words", {"max_words": 60}),
        ("50 words or fewer", {"max_words": 50}),
        ("Write at least 100 words!", {"min_words": 100}),
        ("Up to 280 characters.", {"max_characters": 280}),
        ("Two to three sentences.", {"min_sentences": 2, "max_sentences": 3}),
        ("Answer in one sentence.", {"sentences": 1}),
        ("Use exactly three sentences.", {"sentences": 3}),
        ("**No lists.**", {"bullets": False}),
        ("Do not use bullet points.", {"bullets": False}),
        ("Write a bulleted list.", {"bullets": True}),
        ("Never use emojis", {"emoji": False}),
        ("No emoji, no lists, and no exclamation marks.", {"emoji": False, "bullets": False, "contains_none": ["!", "！"]}),
        ("Do not greet and do not sign off.", {"greeting": False, "closing": False}),
        ("Start with a greeting.", {"greeting": True}),
        ("Always end with a short question.", {"ends_with_question": True}),
        ("End with a question to the reader.", {"ends_with_question": True}),
        ("Answer in Russian, whatever the language of the message.", {"script": "cyrillic"}),
        ("Begin with “Dear guest”.", {"starts_with": "Dear guest"}),
        ("Не больше 40 слов.", {"max_words": 40}),
        ("Отвечай в одном предложении.", {"sentences": 1}),
        ("Отвечайте не более чем в трёх предложениях.", {"max_sentences": 3}),
        ("До 300 знаков.", {"max_characters": 300}),
        ("Без списков и без эмодзи.", {"bullets": False, "emoji": False}),
        ("Заканчивайте вопросом.", {"ends_with_question": True}),
        ("Отвечай по-русски.", {"script": "cyrillic"}),
    ],
)  # fmt: skip
def test_what_is_said_in_so_many_words_is_counted(said: str, found: dict[str, object]):
    assert checks(said) == found
    for name, value in found.items():
        assert problem(name, value) is None


@pytest.mark.parametrize(
    "said",
    [
        "Be friendly and calm.",
        "Keep it short.",
        "Around 40 words.",
        "40 words.",
        "Keep it to two sentences.",
        "At most 40 words, unless a list is needed.",
        "No emoji. But one is fine where the customer uses them.",
        "No lists, headings or long words.",
        "If the customer is annoyed, do not greet.",
        "End with a question where it helps.",
        "At most five working days.",
        "At least 100 characters.",
        "No numbered lists.",
        "Начинай с приветствия.",
        "Не больше 40 слов, если не просят подробнее.",
        "At most 40 words. [check: max_words=50]",
        "At most 40 words. (out of scope)",
    ],
)
def test_nothing_is_guessed(said: str):
    assert checks(said) == {}


def test_what_the_intent_profile_writes_into_a_brief_is_counted_as_it_counts_it():
    """Its sentences carry their own checks; whoever typed the same without gets the same."""
    for name, value in {
        "emoji": False,
        "bullets": False,
        "greeting": False,
        "closing": False,
        "ends_with_question": True,
    }.items():
        assert checks(SENTENCES[f"{name}.{'yes' if value else 'no'}"]) == {name: value}
    assert checks(SENTENCES["max_words"].format(n=30)) == {"max_words": 30}


def test_a_check_is_written_behind_what_it_counts_and_read_from_there():
    text = (
        "# Form\n\n1. At most 40 words. (nice to have)\n2. Be kind.\n3. No exclamation marks,\n   no lists.\n   - Not even one.\n"
        "\n# Ending\n\nEnd with a question.\n"
    )
    before, after = parse(text), parse(checked(text, [1, 3, 4]))
    assert [r.text for r in after.requirements] == [r.text for r in before.requirements]
    assert [r.mark for r in after.requirements] == ["nice", "must", "must", "must"]
    assert [r.checks for r in after.requirements] == [proposed(r) for r in before.requirements]
    assert [len(r.checks) for r in after.requirements] == [1, 0, 2, 1]
    with pytest.raises(UsageError, match="--check 2: no check is proposed for requirement 2"):
        checked(text, [2])
    with pytest.raises(UsageError, match="No requirement 5"):
        checked(text, [5])


def test_the_line_to_write_is_what_is_written():
    (one,) = parse("- No exclamation\n  marks.").requirements
    assert line(one) == 'No exclamation marks. [check: contains_none=["!", "！"]]'
    for check in (
        Criterion(check="emoji"),
        Criterion(check="starts_with", value="5"),
        Criterion(check="script", value="han"),
    ):
        assert parse(f"- x {written(check)}").requirements[0].checks == (check,)
    assert json.loads(json.dumps(check.value)) == "han"
