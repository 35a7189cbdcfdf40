"""Personas: what answers are worth to them, how they answer, and what a bad file is told."""

import math
import random
from collections import Counter
from itertools import permutations
from pathlib import Path

import pytest

from feedback_loop import prompts
from feedback_loop.errors import UsageError
from feedback_loop.prompts import DATA
from feedback_loop.records import Answer, Comparison, Completion, Message, Prompt
from feedback_loop.simulation.checks import words
from feedback_loop.simulation.personas import (
    Annotator,
    Persona,
    Trait,
    answer,
    edit,
    find,
    gated,
    load,
    respond,
    strength,
    utility,
)
from feedback_loop.store.validity import check_answer

PROMPT = Prompt(id="p", prompt=(Message(role="user", content="How do I clean the lamp?"),))
WANTS = (Trait(check="max_words", value=3, weight=3.0), Trait(check="greeting", value=False))
SHORT, LONG, GREETING = (
    "Clean the lamp.",
    "Please do clean the lamp with care.",
    "Hello. Please do clean the lamp with care.",
)
DRAWS = 4000
SHIPPED = sorted((DATA / "personas").rglob("*.toml"))


def person(**annotator: float) -> Persona:
    return Persona(name="anna", wants=WANTS, annotator=Annotator(**annotator))


def compare(first: str, second: str) -> Comparison:
    texts = {"first": first, "second": second}
    completions = tuple(
        Completion(id=side, prompt_id="p", completion=text, policy="base", seed=0) for side, text in texts.items()
    )
    return Comparison(id="c", round=0, prompt=PROMPT, completions=completions)


def shares(who: Persona, first: str, second: str, answered: int = 0) -> dict[str | None, float]:
    """How often the persona gives each answer."""
    rng = random.Random(7)
    given = Counter(answer(who, compare(first, second), rng, answered)[1] for _ in range(DRAWS))
    return {choice: count / DRAWS for choice, count in given.items()}


def test_utility_is_the_weighted_share_of_wants_met() -> None:
    assert utility(person(), PROMPT, SHORT) == 1.0
    assert utility(person(), PROMPT, LONG) == 0.25
    assert utility(person(), PROMPT, "Hello.") == 0.75
    assert utility(person(), PROMPT, GREETING) == 0.0


def test_an_answer_that_fails_a_gate_is_worth_nothing() -> None:
    who = Persona(name="anna", gates=(Trait(check="on_topic"),), wants=WANTS)
    assert gated(who, PROMPT, SHORT)
    assert not gated(who, PROMPT, "Sell the lamp.")
    assert utility(who, PROMPT, "Sell the lamp.") == 0.0


def test_a_want_with_words_counts_only_where_the_request_has_one_of_them() -> None:
    lamp = Trait(check="contains_any", value=["lamp"], weight=3.0, when=("Clean", "wash"))
    radio = Trait(check="contains_any", value=["lamp"], weight=3.0, when=("radio", "lam"))
    assert utility(Persona(name="anna", wants=(lamp, WANTS[1])), PROMPT, "Hello.") == 0.0
    assert utility(Persona(name="anna", wants=(lamp, WANTS[1])), PROMPT, "The lamp.") == 1.0
    assert utility(Persona(name="anna", wants=(radio, WANTS[1])), PROMPT, "Dust it.") == 1.0


def test_where_no_want_counts_all_answers_are_worth_the_same() -> None:
    other = Persona(name="anna", wants=(Trait(check="greeting", when=("radio",)),))
    assert utility(other, PROMPT, SHORT) == utility(other, PROMPT, GREETING) == 1.0


def test_a_gate_with_words_counts_only_where_the_request_has_one_of_them() -> None:
    gates = [Trait(check="on_topic", when=(word,)) for word in ("lamp", "radio")]
    passes = [gated(Persona(name="anna", gates=(gate,), wants=WANTS), PROMPT, "Sell it.") for gate in gates]
    assert passes == [False, True]


@pytest.mark.parametrize(
    ("first", "second", "choice"),
    [(SHORT, LONG, "first"), (LONG, SHORT, "second"), (SHORT, "Wipe it.", "tie"), (GREETING, GREETING, "neither")],
)
def test_without_faults_the_better_answer_wins_each_time(first: str, second: str, choice: str) -> None:
    assert shares(person(), first, second) == {choice: 1.0}


def test_a_mistake_turns_the_answer_round_but_leaves_a_tie() -> None:
    assert shares(person(mistake=0.2), SHORT, LONG)["second"] == pytest.approx(0.2, abs=0.03)
    assert shares(person(mistake=1.0), SHORT, LONG) == {"second": 1.0}
    assert shares(person(mistake=1.0), SHORT, "Wipe it.") == {"tie": 1.0}


def test_fatigue_grows_mistakes_up_to_a_coins_toss() -> None:
    who = person(mistake=0.1, fatigue=0.1)
    wrong = [shares(who, SHORT, LONG, answered)["second"] for answered in (0, 200, 10_000)]
    assert wrong == pytest.approx([0.1, 0.3, 0.5], abs=0.03)


def test_beta_is_bradley_terry() -> None:
    assert shares(person(beta=2.0), SHORT, LONG)["first"] == pytest.approx(0.8176, abs=0.03)
    assert shares(person(beta=2.0), LONG, SHORT)["second"] == pytest.approx(0.8176, abs=0.03)
    assert shares(person(beta=1e9), LONG, SHORT) == {"second": 1.0}


def test_skips_only_where_both_answers_are_poor() -> None:
    rng = random.Random(7)
    given = [answer(person(skip=0.3), compare(LONG, GREETING), rng) for _ in range(DRAWS)]
    assert given.count(("discarded", None)) / DRAWS == pytest.approx(0.3, abs=0.03)
    assert shares(person(skip=1.0), SHORT, GREETING) == {"first": 1.0}


def test_equal_widens_ties() -> None:
    assert shares(person(equal=0.3), SHORT, "Hello.") == {"tie": 1.0}
    assert shares(person(equal=0.25), SHORT, "Hello.") == {"first": 1.0}


def test_left_bias_takes_whichever_stands_first() -> None:
    assert shares(person(left_bias=0.4), LONG, SHORT)["first"] == pytest.approx(0.4, abs=0.03)
    assert shares(person(left_bias=1.0), GREETING, GREETING) == {"first": 1.0}


def test_the_same_seed_gives_the_same_answers() -> None:
    who = person(beta=1.0, mistake=0.2, skip=0.2, left_bias=0.2)
    runs = [[answer(who, compare(LONG, GREETING), rng) for _ in range(50)] for rng in map(random.Random, (3, 3, 4))]
    assert runs[0] == runs[1] != runs[2]


def of_several(*texts: str) -> Comparison:
    return Comparison(
        id="c",
        round=0,
        prompt=PROMPT,
        completions=tuple(
            Completion(id=f"{n}", prompt_id="p", completion=text, policy="base", seed=0) for n, text in enumerate(texts)
        ),
    )


def orders(who: Persona, *texts: str, answered: int = 0) -> dict[object, float]:
    """How often the persona gives each order of these answers, which are called 0, 1, ..."""
    rng, shown = random.Random(7), of_several(*texts)
    given = Counter(respond(who, shown, rng, answered).order for _ in range(DRAWS))
    return {order: count / DRAWS for order, count in given.items()}


MIDDLING = "Hello, you."
"""Short, and it greets: of worth between SHORT and LONG, which is in turn above GREETING."""


def test_of_two_answers_all_is_said_as_before() -> None:
    said = respond(person(much=0.75), compare(LONG, SHORT), random.Random(1))
    assert said == Answer(choice="second", strength="much")


def test_without_faults_several_answers_are_ordered_by_what_they_are_worth() -> None:
    assert orders(person(), LONG, SHORT, GREETING, MIDDLING) == {(("1",), ("3",), ("0",), ("2",)): 1.0}
    assert orders(person(), SHORT, LONG, "Wipe it.") == {(("0", "2"), ("1",)): 1.0}
    assert orders(person(equal=0.3), SHORT, LONG, MIDDLING) == {(("0", "2"), ("1",)): 1.0}


def test_an_order_is_an_answer_that_the_desk_takes() -> None:
    rng = random.Random(3)
    who = person(beta=1.0, mistake=0.3, skip=0.3, equal=0.3, left_bias=0.2, much=0.4)
    texts = (SHORT, LONG, GREETING, MIDDLING)
    for _ in range(500):
        shown = of_several(*rng.sample(texts, rng.choice((3, 4))))
        check_answer(shown, respond(who, shown, rng))


def test_of_several_answers_none_of_which_is_worth_anything_neither_is_good() -> None:
    said = respond(person(), of_several(GREETING, GREETING, GREETING), random.Random(1))
    assert (said.choice, said.order) == ("neither", None)


def test_beta_makes_an_order_one_of_plackett_and_luce() -> None:
    found = orders(person(beta=2.0), SHORT, LONG, MIDDLING)
    worth = {"0": math.exp(2.0), "1": math.exp(0.5), "2": math.exp(1.5)}
    for order in permutations(worth):
        left, expected = list(worth), 1.0
        for name in order:
            expected *= worth[name] / sum(worth[other] for other in left)
            left.remove(name)
        assert found[tuple((name,) for name in order)] == pytest.approx(expected, abs=0.03)


def test_a_mistake_turns_a_whole_order_round_and_position_takes_it_as_it_stands() -> None:
    right, wrong = (("1",), ("2",), ("0",)), (("0",), ("2",), ("1",))
    texts = (LONG, SHORT, MIDDLING)
    assert orders(person(mistake=0.2), *texts) == pytest.approx({right: 0.8, wrong: 0.2}, abs=0.03)
    assert orders(person(mistake=0.1, fatigue=0.1), *texts, answered=200)[wrong] == pytest.approx(0.3, abs=0.03)
    assert orders(person(left_bias=1.0), *texts) == {(("0",), ("1",), ("2",)): 1.0}


def test_how_much_better_the_best_of_several_is_than_the_next() -> None:
    def said(much: float, *texts: str) -> str | None:
        return respond(person(much=much), of_several(*texts), random.Random(1)).strength

    assert said(0.5, SHORT, LONG, GREETING) == "much"
    assert said(0.5, SHORT, MIDDLING, LONG) == "slight"
    assert said(0.5, SHORT, "Wipe it.", LONG) is None, "of two that are best none is chosen"
    assert said(math.inf, SHORT, LONG, GREETING) is None


def test_strength_is_said_by_the_distance_of_the_utilities() -> None:
    choices = [("second", "slight"), ("first", "slight"), ("tie", None), ("neither", None), (None, None)]
    for choice, said in choices:
        assert strength(person(much=0.8), compare(SHORT, LONG), choice) == said
    assert strength(person(much=0.75), compare(SHORT, LONG), "first") == "much"
    assert strength(person(much=0.75), compare(SHORT, LONG), "second") == "much"


def test_strength_is_not_said_by_who_was_not_asked_to() -> None:
    assert strength(person(), compare(SHORT, GREETING), "first") is None


def test_an_edit_is_the_best_text_there_is_and_only_where_it_is_better() -> None:
    assert edit(person(), PROMPT, LONG, [GREETING, "Hello.", SHORT, "Wipe it."]) == SHORT
    assert edit(person(), PROMPT, SHORT, [LONG, "Wipe it."]) is None
    assert edit(person(), PROMPT, LONG, []) is None


WANT = 'name = "a"\n[[wants]]\n'


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (WANT + 'check = "sentence"', "no such check. There are: greeting, sentences"),
        (WANT + 'check = "sentences"\nvalue = "two"', "takes a value of type int, not 'two'"),
        (WANT + 'check = "sentences"', "takes a value of type int, not True"),
        (WANT + 'check = "greeting"\nvalue = 1', "takes a value of type bool, not 1"),
        (WANT + 'check = "contains_any"\nvalue = [1]', "takes a list of texts"),
        (WANT + 'check = "contains_any"\nvalue = []', "takes a list of texts"),
        (WANT + 'check = "script"\nvalue = "greek"', "latin, cyrillic, han"),
        (WANT + 'check = "greeting"\nweight = 0', "wants.0.weight"),
        (WANT + 'check = "greeting"\nweight = inf', "wants.0.weight"),
        (WANT + 'check = "greeting"\nwhen = ["how do"]', "'when' takes single words, not 'how do'"),
        (WANT + 'check = "greeting"\nwhen = [""]', "'when' takes single words, not ''"),
        (WANT + 'check = "greeting"\nwhen = "how"', "wants.0.when"),
        (WANT + 'check = "greeting"\n[annotator]\nmuch = 0', "annotator.much"),
        (WANT + 'check = "greeting"\n[annotator]\nmistake = 2', "annotator.mistake"),
        (WANT + 'check = "greeting"\n[annotator]\ntired = 2', "annotator.tired"),
        ('name = "a"', "wants"),
        ('[[wants]]\ncheck = "greeting"', "name"),
        ("name = ", "not valid TOML"),
    ],
)
def test_a_bad_file_is_told_in_one_line_with_its_path(tmp_path: Path, text: str, says: str) -> None:
    file = tmp_path / "anna.toml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError) as raised:
        load(file)
    assert str(raised.value).startswith(f"{file}: ")
    assert says in str(raised.value)
    assert "\n" not in str(raised.value)


def test_bytes_that_are_no_text_are_told(tmp_path: Path) -> None:
    file = tmp_path / "anna.toml"
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(UsageError, match=r"anna\.toml: not valid TOML"):
        load(file)


def test_a_name_that_is_neither_shipped_nor_a_file_lists_the_shipped_ones() -> None:
    with pytest.raises(
        UsageError,
        match=r"nobody: .*adviser, brief, brisk, butler, chum, clerk, coach, concierge, .*, terse, warm",
    ):
        find("nobody")


def test_found_by_shipped_name_or_by_file(tmp_path: Path) -> None:
    file = tmp_path / "anna.toml"
    file.write_text('name = "anna"\n[[wants]]\ncheck = "greeting"\n[annotator]\nbeta = 5', encoding="utf-8")
    assert find("brisk").name == "brisk"
    assert find("tuning/plain").name == "plain"
    anna = find(str(file))
    assert (anna.name, anna.wants[0].value, anna.annotator.beta) == ("anna", True, 5.0)


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: file.stem)
def test_shipped_personas_load_and_bear_the_name_of_their_file(file: Path) -> None:
    assert load(file).name == file.stem


def test_personas_for_tuning_differ_from_those_that_are_reported() -> None:
    tuning = [file for file in SHIPPED if file.parent.name == "tuning"]
    reported = [file for file in SHIPPED if file.parent.name == "personas"]
    assert len(tuning) == 5
    assert not {file.stem for file in tuning} & {file.stem for file in reported}
    assert not set(map(traits, tuning)) & set(map(traits, reported))


@pytest.mark.parametrize(
    ("name", "sets"),
    [("conditional", ("tiny", "tiny_heldout")), ("tuning/moody", ("tiny_tuning", "tiny_tuning_heldout"))],
)
def test_a_conditional_persona_wants_either_thing_of_about_half_of_the_requests(
    name: str, sets: tuple[str, ...]
) -> None:
    one, other = {want.when for want in find(name).wants}
    for file in sets:
        requests = [set(words(p.request)) for p in prompts.load(DATA / "prompts" / f"{file}.jsonl")]
        first = [not request.isdisjoint(one) for request in requests]
        assert first == [request.isdisjoint(other) for request in requests]
        assert 0.4 < sum(first) / len(first) < 0.6


@pytest.mark.parametrize("name", ["concise", "tuning/curt"])
def test_the_longer_the_worse_by_steps(name: str) -> None:
    who = find(name)
    ungated = who.model_copy(update={"gates": ()})
    worth = [utility(ungated, PROMPT, "clean " * count) for count in range(1, 30)]
    assert worth == sorted(worth, reverse=True)
    assert len(set(worth)) == 7


def traits(file: Path) -> frozenset[str]:
    """What a persona wants, in no order."""
    return frozenset(f"{want.check}={want.value}" for want in load(file).wants)
