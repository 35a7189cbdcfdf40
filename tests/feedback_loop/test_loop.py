"""When a round has what it needs from people, and what it says where it has not."""

import contextlib
from collections.abc import Sequence
from pathlib import Path

import pytest

from feedback_loop import recipe
from feedback_loop.loop import collect, enough, judge
from feedback_loop.records import Answer, Comparison, Ranking
from feedback_loop.report.report import overview, rankings
from feedback_loop.run import Run, commit, create, read_jsonl, write_jsonl
from feedback_loop.stage import for_run, in_full
from feedback_loop.store.journal import Journal
from tests.feedback_loop import decided_run, team_samples
from tests.feedback_loop.store.samples import comparison, ranking

ASKED = [comparison(n) for n in range(4)]


class Store:
    """A store that nobody answers in."""

    url, keeps = "memory:", frozenset(Answer.model_fields)

    def publish(self, comparisons: Sequence[Comparison]) -> None: ...

    def submit(self, user_id: str, ranking: Ranking) -> str:
        return ranking.created_at

    def withdraw(self, user_id: str, comparison_id: str) -> None: ...

    def lacks(self, user_id: str, comparison_id: str) -> bool:
        return True

    def rankings(self, round: int) -> list[Ranking]:  # noqa: A002
        return []


@pytest.fixture
def run(tmp_path: Path) -> Run:
    prompts = [c.prompt for c in ASKED]
    return create(tmp_path / "run", recipe.load(None, ["rankings.needed=3"]), prompts[:3], prompts[3:])


def said(run: Run, given: list[Ranking], number: int = 0) -> str:
    waiting = enough(run, number, ASKED, given)
    return "" if waiting is None else waiting.message


def test_a_round_without_or_with_too_few_rankings_asks_for_more(run: Run):
    assert said(run, []) == f"Round 000 has 0 of 3 rankings. Label more: feedback-loop serve {run.path}"
    assert "2 of 3" in said(run, [ranking(0), ranking(1), ranking(2, choice=None)]), "a skip is no ranking"


def test_a_first_round_of_ties_asks_for_choices(run: Run):
    ties = [ranking(n, choice=choice) for n, choice in enumerate(("tie", "neither", "tie"))]
    assert said(run, ties).endswith(
        f"has 3 rankings, but 0 of them prefer an answer; 2 are needed. Label more: feedback-loop serve {run.path}"
    )
    assert said(run, [*ties, ranking(3)]).startswith("Round 000 has 4 rankings, but 1 of them prefer an answer")
    assert said(run, [ranking(0), ranking(1), ranking(2, choice="tie")]) == ""
    assert said(run, ties, number=1) == "", "a later round has the earlier ones' choices"


def test_an_edit_prefers_an_answer_whatever_was_chosen(run: Run):
    edits = [ranking(n, choice="neither", edit="Mine") for n in range(2)]
    assert said(run, [*edits, ranking(2, choice="tie")]) == ""


def test_where_all_is_ranked_and_tied_it_says_how_to_ask_other_things(run: Run):
    message = said(run, [ranking(n, choice="tie") for n in range(4)])
    assert "serve" not in message
    assert "All comparisons are ranked: raise prompts.per_round or sampling.temperature" in message
    assert message.endswith(f"feedback-loop redo {run.path} prompts")


def test_answers_to_comparisons_that_were_done_again_do_not_count(run: Run):
    with commit(run, 0, "comparisons") as draft:
        write_jsonl(draft.path / "comparisons.jsonl", ASKED)
        draft.facts["comparisons"] = 4
    with contextlib.closing(Journal(run.path / "journal.sqlite")) as journal:
        for number in (0, 7, 8, 9):
            journal.record(ranking(number), 0)
        waiting = collect(run, 0, Store)
        assert waiting is not None
        assert "has 1 of 3 rankings" in waiting.message
        assert [r.comparison_id for r in rankings(run, 0)] == ["c0"]
        for number in (1, 2):
            journal.record(ranking(number), 0)
    assert collect(run, 0, Store) is None
    kept = read_jsonl(run.stage_folder(0, "rankings") / "rankings.jsonl", Ranking)
    assert {r.comparison_id for r in kept} == {"c0", "c1", "c2"}


def test_an_errors_run_is_named_wherever_it_stands_and_what_is_redone_is_of_the_last_round_that_has_it(run: Run):
    assert for_run(run, "Write RUN/brief.md, then: feedback-loop serve RUN") == (
        f"Write {run.path}/brief.md, then: feedback-loop serve {run.path}"
    )
    with commit(run, 0, "reward"):
        pass
    again = "feedback-loop redo RUN reward"
    assert for_run(run, again) == f"feedback-loop redo {run.path} reward"
    with commit(run, 1, "prompts"):
        pass
    assert for_run(run, again) == f"feedback-loop redo {run.path} reward --round 0", "round 1 has none yet"


def test_a_rooms_error_ends_with_what_to_type_for_this_run(run: Run):
    assert in_full(run, 2, "policy", "Scores are NaN. Then: feedback-loop redo RUN reward") == (
        f"Round 002, policy: Scores are NaN. Then: feedback-loop redo {run.path} reward"
    )
    assert in_full(run, 2, "policy", "Rank more.").endswith(f"Rank more. Then go on: feedback-loop advance {run.path}")


def test_duels_that_one_of_two_people_skipped_wait_for_the_other_or_for_a_decision(tmp_path: Path):
    run = decided_run.new_run(tmp_path / "run")
    decided_run.collect(run, 0, decided_run.answers(0, "anna", "ben"))
    decided_run.learn(run, 0, [], until="duels")
    asked = decided_run.duels(0)
    decided_run.vote(run, 0, [team_samples.said(c, None) for c in asked])
    waiting = judge(run, 0, Store)
    assert waiting is not None
    assert "skipped by somebody and waits for the others" in waiting.message
    assert f"feedback-loop decide {run.path} keep --reason" in waiting.message
    decided_run.vote(run, 0, [team_samples.said(c, None, "ben") for c in asked])
    assert judge(run, 0, Store) is None
    decision = overview(run).rounds[0].decision
    assert decision is not None
    assert (decision.promoted, decision.decided_by) == (False, "people")
    assert decision.reasons[0].startswith("Everybody who ranks has answered or skipped what is left.")
