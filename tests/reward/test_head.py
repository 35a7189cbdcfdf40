"""The head learns what people want from few noisy labels, knows what it does not know, and makes sense of too little."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from feedback_loop.errors import LoopError
from feedback_loop.records import Preference
from reward import head as heads
from reward.features import REQUEST
from reward.head import Array, Head, fit_head
from reward.observations import Thresholds, thresholds
from reward.text import NAMES
from tests.models_fixture import BAD, GOOD, preference, tiny_prompts

STATES = 8
COLUMNS = STATES + len(NAMES) + REQUEST
PAIR = preference(tiny_prompts(1)[0], GOOD, BAD)
AT = Thresholds(tie=0.3, much=2.0)


@dataclass(frozen=True)
class World:
    """Requests with two answers each, and what they are truly worth."""

    first: Array
    second: Array
    gain: Array
    """Worth of the first less that of the second answer, in logits."""

    def __len__(self) -> int:
        return len(self.gain)

    @property
    def rows(self) -> Array:
        return np.vstack([self.first, self.second])

    def part(self, start: int, stop: int) -> "World":
        return World(self.first[start:stop], self.second[start:stop], self.gain[start:stop])


def world(count: int, *, seed: int = 0, conditional: bool = False, slope: float = 3.0) -> World:
    """Worth is linear in the states; `conditional`: it turns round with what the request is like."""
    rng = np.random.default_rng(seed)
    request = np.repeat(rng.normal(size=(count, 1)), REQUEST, 1) + 0.3 * rng.normal(size=(count, REQUEST))
    first, second = (
        np.hstack([rng.normal(size=(count, STATES)), np.zeros((count, len(NAMES))), request]) for _ in range(2)
    )
    wanted = np.linspace(-1, 1, STATES)
    sign = np.sign(request[:, 0]) if conditional else np.ones(count)
    gain = sign * slope * ((first - second)[:, :STATES] @ wanted) / np.sqrt(2 * wanted @ wanted)
    return World(first, second, gain)


def labels_of(
    given: World, *, seed: int = 1, noise: float = 1.0, left: float = 0.0, **changes: Any
) -> tuple[Array, Array, list[Preference]]:
    """(chosen, rejected, pairs) as people would say it; `left` is what they add to the answer shown first, in logits."""
    rng = np.random.default_rng(seed)
    first_shown = rng.random(len(given)) < 0.5
    won = given.gain + noise * rng.logistic(size=len(given)) + np.where(first_shown, left, -left) > 0
    chosen, rejected = (np.where(w[:, None], given.first, given.second) for w in (won, ~won))
    pairs = [
        PAIR.model_copy(update={"chosen_first": bool(w == f)} | changes) for w, f in zip(won, first_shown, strict=True)
    ]
    return chosen, rejected, pairs


def trained(given: World, background: World, members: int = 16, **more: Any) -> Head:
    return fit_head(*labels_of(given, **more), background.rows, members=members, seed=3)


def accuracy(head: Head, unseen: World) -> float:
    margin = (head.scores(unseen.first) - head.scores(unseen.second)).mean(1)
    return float(((margin > 0) == (unseen.gain > 0)).mean())


def doubt(head: Head, given: World) -> float:
    return float((head.scores(given.first) - head.scores(given.second)).std(1).mean())


def test_every_prior_is_fitted_to_its_height_where_much_is_rare_and_far():
    given = world(60, slope=6.0)
    chosen, rejected, pairs = labels_of(given)
    said = [p.model_copy(update={"strength": "much" if n % 12 == 0 else "slight"}) for n, p in enumerate(pairs)]
    labels = heads.prepare(chosen, rejected, said, heads.frame(given.rows), Thresholds(tie=0.2, much=4.5))
    for width in heads.WIDTHS:
        found = heads.laplace(labels, heads.Prior(width))
        felt = (width * labels.gram + labels.leaning) @ found.dual
        slope, _ = heads._derivatives(felt, labels)
        assert np.abs(slope - found.dual).max() < 1e-3, width


WORLD = world(700)
UNSEEN = WORLD.part(300, 700)


def test_a_hundred_noisy_choices_teach_what_people_want():
    assert accuracy(trained(WORLD.part(0, 100), WORLD), UNSEEN) > 0.75


def test_more_labels_make_it_better_and_surer():
    few, many = (trained(WORLD.part(0, n), WORLD, members=32) for n in (24, 300))
    assert accuracy(many, UNSEEN) > max(0.85, accuracy(few, UNSEEN))
    relative = [
        doubt(h, UNSEEN) / np.abs((h.scores(UNSEEN.first) - h.scores(UNSEEN.second)).mean(1)).mean()
        for h in (few, many)
    ]
    assert relative[1] < relative[0] / 1.5


def along(count: int, axis: int) -> World:
    """Answers that differ along one axis alone."""
    given = world(count, seed=5)
    second = given.first.copy()
    second[:, axis] -= 2
    return World(given.first, second, np.full(count, 2.0))


def test_it_doubts_differences_of_a_kind_that_nobody_judged():
    head = trained(along(60, 0), WORLD, members=32)
    assert doubt(head, along(20, 3)) > 2 * doubt(head, along(20, 0))


def test_members_are_draws_from_what_predict_says():
    chosen, rejected, pairs = labels_of(WORLD.part(0, 60))
    view, at = heads.frame(WORLD.rows), thresholds(pairs)
    labels = heads.prepare(chosen, rejected, pairs, view, at)
    fitted = heads.fit(labels)
    others = heads.prepare(UNSEEN.first, UNSEEN.second, [pairs[0]] * len(UNSEEN), view, at)
    mean, spread = heads.predict(labels, fitted, others.differences, others.requests)
    drawn = Head(view, heads.draw(labels, fitted, 400, seed=2))
    members = drawn.scores(UNSEEN.first) - drawn.scores(UNSEEN.second)
    np.testing.assert_allclose(members.mean(1), mean, atol=1e-6)
    assert np.median(members.std(1) / spread) == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize("members", [1, 2, 5, 16])
def test_the_members_mean_is_the_same_however_many_they_are(members: int):
    scores = trained(WORLD.part(0, 40), WORLD, members=members).scores(UNSEEN.first)
    assert scores.shape == (len(UNSEEN), members)
    alone = trained(WORLD.part(0, 40), WORLD, members=1).scores(UNSEEN.first)[:, 0]
    np.testing.assert_allclose(scores.mean(1), alone, atol=1e-4)


def test_it_is_as_sure_as_it_is_right():
    chosen, rejected, pairs = labels_of(WORLD.part(0, 150))
    view, at = heads.frame(WORLD.rows), thresholds(pairs)
    labels = heads.prepare(chosen, rejected, pairs, view, at)
    others = heads.prepare(UNSEEN.first, UNSEEN.second, [pairs[0]] * len(UNSEEN), view, at)
    mean, spread = heads.predict(labels, heads.fit(labels), others.differences, others.requests)
    z = (mean - UNSEEN.gain) / spread
    assert 0.6 < z.std() < 1.5


def margin(given: World, pairs: list[Preference]) -> float:
    """How far apart a head of one fixed prior sees the two sides of these pairs."""
    labels = heads.prepare(given.first, given.second, pairs, heads.frame(WORLD.rows), AT)
    posterior = heads.laplace(labels, heads.Prior(10.0))
    return float(heads.predict(labels, [heads.Believed(posterior, 1.0)], labels.differences, labels.requests)[0].mean())


def said(count: int, **changes: Any) -> list[Preference]:
    return [PAIR.model_copy(update=changes)] * count


def test_a_tie_pulls_together_and_much_pulls_further():
    alike = along(8, 0)
    assert abs(margin(alike, said(8, tie=True))) < 1e-6
    slight, unsaid, much = (margin(alike, said(8, strength=strength)) for strength in ("slight", None, "much"))
    assert 0 < slight < unsaid < much


def test_ties_among_choices_bring_scores_together():
    assert 0 < margin(along(24, 0), said(12) + said(12, tie=True)) < 0.6 * margin(along(12, 0), said(12))


def test_a_weight_of_two_is_two_labels():
    once = along(4, 0)
    twice = World(*(np.concatenate([a, a]) for a in vars(once).values()))
    assert margin(once, said(4, weight=2.0)) == pytest.approx(margin(twice, said(8)), rel=1e-3)


def test_a_dependence_on_the_request_is_found_where_it_is_and_not_invented_where_it_is_not():
    turning = world(800, seed=4, conditional=True)
    assert accuracy(trained(turning.part(0, 300), turning), turning.part(400, 800)) > 0.7
    chosen, rejected, pairs = labels_of(WORLD.part(0, 100))
    labels = heads.prepare(chosen, rejected, pairs, heads.frame(WORLD.rows), thresholds(pairs))
    mixed = sum(b.share for b in heads.fit(labels) if b.posterior.prior.directions)
    assert mixed < 0.6


def test_a_leaning_to_what_stands_first_is_not_taken_for_worth(monkeypatch: pytest.MonkeyPatch):
    """The leaning is noise with a cause: whoever knows the cause hears the rest better."""

    def right() -> float:
        seeds = range(12)
        found = [accuracy(trained(WORLD.part(0, 60), WORLD, seed=seed, left=4.0, members=1), UNSEEN) for seed in seeds]
        return float(np.mean(found))

    known = right()
    monkeypatch.setattr(heads, "POSITION", 0.0)
    assert known > right()


def test_the_leaning_is_an_annotators_own():
    pairs = [
        PAIR.model_copy(update={"chosen_first": first, "user_id": user})
        for user in ("anna", "ben")
        for first in (True, False, None)
    ]
    labels = heads.prepare(UNSEEN.first[:6], UNSEEN.second[:6], pairs, heads.frame(WORLD.rows), AT)
    own = [[1, -1, 0], [-1, 1, 0], [0, 0, 0]]
    np.testing.assert_array_equal(np.sign(labels.leaning), np.kron(np.eye(2), own))


def test_a_saved_head_scores_the_same(tmp_path: Path):
    head = trained(WORLD.part(0, 40), WORLD)
    heads.save(head, tmp_path / "head")
    np.testing.assert_allclose(heads.load(tmp_path / "head").scores(UNSEEN.first), head.scores(UNSEEN.first), atol=1e-4)


def test_the_seed_alone_decides_the_draws():
    first, second = (trained(WORLD.part(0, 40), WORLD).weights for _ in range(2))
    np.testing.assert_array_equal(first, second)
    chosen, rejected, pairs = labels_of(WORLD.part(0, 40))
    other = fit_head(chosen, rejected, pairs, WORLD.rows, members=16, seed=4)
    assert np.abs(other.weights - first).max() > 0.01


def constant(count: int) -> World:
    rows = np.ones((count, COLUMNS))
    return World(rows, rows, np.zeros(count))


def contradicting(count: int) -> World:
    """Each pair twice; the second time it is chosen the other way round."""
    half = WORLD.part(0, count // 2)
    return World(np.vstack([half.first, half.second]), np.vstack([half.second, half.first]), np.full(count, 9.0))


ODD: dict[str, tuple[World, dict[str, Any]]] = {
    "one pair": (WORLD.part(0, 1), {}),
    "fewer requests than directions": (WORLD.part(0, 3), {}),
    "all ties": (WORLD.part(0, 20), {"tie": True}),
    "all much": (WORLD.part(0, 20), {"strength": "much"}),
    "features that never vary": (constant(12), {}),
    "contradictory labels": (contradicting(20), {}),
}


@pytest.mark.parametrize("case", ODD)
def test_from_odd_labels_a_head_that_gives_finite_scores(case: str):
    given, changes = ODD[case]
    head = trained(given, given, noise=0.0, **changes)
    found = head.scores(np.vstack([given.rows, UNSEEN.first]))
    assert np.isfinite(found).all()
    if case in ("features that never vary", "all ties", "contradictory labels"):
        margins = (head.scores(given.first) - head.scores(given.second)).mean(1)
        np.testing.assert_allclose(margins, 0, atol=0.02)


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_features_that_are_no_numbers_are_refused_in_one_line(bad: float):
    broken = WORLD.rows.copy()
    broken[3, 2] = bad
    with pytest.raises(LoopError, match=r"states are not finite numbers.*model\.dtype = float32") as told:
        fit_head(*labels_of(WORLD.part(0, 4)), broken, members=2, seed=0)
    assert "\n" not in str(told.value)


def test_nothing_to_learn_from_is_refused():
    with pytest.raises(LoopError, match="redo RUN rankings"):
        fit_head(np.zeros((0, COLUMNS)), np.zeros((0, COLUMNS)), [], WORLD.rows, members=2, seed=0)
