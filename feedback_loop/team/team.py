"""How far a team's labels can be trusted: what the Team page, `feedback-loop team` and W&B show, and how it is counted.

Shares are of answers, with 90 % Wilson intervals. Agreement, position and length are counted over comparisons asked for
their label alone: repeats are one person's second thoughts, and checks are easy, so either would flatter. Of three or four
completions an answer counts as one, by the mean over its pairs (`verdicts`).
"""

import math
import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Literal

from feedback_loop.evaluate import mean, wilson
from feedback_loop.records import Comparison, Ranking, Record
from feedback_loop.team.agreement import Alpha, Match, krippendorff_alpha, matches, with_majority
from feedback_loop.team.consistency import CAREFUL, Evidence, checked, evidence, twice
from feedback_loop.verdicts import UNDECIDED, Given, agreement, given

CHANCE = 0.05
"""How often a team in which nobody leans to a side would have somebody found to do so."""
ENOUGH = 5
"""Repeats below which a person is not told how often they agreed with themselves."""
BLOCK, LATEST = 20, 5
"""That figure is of a person's first answers but for the latest ones, and moves by so many answers at once: no answer shows by it
that it was a repeat."""


class Share(Record):
    """A share of `count`, with its 90 % interval."""

    share: float
    low: float
    high: float
    count: int


class Seconds(Record):
    """How long answers took: the median, and the quarters on either side."""

    median: float
    low: float
    high: float
    count: int


class Person(Record):
    """What is known of one person's answers."""

    name: str
    answers: int
    """Skips left out, repeats and checks included."""
    by_round: dict[int, int]
    last_active: str
    seconds: Seconds | None
    skips: dict[str, int]
    """By reason; `none` where none was given."""
    ties: int
    neither: int
    flagged: int
    shared: int
    """Answers to comparisons that somebody else answered too."""
    majority: Share | None
    """Agreement with what most of the others said, where they are of one mind."""
    self_agreement: Share | None
    """Repeats answered the same again."""
    checks: Share | None
    first_chosen: Share | None
    """Among decided answers: what stood first was chosen."""
    first_chance: float | None
    """Probability of leaning as far or further to either side by chance: exact sign test."""
    leans: Literal["first", "second"] | None
    """Beyond chance, as many people as are looked at taken into account (Bonferroni)."""
    longer_chosen: Share | None
    """Among decided answers of different length. Longer may well be better; only that people differ says something."""
    evidence: Evidence
    inconsistent: bool
    """Surely more often wrong than a careful person: the whole interval of the error rate is above `CAREFUL`."""


class Between(Record):
    """How often two people said the same of comparisons that both answered."""

    one: str
    other: str
    same: Share


class Team(Record):
    """All of it at one moment."""

    people: tuple[Person, ...]
    between: tuple[Between, ...]
    alpha: Alpha | None
    """None where fewer than `agreement.LEAST` comparisons have two answers, or all answers are the same."""
    comparisons: int
    """Asked for their label alone."""
    answered: int
    """Of these, answered by anybody."""
    shared: int
    """Of these, answered by two people or more."""
    answers: int
    repeats: int
    checks: int
    """Answers to repeats and checks, among `answers`."""
    weighing: Literal["weigh", "ignore"] = "weigh"
    """`preferences.consistency`: whether the weights are used."""


class Me(Record):
    """What a person may know of themselves while they work: checks are never shown."""

    answers: int
    seconds: float | None
    """Median."""
    same: Share | None
    """Repeats answered the same again, among the first 20, 40, 60, ... answers: none must give away that it was a repeat."""


def team_of(
    comparisons: Sequence[Comparison], rankings: Sequence[Ranking], weighing: Literal["weigh", "ignore"] = "weigh"
) -> Team:
    """The team, from comparisons of all rounds and the answers that stand."""
    answered = given(comparisons, rankings)
    labels = [g for g in answered if g.comparison.counts and g.ranking.status == "submitted"]
    found, most = evidence(comparisons, rankings), with_majority(labels)
    people = Counter(g.comparison.id for g in labels)
    submitted = [g for g in answered if g.ranking.status == "submitted"]
    purposes = Counter(g.comparison.purpose for g in submitted)
    return Team(
        people=tuple(
            _person(own, found[name], most.get(name, []), people, len(found))
            for name, own in sorted(_by_name(answered).items())
        ),
        between=tuple(Between(one=m.one, other=m.other, same=_matched(m)) for m in matches(labels)),
        alpha=krippendorff_alpha(labels),
        comparisons=sum(c.counts for c in comparisons),
        answered=len(people),
        shared=sum(n > 1 for n in people.values()),
        answers=len(submitted),
        repeats=purposes["repeat"],
        checks=purposes["check"],
        weighing=weighing,
    )


def me_of(comparisons: Sequence[Comparison], rankings: Sequence[Ranking], name: str) -> Me:
    """What that person may know of their own answers."""
    own = [g for g in given(comparisons, rankings) if g.user == name]
    answers = [g for g in own if g.ranking.status == "submitted"]
    again = _same_again(answers[: max(0, len(answers) - LATEST) // BLOCK * BLOCK])
    seconds = _seconds(own)
    return Me(
        answers=len(answers),
        seconds=seconds.median if seconds else None,
        same=_share(again) if len(again) >= ENOUGH else None,
    )


def _person(
    own: Sequence[Given], found: Evidence, most: Sequence[float], answered: Mapping[str, int], people: int
) -> Person:
    """`most` is agreement with the majority, `answered` how many people answered each comparison."""
    answers, name = [g for g in own if g.ranking.status == "submitted"], own[0].user
    mine = [g for g in answers if g.comparison.counts]
    sides = [s for g in mine if (s := first_share(g)) is not None]
    chance = sign_test(sum(s > 0.5 for s in sides), sum(s < 0.5 for s in sides))
    first = _share(sides)
    leans = first is not None and chance is not None and chance * people < CHANCE
    return Person(
        name=name,
        answers=len(answers),
        by_round=dict(sorted(Counter(g.comparison.round for g in answers).items())),
        last_active=max(g.ranking.created_at for g in own),
        seconds=_seconds(own),
        skips=dict(Counter(g.ranking.reason or "none" for g in own if g.ranking.status == "discarded")),
        ties=sum(g.ranking.choice == "tie" for g in answers),
        neither=sum(g.ranking.choice == "neither" for g in answers),
        flagged=sum(g.ranking.flagged for g in own),
        shared=sum(answered[g.comparison.id] > 1 for g in mine),
        majority=_share(most),
        self_agreement=_share(_same_again(own)),
        checks=_share(checked(own).get(name, [])),
        first_chosen=first,
        first_chance=chance,
        leans=("first" if first.share > 0.5 else "second") if leans and first else None,
        longer_chosen=_share([s for g in mine if (s := longer_share(g)) is not None]),
        evidence=found,
        inconsistent=found.error_low > CAREFUL,
    )


def first_share(answer: Given) -> float | None:
    """Share of an answer's decided pairs of which what stood before the other was chosen; None where none is decided."""
    place = {c.id: n for n, c in enumerate(answer.comparison.completions)}
    decided = [(pair, best) for pair, best in answer.verdicts.items() if best not in UNDECIDED]
    return (
        mean([float(place[best] == min(place[name] for name in pair)) for pair, best in decided]) if decided else None
    )


def longer_share(answer: Given) -> float | None:
    """The same of the longer one, in characters, among pairs of different length."""
    length = {c.id: len(c.completion) for c in answer.comparison.completions}
    decided = [
        (pair, best)
        for pair, best in answer.verdicts.items()
        if best not in UNDECIDED and length[pair[0]] != length[pair[1]]
    ]
    return (
        mean([float(length[best] == max(length[name] for name in pair)) for pair, best in decided]) if decided else None
    )


def sign_test(more: int, less: int) -> float | None:
    """Two-sided exact probability of so uneven a split of coin tosses, or one more uneven; None of no toss."""
    n = more + less
    if not n:
        return None
    tail = sum(math.comb(n, k) for k in range(min(more, less) + 1))
    return float(min(1.0, 2 * tail / 2**n))


def _same_again(own: Sequence[Given]) -> list[float]:
    """Of each repeat whose first showing was answered too, the share of pairs of which the same was said again, in order."""
    shares = (agreement(before.verdicts, again.verdicts) for before, again in twice(own))
    return [same for same in shares if same is not None]


def _by_name(answered: Sequence[Given]) -> dict[str, list[Given]]:
    by_name: dict[str, list[Given]] = {}
    for g in answered:
        by_name.setdefault(g.user, []).append(g)
    return by_name


def _seconds(own: Sequence[Given]) -> Seconds | None:
    """Of answers and skips alike, where the page measured it."""
    took = sorted(g.ranking.seconds for g in own if g.ranking.seconds is not None)
    if not took:
        return None
    low, _, high = statistics.quantiles(took, n=4, method="inclusive") if len(took) > 1 else (took[0],) * 3
    return Seconds(median=statistics.median(took), low=low, high=high, count=len(took))


def _matched(match: Match) -> Share:
    low, high = wilson(match.same, match.count)
    return Share(share=match.same / match.count, low=low, high=high, count=match.count)


def _share(points: Sequence[float]) -> Share | None:
    if not points:
        return None
    low, high = wilson(sum(points), len(points))
    return Share(share=mean(points), low=low, high=high, count=len(points))
