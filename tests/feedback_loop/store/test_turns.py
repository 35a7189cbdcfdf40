"""Which comparison is shown next, where some pairs were picked by a strategy and what is learned orders them."""

import hashlib

import pytest

from feedback_loop.records import Comparison, Ranking
from feedback_loop.store.turns import next_for, still_to_show
from tests.feedback_loop.store.samples import check, comparison, ranking, repeat


def a_round(count: int, random: int) -> list[Comparison]:
    """Comparisons c0, c1, ... of which the first `random` were picked at random."""
    return [comparison(n).model_copy(update={"selection": "random" if n < random else "drts"}) for n in range(count)]


def shown(
    asked: list[Comparison], users: list[str], priorities: dict[str, float] | None = None, per_comparison: int = 1
) -> list[tuple[str, Comparison]]:
    """What is shown while these users answer in turn, until none has anything left."""
    rankings: list[Ranking] = []
    found = []
    while len(found) < 10_000:
        user = users[len(found) % len(users)]
        following = next_for(user, asked, rankings, skip=(), per_comparison=per_comparison, priorities=priorities or {})
        if following is None:
            return found
        rankings.append(ranking(int(following.id[1:]), user))
        found.append((user, following))
    raise AssertionError("this never ends")


def names(found: list[tuple[str, Comparison]], selection: str) -> list[str]:
    return [c.id for _, c in found if c.selection == selection]


@pytest.mark.parametrize("user", ["anna", "otto", "Ольга"])
@pytest.mark.parametrize("random", [0, 4, 12, 20, 40])
def test_at_every_moment_the_random_share_is_that_of_the_round(user: str, random: int):
    asked = a_round(40, random)
    found = shown(asked, [user], {f"c{n}": float(n) for n in range(40)})
    assert len(found) == 40
    for count in range(1, 41):
        so_far = len(names(found[:count], "random"))
        assert abs(so_far - count * random / 40) <= 1, (count, so_far)


def test_each_of_several_users_gets_the_random_share():
    found = shown(a_round(120, 36), ["anna", "otto"])
    for user in ("anna", "otto"):
        own = [c for who, c in found[:60] if who == user]
        assert len([c for c in own if c.selection == "random"]) == pytest.approx(9, abs=1)


def test_users_do_not_all_begin_with_the_same_kind():
    asked = a_round(40, 12)
    first = [next_for(f"user{n}", asked, [], skip=(), per_comparison=1, priorities={}) for n in range(200)]
    assert 0.2 < sum(c is not None and c.selection == "random" for c in first) / 200 < 0.4


def test_chosen_pairs_come_by_what_they_teach_and_random_ones_never_do():
    asked = a_round(20, 6)
    rising = {c.id: float(c.id[1:]) for c in asked}
    falling = {name: -value for name, value in rising.items()}
    up, down = shown(asked, ["anna"], rising), shown(asked, ["anna"], falling)
    assert names(up, "drts") == [f"c{n}" for n in reversed(range(6, 20))]
    assert names(down, "drts") == [f"c{n}" for n in range(6, 20)]
    assert [c.selection for _, c in up] == [c.selection for _, c in down]
    assert names(up, "random") == names(down, "random") == names(shown(asked, ["anna"]), "random")


def test_a_round_picked_at_random_is_not_reordered():
    asked = a_round(20, 20)
    assert shown(asked, ["anna"], {c.id: float(c.id[1:]) for c in asked}) == shown(asked, ["anna"])


def test_a_pair_of_which_nothing_is_known_comes_after_those_that_teach():
    found = names(shown(a_round(6, 0), ["anna"], {"c3": 0.5, "c5": 0.7}), "drts")
    assert found[:2] == ["c5", "c3"]
    assert set(found) == {f"c{n}" for n in range(6)}


def test_what_lacks_answers_comes_before_what_teaches():
    asked = a_round(6, 2)
    found = shown(asked, ["anna", "otto", "ida"], {"c5": 9.0})
    assert {c.id for _, c in found[:6]} == {c.id for c in asked}


def test_several_people_at_once_seldom_get_the_same_however_much_it_teaches():
    asked = a_round(100, 0)
    priorities = {c.id: float(c.id[1:]) for c in asked}
    before = [ranking(n, f"user{n}") for n in range(10)]
    first = [next_for(f"user{n}", asked, before, skip=(), per_comparison=1, priorities=priorities) for n in range(10)]
    assert len({c.id for c in first if c}) >= 7
    assert all(c is not None and int(c.id[1:]) >= 60 for c in first), "but something that teaches"


def test_what_a_user_holds_counts_as_shown():
    asked = a_round(40, 20)
    held: list[Comparison] = []
    while len(held) < 8 and (
        c := next_for("anna", asked, [], skip=[c.id for c in held], per_comparison=1, priorities={})
    ):
        held.append(c)
    assert sum(c.selection == "random" for c in held) == pytest.approx(4, abs=1)


def test_random_pairs_come_in_the_users_own_fixed_order():
    order = [c.id for _, c in shown(a_round(20, 20), ["anna"])]
    assert order == sorted(order, key=lambda name: hashlib.sha256(f"anna\n{name}".encode()).hexdigest())
    assert order != [c.id for _, c in shown(a_round(20, 20), ["otto"])]


def with_beside(count: int, repeats: int, checks: int) -> list[Comparison]:
    """`count` comparisons asked for their label, then repeats of the first ones, then checks."""
    asked = a_round(count, count)
    asked += [repeat(count + n, of=n) for n in range(repeats)]
    return [*asked, *(check(count + repeats + n) for n in range(checks))]


@pytest.mark.parametrize("user", ["anna", "otto", "Ольга", "ida"])
def test_a_repeat_comes_once_and_five_answers_or_more_after_what_it_repeats(user: str):
    found = [c.id for _, c in shown(with_beside(60, 6, 0), [user])]
    assert sorted(found) == sorted({f"c{n}" for n in range(66)})
    end = max(found.index(f"c{n}") for n in range(60))
    places = {found.index(f"c{60 + n}"): found.index(f"c{n}") for n in range(6)}
    gaps = [place - first - 1 for place, first in places.items() if place < end]
    assert len(gaps) >= 3
    assert all(5 <= gap <= 12 for gap in gaps), gaps
    assert len(set(gaps)) > 1, "nobody should tell it by its place"
    assert all(first < place for place, first in places.items())


def test_a_repeat_waits_behind_what_the_page_already_holds():
    asked = with_beside(20, 1, 0)
    given = [ranking(0)]
    held: list[str] = []
    while found := next_for("anna", asked, given, skip=held, per_comparison=1, priorities={}):
        held.append(found.id)
    assert 5 <= held.index("c20") <= 10
    assert len(held) == 20


def test_a_repeat_is_shown_to_whoever_submitted_the_answer_and_to_nobody_else():
    asked = with_beside(12, 1, 0)
    given = [ranking(n, choice=None if n == 0 else "tie") for n in range(12)]
    assert next_for("anna", asked, given, skip=(), per_comparison=1, priorities={}) is None
    assert still_to_show(asked, {r.comparison_id: r for r in given}) == []
    others = [ranking(n, "otto") for n in range(12)]
    assert next_for("otto", asked, [*given, *others], skip=(), per_comparison=1, priorities={}) == asked[12]


def test_what_is_left_of_repeats_comes_when_nothing_else_is_left():
    asked = with_beside(2, 1, 1)
    found = [c.id for _, c in shown(asked, ["anna"])]
    assert sorted(found) == ["c0", "c1", "c2", "c3"]
    assert found.index("c2") > found.index("c0")
    assert set(found[:3]) >= {"c0", "c1"}


def test_checks_come_at_a_place_of_each_users_own():
    asked = with_beside(40, 0, 1)
    places = {[c.id for _, c in shown(asked, [f"user{n}"])].index("c40") for n in range(30)}
    assert len(places) > 10
    assert min(places) >= 1


def test_one_of_several_gets_their_share_of_checks_not_all_of_them():
    found = shown(with_beside(300, 0, 20), ["anna", "otto", "ida"])[:300]
    for user in ("anna", "otto", "ida"):
        own = [c for who, c in found if who == user]
        assert 1 <= sum(c.purpose == "check" for c in own) <= 14


def test_repeats_and_checks_take_no_turn_of_what_is_asked_for_its_label():
    plain = a_round(40, 12)
    asked = [*plain, *(repeat(40 + n, of=n) for n in range(4)), check(44)]
    labels = [c.id for _, c in shown(asked, ["anna"]) if c.purpose == "label"]
    assert labels == [c.id for _, c in shown(plain, ["anna"])]
