"""What a new policy must not have become, whatever it wins: from figures to a table of checks, each with a plain reason.

A breach is a figure beyond its limit of which chance is no explanation: the 90 % interval of the change from the base leaves
no change out. What was unlearned is held against the base, not the parent: a little lost in every round adds up, and only the
base shows the sum.
"""

import itertools
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import pstdev

from feedback_loop.evaluate import Z, interval, jackknife, mean, sign_test, win_rate
from feedback_loop.evaluate import wilson as share_interval
from feedback_loop.gate.probes import INSTRUCTION
from feedback_loop.recipe import GuardTable, PromotionTable
from feedback_loop.records import Record
from feedback_loop.taught.traits import tokens

NAMES = (
    "reward",
    "kl_base",
    "kl_parent",
    "perplexity",
    "abilities",
    "instructions",
    "length",
    "repetition",
    "diversity",
)
"""The checks, in the order of the table."""
LEAST = 8
"""Answers or passages below which nothing is called a breach."""
CHANCE = 0.05
"""Most probability of such a loss, or a larger one, where nothing was lost: what lies below a 90 % interval."""
RUN = 4
"""Words in a run that is looked for again in the same answer."""
GENTLER = "Train it more gently (a lower learning rate, fewer epochs)"


class Check(Record):
    """A row of the table: one figure of the base, the parent and the candidate, and where the candidate's must lie."""

    name: str
    """One of `NAMES`."""
    base: float | None = None
    parent: float | None = None
    candidate: float | None
    low: float | None = None
    """Least that is allowed; None where anything is."""
    high: float | None = None
    """Most that is allowed."""
    ok: bool
    """False is a breach: beyond the limit, and by more than chance."""
    reason: str
    """One sentence for people; of a breach also what to do, and what to set where it is meant."""

    @property
    def shown(self) -> str:
        """The figure and its limits, for a terminal: `31.2 (at most 44.7)`."""
        if self.candidate is None:
            return "not measured"
        limits = (("at least", self.low), ("at most", self.high))
        return (
            f"{self.candidate:.3g} ({', '.join(f'{name} {limit:.3g}' for name, limit in limits if limit is not None)})"
        )


@dataclass(frozen=True)
class Figures:
    """What is measured of a policy."""

    losses: Sequence[float]
    """Nats a token of each passage of neutral text."""
    blind: float
    """Nats a token of guessing blindly: the log of the number of tokens that there are."""
    solved: Mapping[str, bool]
    """Of each probe, by its id."""
    kinds: Mapping[str, str]
    """The probes' kinds."""
    texts: Sequence[str]
    """Its answers to the held-out prompts."""


def forgotten(base: Figures, parent: Figures, candidate: Figures, guard: GuardTable) -> list[Check]:
    """The rows about what was unlearned and how answers changed. `parent` is `base` in a first round.

    Passages, probes and prompts are the same for all three, and in one order.
    """
    three = (base, parent, candidate)
    texts = [f.texts for f in three]
    return [
        _perplexity(three, guard),
        _abilities(three, guard),
        _instructions(three, guard),
        _length(texts, guard),
        _repetition(texts, guard),
        _diversity(texts, guard),
    ]


def distances(kls: tuple[float, float, float], promotion: PromotionTable, guard: GuardTable) -> list[Check]:
    """The rows about KL divergence, nats an answer: of parent from base, of candidate from base, and of candidate from parent.

    A budget is kept or not: the measured figure counts as it is.
    """
    before, base, parent = kls

    def row(name: str, was: float | None, kl: float, limit: float, key: str, whom: str) -> Check:
        said, ok = f"It stands {kl:.1f} nats an answer from {whom}", kl <= limit
        reason = f"{said}; up to {limit:g} is allowed." if ok else f"{said}, beyond the {limit:g} of {key}. {GENTLER}."
        return Check(name=name, parent=was, candidate=kl, high=limit, ok=ok, reason=reason)

    return [
        row("kl_base", before, base, promotion.max_kl, "promotion.max_kl", "the base"),
        row("kl_parent", None, parent, guard.max_kl_parent, "guard.max_kl_parent", "its parent"),
    ]


def preferred(ours: Sequence[Sequence[float]], theirs: Sequence[Sequence[float]]) -> Check:
    """The row about the reward model: how often it prefers the candidate to the parent.

    Rows are prompts, columns the reward model's members. The interval is Wilson's over prompts, widened by what the members'
    own win rates differ by: few prompts and a divided opinion are both reasons not to be sure.
    """
    rate = win_rate([mean(row) for row in ours], [mean(row) for row in theirs])
    rates = [win_rate(a, b) for a, b in zip(zip(*ours, strict=True), zip(*theirs, strict=True), strict=True)]
    low, high = share_interval(rate * len(ours), len(ours))
    spread = Z * pstdev(rates)
    low, high = max(0.0, rate - math.hypot(rate - low, spread)), min(1.0, rate + math.hypot(high - rate, spread))
    worse = high < 0.5
    said = f"The reward model prefers it to its parent on {rate:.0%} of {len(ours)} prompts ({low:.0%} to {high:.0%})"
    reason = f"{said}: surely worse. Label more before the next try." if worse else f"{said}."
    return Check(name="reward", candidate=rate, low=0.5, ok=not worse, reason=reason)


def _perplexity(three: Sequence[Figures], guard: GuardTable) -> Check:
    """Passages that the base foresees no better than by guessing blindly are left out: nothing of them can be unlearned."""
    known = [n for n, loss in enumerate(three[0].losses) if loss < three[0].blind]
    if len(known) < LEAST:
        reason = "The base knows too little of the languages of the neutral text for anything of them to be unlearned."
        return Check(name="perplexity", candidate=None, ok=True, reason=reason)
    losses = [[f.losses[n] for n in known] for f in three]
    base, parent, ours = (math.exp(min(200.0, mean(of))) for of in losses)
    limit = base * guard.max_perplexity
    changes = [a - b for a, b in zip(losses[2], losses[0], strict=True)]
    breach = not ours <= limit and _sure(changes, above=True)
    said = f"On neutral text its perplexity is {ours / base:.2g} times the base's ({_short(ours)} and {_short(base)})"
    reason = (
        f"It loses ordinary language: {said[0].lower()}{said[1:]}, beyond the {guard.max_perplexity:g} times of "
        f"guard.max_perplexity. {GENTLER}."
        if breach
        else f"{said}; up to {guard.max_perplexity:g} times is allowed."
    )
    return _row("perplexity", (base, parent, ours), breach, reason, high=limit)


def _abilities(three: Sequence[Figures], guard: GuardTable) -> Check:
    tasks, allowed = [p for p, kind in three[0].kinds.items() if kind != INSTRUCTION], guard.max_ability_loss
    lost, won, could, ours = _lost(three, tasks)
    said = ", ".join(f"{kind}: {count}" for kind, count in Counter(three[0].kinds[p] for p in lost).most_common())
    kept = f"It solves {ours} of {len(tasks)} plain tasks, the base {could}."
    gone = (
        f"It has unlearned plain tasks: of {could} that the base solves it fails {len(lost)} ({said}), and it solves {won} that "
        f"the base does not; guard.max_ability_loss allows {allowed:.0%}. {GENTLER}. If such answers are what you want, raise it."
    )
    return _probes("abilities", three, tasks, allowed, kept, gone)


def _instructions(three: Sequence[Figures], guard: GuardTable) -> Check:
    """What people taught is for where nothing else is said: what a chat itself states is to be followed as before."""
    tasks, allowed = [p for p, kind in three[0].kinds.items() if kind == INSTRUCTION], guard.max_instruction_loss
    lost, won, could, ours = _lost(three, tasks)
    kept = f"Where a chat states how to answer, it does so in {ours} of {len(tasks)}, the base in {could}."
    gone = (
        f"It no longer listens where a chat states how to answer: of {could} that the base answers so it fails {len(lost)}, and "
        f"answers {won} so that the base does not; guard.max_instruction_loss allows {allowed:.0%}. Raise policy.hold, or put "
        "such chats into policy.neutral_file. If what you taught is to hold whatever a chat says, raise the limit."
    )
    return _probes("instructions", three, tasks, allowed, kept, gone)


def _lost(three: Sequence[Figures], tasks: Sequence[str]) -> tuple[list[str], int, int, int]:
    """Which of these probes the base solves and the candidate does not, how many the other way, and how many each solves."""
    base, ours = three[0].solved, three[2].solved
    lost = [p for p in tasks if base[p] and not ours[p]]
    return lost, sum(ours[p] and not base[p] for p in tasks), sum(base[p] for p in tasks), sum(ours[p] for p in tasks)


def _probes(name: str, three: Sequence[Figures], tasks: Sequence[str], allowed: float, kept: str, gone: str) -> Check:
    if not tasks:
        return Check(name=name, candidate=None, ok=True, reason="This run has no such probes.")
    lost, won, could, _ = _lost(three, tasks)
    breach = len(lost) - won > allowed * could and sign_test(len(lost), won) <= CHANCE
    shares = tuple(sum(f.solved[p] for p in tasks) / len(tasks) for f in three)
    return _row(name, shares, breach, gone if breach else kept, low=could * (1 - allowed) / len(tasks))


def _length(texts: Sequence[Sequence[str]], guard: GuardTable) -> Check:
    counts = [[float(len(tokens(text))) for text in of] for of in texts]
    base, parent, ours = map(mean, counts)
    low, high = base * guard.min_length, base * guard.max_length
    changes = [a - b for a, b in zip(counts[2], counts[0], strict=True)]
    short, long = ours < low and _sure(changes, above=False), ours > high and _sure(changes, above=True)
    said = f"Its answers have {ours:.3g} words on average, the base's {base:.3g}"
    if short or long:
        key, where, kind = ("min_length", "under", "short") if short else ("max_length", "over", "long")
        reason = (
            f"{said}: {where} the {getattr(guard, key):g} times of guard.{key}. If you want answers so {kind}, "
            f"{'lower' if short else 'raise'} guard.{key}; if not, read the samples."
        )
    else:
        reason = f"{said}; {low:.3g} to {high:.3g} are allowed."
    return _row("length", (base, parent, ours), short or long, reason, low=low, high=high)


def _repetition(texts: Sequence[Sequence[str]], guard: GuardTable) -> Check:
    shares = [[repetition(text) for text in of] for of in texts]
    base, parent, ours = map(mean, shares)
    limit = base + guard.max_repetition
    breach = ours > limit and _sure([a - b for a, b in zip(shares[2], shares[0], strict=True)], above=True)
    said = f"of its answers' runs of {RUN} words {ours:.0%} were in the same answer before, of the base's {base:.0%}"
    reason = (
        f"It repeats itself: {said}; guard.max_repetition allows {guard.max_repetition:.0%} more. {GENTLER}."
        if breach
        else f"O{said[1:]}; up to {limit:.0%} is allowed."
    )
    return _row("repetition", (base, parent, ours), breach, reason, high=limit)


def _diversity(texts: Sequence[Sequence[str]], guard: GuardTable) -> Check:
    words = [[tokens(text) for text in of] for of in texts]
    equal = _equally_long(words)
    base, parent, ours = map(distinct, equal)
    if base is None or parent is None or ours is None or len(equal[0]) < LEAST:
        reason = "There are too few words to say how many of them differ."
        return Check(name="diversity", base=base, parent=parent, candidate=ours, ok=True, reason=reason)
    limit = base * guard.min_diversity
    breach = ours < limit and _fewer(equal[2], equal[0])
    said = f"of the pairs of words in its answers {ours:.0%} are different ones, of the base's, in equally many words, {base:.0%}"
    reason = (
        f"It says the same everywhere: {said}; guard.min_diversity asks for {guard.min_diversity:g} times the base's. {GENTLER}."
        if breach
        else f"O{said[1:]}; at least {limit:.0%} is asked for."
    )
    return _row("diversity", (base, parent, ours), breach, reason, low=limit)


def repetition(text: str) -> float:
    """Share of an answer's runs of four words that were in it before; 0 of a shorter one."""
    words = tokens(text)
    runs = list(zip(*(words[n:] for n in range(RUN)), strict=False))
    return 1 - len(set(runs)) / len(runs) if runs else 0.0


def distinct(answers: Sequence[Sequence[str]]) -> float | None:
    """Share of different ones among all pairs of neighbouring words ("distinct-2", Li et al. 2016); None where there are none."""
    pairs = [pair for words in answers for pair in itertools.pairwise(words)]
    return len(set(pairs)) / len(pairs) if pairs else None


def _equally_long(words: Sequence[Sequence[Sequence[str]]]) -> list[list[Sequence[str]]]:
    """Each policy's answers, cut so that those to one prompt have equally many words: longer text repeats more by itself."""
    cut = [min(map(len, answers)) for answers in zip(*words, strict=True)]
    return [[answer[:most] for answer, most in zip(answers, cut, strict=True)] for answers in words]


def _fewer(ours: Sequence[Sequence[str]], theirs: Sequence[Sequence[str]]) -> bool:
    """Whether pairs of words differ less in ours by more than chance: a jackknife over prompts."""
    without = [
        (distinct([*ours[:n], *ours[n + 1 :]]) or 0.0) - (distinct([*theirs[:n], *theirs[n + 1 :]]) or 0.0)
        for n in range(len(ours))
    ]
    return jackknife(without)[1] < 0


def _sure(changes: Sequence[float], *, above: bool) -> bool:
    """Whether there are enough of these changes, and their mean's interval lies on one side of 0; NaN is as bad as any."""
    if not all(map(math.isfinite, changes)):
        return True
    low, high = interval(changes)
    return len(changes) >= LEAST and (low > 0 if above else high < 0)


def _row(
    name: str,
    figures: tuple[float, ...],
    breach: bool,
    reason: str,
    *,
    low: float | None = None,
    high: float | None = None,
) -> Check:
    base, parent, ours = (value if math.isfinite(value) else None for value in figures)
    beyond = ours is not None and ((low is not None and ours < low) or (high is not None and ours > high))
    if beyond and not breach:
        reason += " That is beyond the limit, but so little that it may be chance."
    return Check(name=name, base=base, parent=parent, candidate=ours, low=low, high=high, ok=not breach, reason=reason)


def _short(value: float) -> str:
    return f"{value:.3g}" if value < 1e4 else f"{value:.1e}"


def breaches(rows: Sequence[Mapping[str, object]]) -> list[Check]:
    """Those of an evaluation's rows that are breaches; evaluations of earlier versions have no rows."""
    return [check for check in map(Check.model_validate, rows) if not check.ok]
