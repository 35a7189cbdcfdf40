"""Personas: simulated annotators with a true utility of their own, and B-Pref's kinds of irrationality.

The annotator model is that of Lee et al. 2021, "B-Pref" (arXiv 2111.03026), section 3.
"""

import math
import random
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any, Literal

from pydantic import Field, ValidationError, model_validator

from feedback_loop.errors import UsageError
from feedback_loop.prompts import DATA
from feedback_loop.records import Answer, Comparison, Prompt, Record, Strength
from feedback_loop.simulation.checks import met, problem, words


class Trait(Record):
    """A check with the value it should have."""

    check: str
    value: Any = True
    weight: float = Field(1.0, gt=0, allow_inf_nan=False)
    when: tuple[str, ...] = ()
    """It counts only where the request has one of these words, whole and in any case; empty = always."""

    @model_validator(mode="after")
    def _fits(self) -> "Trait":
        wrong = problem(self.check, self.value)
        if wrong:
            raise ValueError(wrong)
        for word in self.when:
            if words(word) != [word.casefold()]:
                raise ValueError(f"'when' takes single words, not {word!r}")
        return self


class Annotator(Record):
    """How far from always right."""

    beta: float = Field(math.inf, gt=0)
    """Bradley-Terry rationality: first wins with probability sigmoid(beta * difference); inf = noiseless."""
    mistake: float = Field(0.0, ge=0, le=1)
    """Probability of the opposite answer."""
    skip: float = Field(0.0, ge=0, le=1)
    """Probability of a skip where both answers have less than half of the utility there is."""
    equal: float = Field(0.0, ge=0)
    """A tie where the utilities differ by less than this."""
    left_bias: float = Field(0.0, ge=0, le=1)
    """Probability of choosing whichever stands first, whatever it is."""
    fatigue: float = Field(0.0, ge=0)
    """Growth of `mistake` per 100 answers given, up to a coin's toss (0.5)."""
    much: float = Field(math.inf, gt=0)
    """Utilities that differ by at least this make the choice "much" better, others "slight"; inf = strength is never said."""


class Persona(Record):
    """What a simulated person wants, and how they answer."""

    name: str = Field(min_length=1)
    gates: tuple[Trait, ...] = ()
    wants: tuple[Trait, ...] = Field(min_length=1)
    annotator: Annotator = Annotator()


def load(path: Path) -> Persona:
    """Read a persona; UsageError names the file and what is wrong in it."""
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{path}: cannot read the persona ({error.strerror}). Shipped ones: {_shipped()}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: not valid TOML: {error}. Correct the file.") from error
    try:
        return Persona.model_validate(data)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise UsageError(f"{path}: {key}: {first['msg']}. See docs/checks.md.") from error


def find(name: str) -> Persona:
    """A persona by its file, or by the name of a shipped one."""
    ours = DATA / "personas" / f"{name}.toml"
    return load(ours if ours.exists() else Path(name))


def gated(persona: Persona, prompt: Prompt, completion: str) -> bool:
    """Whether a completion passes all of the persona's gates that count for the prompt."""
    return all(met(gate.check, completion, gate.value, prompt) for gate in _counting(persona.gates, prompt))


def utility(persona: Persona, prompt: Prompt, completion: str) -> float:
    """What the completion is truly worth to the persona, in [0, 1]; 0 where a gate fails.

    The weighted share of the wants that count for the prompt and are met; 1 where none counts.
    """
    if not gated(persona, prompt, completion):
        return 0.0
    wants = _counting(persona.wants, prompt)
    worth = sum(w.weight for w in wants if met(w.check, completion, w.value, prompt))
    return worth / sum(w.weight for w in wants) if wants else 1.0


def respond(persona: Persona, comparison: Comparison, rng: random.Random, answered: int = 0) -> Answer:
    """All that the persona says of a comparison, after `answered` earlier ones: of three or four answers, an order."""
    if len(comparison.completions) > 2:
        return _order(persona, comparison, rng, answered)
    status, choice = answer(persona, comparison, rng, answered)
    return Answer(status=status, choice=choice, strength=strength(persona, comparison, choice))


def answer(
    persona: Persona, comparison: Comparison, rng: random.Random, answered: int = 0
) -> tuple[Literal["submitted", "discarded"], str | None]:
    """The persona's answer to a comparison, after `answered` earlier ones: (status, choice) of a ranking.

    Equal utilities are a tie, or `neither` where both are 0.
    """
    who = persona.annotator
    first, second = comparison.completions[:2]
    u, v = (utility(persona, comparison.prompt, c.completion) for c in (first, second))
    if max(u, v) < 0.5 and rng.random() < who.skip:
        return "discarded", None
    if rng.random() < who.left_bias:
        return "submitted", first.id
    if u == v or abs(u - v) < who.equal:
        return "submitted", "neither" if u == v == 0 else "tie"
    takes_first = u > v if math.isinf(who.beta) else rng.random() < _sigmoid(who.beta * (u - v))
    if rng.random() < _mistaken(who, answered):
        takes_first = not takes_first
    return "submitted", (first if takes_first else second).id


def strength(persona: Persona, comparison: Comparison, choice: str | None) -> Strength | None:
    """How much better the persona says its choice is; None where it chose neither completion, or never says.

    By the distance of the utilities alone: who chooses the wrong one by mistake says as much of it as of the right one.
    """
    if choice not in {c.id for c in comparison.completions}:
        return None
    u, v = (utility(persona, comparison.prompt, c.completion) for c in comparison.completions[:2])
    return _felt(persona.annotator, abs(u - v))


def edit(persona: Persona, prompt: Prompt, chosen: str, candidates: Sequence[str]) -> str | None:
    """The chosen text as the persona would have written it: the candidate of most worth; None where none is worth more."""
    best = max(candidates, key=lambda text: utility(persona, prompt, text), default=chosen)
    return best if utility(persona, prompt, best) > utility(persona, prompt, chosen) else None


def _order(persona: Persona, comparison: Comparison, rng: random.Random, answered: int) -> Answer:
    """Three or four answers in order, with the faults of `answer`: for two it would be the same.

    Answers whose utilities are as good as equal share a place. The places are drawn by Plackett and Luce, of which Bradley
    and Terry are the case of two: utilities plus Gumbel noise / beta, sorted (Yellott 1977, doi 10.1016/0022-2496(77)90026-8).
    Who takes whatever stands first takes the rest as it stands too, and a mistake turns the whole order round.
    """
    who = persona.annotator
    worth = {c.id: utility(persona, comparison.prompt, c.completion) for c in comparison.completions}
    if max(worth.values()) < 0.5 and rng.random() < who.skip:
        return Answer(status="discarded")
    if rng.random() < who.left_bias:
        return _in_order([[name] for name in worth], worth, who)
    groups = _as_good(worth, who.equal)
    if len(groups) == 1 and not any(worth.values()):
        return Answer(choice="neither")
    if not math.isinf(who.beta):
        groups.sort(key=lambda g: fmean(worth[name] for name in g) + _gumbel(rng) / who.beta, reverse=True)
    if rng.random() < _mistaken(who, answered):
        groups.reverse()
    return _in_order(groups, worth, who)


def _as_good(worth: Mapping[str, float], equal: float) -> list[list[str]]:
    """The names in groups, best first; each of a group is less than `equal` from the next, or the same."""
    groups: list[list[str]] = []
    for name in sorted(worth, key=lambda name: -worth[name]):
        gap = worth[groups[-1][-1]] - worth[name] if groups else math.inf
        if gap == 0 or gap < equal:
            groups[-1].append(name)
        else:
            groups.append([name])
    return groups


def _in_order(groups: Sequence[Sequence[str]], worth: Mapping[str, float], who: Annotator) -> Answer:
    """An answer of these places, with how much better the first is than the next where it stands alone."""
    best, *others = groups
    alone = len(best) == 1 and bool(others)
    far = abs(worth[best[0]] - max(worth[name] for name in others[0])) if alone else 0.0
    return Answer(
        choice=best[0] if len(best) == 1 else "tie",
        order=tuple(map(tuple, groups)),
        strength=_felt(who, far) if alone else None,
    )


def _felt(who: Annotator, distance: float) -> Strength | None:
    """How they call a distance of utilities; None where they never say."""
    return None if math.isinf(who.much) else "much" if distance >= who.much else "slight"


def _mistaken(who: Annotator, answered: int) -> float:
    """Probability of the opposite answer after `answered` earlier ones."""
    return max(who.mistake, min(0.5, who.mistake + who.fatigue * answered / 100))


def _counting(traits: Sequence[Trait], prompt: Prompt) -> list[Trait]:
    """The traits that count for this request."""
    asked = set(words(prompt.request))
    return [t for t in traits if not t.when or any(word.casefold() in asked for word in t.when)]


def _gumbel(rng: random.Random) -> float:
    return -math.log(rng.expovariate(1.0) or 1e-300)


def _sigmoid(x: float) -> float:
    return (1 + math.tanh(x / 2)) / 2


def _shipped() -> str:
    return ", ".join(sorted(p.stem for p in (DATA / "personas").glob("*.toml")))
