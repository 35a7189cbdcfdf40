"""A head for a round: what it is judged on it has not seen, and what is known is not read again."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from feedback_loop.errors import LoopError
from feedback_loop.progress import silent
from feedback_loop.recipe import RewardTable
from feedback_loop.records import Disliked, Message, Preference, Prompt
from feedback_loop.run import read_jsonl
from reward import fit, head
from reward.bias import length_slope
from reward.calibrate import Checked
from reward.features import REQUEST
from reward.head import Array
from reward.text import NAMES, statistics
from tests.models_fixture import BAD, GOOD, TINY, obvious, preference, tiny_prompts

STATES = 6
COINS = np.random.default_rng(1).integers(2, size=60)


def prompt(number: int) -> Prompt:
    return Prompt(id=f"p{number}", prompt=(Message(role="user", content=f"Question {number}?"),))


def answers(number: int) -> tuple[str, str]:
    return f"Short {number}.", f"A longer answer to question {number}, with more words in it."


def known(numbers: Sequence[int]) -> dict[tuple[str, str], Array]:
    """Features of two answers to each prompt; the second's first state is the greater."""
    rng = np.random.default_rng(0)
    rows: dict[tuple[str, str], Array] = {}
    for n in numbers:
        request = rng.normal(size=REQUEST)
        for place, text in enumerate(answers(n)):
            states = rng.normal(size=STATES)
            states[0] = 2.0 * place + 0.3 * states[0]
            rows[f"p{n}", text] = np.hstack([states, statistics(prompt(n), text), request]).astype(np.float32)
    return rows


def chosen(number: int, place: int, **changes: Any) -> Preference:
    texts = answers(number)
    return preference(prompt(number), texts[place], texts[1 - place]).model_copy(update=changes)


def train(
    folder: Path,
    pairs: Sequence[Preference],
    features: dict[tuple[str, str], Array],
    disliked: Sequence[Disliked] = (),
    track: Callable[[Mapping[str, float]], None] = lambda _: None,
    consistency: Mapping[str, float] | None = None,
    **reward: Any,
) -> dict[str, Any]:
    return fit.train_head(
        TINY,
        RewardTable(form="head", **{"members": 8} | reward),
        pairs,
        disliked,
        known=features,
        out=folder / "head",
        seed=5,
        thinking=False,
        batch_size=4,
        report=silent,
        track=track,
        consistency=consistency or {},
    )


@pytest.fixture
def no_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fit, "load_base", lambda *a: pytest.fail("the model was loaded"))


NUMBERS = range(40)


@pytest.mark.usefixtures("no_model")
def test_known_answers_are_learned_without_a_model_and_the_facts_say_of_how_many(tmp_path: Path):
    pairs = [chosen(n, 1) for n in NUMBERS] + [chosen(0, 1, tie=True, user_id="ben")]
    facts = train(tmp_path, pairs, known(NUMBERS))
    assert (facts["form"], facts["pairs"], facts["ties"], facts["members"], facts["disliked"]) == ("head", 41, 1, 8, 0)
    assert facts["columns"] == STATES + len(NAMES) + REQUEST
    assert facts["accuracy"] > 0.95
    assert facts["accuracy_low"] > 0.85
    assert facts["checked_pairs"] == 40
    assert head.load(tmp_path / "head").weights.shape[0] == 8


@pytest.mark.usefixtures("no_model")
def test_every_pair_is_judged_once_by_a_head_that_did_not_see_its_prompt(tmp_path: Path):
    """Labels by coin, three of each prompt: known by heart they would all be right, unseen they are a coin's toss."""
    pairs = [chosen(n, int(COINS[n]), user_id=user) for n in range(60) for user in ("anna", "ben", "cleo")]
    features = known(range(60))
    facts = train(tmp_path, pairs, features)
    checked = read_jsonl(tmp_path / "checked.jsonl", Checked)
    assert [c.user_id for c in checked] == [p.user_id for p in pairs]
    assert facts["accuracy"] < 0.7
    scores = head.load(tmp_path / "head").scores(np.stack(list(features.values()))).mean(1)
    by_heart = (scores[1::2] > scores[::2]) == COINS.astype(bool)
    assert by_heart.mean() > facts["accuracy"]


@pytest.mark.usefixtures("no_model")
def test_a_prompts_other_labels_do_not_tell_on_it(tmp_path: Path):
    """The judged prompt's pairs may be turned round without its own judgement changing at all: not even the priors saw them."""
    features = known(NUMBERS)
    view = head.frame(np.stack(list(features.values())))

    def margin(place: int) -> float:
        pairs = [chosen(0, place), *(chosen(n, 1) for n in NUMBERS[1:])]
        poor = [Disliked(prompt=prompt(0).prompt, completion=answers(0)[place], prompt_id="p0", user_id="u", round=0)]
        labels = fit.labelled(view, features, pairs, poor)
        return fit.judged(labels, pairs, poor, seed=1)[0].margin

    assert margin(1) > 0
    assert margin(0) == pytest.approx(-margin(1), rel=1e-9)


@pytest.mark.usefixtures("no_model")
def test_of_one_prompt_alone_nothing_is_claimed(tmp_path: Path):
    facts = train(tmp_path, [chosen(0, 1), chosen(0, 1, user_id="ben")], known([0]))
    assert (facts["accuracy"], facts["accuracy_low"], facts["checked_pairs"]) == (None, None, 0)
    assert (tmp_path / "head").exists()


def test_edits_and_what_an_older_round_did_not_keep_are_read_by_the_model(tmp_path: Path):
    pairs = obvious(6)
    facts = train(tmp_path, pairs, {})
    asked = tiny_prompts(6)
    assert facts["pairs"] == 6
    assert facts["accuracy"] == 1.0
    rows = fit.features(
        fit.load_base(TINY), fit.load_tokenizer(TINY), [asked[0]] * 2, [GOOD, BAD], thinking=False, batch_size=2
    )
    good, bad = head.load(tmp_path / "head").scores(rows).mean(1)
    assert good > bad


@pytest.mark.usefixtures("no_model")
def test_disliked_answers_teach_but_are_not_counted_as_pairs_nor_judged(tmp_path: Path):
    features = known(NUMBERS)
    poor = [
        Disliked(prompt=prompt(n).prompt, completion=answers(n)[0], prompt_id=f"p{n}", user_id="anna", round=0)
        for n in range(10, 40)
    ]
    without = train(tmp_path / "without", [chosen(0, 1), chosen(1, 1)], features)
    facts = train(tmp_path / "with", [chosen(0, 1), chosen(1, 1)], features, poor)
    assert (facts["pairs"], facts["disliked"], facts["checked_pairs"]) == (2, 30, 2)
    assert facts["margin"] > 2 * without["margin"]


@pytest.mark.usefixtures("no_model")
def test_whoever_answers_by_a_coin_is_weighed_down_where_that_is_asked_for(tmp_path: Path):
    pairs = [chosen(n, 1) for n in range(60)] + [chosen(n, int(COINS[n]), user_id="coin") for n in range(60)]
    features = known(range(60))
    equal = train(tmp_path / "equal", pairs, features)
    measured = train(tmp_path / "measured", pairs, features, annotators="measured")
    assert equal["annotator_weights"] == {}
    assert measured["annotator_weights"]["anna"] == 1.0
    assert measured["annotator_weights"]["coin"] < 0.5
    assert measured["by_annotator"]["anna"]["accuracy"] >= equal["by_annotator"]["anna"]["accuracy"]


@pytest.mark.usefixtures("no_model")
def test_what_consistency_took_off_already_is_not_taken_off_again(tmp_path: Path):
    pairs = [chosen(n, 1) for n in range(60)] + [
        chosen(n, int(COINS[n]), user_id="coin", weight=0.1) for n in range(60)
    ]
    features = known(range(60))
    train(tmp_path / "equal", pairs, features)
    facts = train(tmp_path / "known", pairs, features, annotators="measured", consistency={"coin": 0.1})
    train(tmp_path / "unknown", pairs, features, annotators="measured")
    assert facts["annotator_weights"]["coin"] >= 0.1
    equal, told, untold = (head.load(tmp_path / n / "head").weights for n in ("equal", "known", "unknown"))
    assert np.array_equal(equal, told)
    assert not np.array_equal(equal, untold)


@pytest.mark.usefixtures("no_model")
@pytest.mark.parametrize("length", ["keep", "remove"])
def test_length_is_taken_out_where_that_is_asked_for(tmp_path: Path, length: str):
    features = known(NUMBERS)
    facts = train(tmp_path, [chosen(n, 1) for n in NUMBERS], features, length=length)
    scores = head.load(tmp_path / "head").scores(np.stack(list(features.values())))
    slopes = length_slope(scores, np.array([float(len(text)) for _, text in features]), [name for name, _ in features])
    assert (np.abs(slopes) < 1e-3).all() == (length == "remove")
    assert (facts["length_correlation"] < 0.5) == (length == "remove"), "the figures are of what is used"


def of_typical_lengths(number: int) -> tuple[str, str]:
    """Two answers to a prompt, of which some have short and others long ones; the second is the longer."""
    said = " ".join(["word"] * (2 + number % 8 * 12 + number % 3))
    return said + ".", said + " and some more words" + " of it" * (1 + number % 5) + "."


@pytest.mark.usefixtures("no_model")
def test_length_is_taken_out_of_each_prompts_answers_whatever_others_typical_length(tmp_path: Path):
    """What people like is less found where answers are typically long, and more in the longer answer of a prompt."""
    rng, features, pairs = np.random.default_rng(7), dict[tuple[str, str], Array](), []
    for n in range(80):
        request, texts = rng.normal(size=REQUEST), of_typical_lengths(n)
        for text in texts:
            liked = 0.02 * len(text) - 0.12 * len(texts[0]) + 0.5 * rng.normal()
            states = np.hstack([liked, rng.normal(size=STATES - 1)])
            features[f"p{n}", text] = np.hstack([states, statistics(prompt(n), text), request]).astype(np.float32)
        better = int(rng.random() < 0.85)
        pairs.append(preference(prompt(n), texts[better], texts[1 - better]))
    kept, removed = (train(tmp_path / how, pairs, features, length=how) for how in ("keep", "remove"))
    assert kept["length_correlation"] > 0.5
    assert abs(removed["length_correlation"]) < 0.15
    background = np.stack(list(features.values()))
    head_ = head.load(tmp_path / "keep" / "head")
    by_name, by_request = (fit.without_length(head_, background, asked) for asked in ([p for p, _ in features], None))
    assert np.array_equal(by_name.weights, by_request.weights), "answers with the same request are of one prompt"


@pytest.mark.usefixtures("no_model")
def test_where_all_answers_are_as_long_there_is_no_length_to_take_out(tmp_path: Path):
    features = known(range(8))
    for row in features.values():
        row[STATES : STATES + len(NAMES)] = 1.0
    train(tmp_path, [chosen(n, 1) for n in range(8)], features, length="remove")
    assert np.isfinite(head.load(tmp_path / "head").scores(np.stack(list(features.values())))).all()


@pytest.mark.usefixtures("no_model")
def test_the_curve_says_how_much_the_next_labels_were_foreseen_after_so_many(tmp_path: Path):
    features, heard = known(NUMBERS), []
    train(tmp_path, [chosen(n, 1, tie=n in (4, 5, 6, 7)) for n in NUMBERS], features, track=heard.append)
    lines = (tmp_path / "curves.jsonl").read_text().splitlines()
    assert [line.split(",")[:2] for line in lines] == [['{"step": 16', ' "tested": 16']], (
        "8 are too few to say anything"
    )
    assert '"accuracy": 1.0' in lines[-1]
    assert [(row["step"], row["tested"]) for row in heard] == [(16, 16)], "W&B draws the same"


def curve_of(pairs: Sequence[Preference], features: dict[tuple[str, str], Array]) -> list[tuple[float, float, float]]:
    labels = fit.labelled(head.frame(np.stack(list(features.values()))), features, pairs, [])
    return [(row["step"], row["tested"], row["accuracy"]) for row in fit.learning_curve(labels, pairs)]


def test_what_another_said_of_the_same_answers_does_not_tell_on_the_labels_that_the_curve_tests():
    """By coin, and everybody says the same: whoever saw the prompt knows, and nobody else can."""
    users = ("anna", "ben", "cleo")
    pairs = [chosen(n, int(COINS[n]), user_id=user, round=r) for r, user in enumerate(users) for n in range(24)]
    rows = curve_of(pairs, known(range(24)))
    assert [(seen, tested) for seen, tested, _ in rows] == [(18, 15), (33, 33)]
    assert all(right < 0.75 for _, _, right in rows)


def test_the_curve_tests_what_measures_a_reward_model_and_counts_an_orders_pairs_by_their_share():
    apart: list[dict[str, Any]] = [
        {"source": "edit"},
        {"selection": "chat"},
        {"repeat": True},
        {"selection": "uncertainty"},
        {"tie": True},
    ]
    pairs = [chosen(n, 1, **(apart[n % 5] if n >= 32 else {})) for n in range(64)]
    assert [tested for _, tested, _ in curve_of(pairs, known(range(64)))] == [16], "of the last 32 none"
    halves = [chosen(n, 1, share=0.5) for n in range(64)]
    assert [(seen, tested) for seen, tested, _ in curve_of(halves, known(range(64)))] == [(32, 16)]


@pytest.mark.usefixtures("no_model")
def test_the_same_labels_and_seed_give_the_same_head(tmp_path: Path):
    features, pairs = known(NUMBERS), [chosen(n, 1) for n in NUMBERS]
    for name in ("a", "b"):
        train(tmp_path / name, pairs, features)
    for file in ("head/head.safetensors", "checked.jsonl", "curves.jsonl"):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()


def test_without_a_pair_it_says_so(tmp_path: Path):
    with pytest.raises(LoopError, match=r"No ranking compares two answers.*redo RUN rankings"):
        train(tmp_path, [], {})
