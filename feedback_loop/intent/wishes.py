"""What answers can be asked to be like, and how it is seen in an answer: by a check of docs/checks.md wherever there is one."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from feedback_loop.compare import Floats
from feedback_loop.intent.choosing import Column
from feedback_loop.intent.profile import Wish
from feedback_loop.records import Prompt
from feedback_loop.simulation.checks import met, sentences, words
from feedback_loop.taught import traits
from feedback_loop.taught.traits import Reading, Trait

CHECKS = (
    "greeting",
    "closing",
    "bullets",
    "numbered_steps",
    "emoji",
    "formal",
    "hedged",
    "ends_with_question",
    "lower_case",
)
SIGNS = {"question": ["?", "？"], "exclamation": ["!", "！"], "bold": ["**"], "code": ["`"]}
"""Wishes that a sign tells."""
SCRIPTS = ("latin", "cyrillic", "han")
TRAITS = {
    "headings": None,
    "polite": None,
    "apology": None,
    "filler": None,
    "first_person": None,
    "second_person": None,
    "example": None,
    "caveat": None,
    "digits": None,
    "same_script": None,
    "greeting": "greeting",
    "closing": "closing",
    "hedged": "hedged",
    "casual": "formal",
}
"""Traits of `taught` that no check tells; and those that one tells in English alone, which are used where that one is blind."""
ALIKE = 0.8
"""Correlation from which a trait without a check is the same as one with a check."""
EIGHTHS = np.arange(1, 8) / 8


@dataclass(frozen=True)
class Answer:
    """An answer with what it is read by."""

    text: str
    prompt: Prompt
    reading: Reading


@dataclass(frozen=True)
class Sight:
    """A wish and its opposite, as an answer shows them."""

    family: str
    has: Callable[[Answer], bool]
    yes: Wish | None
    no: Wish | None = None
    part: bool = False
    """Something that an answer has or has not."""
    sums: bool = False
    """A measure of all that it has: where people want a greeting, they seem to want longer answers."""

    @property
    def column(self) -> Column:
        """As the choice of columns sees it."""
        return Column(self.family, self.yes is not None, self.no is not None, self.part, self.sums)


def answer(text: str, prompt: Prompt) -> Answer:
    """An answer, read once for all wishes."""
    return Answer(text.strip(), prompt, traits.read(text, prompt.request))


def passes(check: str, value: Any, seen: Answer) -> bool:
    """Whether the check is met."""
    return met(check, seen.text, value, seen.prompt)


def sights(answers: Sequence[Answer]) -> list[Sight]:
    """All that is looked for in these answers. What that is hangs on the answers alone, never on what was chosen."""
    checked = [*_checked(), *_lengths(answers), *_sentences(answers)]
    seen = [_column(one, answers) for one in checked]
    there = {one.family for one, column in zip(checked, seen, strict=True) if column.std() > 0}
    return [*checked, *(one for one in _traits(answers, there) if not _same(_column(one, answers), seen))]


def _checked() -> Iterator[Sight]:
    for name in CHECKS:
        yes, no = (Wish(name=f"{name}.{way}", check=name, value=way == "yes") for way in ("yes", "no"))
        yield Sight(name, partial(passes, name, True), yes, no, part=True)
    for name, signs in SIGNS.items():
        yes = Wish(name=f"{name}.yes", check="contains_any", value=signs)
        no = Wish(name=f"{name}.no", check="contains_none", value=signs)
        yield Sight(name, partial(passes, "contains_any", signs), yes, no)
    for name in SCRIPTS:
        yield Sight("script", partial(passes, "script", name), Wish(name=f"script.{name}", check="script", value=name))


def _lengths(answers: Sequence[Answer]) -> Iterator[Sight]:
    """At most so many words; of answers written without spaces, characters."""
    spaced = sum(len(words(a.text)) for a in answers) * 2 > sum(len(a.reading.words) for a in answers)
    name, unit = ("max_words", "min_words") if spaced else ("max_characters", None)
    counts = [len(words(a.text)) if spaced else len(a.text) for a in answers]
    for most in _steps(counts):
        no = Wish(name=unit, check=unit, value=most + 1) if unit else None
        yield Sight("length", partial(passes, name, most), Wish(name=name, check=name, value=most), no, sums=True)


def _sentences(answers: Sequence[Answer]) -> Iterator[Sight]:
    counts = [sentences(a.text) for a in answers]
    for count in range(1, min(7, max(counts, default=0) + 1)):
        yield Sight(
            "sentences", partial(passes, "sentences", count), Wish(name="sentences", check="sentences", value=count)
        )
    for most in _steps(counts):
        yes = Wish(name="max_sentences", check="max_sentences", value=most)
        no = Wish(name="min_sentences", check="min_sentences", value=most + 1)
        yield Sight("sentences", partial(passes, "max_sentences", most), yes, no, sums=True)


def _steps(counts: Sequence[int]) -> list[int]:
    """Limits that part the answers, as people would write them: 14, 35, 120."""
    found = {_round(int(x)) for x in np.quantile(counts, EIGHTHS)} if counts else set()
    return sorted(n for n in found if min(counts) <= n < max(counts))


def _round(n: int) -> int:
    unit = 1 if n <= 20 else 5 if n <= 100 else 10
    return n // unit * unit


def _traits(answers: Sequence[Answer], there: set[str]) -> Iterator[Sight]:
    by_name = {t.name: t for t in traits.TRAITS}
    for name, check in TRAITS.items():
        if check is None or check not in there:
            yes = Wish(name=f"{name}.yes")
            yield Sight(
                name, partial(_shows, by_name[name]), yes, None if name == "same_script" else Wish(name=f"{name}.no")
            )
    for trait in traits.phrases([a.reading for a in answers]):
        check = "starts_with" if trait.name == "opens" else "ends_with"
        told = all(passes(check, trait.phrase, a) == _shows(trait, a) for a in answers)
        yes = Wish(name=f"{trait.name}.yes", phrase=trait.phrase)
        yes = yes.model_copy(update={"check": check, "value": trait.phrase}) if told else yes
        no = Wish(name=f"{trait.name}.no", phrase=trait.phrase)
        yield Sight(f"{trait.name}:{trait.phrase}", partial(_shows, trait), yes, no)


def _shows(trait: Trait, seen: Answer) -> bool:
    return trait.measure(seen.reading) > 0


def _column(sight: Sight, answers: Sequence[Answer]) -> Floats:
    return np.array([sight.has(a) for a in answers], dtype=float)


def _same(column: Floats, others: Sequence[Floats]) -> bool:
    if column.std() == 0:
        return True
    return any(other.std() > 0 and abs(np.corrcoef(column, other)[0, 1]) > ALIKE for other in others)
