"""What can be measured in an answer and said to a person: one number a trait, in English, Russian and Chinese.

Counts are counts; a trait that is there or not is 1 or 0, so that a mean is a share. Lists of words are in `data/traits.toml`.
Chinese and Japanese are counted by characters, other scripts by words; a script written without spaces that is none of these
(Thai, Khmer) counts as one long word.
"""

import re
import tomllib
import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import Any, Literal

from feedback_loop.prompts import DATA
from feedback_loop.simulation.checks import BULLET, EMOJI, STEP
from feedback_loop.simulation.checks import sentences as count_sentences

Kind = Literal["count", "share"]
Phrase = tuple[str, ...]
FILE = DATA / "traits.toml"
LONGEST = 20_000
"""Characters of an answer that are looked at: more would say nothing new, and take long."""
TOKEN = re.compile(
    r"(?P<one>[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff])"
    r"|[^\W_\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]+"
    r"(?:['’-][^\W_\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]+)*"
)
STOP = re.compile(r"[.!?…。！？\n]+")
HEADING = re.compile(r"^\s{0,3}#{1,6} ", re.MULTILINE)
BOLD = re.compile(r"\*\*[^*\n]+\*\*|__[^_\n]+__")
CONTRACTION = re.compile(r"[a-z]['’](?:s|re|ll|ve|d|t|m)\b", re.IGNORECASE)
SCRIPTS = {
    "latin": re.compile(r"[A-Za-zªºÀ-ÖØ-öø-ʯḀ-ỿ]"),
    "cyrillic": re.compile(r"[\u0400-\u0481\u048a-\u052f]"),
    "han": re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]"),
}
"""Letters of the scripts that are told apart."""
PHRASE_WORDS = 4
"""Most words of an opening or a closing phrase."""
RARE = 0.05
"""Share of answers below which a phrase is not looked at, and above one less which it says nothing."""


@dataclass(frozen=True)
class Reading:
    """An answer, taken apart once for all traits."""

    text: str
    request: str
    words: tuple[str, ...]
    lines: tuple[str, ...]
    """Those that are not blank."""
    sentences: int
    openings: tuple[Phrase, ...]
    """Its first two to four words, or its first sentence where that is shorter."""
    closings: tuple[Phrase, ...]


@dataclass(frozen=True)
class Trait:
    """A trait: its name, which `data/traits.toml` puts into words, and how it is measured."""

    name: str
    kind: Kind
    measure: Callable[[Reading], float]
    phrase: str = ""
    """Of `opens` and `ends`: the words that an answer begins or ends with."""


def read(text: str, request: str = "") -> Reading:
    """An answer to a request, ready to be measured."""
    text = text[:LONGEST].strip()
    lines = tuple(line for line in text.splitlines() if line.strip())
    sentences = sum(count_sentences(BULLET.sub("", line)) for line in lines)
    return Reading(text, request, tokens(text), lines, sentences, _openings(lines), _closings(lines))


def tokens(text: str) -> tuple[str, ...]:
    """Words, casefolded; in Chinese and Japanese, characters."""
    return tuple(found.group().casefold() for found in TOKEN.finditer(text))


def measure(traits: Sequence[Trait], readings: Sequence[Reading]) -> list[list[float]]:
    """A row of figures for each answer, a column for each trait."""
    return [[float(trait.measure(reading)) for trait in traits] for reading in readings]


def phrases(readings: Sequence[Reading], most: int = 6) -> list[Trait]:
    """The commonest openings and closings of these answers as traits: their first and last words, `most` of each.

    Which ones hangs on how common they are alone, never on what was chosen, so looking for them finds nothing by chance
    that the test of all traits together does not reckon with. Of phrases that stand in the same answers, the longest.
    """
    return [
        Trait(name, "share", partial(_is_among, where, phrase), _spell(phrase))
        for name, where in (("opens", "openings"), ("ends", "closings"))
        for phrase in _telling(Counter(p for r in readings for p in getattr(r, where)), len(readings), most)
    ]


def _is_among(where: str, phrase: Phrase, reading: Reading) -> bool:
    return phrase in getattr(reading, where)


def _spell(phrase: Sequence[str]) -> str:
    """Words with spaces between them, characters without."""
    return "".join(f" {w}" if n and not TOKEN.fullmatch(w)["one"] else w for n, w in enumerate(phrase))  # type: ignore[index]


@cache
def sayings() -> dict[str, dict[str, str]]:
    """How each trait is said in English: name, more, less and, of a count, its unit."""
    found: dict[str, dict[str, str]] = _file()["say"]
    return found


@cache
def _file() -> dict[str, Any]:
    return tomllib.loads(FILE.read_text(encoding="utf-8"))


@cache
def _listed(name: str) -> re.Pattern[str]:
    """Any word or phrase of a list, in any of its languages."""
    lists = _file()["lists"][name]
    spaced = "|".join(re.escape(p).replace(r"\*", r"\w*") for p in sorted(lists["en"] + lists["ru"], key=len)[::-1])
    return re.compile(rf"(?<![\w'’])(?:{spaced})(?!\w)|{'|'.join(map(re.escape, lists['zh']))}", re.IGNORECASE)


def _has(name: str) -> Callable[[Reading], float]:
    return lambda reading: bool(_listed(name).search(reading.text))


def _greets(reading: Reading) -> bool:
    start = reading.text.lstrip("*_#> \t\n\"'«“") if reading.text else ""
    return bool(_listed("greeting").match(start))


def _parts(text: str) -> list[str]:
    """What stands between full stops and the like, where it has a letter or a digit."""
    return [part for part in STOP.split(text) if TOKEN.search(part)]


def _takes_leave(line: str) -> bool:
    """Whether a line ends with a sentence that begins as a farewell does."""
    parts = _parts(line)
    return bool(parts) and len(tokens(parts[-1])) <= 16 and bool(_listed("closing").match(parts[-1].strip(" *_\"'«“")))


def _closes(reading: Reading) -> bool:
    """The last line, or the one before a signature."""
    return any(_takes_leave(line) for line in reading.lines[-2:])


def _asks_last(reading: Reading) -> bool:
    lines = list(reading.lines)
    if lines and _takes_leave(lines[-1]):
        lines.pop()
    last = next((c for c in reversed("".join(lines)) if unicodedata.category(c) not in ("So", "Zs", "Mn", "Cf")), "")
    return last in ("?", "？")


def _casual(reading: Reading) -> bool:
    return bool(CONTRACTION.search(reading.text) or _listed("casual").search(reading.text))


def _echo(reading: Reading) -> float:
    asked = set(tokens(reading.request))
    return len(asked & set(reading.words)) / len(asked) if asked else 0.0


def _script(text: str, name: str) -> float:
    letters = sum(map(str.isalpha, text))
    return len(SCRIPTS[name].findall(text)) / letters if letters else 0.0


def _main_script(text: str) -> str:
    return max(SCRIPTS, key=lambda name: _script(text, name)) if any(c.isalpha() for c in text) else ""


def _sentence_length(reading: Reading) -> float:
    return len(reading.words) / reading.sentences if reading.sentences else 0.0


def _word_length(reading: Reading) -> float:
    return sum(map(len, reading.words)) / len(reading.words) if reading.words else 0.0


def _paragraphs(reading: Reading) -> int:
    return sum(bool(part.strip()) for part in re.split(r"\n\s*\n", reading.text))


def _openings(lines: Sequence[str]) -> tuple[Phrase, ...]:
    found = next((tokens(parts[0]) for line in lines if (parts := _parts(line))), ())
    return tuple(found[:n] for n in range(min(2, len(found)) or 1, min(PHRASE_WORDS, len(found)) + 1))


def _closings(lines: Sequence[str]) -> tuple[Phrase, ...]:
    parts = _parts(lines[-1]) if lines else []
    found = tokens(parts[-1]) if parts else ()
    return tuple(found[-n:] for n in range(min(2, len(found)) or 1, min(PHRASE_WORDS, len(found)) + 1))


def _telling(counts: Counter[Phrase], total: int, most: int) -> list[Phrase]:
    """Phrases in neither nearly no answer nor nearly all; of one within another of the same count, the longer."""
    least = max(3.0, RARE * total)
    common = [p for p, n in counts.items() if least <= n <= total - least]
    kept = [p for p in common if not any(_within(p, q) and counts[q] >= 0.9 * counts[p] for q in common)]
    return sorted(kept, key=lambda p: (-counts[p], p))[:most]


def _within(short: Phrase, long: Phrase) -> bool:
    return len(short) < len(long) and short in (long[: len(short)], long[-len(short) :])


TRAITS = (
    Trait("words", "count", lambda r: len(r.words)),
    Trait("sentences", "count", lambda r: r.sentences),
    Trait("sentence_length", "count", _sentence_length),
    Trait("paragraphs", "count", _paragraphs),
    Trait("word_length", "count", _word_length),
    Trait("echo", "share", _echo),
    Trait("list", "share", lambda r: any(BULLET.match(line) for line in r.lines)),
    Trait("numbered", "share", lambda r: len(STEP.findall(r.text)) > 1),
    Trait("headings", "share", lambda r: bool(HEADING.search(r.text))),
    Trait("bold", "share", lambda r: bool(BOLD.search(r.text))),
    Trait("code", "share", lambda r: "`" in r.text),
    Trait("greeting", "share", _greets),
    Trait("closing", "share", _closes),
    Trait("question", "share", lambda r: "?" in r.text or "？" in r.text),
    Trait("ends_with_question", "share", _asks_last),
    Trait("exclamation", "share", lambda r: "!" in r.text or "！" in r.text),
    Trait("emoji", "share", lambda r: bool(EMOJI.search(r.text))),
    Trait("casual", "share", _casual),
    *(Trait(name, "share", _has(name)) for name in ("hedged", "polite", "apology", "filler", "formal")),
    *(Trait(name, "share", _has(name)) for name in ("first_person", "second_person", "example", "caveat")),
    Trait("digits", "share", lambda r: any(c.isdigit() for c in r.text)),
    Trait("lower_case", "share", lambda r: r.text != r.text.upper() and r.text == r.text.lower()),
    Trait("latin", "share", lambda r: _script(r.text, "latin")),
    Trait("cyrillic", "share", lambda r: _script(r.text, "cyrillic")),
    Trait("han", "share", lambda r: _script(r.text, "han")),
    Trait("same_script", "share", lambda r: _main_script(r.text) == _main_script(r.request)),
)
"""All traits but the phrases, which hang on the answers."""
