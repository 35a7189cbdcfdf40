"""The table of checks: a breach is beyond its limit and beyond chance, and says what to do."""

from collections.abc import Sequence

import pytest

from feedback_loop.gate.forgetting import (
    Check,
    Figures,
    breaches,
    distances,
    distinct,
    forgotten,
    preferred,
    repetition,
)
from feedback_loop.gate.probes import neutral
from feedback_loop.recipe import GuardTable, PromotionTable
from feedback_loop.taught.traits import tokens

PLAIN = [p.text.split(".")[0] + "." for p in neutral("") if p.id.startswith("en")]
"""Answers of a policy that is well: sentences of some twenty words, no two alike."""


def figures(
    losses: Sequence[float] = (3.0, 3.5, 4.0, 3.2, 2.9, 3.1, 3.3, 3.8),
    solved: int = 30,
    texts: Sequence[str] = PLAIN,
    *,
    probes: int = 40,
    followed: int = 20,
) -> Figures:
    """`solved` of the probes, the first ones, and `followed` of 24 instructions that a chat states."""
    right = {f"p{n:02d}": n < solved for n in range(probes)} | {f"i{n:02d}": n < followed for n in range(24)}
    kinds = {
        name: "instruction" if name[0] == "i" else "fact" if int(name[1:]) % 3 == 0 else "arithmetic" for name in right
    }
    return Figures(losses, 11.0, right, kinds, texts)


def rows(base: Figures, ours: Figures, guard: GuardTable | None = None) -> dict[str, Check]:
    return {row.name: row for row in forgotten(base, base, ours, guard or GuardTable())}


def test_a_policy_like_the_base_passes_everything():
    found = rows(figures(), figures())
    assert [row.ok for row in found.values()] == [True] * 6
    assert found["perplexity"].candidate == found["perplexity"].base
    assert found["perplexity"].high == pytest.approx(1.5 * (found["perplexity"].base or 0))


@pytest.mark.parametrize(("more", "ok"), [(0.2, True), (0.5, False)])
def test_perplexity_may_be_half_as_much_again(more: float, ok: bool):
    row = rows(figures(), figures([loss + more for loss in figures().losses]))["perplexity"]
    assert row.ok is ok
    assert ok or "guard.max_perplexity" in row.reason


def test_one_odd_passage_is_no_breach():
    losses = [*figures().losses[:-1], figures().losses[-1] + 5.0]
    row = rows(figures(), figures(losses))["perplexity"]
    assert row.ok
    assert (row.candidate or 0) > (row.high or 0)
    assert row.reason.endswith("it may be chance.")


def test_text_that_the_base_cannot_read_says_nothing():
    row = rows(figures([12.0] * 8), figures([20.0] * 8))["perplexity"]
    assert (row.ok, row.candidate) == (True, None)
    losses = [*figures().losses, 12.0]
    same = rows(figures(losses), figures([*figures().losses, 99.0]))["perplexity"]
    assert same.candidate == same.base


def test_infinite_loss_is_a_breach():
    assert not rows(figures(), figures([float("inf")] * 8))["perplexity"].ok


@pytest.mark.parametrize(
    ("solved", "probes", "ok"),
    [(27, 40, True), (26, 40, True), (25, 40, False), (0, 40, False), (30, 40, True)],
    ids=["within a tenth", "beyond it, but perhaps chance", "surely beyond it", "nothing left", "all there"],
)
def test_abilities_are_compared_probe_by_probe(solved: int, probes: int, ok: bool):
    row = rows(figures(probes=probes), figures(solved=solved, probes=probes))["abilities"]
    assert row.ok is ok


@pytest.mark.parametrize(("followed", "ok"), [(20, True), (16, True), (15, False), (0, False)])
def test_instructions_that_a_chat_states_have_a_row_of_their_own(followed: int, ok: bool):
    found = rows(figures(), figures(followed=followed))
    assert (found["instructions"].ok, found["abilities"].ok) == (ok, True)
    assert ok or "Raise policy.hold" in found["instructions"].reason
    assert rows(figures(), figures(followed=15), GuardTable(max_instruction_loss=0.5))["instructions"].ok


def test_a_run_from_before_there_were_such_probes_says_so():
    old = figures()
    kinds = {name: kind for name, kind in old.kinds.items() if kind != "instruction"}
    older = Figures(old.losses, old.blind, {name: old.solved[name] for name in kinds}, kinds, old.texts)
    assert rows(older, older)["instructions"].shown == "not measured"


def test_a_base_that_solves_two_tasks_has_not_enough_to_lose():
    assert rows(figures(solved=2), figures(solved=0))["abilities"].ok


def test_the_reason_says_which_abilities_went():
    reason = rows(figures(), figures(solved=18))["abilities"].reason
    assert "of 30 that the base solves it fails 12 (arithmetic: 8, fact: 4)" in reason
    assert "guard.max_ability_loss" in reason


@pytest.mark.parametrize(
    ("texts", "ok", "key"),
    [
        ([text[: len(text) // 3] for text in PLAIN], True, ""),
        (["No."] * len(PLAIN), False, "lower guard.min_length"),
        ([" ".join([text] * 6) for text in PLAIN], False, "raise guard.max_length"),
        ([*PLAIN[1:], PLAIN[0] * 100], True, ""),
    ],
    ids=["a third as long", "one word", "six times as long", "one that runs on"],
)
def test_length_may_change_much_and_the_reason_says_what_to_set(texts: Sequence[str], ok: bool, key: str):
    row = rows(figures(), figures(texts=texts))["length"]
    assert row.ok is ok
    assert key in row.reason


def test_answers_that_go_round_in_circles_are_a_breach():
    row = rows(figures(), figures(texts=["Wash the cup. " * 6] * len(PLAIN)))["repetition"]
    assert not row.ok
    assert row.candidate == pytest.approx(repetition("wash the cup " * 6))


def test_repetition_is_counted_in_words_and_in_chinese_in_characters():
    assert repetition("one two three four one two three four") == pytest.approx(1 / 5)
    assert repetition("先洗杯子再洗碗") == 0.0
    assert repetition("too short") == 0.0


def test_one_answer_to_everything_is_a_breach_of_diversity_and_varied_ones_are_not():
    same = rows(figures(), figures(texts=["Please wash it well and put it back on the shelf."] * len(PLAIN)))
    assert not same["diversity"].ok
    assert "guard.min_diversity" in same["diversity"].reason


def test_diversity_is_of_equally_many_words():
    long = [f"{text} Then {text.lower()}" for text in PLAIN]
    row = rows(figures(texts=long), figures(texts=PLAIN))["diversity"]
    assert row.candidate == row.base == distinct([tokens(text) for text in PLAIN])


@pytest.mark.parametrize(
    ("base", "parent", "broken"), [(5.0, 5.0, []), (31.0, 5.0, ["kl_base"]), (5.0, 61.0, ["kl_parent"])]
)
def test_kl_has_a_budget_from_the_base_and_one_from_the_parent(base: float, parent: float, broken: list[str]):
    found = distances((2.0, base, parent), PromotionTable(), GuardTable())
    assert [row.name for row in found if not row.ok] == broken


def test_the_reward_model_speaks_against_a_policy_only_where_it_is_sure():
    def row(wins: int, members: int = 1, doubt: float = 0.0) -> Check:
        ours = [[(1.0 if n < wins else -1.0) + doubt * (-1) ** m for m in range(members)] for n in range(40)]
        return preferred(ours, [[0.0] * members] * 40)

    assert row(26).ok
    assert row(17).ok, "43 % of 40 may be chance"
    assert not row(10).ok
    assert "surely worse" in row(10).reason
    assert row(10, members=4, doubt=2.0).ok, "its members contradict one another"


def test_rows_of_a_manifest_are_read_back_and_older_ones_have_none():
    found = rows(figures(), figures(solved=18))
    assert [row.name for row in breaches([row.model_dump() for row in found.values()])] == ["abilities"]
    assert breaches([]) == []
    assert found["abilities"].shown == "0.45 (at least 0.675)"
