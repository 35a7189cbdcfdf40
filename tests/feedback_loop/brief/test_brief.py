"""The brief: what it asks for, and how much of it a model is given."""

from pathlib import Path

import pytest

from feedback_loop.brief.brief import Criterion, cut, in_scope, instructed, parse, read, valid
from feedback_loop.errors import UsageError
from feedback_loop.records import Message, Prompt

TEXT = """# Tone
Customers are in a hurry.

- Be brief. [check: max_words=40]
  One screen at most.
  - Lists may be longer.
- No emoji (nice to have)

## Jokes (out of scope)
- Tell jokes.

## Form
Write in prose.

Two paragraphs.
"""


def test_list_items_are_requirements_and_so_are_headed_sections_without_a_list() -> None:
    found = parse(TEXT).requirements
    assert [(r.number, r.section, r.mark) for r in found] == [
        (1, "Tone", "must"),
        (2, "Tone", "nice"),
        (3, "Jokes", "out"),
        (4, "Form", "must"),
    ]
    assert found[0].text == "Be brief.\n  One screen at most.\n  - Lists may be longer."
    assert found[0].words == 10
    assert found[1].text == "No emoji"
    assert found[3].text == "Write in prose.\n\nTwo paragraphs."


def test_text_without_headings_and_lists_asks_for_a_thing_a_paragraph() -> None:
    found = parse("Answer in\none line.\n\nBe kind.\n\n\nUse no jargon. (nice to have)\n").requirements
    assert [(r.text, r.mark) for r in found] == [
        ("Answer in\none line.", "must"),
        ("Be kind.", "must"),
        ("Use no jargon.", "nice"),
    ]


def test_what_is_inside_a_fence_is_an_example_and_no_requirement() -> None:
    assert len(parse("- Sign like this:\n\n```\n# Yours\n- Anna\n```\n\n- Be brief.\n").requirements) == 2


def test_a_check_is_read_as_json_or_as_text_or_as_true() -> None:
    text = '- A [check: max_words=40] [check: script=cyrillic] [check: contains_none=["sure", "great"]]\n- B [check: bullets]\n'
    first, second = valid(text, "brief.md").requirements
    assert first.checks == (
        Criterion(check="max_words", value=40),
        Criterion(check="script", value="cyrillic"),
        Criterion(check="contains_none", value=["sure", "great"]),
    )
    assert (first.text, second.text, second.checks) == ("A", "B", (Criterion(check="bullets", value=True),))


def test_a_model_reads_neither_checks_nor_what_is_out_of_scope() -> None:
    assert in_scope(parse(TEXT)) == (
        "# Tone\nCustomers are in a hurry.\n\n- Be brief.\n  One screen at most.\n  - Lists may be longer.\n"
        "- No emoji (nice to have)\n\n## Form\nWrite in prose.\n\nTwo paragraphs."
    )


@pytest.mark.parametrize(
    ("text", "marks", "read"),
    [
        ("# Jokes (out of scope)\nNone.\n## Puns\n- One\n\n# Tone\n- Two", ["out", "out", "must"], "# Tone\n- Two"),
        ("# A (nice to have)\n## B (out of scope)\n- One\n## C\n- Two", ["out", "nice"], "# A (nice to have)\n## C\n- Two"),
        ("## A (out of scope)\n- One\n# B\n- Two\n## C\n- Three", ["out", "must", "must"], "# B\n- Two\n## C\n- Three"),
        ("# A (out of scope)\n### B\nProse.\n## C (must have)\n- One", ["out", "must"], "# A\n## C (must have)\n- One"),
        ("# A (out of scope)\nProse. (must have)", ["must"], "# A\nProse. (must have)"),
        ("# A\n## B (out of scope)\nFor those who ask:\n\n- One\n# C\n- Two", ["out", "must"], "# C\n- Two"),
    ],
)  # fmt: skip
def test_a_headings_mark_holds_for_all_below_it_sub_headings_too_until_one_says_otherwise(
    text: str, marks: list[str], read: str
) -> None:
    found = parse(text)
    assert [r.mark for r in found.requirements] == marks
    assert in_scope(found) == read


@pytest.mark.parametrize(
    ("level", "expected"),
    [
        (1.0, "1. Be brief.\n2. Use no emoji.\n3. 用中文回答。"),
        (0.5, "1. Be brief.\n2. Use no emoji."),
        (0.31, "1. Be brief.\n2. Use no"),
        (0.3, "1. Be brief.\n2. Use"),
        (0.01, "1. Be"),
        (0.0, ""),
    ],
)
def test_a_level_is_a_share_of_the_words_rounded_up_as_they_are_laid_out(level: float, expected: str) -> None:
    assert cut(parse("1. Be brief.\n2. Use no emoji.\n3. 用中文回答。\n"), level) == expected


def test_the_instruction_stands_before_what_the_system_message_says() -> None:
    plain = Prompt(id="p", prompt=(Message(role="user", content="Hi"),))
    alone = instructed(plain, "Be brief.")
    assert alone.messages == [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}]
    both = instructed(alone, "Be kind.")
    assert both.messages[0] == {"role": "system", "content": "Be kind.\n\nBe brief."}
    assert (both.id, len(both.prompt)) == ("p", 2)
    assert instructed(plain, "") is plain


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "nothing is asked for"),
        (b"# Only a heading\n", "nothing is asked for"),
        (b"- All (out of scope)\n", "all of it is out of scope"),
        (b"\xff\xfe", "not UTF-8"),
        (b"- \0\n", "not text"),
        (b"- x\n" * 20_000, "at most"),
        (b"- Short [check: brief]\n", "no such check"),
        (b"- Short [check: max_words=few]\n", "takes a value of type int"),
    ],
)
def test_what_is_no_brief_is_refused_in_one_line_that_names_the_file(tmp_path: Path, data: bytes, says: str) -> None:
    file = tmp_path / "brief.md"
    file.write_bytes(data)
    with pytest.raises(UsageError, match=says) as caught:
        read(file)
    assert str(file) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot read the brief"):
        read(tmp_path / "none.md")
