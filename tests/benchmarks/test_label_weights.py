"""The simulated teams are what they are called, and their answers alone make the weights."""

import numpy as np
import pytest

from benchmarks.label_weights import ARMS, World, heldout, report, team
from feedback_loop.records import Completion, Message, Prompt
from feedback_loop.simulation.personas import Persona, Trait, utility
from feedback_loop.team.consistency import evidence
from feedback_loop.verdicts import given

PERSONA = Persona(name="short", wants=(Trait(check="max_words", value=2),))
TEXTS = ("Yes.", "No, never.", "I would rather not say.", "It is hard to say today.")


@pytest.fixture(scope="module")
def world() -> World:
    asked = [Prompt(id=f"p{n}", prompt=(Message(role="user", content=f"Question {n}?"),)) for n in range(300)]
    own = {
        p.id: [Completion(id=f"{p.id}-{n}", prompt_id=p.id, completion=t, policy="base", seed=0) for n, t in enumerate(TEXTS)]
        for p in asked
    }  # fmt: skip
    return World(asked, own, {(p.id, t): np.array([n]) for p in asked for n, t in enumerate(TEXTS)})


def test_repeats_change_sides_checks_have_a_true_answer_and_nobody_shares_a_pair(world: World):
    asked, answers = team(world, PERSONA, ("careful", "careless"), 100, (0.2, 0.1), 0)
    found = {c.id: c for c in asked}
    again = [c for c in asked if c.purpose == "repeat"]
    checks = [c for c in asked if c.purpose == "check"]
    assert (len(again), len(checks)) == (40, 20)
    assert all(c.completions == found[c.repeat_of or ""].completions[::-1] for c in again)
    for c in checks:
        worth = {x.id: utility(PERSONA, c.prompt, x.completion) for x in c.completions}
        assert worth[c.expected or ""] == max(worth.values()) > min(worth.values())
    assert len(given(asked, answers)) == len(asked) == 2 * 130


def test_the_careless_and_the_left_biased_weigh_less(world: World):
    asked, answers = team(world, PERSONA, ("careful", "careless", "left"), 100, (0.5, 0.1), 1)
    found = {name.split("-")[0]: e.weight for name, e in evidence(asked, answers).items()}
    assert found["careful"] == 1.0
    assert max(found["careless"], found["left"]) < 0.8


def test_held_out_pairs_are_of_other_prompts_and_truly_differ(world: World):
    better, worse = heldout(world, PERSONA)
    assert len(better) == len(worse) == 100 * 4
    assert set(better[:, 0]) == {0, 1}
    assert set(worse[:, 0]) == {2, 3}


def test_the_report_compares_within_cells():
    rows = [
        {"team": "t", "rates": "r", "weights": {"careful-0": 1.0}, **dict.fromkeys(ARMS, base), "weigh": base + 0.02}
        for base in (0.6, 0.9)
    ]
    text = report(rows)
    assert "2 cells; mean weight: careful 1.00" in text
    assert "0.770  +0.020 (+0.020 to +0.020)" in text
