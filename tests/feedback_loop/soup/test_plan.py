"""Which cells a soup tries."""

import pytest

from feedback_loop import recipe
from feedback_loop.begin import shipped
from feedback_loop.brief.brief import parse
from feedback_loop.errors import UsageError
from feedback_loop.examples.demonstrations import Demonstration
from feedback_loop.records import Message
from feedback_loop.soup.cells import Cell
from feedback_loop.soup.plan import missing, plan, policy, today

BRIEF = parse("- Be brief.\n- Be kind.")
PLAIN = recipe.load(None)


def demonstration(number: int, origin: str = "edit") -> Demonstration:
    return Demonstration.model_validate(
        {
            "request": (Message(role="user", content=f"Question {number}?"),), "text": "Yes.", "origin": origin,
            "comparison_id": f"c{number}", "user_id": "anna", "worth": 0.6,
        }
    )  # fmt: skip


BASE = Cell(training="none", level=0.0, shots=0)
SHOWN = [demonstration(n) for n in range(4)]


def trainings(cells: list[Cell]) -> list[str]:
    return list(dict.fromkeys(cell.training for cell in cells))


def test_a_run_without_a_brief_compares_the_base_dpo_and_examples():
    cells = plan(PLAIN, None, [demonstration(n, "ranked") for n in range(4)], BASE)
    assert trainings(cells) == ["none", "dpo"]
    assert [(c.level, c.shots) for c in cells if c.training == "dpo"] == [(0.0, 0), (0.0, 3)]
    assert cells[0] == Cell(training="none", level=0.0, shots=0)


def test_a_brief_brings_baking_and_answers_of_peoples_own_bring_sft():
    cells = plan(PLAIN, BRIEF, SHOWN, BASE)
    assert trainings(cells) == ["none", "bake", "bake+dpo", "dpo", "sft"]
    assert len(cells) == len(set(cells)) == 5 * 2 * 2


def test_the_base_with_the_whole_brief_and_with_nothing_is_always_there():
    cells = plan(
        recipe.load(None, ["soup.levels=[0.5]", "soup.shots=[2]", "soup.trainings=['dpo']"]), BRIEF, SHOWN, BASE
    )
    assert cells[:2] == [Cell(training="none", level=level, shots=0) for level in (1.0, 0.0)]


def test_no_more_examples_are_shown_than_there_are_and_none_are_missed_in_words():
    assert {c.shots for c in plan(PLAIN, None, SHOWN[:2], BASE)} == {0, 2}
    assert {c.shots for c in plan(PLAIN, None, [], BASE)} == {0}
    assert missing(PLAIN, []) == ["examples: nobody wrote an answer yet, or ranked one above another."]
    assert missing(PLAIN, SHOWN) == []


def test_baking_without_a_brief_is_refused():
    with pytest.raises(UsageError, match="no brief to bake"):
        plan(recipe.load(None, ["soup.trainings=['bake']"]), None, SHOWN, BASE)


def test_a_training_starts_afresh_from_the_base_by_the_recipes_own_options():
    read = recipe.load(None, ["policy.trl.beta=0.7", "policy.start=parent"])
    table = policy(read, "bake+dpo")
    assert (table.step, table.bake.then, table.start, table.reference) == ("bake", "dpo", "base", "base")
    assert policy(read, "bake").bake.then == "none"
    assert policy(read, "dpo").trl == {"beta": 0.7}


def test_what_people_get_today_is_the_recipes_step_once_a_policy_is_in_force():
    read = recipe.load(None, ["policy.step=bake", "policy.bake.then=dpo", "examples.shots=2"])
    assert today(read, in_force=True, shown=SHOWN) == Cell(training="bake+dpo", level=0.0, shots=2)
    assert today(read, in_force=False, shown=SHOWN) == Cell(training="none", level=0.0, shots=2)
    assert today(read, in_force=False, shown=SHOWN[:1]).shots == 1, "no more than there are"


@pytest.mark.parametrize("settings", [[], ["soup.trainings=['dpo']"], ["policy.step=rloo"], ["examples.shots=1"]])
@pytest.mark.parametrize("name", ["few-labels", "team", "default"])
def test_what_people_get_today_is_always_tried_and_so_are_examples_with_it(name: str, settings: list[str]):
    read = recipe.load(shipped("recipes", name, ".toml"), settings)
    now = today(read, in_force=True, shown=SHOWN)
    cells = plan(read, None, SHOWN, now)
    assert now in cells
    assert {c.shots for c in cells if c.training == now.training} == {0, 3, now.shots}
    assert len(cells) == len(set(cells))
