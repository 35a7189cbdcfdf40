"""Changing a brief: as a person would by hand, and with every earlier version kept."""

from pathlib import Path

import pytest

from feedback_loop.brief.brief import NAME, in_scope, load, of_round, parse
from feedback_loop.brief.brief_edits import (
    Replaced,
    added,
    change,
    marked,
    ordered,
    parse_marks,
    parse_numbers,
    replace,
)
from feedback_loop.errors import UsageError
from feedback_loop.progress import silent
from feedback_loop.run import Run, commit, read_record
from feedback_loop.stages.asking import choose_prompts
from tests.feedback_loop.decided_run import new_run

TEXT = """# Tone
- Be brief. [check: max_words=40]
  One screen at most.
  - Lists may be longer.
- No emoji.

## Form
Write in prose.
"""


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return new_run(tmp_path / "run")


def test_a_mark_is_a_suffix_that_can_be_taken_back():
    text = marked(TEXT, {1: "out", 2: "nice", 3: "out"})
    assert "  One screen at most. (out of scope)\n  - Lists" in text
    assert "- No emoji. (nice to have)\n" in text
    assert "## Form (out of scope)\nWrite in prose.\n" in text
    assert [r.mark for r in parse(text).requirements] == ["out", "nice", "out"]
    assert marked(text, {1: "must", 2: "must", 3: "must"}) == TEXT


def test_a_mark_takes_the_place_of_one_before_checks_or_on_the_heading():
    assert marked("- A (out of scope) [check: bullets]\n", {1: "nice"}) == "- A [check: bullets] (nice to have)\n"
    under = "# Jokes (out of scope)\n- One\n- Two\n"
    assert marked(under, {2: "must"}) == "# Jokes (out of scope)\n- One\n- Two (must have)\n"
    assert [r.mark for r in parse(marked(under, {2: "must"})).requirements] == ["out", "must"]


def test_order_moves_what_is_asked_and_leaves_headings_numbers_and_empty_lines():
    text = "# A\n1. One\n   more\n2. Two\n\n# B\n3. Three\n"
    assert ordered(text, [3, 1]) == "# A\n1. Three\n2. One\n   more\n\n# B\n3. Two\n"
    assert ordered(text, []) == text


def test_what_is_moved_matters_as_much_as_before_whatever_its_new_heading_says():
    text = "# Tone\n- Be brief.\n- Use no emoji.\n\n# Jokes (out of scope)\n- Tell jokes.\n"
    moved = ordered(text, [3, 1])
    assert moved == (
        "# Tone\n- Tell jokes. (out of scope)\n- Be brief.\n\n# Jokes (out of scope)\n- Use no emoji. (must have)\n"
    )
    assert [(r.text, r.mark) for r in parse(moved).requirements] == [
        ("Tell jokes.", "out"), ("Be brief.", "must"), ("Use no emoji.", "must"),
    ]  # fmt: skip
    assert in_scope(parse(moved)) == "# Tone\n- Be brief.\n\n# Jokes\n- Use no emoji. (must have)"
    assert [(r.text, r.mark) for r in parse(ordered(moved, [2, 3, 1])).requirements] == [
        (r.text, r.mark) for r in parse(text).requirements
    ]


def test_a_headed_section_that_is_marked_or_moved_takes_those_below_it_along_in_nothing():
    text = "# Form\nWrite in prose.\n\n## Length\nBe brief.\n"
    assert [r.mark for r in parse(marked(text, {1: "out"})).requirements] == ["out", "must"]
    moved = ordered(marked(text, {2: "out"}), [2, 1])
    assert [(r.section, r.mark) for r in parse(moved).requirements] == [("Length", "out"), ("Form", "must")]


@pytest.mark.parametrize(
    ("numbers", "says"), [([9], "No requirement 9"), ([0], "No requirement 0"), ([1, 1], "twice"), ([3], "--edit")]
)
def test_an_order_that_cannot_be_is_refused(numbers: list[int], says: str):
    with pytest.raises(UsageError, match=says):
        ordered(TEXT, numbers)


@pytest.mark.parametrize("said", ["3=maybe", "x=out", "=out"])
def test_a_mark_that_is_none_is_refused(said: str):
    with pytest.raises(UsageError, match="--mark"):
        parse_marks([said])
    with pytest.raises(UsageError, match="--order"):
        parse_numbers(said, "--order", "2,1,3")


def test_every_earlier_version_stays_with_who_replaced_it_and_how(run: Run):
    for number, text in enumerate(("- One\n", "- Two\n", "- Three\n")):
        replace(run, text, who="anna", what=f"change {number}")
    kept = run.path / "briefs"
    assert [(kept / f"{n:03d}.md").read_text() for n in range(2)] == ["- One\n", "- Two\n"]
    record = read_record(kept / "001.json", Replaced)
    assert (record.by, record.what) == ("anna", "change 2")
    assert load(run) == parse("- Three\n")


def test_the_same_text_again_and_a_text_that_is_no_brief_change_nothing(run: Run):
    replace(run, "- One\n", who="anna", what="x")
    replace(run, "- One\n", who="anna", what="x")
    with pytest.raises(UsageError):
        replace(run, "\n", who="anna", what="x")
    assert not (run.path / "briefs").exists()
    assert load(run) == parse("- One\n")


def test_a_round_works_by_the_brief_that_it_began_with(run: Run, tmp_path: Path):
    file = tmp_path / "mine.md"
    file.write_text("- One\n- Two\n")
    assert change(run, file, "", [], "", "anna") == "Round 000 will work by it."
    with commit(run, 0, "prompts") as draft:
        choose_prompts(run, 0, draft, silent)
    assert NAME in run.manifest(0, "prompts").inputs
    said = change(run, None, "2,1", ["1=out"], "", "anna")
    assert said.startswith("Round 001 will work by it; round 000 goes on by the one that it began with.")
    assert of_round(run, 0) == parse("- One\n- Two\n")
    assert (run.path / NAME).read_text() == "- Two\n- One (out of scope)\n"


def test_a_run_without_a_brief_can_only_be_given_one(run: Run):
    with pytest.raises(UsageError, match="it has no brief"):
        change(run, None, "2,1", [], "", "anna")
    with commit(run, 0, "prompts") as draft:
        choose_prompts(run, 0, draft, silent)
    assert of_round(run, 0) is None
    assert NAME not in run.manifest(0, "prompts").inputs


@pytest.mark.parametrize(
    ("text", "end"),
    [
        ("", "- Be kind. [check: emoji]\n"),
        ("- One.\n- Two.\n", "- Two.\n- Be kind. [check: emoji]\n"),
        ("1. One.\n2. Two.", "2. Two.\n3. Be kind. [check: emoji]\n"),
        ("Write well.\n\nAnd briefly.\n", "And briefly.\n\nBe kind. [check: emoji]\n"),
        (TEXT, "Write in prose.\n\n# Learned from choices\n\n- Be kind. [check: emoji]\n"),
        (
            "# Small things (out of scope)\n- Jokes.\n",
            "- Jokes.\n\n# Learned from choices\n\n- Be kind. [check: emoji]\n",
        ),
        (
            "# Learned from choices (out of scope)\n- Jokes.\n",
            "- Jokes.\n\n# Learned from choices\n\n- Be kind. [check: emoji]\n",
        ),
    ],
)
def test_a_requirement_is_added_at_the_end_and_the_others_stay_as_they_were(text: str, end: str):
    longer = added(text, "Be kind. [check: emoji]")
    assert longer.endswith(end)
    before, after = parse(text).requirements, parse(longer).requirements
    assert after[:-1] == before
    assert (after[-1].text, after[-1].mark, after[-1].checks[0].check) == ("Be kind.", "must", "emoji")
    twice = parse(added(longer, "Be brief.")).requirements
    assert [r.text for r in twice[-2:]] == ["Be kind.", "Be brief."]
