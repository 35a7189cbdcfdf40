"""What people seem to want, from what they chose and rewrote; no model, and nothing that is not measured."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from feedback_loop.brief.brief import Brief, Criterion
from feedback_loop.intent import comments as said_beside
from feedback_loop.intent.choosing import Choices, Chosen, choose, judge
from feedback_loop.intent.profile import COMMENT, Evidence, Example, Proposal, Quote, Standing, Wish
from feedback_loop.intent.sentences import line
from feedback_loop.intent.wishes import Answer, Sight, answer, passes, sights
from feedback_loop.records import Preference, Prompt

SURE = 0.05
"""Chance below which a wish is likely, and a requirement of the brief borne out."""


@dataclass(frozen=True)
class Seen:
    """All choices as rows: what the chosen answer shows less what the other shows, for each sight."""

    pairs: Sequence[Preference]
    chosen: Sequence[Answer]
    rejected: Sequence[Answer]
    sights: Sequence[Sight]
    """What is looked for; behind it, what the brief asks for."""
    known: Sequence[int]
    """Places of what the brief asks for."""
    said: Choices


def label(pair: Preference) -> str:
    """COMPARISON@USER."""
    return f"{pair.comparison_id}@{pair.user_id}"


def infer(
    pairs: Sequence[Preference], comments: Sequence[Quote], brief: Brief | None, seed: int
) -> tuple[list[Proposal], list[Standing]]:
    """What is to be proposed, the surest first, and what the choices say of the brief's requirements; ties say nothing."""
    decided = [p for p in pairs if not p.tie]
    if not decided:
        return _quoted(comments), []
    asked = [(r.number, r.text, c) for r in (brief.requirements if brief else ()) if r.mark != "out" for c in r.checks]
    seen = _see(decided, [_asked(n, c) for n, _, c in asked], seed)
    found = sorted(choose(seen.said, seen.known), key=lambda c: c.chance)
    proposals = [*(_proposal(seen, c, found) for c in found), *_quoted(comments)]
    places = {n: (number, text) for n, (number, text, _) in zip(seen.known, asked, strict=True)}
    standings = [_standing(seen, c, *places[c.column]) for c in judge(seen.said, seen.known, [c.column for c in found])]
    return [p.model_copy(update={"number": n}) for n, p in enumerate(proposals, start=1)], standings


def _asked(number: int, criterion: Criterion) -> Sight:
    """What the brief asks for: taken as given, so never proposed."""
    return Sight(f"brief:{number}", partial(passes, criterion.check, criterion.value), None)


def _see(pairs: Sequence[Preference], asked: Sequence[Sight], seed: int) -> Seen:
    prompts = [Prompt(id=p.prompt_id, prompt=p.prompt) for p in pairs]
    chosen, rejected = (
        [answer(getattr(p, side)[-1].content, prompt) for p, prompt in zip(pairs, prompts, strict=True)]
        for side in ("chosen", "rejected")
    )
    looked = sights([*chosen, *rejected])
    everything = [*looked, *asked]
    rows = [[float(s.has(a)) - float(s.has(b)) for s in everything] for a, b in zip(chosen, rejected, strict=True)]
    said = Choices(
        rows=np.array(rows, dtype=float).reshape(len(pairs), len(everything)),
        clusters=[p.prompt_id for p in pairs],
        weights=np.array([p.weight for p in pairs]),
        columns=[s.column for s in everything],
        seed=seed,
    )
    return Seen(pairs, chosen, rejected, everything, range(len(looked), len(everything)), said)


def _proposal(seen: Seen, found: Chosen, all_found: Sequence[Chosen]) -> Proposal:
    wish = _wish(seen, found.column, found.wanted)
    return Proposal(
        number=0,
        key=wish.key,
        wish=wish,
        state="proposed",
        confidence="likely" if found.chance < SURE else "perhaps",
        text=line(wish),
        evidence=_evidence(seen, found, wish, [*seen.known, *(c.column for c in all_found if c is not found)]),
        example=_example(seen, found),
    )


def _wish(seen: Seen, column: int, wanted: bool) -> Wish:
    sight = seen.sights[column]
    wish = sight.yes if wanted else sight.no
    assert wish is not None, "a column is found only in a direction that can be wanted"
    return wish


def _evidence(seen: Seen, found: Chosen, wish: Wish, others: Sequence[int]) -> Evidence:
    """`others`: the columns beside which it was found."""
    way, sight = _way(seen, found), seen.sights[found.column]
    agree, against = (
        dict.fromkeys(label(p) for p, v in zip(seen.pairs, way, strict=True) if v == sign) for sign in (1, -1)
    )
    edited = [
        {label(p) for p, v in zip(seen.pairs, way, strict=True) if v == sign and p.source == "edit"} for sign in (1, -1)
    ]
    choices, plain = _tally(seen, way), _tally(seen, way, but_for=others)
    plain = plain if plain != choices else Counter()
    shares = (np.mean([sight.has(a) is found.wanted for a in side]) for side in (seen.chosen, seen.rejected))
    alike = [w.value for n in found.alike if (w := _as(seen, n, wish)) is not None]
    low, high = (min(alike), max(alike)) if len(alike) > 1 else (None, None)
    return Evidence(
        agree=choices[1],
        against=choices[-1],
        alike_agree=plain[1],
        alike_against=plain[-1],
        edits_agree=len(edited[0]),
        edits_against=len(edited[1] - edited[0]),
        **dict(zip(("chosen", "rejected"), map(float, shares), strict=True)),
        chance=found.chance,
        low=low,
        high=high,
        labels=tuple(agree),
        labels_against=tuple(name for name in against if name not in agree),
    )


def _tally(seen: Seen, way: Sequence[int], but_for: Sequence[int] = ()) -> Counter[int]:
    """How many choices (edits are none) went which way, of those between answers that are alike in the columns `but_for`."""
    told = zip(seen.pairs, way, seen.said.rows[:, list(but_for)], strict=True)
    return Counter(v for _, v in {(label(p), v) for p, v, others in told if not any(others) and p.source != "edit"})


def _as(seen: Seen, column: int, wish: Wish) -> Wish | None:
    """The wish of the same name that the column stands for, where it holds a number."""
    both = (seen.sights[column].yes, seen.sights[column].no)
    return next((w for w in both if w is not None and w.name == wish.name and type(w.value) is int), None)


def _way(seen: Seen, found: Chosen) -> list[int]:
    """Of each choice, 1 where it was for it, -1 against it, 0 where both answers are alike."""
    return [int(v) if found.wanted else -int(v) for v in seen.said.rows[:, found.column]]


def _example(seen: Seen, found: Chosen) -> Example | None:
    """Of the choices for it, one between answers that differ in little else; the shortest of those."""
    differing = np.abs(seen.said.rows).sum(1)
    places = [n for n, v in enumerate(_way(seen, found)) if v == 1]

    def plain(n: int) -> tuple[float, int, str]:
        return differing[n], len(seen.chosen[n].text) + len(seen.rejected[n].text), label(seen.pairs[n])

    if not places:
        return None
    n = min(places, key=plain)
    texts = seen.chosen[n].text, seen.rejected[n].text
    return Example(
        label=label(seen.pairs[n]), request=seen.chosen[n].prompt.request, chosen=texts[0], rejected=texts[1]
    )


def _standing(seen: Seen, found: Chosen, number: int, text: str) -> Standing:
    rows = seen.said.rows[:, found.column]
    verdict = "unknown" if found.chance >= SURE else "borne out" if found.wanted else "against"
    return Standing(
        number=number, text=text, agree=int((rows > 0).sum()), against=int((rows < 0).sum()), verdict=verdict
    )


def _quoted(comments: Sequence[Quote]) -> list[Proposal]:
    return [_theme(phrase, quotes) for phrase, quotes in said_beside.recurring(comments)]


def _theme(phrase: str, quotes: Sequence[Quote]) -> Proposal:
    """People's own words, which whoever accepts them puts into a sentence."""
    wish = Wish(name=COMMENT, phrase=phrase)
    evidence = Evidence(
        agree=len(quotes), against=0, edits_agree=0, edits_against=0, chosen=0.0, rejected=0.0, chance=1.0,
        labels=tuple(q.label for q in quotes), labels_against=(),
    )  # fmt: skip
    return Proposal(
        number=0, key=wish.key, wish=wish, state="proposed", confidence="quoted", text="", evidence=evidence, quotes=tuple(quotes)
    )  # fmt: skip
