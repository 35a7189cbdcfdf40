"""From opinions to the table, the front, what each ingredient gains, and the next step."""

import random

import pytest

from feedback_loop.brief.curve import Met
from feedback_loop.soup.advice import Grown
from feedback_loop.soup.cells import Cell, Gain, Soup
from feedback_loop.soup.tasting import Kitchen, Opinions, Plate, taste

REQUESTS = 40
BASE, WHOLE = Cell(training="none", level=0.0, shots=0), Cell(training="none", level=1.0, shots=0)
DPO, BAKE, BOTH = (Cell(training=name, level=0.0, shots=0) for name in ("dpo", "bake", "bake+dpo"))
SHOWN = Cell(training="none", level=0.0, shots=3)


def opinions(mean: float, seed: int = 0) -> Opinions:
    """Two members' scores of an answer a request, around a mean; what is hard about a request is the same for all cells."""
    hard, rng = random.Random("requests"), random.Random(f"{seed}/{mean}")
    return [[mean + h + rng.gauss(0, 0.3) for _ in range(2)] for h in [hard.gauss(0, 2) for _ in range(REQUESTS)]]


def plate(cell: Cell, mean: float, tokens: float = 0.0, people: float = 0.0, **more: object) -> Plate:
    return Plate(cell, opinions(mean), tokens, training_minutes=1.0, human_minutes=people, **more)  # type: ignore[arg-type]


def soup(*plates: Plate, now: Cell = BASE, grown: tuple[Grown, ...] = ()) -> Soup:
    kitchen = Kitchen(round=2, labels=64, demonstrations=9, judge="reward model", now=now, grown=grown)
    return taste(plates, kitchen)


def gain(found: Soup, of: Cell, over: Cell) -> Gain:
    return next(g for g in found.gains if (g.of, g.over) == (of, over))


def keys(found: Soup) -> list[str]:
    return [one.key for one in found.said]


MIXED = soup(
    plate(WHOLE, 1.0, 40), plate(BASE, 0.0), plate(BAKE, 0.8), plate(BOTH, 1.6, people=16), plate(DPO, 0.5, people=16),
    plate(SHOWN, 0.3, 90, people=20),
)  # fmt: skip


def test_win_rates_are_against_the_base_with_the_whole_brief_which_draws_with_itself():
    whole, base, *_, dpo, _ = MIXED.cells
    assert MIXED.against == "base with the whole brief"
    assert (whole.win_rate, whole.low, whole.high) == (0.5, 0.5, 0.5)
    assert base.low <= base.win_rate < dpo.win_rate < 0.5
    assert base.requests == REQUESTS


def test_without_a_brief_they_are_against_the_plain_base():
    found = soup(plate(BASE, 0.0), plate(DPO, 0.5))
    assert found.against == "plain base"
    assert found.cells[0].win_rate == 0.5 < found.cells[1].win_rate


def test_the_front_holds_what_nothing_as_cheap_beats():
    found = soup(plate(WHOLE, 1.0, 40), plate(BASE, 0.0), plate(DPO, 0.5), plate(SHOWN, 2.0, 90))
    assert [found.cells[n].cell for n in found.front] == [DPO, WHOLE, SHOWN]


def test_an_ingredient_gains_where_nothing_else_differs_and_its_gain_is_the_difference_of_the_table():
    assert {(g.ingredient, g.of.training, g.over.training) for g in MIXED.gains} == {
        ("brief", "none", "none"), ("bake", "bake", "none"), ("dpo", "dpo", "none"), ("dpo", "bake+dpo", "bake"),
        ("bake", "bake+dpo", "dpo"), ("examples", "none", "none"),
    }  # fmt: skip
    rates = {tried.cell: tried.win_rate for tried in MIXED.cells}
    found = gain(MIXED, DPO, BASE)
    assert found.gain == pytest.approx(rates[DPO] - rates[BASE])
    assert found.low < found.gain < found.high
    assert (found.human_minutes, found.training_minutes, found.tokens) == (16, 0, 0)
    assert gain(MIXED, SHOWN, BASE).tokens == 90


def test_two_cells_that_answer_alike_differ_by_nothing_however_few_requests_there_are():
    found = soup(plate(BASE, 0.0), plate(DPO, 0.4), plate(BAKE, 0.4))
    assert gain(found, DPO, BASE).gain == gain(found, BAKE, BASE).gain
    same = soup(plate(BASE, 0.0), plate(SHOWN, 0.0))
    assert gain(same, SHOWN, BASE).gain == 0
    assert gain(same, SHOWN, BASE).low < 0 < gain(same, SHOWN, BASE).high


def test_the_next_step_adds_the_one_ingredient_that_gains_most_surely_over_what_people_get_today():
    assert MIXED.next == "bake"
    assert MIXED.said[0].key == "add"
    assert MIXED.advice.startswith("Next: bake. It gains ")
    then = [plate(BASE, 0.0), plate(BAKE, 0.8), plate(BOTH, 1.6), plate(DPO, 0.5)]
    assert soup(*then, now=BAKE).next == "dpo"
    assert soup(*then, now=BOTH).next == ""
    assert soup(plate(BASE, 0.0), plate(DPO, 0.5), plate(SHOWN, 3.0), now=DPO).next == ""


def test_where_what_people_get_today_could_not_be_tried_it_says_over_what_the_next_step_is():
    found = soup(plate(BASE, 0.0), plate(DPO, 0.5), now=BAKE)
    assert found.left_out == ("bake, which people get today: what is next is told over the base.",)
    assert "over the base" in found.advice
    assert soup(plate(BASE, 0.0), plate(DPO, 0.5), now=DPO).left_out == ()


def test_trainings_that_were_not_tried_apart_are_one_ingredient():
    found = soup(plate(BASE, 0.0), plate(BOTH, 1.6))
    assert [(g.ingredient, g.over) for g in found.gains] == [("bake+dpo", BASE)]
    assert found.next == "bake+dpo"


def test_a_gain_that_the_judge_is_surer_of_goes_before_a_larger_one():
    torn = [[2.4, -1.2] for _ in range(REQUESTS)]
    base = [[0.0, 0.0] for _ in range(REQUESTS)]
    most = [[1.0, 1.0] if n % 8 else [-1.0, -1.0] for n in range(REQUESTS)]
    plates = [Plate(cell, said, 0.0, 1.0, 0.0) for cell, said in ((BASE, base), (DPO, torn), (BAKE, most))]
    assert soup(*plates).next == "bake"


def test_the_reward_model_must_be_sure_that_a_training_on_its_own_labels_beats_one_that_needs_none():
    free = plate(BAKE, 0.2)
    assert soup(plate(BASE, 0.0), free, plate(DPO, 0.25, people=16)).next == "bake"
    assert soup(plate(BASE, 0.0), free, plate(DPO, 2.5, people=16)).next == "dpo"
    truth = Kitchen(round=2, labels=64, demonstrations=9, judge="utility", now=BASE)
    assert taste([plate(BASE, 0.0), free, plate(DPO, 0.5, people=16)], truth).next == "dpo"


def test_of_equally_sure_steps_the_one_that_costs_fewer_tokens_and_minutes_of_people_is_advised():
    found = soup(plate(BASE, 0.0), plate(SHOWN, 1.0, 90), plate(DPO, 1.0, people=16), plate(BAKE, 1.0))
    assert found.next == "bake"


def test_a_small_gain_is_no_sure_one_and_no_gain_is_none():
    small = soup(plate(BASE, 0.0), plate(DPO, 0.05))
    assert [small.said[0].key, small.next] == ["maybe", "dpo"]
    assert "No ingredient is surely better." in small.advice
    none = soup(plate(BASE, 0.0), plate(DPO, -1.0))
    assert (none.said[0].key, none.next) == ("nothing", "")
    assert none.advice.startswith("Nothing that was tried looks better than the base.")


def test_what_surely_loses_is_said_and_so_is_the_brief_where_it_surely_helps():
    found = soup(plate(WHOLE, 0.4, 40), plate(BASE, 0.0), plate(DPO, -3.0))
    assert {"paste", "harm"} <= set(keys(found))
    assert "Leave out dpo" not in MIXED.advice


def test_a_cell_that_is_as_good_for_half_the_tokens_is_named():
    found = soup(plate(WHOLE, 1.0, 40), plate(BASE, 0.0), plate(DPO, 0.95))
    said = next(one for one in found.said if one.key == "cheaper")
    assert found.cells[int(said.values["cell"])].cell == DPO
    assert said.values["of"] == 40


def test_requirements_that_the_advised_cell_would_meet_unasked_are_named_and_so_are_those_it_misses():
    sure = [Met(number=n, share=share, low=0.9, high=1.0) for n, share in ((1, 1.0), (3, 0.96))]
    missed = Met(number=2, share=0.3, low=0.2, high=0.42)
    one = soup(plate(WHOLE, 1.0, 40), plate(BASE, 0.0), plate(DPO, 1.0, requirements=(sure[0], missed)))
    assert "Requirement 1 of the brief would no longer be needed with dpo: 100% of its answers meet it" in one.advice
    assert "Requirement 2 is met by 30% of the answers of dpo (20% to 42%)" in one.advice
    two = soup(plate(WHOLE, 1.0, 40), plate(BASE, 0.0), plate(DPO, 1.0, requirements=tuple(sure)))
    assert "Requirements 1, 3 of the brief would no longer be needed with dpo: at least 96% of its" in two.advice
    assert [said.values["number"] for said in two.said if said.key == "unneeded_then"] == [1, 3]


def test_a_requirement_is_no_longer_needed_where_what_people_get_today_meets_it_unasked():
    sure = tuple(Met(number=n, share=0.96, low=0.9, high=1.0) for n in (1, 3))
    plates = (plate(WHOLE, 1.0, 40), plate(BASE, 0.0))
    one = soup(*plates, plate(DPO, 1.0, requirements=sure[:1]), now=DPO)
    assert "Requirement 1 of the brief is no longer needed: 96% of the answers of dpo meet it unasked." in one.advice
    two = soup(*plates, plate(DPO, 1.0, requirements=sure), now=DPO)
    assert "Requirements 1, 3 of the brief are no longer needed: at least 96% of the answers of dpo" in two.advice


@pytest.mark.parametrize(("before", "after", "said"), [(0.5, 0.8, "labels"), (0.8, 0.79, "enough"), (0.7, 0.75, None)])
def test_more_labels_are_advised_where_the_last_doubling_surely_helped(before: float, after: float, said: str | None):
    grown = (Grown(pairs=32, tested=30, accuracy=before), Grown(pairs=64, tested=50, accuracy=after))
    found = soup(plate(BASE, 0.0), plate(DPO, 0.5), grown=grown)
    assert [key for key in keys(found) if key in ("labels", "enough")] == ([said] if said else [])


def test_what_a_few_tested_choices_gained_is_chance_and_the_advice_says_how_many_were_tested():
    few = (Grown(pairs=32, tested=30, accuracy=0.5), Grown(pairs=64, tested=12, accuracy=0.75))
    assert "labels" not in keys(soup(plate(BASE, 0.0), plate(DPO, 0.5), grown=few))
    many = (Grown(pairs=32, tested=30, accuracy=0.5), Grown(pairs=64, tested=60, accuracy=0.8))
    told = soup(plate(BASE, 0.0), plate(DPO, 0.5), grown=many).advice
    assert "right on 50% of 30 choices after 32 pairs, on 80% of 60 after 64." in told


def test_peoples_minutes_are_compared_where_two_ingredients_surely_gain():
    found = soup(plate(BASE, 0.0), plate(DPO, 2.0, people=16), plate(SHOWN, 2.0, 90, people=4))
    said = next(one for one in found.said if one.key == "minutes")
    assert (said.values["ingredient"], said.values["other"]) == ("examples", "dpo")
    assert float(said.values["gain"]) == pytest.approx(4 * float(said.values["other_gain"]))
