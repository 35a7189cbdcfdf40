"""The gate promotes what surely won, gives up what surely does not, and keeps the parent when the budget is spent."""

import random

import pytest

from feedback_loop.gate.gate import Duel, Standing, stand
from feedback_loop.recipe import PromotionTable

RULE = PromotionTable()


def duels(text: str) -> list[Duel]:
    """`+` won, `-` lost, `=` as good."""
    return [Duel(points={"+": 1.0, "=": 0.5, "-": 0.0}[c]) for c in text]


def after(text: str, rule: PromotionTable = RULE) -> Standing:
    return stand(duels(text), rule)


def test_nothing_is_known_before_the_first_duel():
    said = after("")
    assert (said.verdict, said.votes, said.win_rate, said.low, said.high) == ("ask", 0, 0.5, 0.0, 1.0)
    assert said.evidence == said.against == 1.0
    assert said.reason == "No duel is judged yet; people are asked about 60 at most."


def test_without_duels_to_ask_the_parent_stays():
    said = after("", RULE.model_copy(update={"votes": 0}))
    assert (said.verdict, said.reason) == ("keep", "There are no duels to judge, so its parent stays.")


def test_a_candidate_that_always_wins_is_promoted_after_a_dozen_duels():
    promoted = next(n for n in range(60) if after("+" * n).verdict == "promote")
    assert promoted <= 12
    said = after("+" * promoted)
    assert said.evidence == pytest.approx(1 / RULE.false_rate)
    assert said.low >= 0.5
    assert said.reason == f"It won {promoted} of {promoted} duels (51% to 100%): enough to be sure that it is better."


def test_a_candidate_that_always_loses_is_given_up_sooner():
    kept = next(n for n in range(60) if after("-" * n).verdict == "keep")
    assert kept <= 8
    said = after("-" * kept)
    assert said.against >= 1 / RULE.miss_rate
    assert said.reason.endswith("too few to be one that wins 60%, so its parent stays.")


def test_an_even_candidate_is_asked_about_until_the_budget_is_spent():
    said = after("+-" * 29 + "+")
    assert (said.verdict, said.votes, said.low < 0.5 < said.high) == ("ask", 59, True)
    assert said.reason.endswith("not yet enough to decide; people are asked about 1 more at most.")
    said = after("+-" * 30)
    assert (said.verdict, said.votes, said.win_rate) == ("keep", 60, 0.5)
    assert said.reason.endswith(
        "not enough to be sure that it is better, and no more are asked about, so its parent stays."
    )


def test_ties_are_no_evidence_that_it_is_better_and_some_that_it_does_not_win_often():
    said = after("=" * 20)
    assert said.evidence == 1.0
    assert said.against > 1.0
    assert "It won 0 of 20 duels and drew 20" in said.reason


def test_a_decision_stays_whatever_comes_after_it():
    first = after("+" * 12 + "-" * 2)
    assert first == after("+" * 12 + "-" * 40)
    assert first.verdict == "promote"
    assert after("-" * 10 + "+" * 50).verdict == "keep"


def test_looking_after_every_vote_finds_what_looking_at_all_votes_finds():
    rng = random.Random(0)
    for _ in range(6):
        given = [
            Duel(points=rng.choice([0, 0.5, 1, 1]), predicted=rng.random(), unasked=(rng.random(), rng.random()))
            for _ in range(70)
        ]
        looked = (stand(given[:n], RULE) for n in range(70))
        assert next(s for s in looked if s.verdict != "ask") == stand(given, RULE)


def test_the_interval_says_what_the_verdict_says():
    rng = random.Random(1)
    verdicts = set()
    for _ in range(50):
        given = [
            Duel(points=float(won := rng.random() < 0.66), predicted=0.2 + 0.6 * (won != (rng.random() < 0.2)),
                 unasked=tuple(rng.choice([0.2, 0.8]) for _ in range(2)))
            for _ in range(60)
        ]  # fmt: skip
        said = stand(given, RULE)
        verdicts.add(said.verdict)
        assert (said.low >= 0.5) == (said.verdict == "promote")
        assert said.low <= said.estimate <= said.high
    assert verdicts == {"promote", "keep"}


def test_a_reward_model_that_people_agree_with_has_a_say_and_a_contrary_one_has_none():
    rng = random.Random(2)
    outcomes = [(float(rng.random() < 0.6), rng.random() < 0.6, rng.random() < 0.6) for _ in range(50)]
    rule = PromotionTable(votes=200, miss_rate=0.01)
    agreeing = [Duel(points=x, predicted=0.2 + 0.6 * x, unasked=(0.2 + 0.6 * a, 0.2 + 0.6 * b)) for x, a, b in outcomes]
    contrary = [d.model_copy(update={"predicted": 1 - (d.predicted or 0)}) for d in agreeing]
    alone = [Duel(points=x) for x, _, _ in outcomes]
    helped, people = stand(agreeing, rule), stand(alone, rule)
    assert helped.model_weight > 0.4
    assert helped.estimate != helped.win_rate == people.win_rate == people.estimate
    assert stand(contrary, rule).model_weight == 0.0


def test_a_larger_budget_finds_smaller_gains():
    won = ("++-" * 67)[:200]
    assert after(won, PromotionTable(votes=200)).verdict == "promote"
    assert after(won, PromotionTable(votes=20)).verdict == "keep"
