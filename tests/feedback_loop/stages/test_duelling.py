"""Duels are of prompts that nobody picked, blind, and made only where people are to judge."""

import json
import re
from collections import Counter
from pathlib import Path

import pytest

from feedback_loop.asking import asked
from feedback_loop.durable import write_text
from feedback_loop.gate.duels import Foreseen
from feedback_loop.run import Run, commit, read_jsonl
from feedback_loop.stages.duelling import draw, spread
from feedback_loop.store.argilla_words import as_record
from tests.feedback_loop.stages.test_bad_labels import do, first, make, ranked
from tests.models_fixture import tiny_prompts

POOL = tiny_prompts(10)


def test_prompts_are_drawn_at_random_those_first_that_were_not_used():
    used = {p.id for p in POOL[:4]}
    assert {p.id for p in draw(POOL, used, 6, 3)} == {p.id for p in POOL[4:]}
    assert Counter(p.id for p in draw(POOL, used, 20, 3)) == Counter({p.id: 2 for p in POOL})
    assert draw(POOL, used, 8, 3) == draw(POOL, used, 8, 3) != draw(POOL, used, 8, 4)


def test_what_nobody_is_asked_is_shared_out_evenly():
    found = spread(["a", "b"], [0.1, 0.2, 0.3, 0.4, 0.5, 0.6])
    assert found == [
        Foreseen(comparison_id="a", probability=0.1, unasked=(0.3, 0.5)),
        Foreseen(comparison_id="b", probability=0.2, unasked=(0.4, 0.6)),
    ]
    assert spread(["a"], [0.1]) == [Foreseen(comparison_id="a", probability=0.1)]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A round up to its evaluation, with eight duels and eight more that nobody is asked."""
    settings = ("promotion.votes=8", "promotion.unlabelled=1", "reward.form=head", "asking.repeats=0.25")
    run = make(tmp_path_factory.mktemp("duels"), *settings)
    ranked(run, first)
    do(run, "reward", "policy", "evaluation", "duels")
    return run


def test_a_duel_is_an_answer_of_each_policy_in_either_order(trained: Run):
    duels = [c for c in asked.duels(trained, 0) if c.purpose == "duel"]
    facts = trained.manifest(0, "duels").facts
    assert 0 < facts["duels"] == len(duels) <= 8
    for duel in duels:
        assert {c.policy for c in duel.completions} == {"base", "round-000"}
        assert len({c.completion for c in duel.completions}) == 2
        assert not re.search("base|round-", json.dumps(as_record(duel))), "Argilla shows whoever answers all of it"
    assert len({duel.completions[0].policy for duel in duels}) == 2
    prompts = [duel.prompt_id for duel in duels]
    assert prompts != sorted(prompts, key=[p.id for p in POOL].index), "in an order of chance"
    beside = Counter(c.purpose for c in asked.duels(trained, 0))
    assert beside["repeat"] == round(0.25 * len(duels)) > 0


def test_the_reward_model_has_foreseen_each_duel_and_those_beside_it(trained: Run):
    foreseen = read_jsonl(trained.stage_folder(0, "duels") / "foreseen.jsonl", Foreseen)
    duels = [c.id for c in asked.duels(trained, 0) if c.purpose == "duel"]
    assert [f.comparison_id for f in foreseen] == duels
    assert sum(len(f.unasked) for f in foreseen) == trained.manifest(0, "duels").facts["unasked"]
    assert all(0 < p < 1 for f in foreseen for p in (f.probability, *f.unasked))


def test_people_are_shown_the_duels_until_the_decision(trained: Run):
    assert asked.duelling(trained, 0)
    assert asked.open_now(trained, 0) == asked.duels(trained, 0)
    assert (
        asked.most_duels(trained, 0)
        == asked.needed_now(trained, 0)
        == len([c for c in asked.duels(trained, 0) if c.counts])
    )


@pytest.mark.parametrize(
    ("settings", "why"),
    [(("promotion.judge=reward",), "the reward model decides"), (("promotion.max_kl=1e-9",), "beyond the 1e-09")],
)
def test_nobody_is_asked_where_it_is_settled_already(tmp_path: Path, settings: tuple[str, ...], why: str):
    run = make(tmp_path, *settings)
    ranked(run, first)
    judged = {
        "candidate": "round-000", "parent": "base", "win_rate_parent": 0.9, "prompts": 4,
        "policies": {"round-000": {"kl": 1.0}, "base": {"kl": 0.0}},
    }  # fmt: skip
    for name in ("reward", "policy", "evaluation"):
        with commit(run, 0, name) as draft:
            write_text(draft.path / "made", "")
            draft.facts |= judged
    facts = do(run, "duels")
    assert facts["duels"] == 0
    assert why in facts["why"]
    assert asked.open_now(run, 0) == [] == asked.duels(run, 0)
