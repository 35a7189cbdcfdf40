"""What a cell costs people: the labels that its ingredients use, each once."""

from feedback_loop.records import Ranking
from feedback_loop.soup.cells import Cell
from feedback_loop.soup.minutes import minutes, seconds


def label(name: str, **said: object) -> Ranking:
    return Ranking.model_validate({"comparison_id": name, "user_id": "anna", "created_at": "", "choice": "a", **said})


CHOICE, TIE, EDIT = label("c1"), label("c2", choice="tie"), label("c3", edit="In my words.")
GIVEN = [CHOICE, TIE, EDIT]


def spent(training: str, shots: int = 0) -> float:
    return 60 * minutes(Cell(training=training, level=0.0, shots=shots), GIVEN, ["c1@anna", "c3@anna"], ["c3@anna"])


def test_a_choice_takes_longer_than_a_tie_and_words_of_ones_own_longest():
    assert [seconds(one) for one in GIVEN] == [15, 5, 45]
    assert seconds(label("c4", order=(("a",), ("b",), ("c",)))) == 30


def test_a_training_costs_the_labels_that_it_learns_from():
    assert (spent("none"), spent("bake")) == (0, 0)
    assert (spent("sft"), spent("ditto"), spent("dpo"), spent("bake+dpo")) == (45, 45, 65, 65)


def test_examples_cost_the_labels_they_come_from_and_no_label_counts_twice():
    assert spent("none", shots=3) == 60
    assert spent("dpo", shots=3) == 65
