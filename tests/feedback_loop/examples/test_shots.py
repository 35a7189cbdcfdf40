"""Examples are earlier turns of the chat, the nearest last, behind the instruction and before what is asked."""

from feedback_loop.brief.brief import instructed
from feedback_loop.examples.shots import read, shown
from feedback_loop.records import Prompt
from tests.feedback_loop.examples.test_nearest import demonstration, prompt


def told(made: Prompt) -> list[tuple[str, str]]:
    return [(m.role, m.content) for m in made.prompt]


NEAR, FAR = demonstration("near?"), demonstration("far?")


def test_the_nearest_stands_last_before_what_is_asked():
    made = shown(prompt("What now?"), [NEAR, FAR])
    assert told(made) == [
        ("user", "far?"),
        ("assistant", "Like so."),
        ("user", "near?"),
        ("assistant", "Like so."),
        ("user", "What now?"),
    ]
    assert (made.id, made.request) == ("p", "What now?")


def test_without_an_example_nothing_changes():
    assert shown(prompt("What now?", system="Be brief."), []) == prompt("What now?", system="Be brief.")


def test_an_instruction_comes_before_the_examples_whichever_was_added_first():
    asked = prompt("What now?")
    one, other = instructed(shown(asked, [NEAR]), "Be brief."), shown(instructed(asked, "Be brief."), [NEAR])
    assert one == other
    assert told(one)[:2] == [("system", "Be brief."), ("user", "near?")]


def test_examples_part_no_chat():
    made = shown(prompt("One?", "1.", "And two?"), [demonstration("Red?", "No.", "Blue?")])
    assert [text for _, text in told(made)] == ["Red?", "No.", "Blue?", "Like so.", "One?", "1.", "And two?"]
    assert [role for role, _ in told(made)] == ["user", "assistant"] * 3 + ["user"]


def test_in_a_chat_that_outgrows_the_model_the_farthest_example_goes_first_and_is_no_part_of_the_chat():
    examples = [demonstration("near?"), demonstration("Red?", "No.", "Blue?")]
    assert [read(examples, forgotten) for forgotten in (0, 2, 4, 6, 9)] == [(2, 0), (1, 0), (1, 0), (0, 0), (0, 3)]
    assert read([], 3) == (0, 3)
