"""What the loop says in English, told in the reader's language: decisions, checks, alarms, refusals, a sentence at a time.

`words/told.json` has the sentences. What is on record stays as it was written; only what is shown is told anew.
"""

import json
import re
from functools import cache, lru_cache

from feedback_loop.report.overview import Overview, RoundView
from ui.languages import HERE

NESTED = ("score", "whom", "side", "cause")
"""Places in a sentence that hold words of the loop's own; the others hold figures, names and people's words."""
PLACE = re.compile(r"\{(\w+)\}")
FIGURE = re.compile(r"[+-]?\d+(\.\d+)?%?")

Sentence = tuple[re.Pattern[str], str]


def overview_in(language: str, overview: Overview) -> Overview:
    """An overview in this language."""
    if language == "en":
        return overview
    rounds = tuple(_round_in(language, one) for one in overview.rounds)
    return overview.model_copy(update={"rounds": rounds, "message": told(language, overview.message)})


def _round_in(language: str, one: RoundView) -> RoundView:
    decision = one.decision
    if decision is not None:
        reasons = tuple(told(language, reason) for reason in decision.reasons)
        decision = decision.model_copy(update={"reasons": reasons})
    checks = tuple(check.model_copy(update={"reason": told(language, check.reason)}) for check in one.checks)
    alarms = tuple(told(language, line) for line in one.alarms)
    stages = tuple(stage.model_copy(update={"what": told(language, stage.what)}) for stage in one.stages)
    said = {
        "note": told(language, one.note),
        "decision": decision,
        "checks": checks,
        "alarms": alarms,
        "stages": stages,
    }
    return one.model_copy(update=said)


@lru_cache(maxsize=4096)
def told(language: str, line: str) -> str:
    """A line of one or more sentences in this language; as it is where one of them is not known."""
    if language == "en":
        return line
    rest, said = line, list[str]()
    while rest:
        for pattern, words in _sentences(language):
            if found := pattern.match(rest):
                said.append(PLACE.sub(lambda place: _value(language, place[1], found[place[1]]), words))
                rest = rest[found.end() :].lstrip()
                break
        else:
            return line
    return ("" if language == "zh" else " ").join(said)


def _value(language: str, name: str, value: str) -> str:
    if name in NESTED:
        return told(language, value)
    if language == "ru" and FIGURE.fullmatch(value):
        return value.replace(".", ",").replace("%", "\u00a0%")
    return value


@cache
def _sentences(language: str) -> tuple[Sentence, ...]:
    """Those with the most words of their own first: a sentence that is mostly a place would match another's."""
    known: dict[str, dict[str, str]] = json.loads((HERE / "words" / "told.json").read_text(encoding="utf-8"))
    ordered = sorted(known, key=lambda english: len(PLACE.sub("", english)), reverse=True)
    return tuple((_pattern(english), known[english][language]) for english in ordered)


def _pattern(english: str) -> re.Pattern[str]:
    pieces = PLACE.split(english)
    made = [f"(?P<{piece}>.+?)" if at % 2 else re.escape(piece) for at, piece in enumerate(pieces)]
    end = r"\Z" if english.endswith("}") else r"(?=\s|\Z)" if english.endswith(".") else r"\.?(?=\s|\Z)"
    return re.compile("".join(made) + end, re.DOTALL)
