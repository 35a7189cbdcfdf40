"""What labels taught: the directives of known personas come out, noise says nothing, and each verdict where it belongs."""

import json

import pytest

from feedback_loop.errors import UsageError
from feedback_loop.records import Preference
from feedback_loop.simulation.personas import Annotator, Persona, find
from feedback_loop.taught.lessons import Lesson
from feedback_loop.taught.taught import lessons, taught
from feedback_loop.taught.taught_text import as_text, sentence
from feedback_loop.taught.traits import read
from tests.conftest import Cli, one_line
from tests.feedback_loop.taught_parts import answers, labels, make_run

DIRECTIVES = {
    "brisk": {"sentences": "less", "greeting": "less", "list": "less", "closing": "less"},
    "butler": {"greeting": "more", "casual": "less", "emoji": "less", "closing": "more"},
    "coach": {"ends_with_question": "more", "hedged": "less", "casual": "more"},
    "lister": {"list": "more", "greeting": "less"},
    "scholar": {"casual": "less", "hedged": "more", "sentences": "more", "emoji": "less"},
    "warm": {"greeting": "more", "emoji": "more", "casual": "more", "closing": "more"},
    "concise": {"words": "less"},
}
WARM = find("warm")
CARELESS = WARM.model_copy(update={"annotator": Annotator(mistake=0.5)})
LEFT = WARM.model_copy(update={"annotator": Annotator(left_bias=1.0)})


def learned(pairs: list[Preference], made: dict[str, list[str]] | None = None, number: int = 0) -> dict[str, Lesson]:
    """Lessons by trait; a phrase's by its words too."""
    written = {name: [read(text) for text in texts] for name, texts in (made or {}).items()}
    parent = f"round-{number - 1:03d}" if number else "base"
    decisive = [p for p in pairs if not p.tie]
    return {" ".join(filter(None, (x.trait, x.phrase))): x for x in lessons(decisive, number, written, parent, seed=1)}


def pair(number: int, chosen: str, rejected: str, **more: object) -> Preference:
    said = {
        side: [{"role": "assistant", "content": text}] for side, text in (("chosen", chosen), ("rejected", rejected))
    }
    asked = {"prompt": [{"role": "user", "content": f"Question {number}?"}], "prompt_id": f"p{number}"}
    rest = {"comparison_id": f"c{number}", "user_id": "anna", "round": 0}
    return Preference.model_validate({**asked, **said, **rest, **more})


@pytest.mark.parametrize("name", DIRECTIVES)
def test_a_personas_directives_come_out_as_its_traits(name: str):
    found = learned(labels(find(name), 250))
    assert {trait: found[trait].wanted for trait in DIRECTIVES[name]} == DIRECTIVES[name]


def test_a_personas_language_comes_out_as_its_script():
    texts = [(f"Протрите лампу {n} раз, пожалуйста.", f"Wipe the lamp {n} times, please.") for n in range(20)]
    found = learned([pair(n, *texts[n]) for n in range(20)])
    assert (found["cyrillic"].wanted, found["latin"].wanted) == ("more", "less")
    assert found["polite"].wanted == "unseen"


def test_wishes_that_hang_on_the_request_are_no_trait_of_all_answers():
    found = learned(labels(find("conditional"), 250))
    assert found["list"].wanted not in ("more", "less")


@pytest.mark.parametrize("persona", [CARELESS, LEFT], ids=["a coin", "always the first"])
@pytest.mark.parametrize("count", [24, pytest.param(96, marks=pytest.mark.nightly)])
def test_labels_without_a_wish_claim_nothing_in_nine_seeds_of_ten(persona: Persona, count: int):
    wrong = 0
    for seed in range(60):
        decisive = [p for p in labels(persona, count, seed) if not p.tie]
        wrong += any(x.wanted in ("more", "less") for x in lessons(decisive, 0, {}, "", seed))
    assert wrong <= 6


def test_a_few_labels_say_that_nothing_is_known_yet():
    found = learned(labels(WARM, 5))
    assert {x.wanted for x in found.values()} <= {"unknown", "unseen"}
    assert learned([])["words"].wanted == "unknown"


def test_many_labels_without_a_wish_can_say_that_it_makes_no_difference():
    found = learned(labels(find("lister"), 400))
    assert found["emoji"].wanted == "either"


def test_a_habit_of_opening_is_found_by_its_words():
    said = [pair(n, f"Of course, wipe item {n}.", f"Wipe item {n}.") for n in range(40)]
    found = learned(said)["opens of course wipe item"]
    assert found.wanted == "more"
    assert "begin with “of course wipe item”" in sentence(found)


def test_ties_and_the_reward_models_own_pairs_say_nothing_and_edits_do(tmp_path):
    said = [pair(n, "Yes! " * 5, "No.", tie=True) for n in range(20)]
    said += [pair(n, "Yes! " * 5, "No.", source="reward_model") for n in range(20)]
    said += [pair(n, "Well, then.", "Hi.", source="edit") for n in range(20)]
    found = taught(make_run(tmp_path / "run", [(said, [])]), 0)
    by_trait = {x.trait: x for x in found.lessons}
    assert (found.pairs, found.ties) == (20, 20)
    assert (by_trait["words"].wanted, by_trait["exclamation"].wanted) == ("more", "unseen")
    assert {x.verdict for x in found.lessons} == {"wanted"}, "no new version is evaluated"


def test_one_prompt_ranked_by_many_is_one_opinion():
    assert learned([pair(1, "Long and longer.", "Short.")] * 50)["words"].wanted == "unknown"


LONG, SHORT = ["one two three four five six seven"] * 40, ["one two three"] * 40
SHORTER = [pair(n, "Short.", f"Long as can be, {n} words.") for n in range(30)]
NOISE = [pair(n, *(("a b c d", "a b") if n % 2 else ("a b", "a b c d"))) for n in range(30)]


@pytest.mark.parametrize(
    ("said", "base", "parent", "new", "verdict"),
    [
        (SHORTER, LONG, LONG, SHORT, "followed"),
        (SHORTER, LONG, SHORT, SHORT, "followed"),
        (SHORTER, SHORT, SHORT, LONG, "against"),
        (SHORTER, LONG, SHORT, ["one two three four five"] * 40, "slipped"),
        (SHORTER, LONG, LONG, LONG, "not yet"),
        (SHORTER, ["one"] * 40, ["one"] * 40, ["one"] * 40, "there"),
        (NOISE, LONG, LONG, SHORT, "unasked"),
        (NOISE, LONG, SHORT, SHORT, "unasked"),
        (NOISE, LONG, LONG, LONG, "still"),
        ([*NOISE, *SHORTER[:3]], LONG, LONG, SHORT, "leaning"),
    ],
)
def test_what_became_of_a_trait(
    said: list[Preference], base: list[str], parent: list[str], new: list[str], verdict: str
):
    found = learned(said, {"base": base, "round-000": parent, "round-001": new}, number=1)["words"]
    assert found.verdict == verdict
    assert bool(sentence(found)) is (verdict != "still")


def test_a_change_too_small_to_matter_is_no_warning():
    base = [" ".join(["word"] * n) for n in range(1, 61)]
    found = learned(NOISE, {"base": base, "round-000": [f"{text} word" for text in base]})["words"]
    assert found.base.clear == "more"
    assert found.verdict == "still"


def test_policies_that_answer_alike_have_moved_on_nothing_in_nine_seeds_of_ten():
    wrong = 0
    for seed in range(40):
        made = answers({"base": {}, "round-000": {}}, 60, seed)
        texts = {name: [c.completion for c in made if c.policy == name] for name in ("base", "round-000")}
        wrong += any(x.base.clear for x in learned([], texts).values())
    assert wrong <= 6


def test_numbers_and_words_of_a_lesson_agree():
    found = learned(SHORTER, {"base": LONG, "round-000": SHORT})
    words = found["words"]
    assert (words.labels.ours, words.labels.theirs, words.labels.value) == (1, 6, -5)
    assert sentence(words) == (
        "You prefer shorter answers: by 5.0 words (5.0 to 5.0). "
        "The new version followed: 3.0 words, the base model 7.0 words (-4.0 to -4.0)."
    )
    figures = sentence(found["digits"])
    assert figures.startswith(
        "You prefer no figures (digits): 100 % of what you chose, 0 % of the rest (100 to 100 points)."
    )


def test_a_whole_run_by_round_and_from_the_command_line(tmp_path, cli: Cli):
    first = labels(WARM, 120)
    second = [*first, *labels(WARM, 120, seed=9, number=1)]
    made = answers({"base": {}, "round-000": {"emoji": True}, "round-001": {"emoji": True, "greeting": True}})
    run = make_run(tmp_path / "run", [(first, made[:200]), (second, made), (second, [])])
    found = taught(run, 1)
    assert found.round_pairs + taught(run, 0).pairs == found.pairs
    by_trait = {x.trait: x for x in found.lessons}
    assert by_trait["emoji"].verdict == by_trait["greeting"].verdict == "followed"
    assert by_trait["greeting"].parent.clear == "more"
    assert by_trait["emoji"].parent.clear is None
    assert [x.head == "wanted" for x in found.lessons] == sorted(
        (x.head == "wanted" for x in found.lessons), reverse=True
    )

    said = cli("taught", run.path, "--round", 1)
    assert said.stdout.strip() == as_text(found)
    assert json.loads(cli("taught", run.path, "--round", 1, "--json").stdout) == json.loads(found.model_dump_json())
    assert "round 002" in cli("taught", run.path).stdout, "the latest by default"
    one_line(cli("taught", run.path, "--round", 5), 2, "round 005 has no preferences yet", "feedback-loop status")


def test_what_was_found_is_kept_until_a_stage_is_done_again(tmp_path):
    said = labels(WARM, 40)
    run = make_run(tmp_path / "run", [(said, [])])
    before = taught(run, 0)
    (file,) = run.cache.glob("taught-*.json")
    file.write_text(before.model_copy(update={"ties": 99}).model_dump_json())
    assert taught(run, 0).ties == 99
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("feedback_loop.taught.taught._key", lambda run, number: "another")
        assert taught(run, 0) == before


def test_a_round_without_preferences_says_so(tmp_path):
    with pytest.raises(UsageError, match="round 000 has no preferences yet"):
        taught(make_run(tmp_path / "run", []), 0)
