"""Who judges a row of the curve: people, as soon as enough of their answers were to the very same pair.

A round's policy is the one that the next round's pairs are written by, so that is when people judge it.
"""

from pathlib import Path

import pytest

from feedback_loop.brief import brief_curve
from feedback_loop.brief.brief import NAME
from feedback_loop.brief.curve import Row
from feedback_loop.durable import write_text
from feedback_loop.records import Comparison, Completion
from feedback_loop.repair.repair import redo
from feedback_loop.run import Run, commit, write_jsonl
from tests.feedback_loop.decided_run import PROMPTS, new_run, vote
from tests.feedback_loop.team_samples import comparison, said

BRIEF = "- One\n"


def pairs(number: int, policy: str = "base", first: int | None = None) -> list[Comparison]:
    """Of each, `a` was written by the base under the whole brief and `b` by the policy from nothing; to requests from `first`."""
    start = 100 * number if first is None else first
    found = [comparison(start + n, name=f"{number}-{n}", round=number) for n in range(brief_curve.FEWEST)]
    of = {"a": {"level": 1.0}, "b": {"level": 0.0, "policy": policy}}
    return [
        c.model_copy(update={"completions": tuple(x.model_copy(update=of[x.id[-1]]) for x in c.completions)})
        for c in found
    ]


def measured(
    run: Run,
    number: int,
    brief: str,
    wins: int,
    count: int,
    policy: str = "base",
    first: int | None = None,
    people: int = 1,
) -> None:
    """A round under a brief in which people chose the policy's plain answer `wins` times of `count`, evaluated."""
    with commit(run, number, "prompts") as draft:
        write_text(draft.path / NAME, brief)
    asked = pairs(number, policy, first)
    given = [
        said(c, "b" if n < wins else "a", f"user {who}") for n, c in enumerate(asked[:count]) for who in range(people)
    ]
    with commit(run, number, "comparisons") as draft:
        write_jsonl(draft.path / "comparisons.jsonl", asked)
        draft.facts |= {"comparisons": len(asked), "prompts": len(asked)}
    vote(run, number, given)
    with commit(run, number, "rankings") as draft:
        draft.inputs.append(run.stage_folder(number, "comparisons") / "comparisons.jsonl")
        write_jsonl(draft.path / "rankings.jsonl", given)
    evaluated(run, number)


def evaluated(run: Run, number: int) -> None:
    """The evaluation of a round, as the reward model left it."""
    name = f"round-{number:03d}"
    places = [(policy, level) for policy in ("base", name) for level in (1.0, 0.0)]
    with commit(run, number, "evaluation") as draft:
        write_jsonl(
            draft.path / "levels.jsonl",
            (
                Completion(id=f"{p}{x}", prompt_id=PROMPTS[5].id, completion="Yes.", policy=p, seed=0, level=x)
                for p, x in places
            ),
        )
        write_jsonl(
            draft.path / "curve.jsonl",
            (
                Row(
                    policy=p,
                    level=x,
                    tokens=int(9 * x),
                    win_rate=0.5,
                    low=0.4,
                    high=0.6,
                    judge="reward model",
                    answers=1,
                )
                for p, x in places
            ),
        )
        draft.facts["brief"] = {"settings": "", "prompts": 1, "levels": [1.0, 0.0], "tokens": [9, 0]}


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return new_run(tmp_path / "run")


def judges(run: Run, number: int) -> dict[tuple[str, float], str]:
    return {(row.policy, row.level): row.judge for row in brief_curve.of_round(run, number)}


def test_people_judge_the_base_without_the_brief_where_they_answered_often_enough(run: Run):
    measured(run, 0, BRIEF, wins=4, count=brief_curve.FEWEST)
    row = next(r for r in brief_curve.of_round(run, 0) if (r.policy, r.level) == ("base", 0.0))
    assert (row.judge, row.win_rate, row.answers) == ("people", 0.25, 16)
    assert row.low < 0.25 < row.high
    assert set(judges(run, 0).values()) == {"people", "reward model"}
    assert judges(run, 0)["round-000", 0.0] == "reward model", "nobody saw it beside the base"


def test_too_few_answers_leave_it_to_the_reward_model(run: Run):
    measured(run, 0, BRIEF, wins=4, count=brief_curve.FEWEST - 1)
    assert set(judges(run, 0).values()) == {"reward model"}


def test_answers_under_another_brief_say_nothing(run: Run):
    measured(run, 0, BRIEF, wins=4, count=brief_curve.FEWEST)
    measured(run, 1, "- Two\n", wins=1, count=1)
    measured(run, 2, BRIEF, wins=1, count=1)
    assert judges(run, 1)["base", 0.0] == "reward model"
    row = next(r for r in brief_curve.of_round(run, 2) if (r.policy, r.level) == ("base", 0.0))
    assert (row.judge, row.answers) == ("people", 17), "and those of earlier rounds under the same one count"


def test_the_next_round_s_answers_judge_a_round_s_policy(run: Run):
    measured(run, 0, BRIEF, wins=4, count=brief_curve.FEWEST)
    assert judges(run, 0)["round-000", 0.0] == "reward model"
    measured(run, 1, BRIEF, wins=8, count=brief_curve.FEWEST, policy="round-000")
    row = next(r for r in brief_curve.of_round(run, 0) if (r.policy, r.level) == ("round-000", 0.0))
    assert (row.judge, row.win_rate, row.answers) == ("people", 0.5, 16)
    assert judges(run, 1)["round-001", 0.0] == "reward model", "nobody has ranked its answers yet"


def test_answers_to_requests_that_a_policy_learned_from_do_not_judge_it(run: Run):
    measured(run, 0, BRIEF, wins=4, count=brief_curve.FEWEST)
    measured(run, 1, BRIEF, wins=8, count=brief_curve.FEWEST, policy="round-000", first=1)
    assert judges(run, 0)["round-000", 0.0] == "reward model", "but for one, they are those of round 0"


def test_several_people_on_one_pair_are_one_request(run: Run):
    measured(run, 0, BRIEF, wins=4, count=brief_curve.FEWEST, people=2)
    row = next(r for r in brief_curve.of_round(run, 0) if (r.policy, r.level) == ("base", 0.0))
    assert (row.judge, row.win_rate, row.answers) == ("people", 0.25, 16)


def test_labels_of_a_policy_that_was_made_again_do_not_judge_the_new_one(run: Run):
    measured(run, 0, BRIEF, wins=4, count=brief_curve.FEWEST)
    measured(run, 1, BRIEF, wins=8, count=brief_curve.FEWEST, policy="round-000")
    assert judges(run, 0)["round-000", 0.0] == "people"
    redo(run, "evaluation", 0, "anna")
    evaluated(run, 0)
    assert judges(run, 0)["round-000", 0.0] == "reward model"


ASKS, GREETS = "- Ask back. [check: ends_with_question]\n", "- Do not greet. [check: greeting=false]\n"


@pytest.mark.parametrize("present", [GREETS + ASKS, "- Be kind.\n" + ASKS, ""])
def test_a_requirement_keeps_its_words_whatever_becomes_of_the_brief(run: Run, present: str):
    measured(run, 0, ASKS + GREETS, wins=1, count=1)
    write_text(run.path / NAME, present)
    for row in brief_curve.rows(run):
        assert {m.text: m.share for m in row.requirements} == {"Ask back.": 0.0, "Do not greet.": 1.0}


def test_a_policy_that_was_measured_under_another_brief_than_the_base_is_marked(run: Run):
    measured(run, 0, BRIEF, wins=1, count=1)
    measured(run, 1, "- Two\n", wins=1, count=1)
    measured(run, 2, "- Two\n", wins=1, count=1)
    found = {row.policy: row.other_brief for row in brief_curve.rows(run)}
    assert found == {"base": False, "round-000": True, "round-001": False, "round-002": False}
