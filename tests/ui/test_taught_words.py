"""The Rounds page says of a trait what the command line says."""

from feedback_loop.taught.taught_text import HEADS, HOW, SENTENCES, SUMMARY
from feedback_loop.taught.traits import sayings
from ui.languages import words


def test_english_sentences_and_traits_are_the_same_on_the_page_and_in_the_terminal():
    said = words("en")
    for key, text in SENTENCES.items():
        name = key if key.startswith("prefer.") else f"verdict.{key.replace(' ', '_')}"
        assert said[f"taught.{name}"] == text
    for head, text in HEADS.items():
        assert said[f"taught.head.{head}"].rstrip(":") == text
    for trait, phrases in sayings().items():
        assert {part: said[f"taught.trait.{trait}.{part}"] for part in ("name", "more", "less")} == {
            part: phrases[part] for part in ("name", "more", "less")
        }
        assert (f"taught.trait.{trait}.unit" in said) is ("unit" in phrases)
    assert said["taught.how"] == HOW
    assert said["taught.summary"]["other"].replace("{n}", "{pairs}") == SUMMARY
