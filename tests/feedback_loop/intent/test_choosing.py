"""Which columns explain choices: causes and not their company, and nothing where nobody chose."""

import numpy as np

from feedback_loop.intent.choosing import Choices, Column, choose, judge

A, B, COMPANY, OTHER = range(4)


def choices(count: int, seed: int, worth: float = 2.0, clusters: int | None = None) -> Choices:
    """`A` and `B` are wanted, each worth so much in log odds; `COMPANY` goes with `A` in five of six answers."""
    rng = np.random.default_rng(seed)
    shown = rng.integers(0, 2, (count, 2, 12)).astype(float)
    shown[:, :, COMPANY] = np.where(rng.random((count, 2)) < 5 / 6, shown[:, :, A], 1 - shown[:, :, A])
    rows = shown[:, 0] - shown[:, 1]
    logits = worth * (rows[:, A] - rows[:, B])
    rows *= np.where(rng.random(count) < 1 / (1 + np.exp(-logits)), 1, -1)[:, None]
    columns = [Column(f"f{n}") for n in range(12)]
    return Choices(rows, [str(n % (clusters or count)) for n in range(count)], np.ones(count), columns, seed)


def test_what_is_wanted_is_found_with_its_direction_and_its_company_is_not():
    found = {c.column: c for c in choose(choices(200, 1))}
    assert (found[A].wanted, found[B].wanted) == (True, False)
    assert COMPANY not in found
    assert max(found[A].chance, found[B].chance) < 0.01


def test_where_nobody_wants_anything_a_likely_claim_is_rare():
    false = sum(any(c.chance < 0.05 for c in choose(choices(64, seed, worth=0.0))) for seed in range(40))
    assert false <= 4


def test_one_prompt_answered_by_many_is_one_opinion():
    assert choose(choices(200, 1)) != []
    assert choose(choices(200, 1, clusters=3)) == []


def test_what_is_known_is_not_found_again_and_is_judged():
    said = choices(200, 1)
    assert {c.column for c in choose(said, [A])} == {B}
    known = {c.column: c for c in judge(said, [A, OTHER], [B])}
    assert known[A].wanted
    assert known[A].chance < 0.05 <= known[OTHER].chance


def test_a_column_that_says_what_a_known_one_says_is_never_found():
    said = choices(200, 1)
    rows = said.rows.copy()
    rows[:, OTHER] = -rows[:, A]
    again = Choices(rows, said.clusters, said.weights, said.columns, said.seed)
    assert OTHER not in {c.column for c in choose(again, [A])}


def test_of_a_family_one_is_found():
    said = choices(300, 2)
    rows = said.rows.copy()
    rows[:, OTHER] = np.where(np.arange(300) % 8, rows[:, A], 0)
    columns = [Column("length") if n in (A, OTHER) else c for n, c in enumerate(said.columns)]
    found = choose(Choices(rows, said.clusters, said.weights, columns, 0))
    assert len({A, OTHER} & {c.column for c in found}) == 1


def test_what_nobody_can_ask_for_is_not_found():
    said = choices(200, 1)
    columns = [Column("a", yes=False), *said.columns[1:]]
    assert A not in {c.column for c in choose(Choices(said.rows, said.clusters, said.weights, columns, 0))}


def test_without_a_choice_nothing_is_found():
    said = choices(40, 1)
    assert choose(Choices(np.zeros_like(said.rows), said.clusters, said.weights, said.columns, 0)) == []
