"""Checks that a few lines can make on a text: what personas want, and what the tiny world's directives state.

Each check is a function of (completion, value, prompt). `docs/checks.md` documents them all.
"""

import json
import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from feedback_loop.errors import UsageError
from feedback_loop.prompts import DATA
from feedback_loop.records import Prompt

Check = Callable[[str, Any, Prompt], bool]

BULLET = re.compile(r"^\s*(?:[-*+•]|\d+[.)])\s+")
STEP = re.compile(r"^\s*(\d+)[.)]\s+", re.MULTILINE)
END = re.compile(r"(?<![.!?…。！？])[.!?…。！？]+[\"'»”)\]]*(?=\s|$)|[。！？]")
WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")
GREETS = re.compile(r"(?:good (?:day|morning|afternoon|evening)|greetings|hello|hey|hi|hiya|dear)\b", re.IGNORECASE)
CLOSES = re.compile(
    r"^(?:(?:kind|best|warm) (?:regards|wishes)|regards|yours \w+|sincerely|cheers|good luck|have fun|take care|all the best)\b",
    re.IGNORECASE,
)
CASUAL = re.compile(
    r"\w['’](?:s|re|ll|ve|d|t|m)\b|\b(?:yeah|hey|hi|hiya|cheers|have fun|good luck|pal|gonna|wanna|just)\b",
    re.IGNORECASE,
)
HEDGES = {"maybe", "perhaps", "possibly", "might", "may", "could", "probably", "likely", "guess", "seems", "unsure"}
EMOJI = re.compile("[\u2600-\u27bf\u2b05-\u2bff\U0001f000-\U0001faff]")
NUMBER = re.compile(r"(?<!\d)-?\d+(?:[,\u202f\u00a0]\d{3})*(?:\.\d+)?")
SCRIPTS = {"latin": "LATIN", "cyrillic": "CYRILLIC", "han": "CJK UNIFIED"}


def met(check: str, completion: str, value: Any, prompt: Prompt) -> bool:
    """Whether a completion passes the named check; UsageError where there is none of that name."""
    return known(check).check(completion.strip(), value, prompt)


def known(name: str) -> "Known":
    """The check of that name; UsageError lists those there are."""
    if name not in CHECKS:
        raise UsageError(f"check {name!r}: no such check. There are: {', '.join(CHECKS)}.")
    return CHECKS[name]


def problem(name: str, value: Any) -> str | None:
    """What is wrong with a check of that name and value, in a few words; None where nothing is."""
    if name not in CHECKS:
        return f"check {name!r}: no such check. There are: {', '.join(CHECKS)}."
    kind = CHECKS[name].value
    if type(value) is not kind:
        return f"check {name!r} takes a value of type {kind.__name__}, not {value!r}"
    if isinstance(value, list) and not (value and all(isinstance(v, str) and v for v in value)):
        return f"check {name!r} takes a list of texts, not {value!r}"
    if name == "script" and value not in SCRIPTS:
        return f"check 'script' knows {', '.join(SCRIPTS)}, not {value!r}"
    if name == "matches":
        try:
            re.compile(str(value))
        except re.error as error:
            return f"check 'matches' takes a regular expression, not {value!r} ({error})"
    return None


def words(text: str) -> list[str]:
    """The words of a text, casefolded."""
    return [word.casefold() for word in WORD.findall(text)]


def sentences(text: str) -> int:
    """Sentences, by their ends; a line of its own without an end counts as one."""
    return sum(max(1, len(END.findall(line))) for line in text.splitlines() if WORD.search(line))


def _paragraphs(text: str) -> tuple[str, list[str], str]:
    """Greeting, body lines and closing, where the first and the last paragraph are nothing else; else empty."""
    parts = [part.strip() for part in text.split("\n\n") if part.strip()]
    greeting = parts.pop(0) if parts and GREETS.match(parts[0]) and len(words(parts[0])) <= 4 else ""
    closing = parts.pop() if parts and CLOSES.search(parts[-1]) and len(words(parts[-1])) <= 4 else ""
    return greeting, "\n".join(parts).splitlines(), closing


def _greeting(text: str, value: bool, prompt: Prompt) -> bool:
    return bool(GREETS.match(text)) is value


def _sentences(text: str, value: int, prompt: Prompt) -> bool:
    return sentences("\n".join(_paragraphs(text)[1])) == value


def _bullets(text: str, value: bool, prompt: Prompt) -> bool:
    body = [line for line in _paragraphs(text)[1] if line.strip()]
    return (bool(body) and all(BULLET.match(line) for line in body)) is value


def _emoji(text: str, value: bool, prompt: Prompt) -> bool:
    return bool(EMOJI.search(text)) is value


def _formal(text: str, value: bool, prompt: Prompt) -> bool:
    return (not CASUAL.search(text)) is value


def _ends_with_question(text: str, value: bool, prompt: Prompt) -> bool:
    body = " ".join(_paragraphs(text)[1]).rstrip()
    while body and unicodedata.category(body[-1]) in ("So", "Zs", "Mn", "Cf"):
        body = body[:-1]
    return body.endswith(("?", "？")) is value


def _hedged(text: str, value: bool, prompt: Prompt) -> bool:
    return bool(HEDGES & set(words(text))) is value


def _closing(text: str, value: bool, prompt: Prompt) -> bool:
    return bool(_paragraphs(text)[2]) is value


@cache
def _content_words() -> frozenset[str]:
    lexicon = json.loads((DATA / "tiny_qwen" / "lexicon.json").read_text(encoding="utf-8"))
    return frozenset(word for kind in lexicon.values() for word in kind)


def _on_topic(text: str, value: bool, prompt: Prompt) -> bool:
    asked = set(words(prompt.request)) & _content_words()
    given = set(words(text)) & _content_words()
    return (asked <= given and not given - asked) is value


def _numbered_steps(text: str, value: bool, prompt: Prompt) -> bool:
    numbers = [int(n) for n in STEP.findall(text)]
    return (len(numbers) > 1 and numbers == list(range(1, len(numbers) + 1))) is value


def _script(text: str, value: str, prompt: Prompt) -> bool:
    letters = [unicodedata.name(c, "") for c in text if c.isalpha()]
    return bool(letters) and sum(name.startswith(SCRIPTS[value]) for name in letters) > 0.9 * len(letters)


def _equals(text: str, value: str, prompt: Prompt) -> bool:
    return _plain(text) == _plain(value)


def _plain(text: str) -> str:
    """A text without what a copy may have around it: quotation marks, a full stop, capitals."""
    return text.strip(" \n\t\"'`*«»“”‘’„「」.。!").casefold()


def _number(text: str, value: int, prompt: Prompt) -> bool:
    found = NUMBER.findall(text)
    return bool(found) and float(re.sub(r"[,\u202f\u00a0]", "", found[-1])) == value


def _has(text: str, phrase: str) -> bool:
    return phrase.casefold() in text.casefold()


@dataclass(frozen=True)
class Known:
    """A check and the type of its value."""

    check: Check
    value: type


CHECKS: Mapping[str, Known] = {
    "greeting": Known(_greeting, bool),
    "sentences": Known(_sentences, int),
    "bullets": Known(_bullets, bool),
    "emoji": Known(_emoji, bool),
    "formal": Known(_formal, bool),
    "ends_with_question": Known(_ends_with_question, bool),
    "hedged": Known(_hedged, bool),
    "closing": Known(_closing, bool),
    "on_topic": Known(_on_topic, bool),
    "max_words": Known(lambda text, n, _: len(words(text)) <= n, int),
    "min_words": Known(lambda text, n, _: len(words(text)) >= n, int),
    "max_sentences": Known(lambda text, n, _: sentences(text) <= n, int),
    "min_sentences": Known(lambda text, n, _: sentences(text) >= n, int),
    "max_characters": Known(lambda text, n, _: len(text) <= n, int),
    "numbered_steps": Known(_numbered_steps, bool),
    "starts_with": Known(lambda text, start, _: text.casefold().startswith(start.casefold()), str),
    "ends_with": Known(lambda text, end, _: text.casefold().endswith(end.casefold()), str),
    "contains_any": Known(lambda text, phrases, _: any(_has(text, p) for p in phrases), list),
    "contains_all": Known(lambda text, phrases, _: all(_has(text, p) for p in phrases), list),
    "contains_none": Known(lambda text, phrases, _: not any(_has(text, p) for p in phrases), list),
    "lower_case": Known(lambda text, value, _: (text == text.lower()) is value, bool),
    "no_commas": Known(lambda text, value, _: (not set(",，、") & set(text)) is value, bool),
    "script": Known(_script, str),
    "equals": Known(_equals, str),
    "number": Known(_number, int),
    "matches": Known(lambda text, pattern, _: bool(re.search(pattern, text)), str),
}
