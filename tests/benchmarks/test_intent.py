"""What counts as true, near and false in the benchmark of intent, and who wants nothing."""

from itertools import product

import pytest

from benchmarks.intent import NOBODY, World, cell, kind, report
from feedback_loop.intent.profile import Evidence, Proposal, Wish
from feedback_loop.records import Completion, Message, Prompt
from feedback_loop.simulation.personas import find

NOTHING = Evidence(
    agree=1, against=0, edits_agree=0, edits_against=0, chosen=1, rejected=0, chance=0.01, labels=(), labels_against=()
)


def proposal(name: str, check: str | None, value: object) -> Proposal:
    wish = Wish(name=name, check=check, value=value)
    return Proposal(
        number=1, key=wish.key, wish=wish, state="proposed", confidence="likely", text=name, evidence=NOTHING
    )


@pytest.fixture(scope="module")
def world() -> World:
    """Requests with four answers: with an emoji or without, and a question at the end or none."""
    made = []
    for n in range(130):
        texts = [f"Wipe item {n}.{mark}{end}" for mark, end in product(("", " 🎉"), ("", " Shall I?"))]
        prompt = Prompt(id=f"p{n}", prompt=(Message(role="user", content=f"How do I wipe item {n}?"),))
        own = [
            Completion(id=f"{n}-{k}", prompt_id=prompt.id, completion=t, policy="base", seed=0)
            for k, t in enumerate(texts)
        ]
        made.append((prompt, own))
    return made


@pytest.mark.parametrize(
    ("name", "check", "value", "found"),
    [
        ("emoji.no", "emoji", False, "true"),
        ("emoji.yes", "emoji", True, "false"),
        ("sentences", "sentences", 2, "true"),
        ("max_sentences", "max_sentences", 3, "near"),
        ("question.yes", "contains_any", ["?", "？"], "near"),
        ("max_words", "max_words", 20, "false"),
        ("caveat.no", None, None, "false"),
    ],
)
def test_a_proposal_is_true_near_or_false(name: str, check: str | None, value: object, found: str):
    assert kind(proposal(name, check, value), find("concierge")) == found
    assert kind(proposal(name, check, value), None) == "false"


def test_of_who_wants_nothing_hardly_anything_is_said(world: World):
    rows = [cell(world, NOBODY, 64, "choices", seed, 0.1) for seed in range(3)]
    assert sum(n for r in rows for kind_, n in r["counts"].items() if kind_.startswith("likely")) <= 1
    assert "| nobody | 64 |" in report(rows)
