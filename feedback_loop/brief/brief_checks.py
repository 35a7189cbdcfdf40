"""Checks for what a brief says in so many words: `max_words=40` counts `At most 40 words.`, and `bullets=false` `No lists`.

Nothing is guessed: a sentence is one of a few exact kinds, from its first word to its last, or no check is proposed for it.
Only checks that hold in the sentence's language are: greetings and farewells are told in English alone (docs/checks.md).
"""

import json
import re
from collections.abc import Iterator, Sequence

from feedback_loop.brief.brief import ITEM, Criterion, Requirement

NUMBERS = {
    "one": 1,
    "two": 2,
    "three": 3,
    "four": 4,
    "five": 5,
    "six": 6,
    "seven": 7,
    "eight": 8,
    "nine": 9,
    "ten": 10,
    **dict.fromkeys(("одно", "одного", "одном", "одним"), 1),
    **dict.fromkeys(("два", "две", "двух"), 2),
    **dict.fromkeys(("три", "трёх", "трех"), 3),
    **dict.fromkeys(("четыре", "четырёх", "четырех"), 4),
    **dict.fromkeys(("пять", "пяти"), 5),
}
UNITS = {"word": "words", "sent": "sentences", "char": "characters", "слов": "words", "пред": "sentences"}
UNITS |= {"симв": "characters", "знак": "characters"}
"""What is counted, by how its name begins."""
EXCEPTED = re.compile(
    r"\b(?:except|unless|but|only|if|when|whenever|where|otherwise|may|instead|usually|"
    r"кроме|если|но|только|когда|где|иначе|можно|обычно)\b",
    re.IGNORECASE,
)
"""What may take back, in a sentence of its own, what the one before says."""
N = rf"\d{{1,5}}|{'|'.join(NUMBERS)}"
UNIT = r"words?|sentences?|characters?|слов[ао]?|предложени(?:й|е|я|и|ях)|символ(?:а|ов)|знак(?:а|ов)"
COUNT = rf"(?P<n>{N})(?:(?: to | or |-|–| или )(?P<until>{N}))? (?P<unit>{UNIT})"
ANSWER = r"(?:it|answers|replies|responses|(?:the|your|each|every) (?:answer|reply|response)s?)"
LEAD = (
    r"(?:please )?(?:always )?(?:(?:answer|reply|respond|write|use|be|stay|"
    rf"keep {ANSWER}|{ANSWER}(?: (?:should|must) (?:be|have))?) )?(?:in |with |within |to )?"
)
RU_LEAD = r"(?:всегда )?(?:(?:отвечай(?:те)?|пиши(?:те)?|ответ|ответы)(?: —)? )?(?:в |из )?"
MOST = r"at most|no more than|not more than|up to|a maximum of|max(?:imum)?|no longer than"
RU_MOST = r"не более(?: чем)?(?: в| из)?|не больше|максимум|до|не длиннее"
FEWER, RU_FEWER = r"under|below|fewer than|less than|shorter than", r"менее|меньше"
LEAST, RU_LEAST = r"at least|no fewer than|no less than|a minimum of", r"не менее|не меньше|минимум|хотя бы"
COUNTED = (
    (1, 0, rf"(?:{LEAD})(?:{MOST}) {COUNT}", rf"{LEAD}{COUNT}(?: or (?:fewer|less)| at most| max(?:imum)?)"),
    (1, 0, rf"limit {ANSWER} to {COUNT}", rf"keep {ANSWER} to (?P<n>{N})(?P<until>) (?P<unit>words?|characters?)"),
    (1, 0, rf"{RU_LEAD}(?:{RU_MOST}) {COUNT}"),
    (1, -1, rf"{LEAD}(?:{FEWER}) {COUNT}", rf"{RU_LEAD}(?:{RU_FEWER}) {COUNT}"),
    (-1, 0, rf"{LEAD}(?:{LEAST}) {COUNT}", rf"{LEAD}{COUNT} or more"),
    (-1, 0, rf"{RU_LEAD}(?:{RU_LEAST}) {COUNT}", rf"{RU_LEAD}{COUNT} или больше"),
    (0, 0, rf"(?:please )?(?:always )?(?:(?:answer|reply|respond|write|use) )?(?:in |with )?(?:exactly )?{COUNT}"),
    (0, 0, rf"{RU_LEAD}(?:ровно )?{COUNT}"),
)
"""(at most 1, at least -1, neither 0; what is added to the number; how it is said)."""
NO = (
    r"(?:(?:please )?(?:answer|reply|write) )?(?:no|(?:use|write|add|give|include|make) no|without(?: any)?|"
    r"(?:do not|don['’]t|never) (?:use|write|add|give|include|make)(?: any)?|avoid(?: any| all)?|"
    r"(?:leave out|skip)(?: the| all| any)?) (?:an? )?"
)
RU_ANSWER = r"(?:отвечай(?:те)?|пиши(?:те)?)"
RU_NO = rf"(?:{RU_ANSWER} )?(?:без|никаких|не (?:используй(?:те)?|пиши(?:те)?|ставь(?:те)?|добавляй(?:те)?)) "
NEVER = r"(?:do not|don['’]t|never)"
ENGLISH_ANSWER = r"(?:always )?(?:answer|reply|respond|write)"
READER = r"(?: (?:the )?(?:user|customer|reader|guest|client)s?)?"
KIND = r"(?:(?:short|brief|friendly|warm|polite|single|clear) )?"
ENDS = rf"(?:always )?(?:end|close|finish)(?: {ANSWER})? with"
RU_ENDS = r"(?:заканчивай(?:те)?|закончи(?:те)?|завершай(?:те)?|заверши(?:те)?)(?: ответ)?"
SAID = (
    ("bullets", False, rf"{NO}(?:(?:bullet(?:ed)? )?lists?|bullets?|bullet points?)"),
    ("bullets", False, rf"{RU_NO}(?:списков|списки|списками)"),
    ("bullets", True, r"(?:use|answer in|reply in|write(?: in)?) (?:bullets|bullet points|a bullet(?:ed)? list)"),
    ("bullets", True, rf"{RU_ANSWER} списком"),
    ("numbered_steps", True, r"number the steps|(?:use|give|write) numbered steps|(?:про)?нумеруй(?:те)? шаги"),
    ("emoji", False, rf"{NO}emojis?|{RU_NO}эмодзи"),
    ("emoji", True, r"(?:use|add|include) (?:an|one) emoji"),
    ("greeting", False, rf"{NO}greetings?|{NEVER} greet{READER}"),
    ("greeting", True, rf"(?:start|begin|open) with a {KIND}greeting|greet{READER} first"),
    ("closing", False, rf"{NO}(?:sign-offs?|farewells?|closing(?: lines?)?)|{NEVER} sign off(?: at the end)?"),
    ("closing", True, rf"{ENDS} a {KIND}farewell|sign off at the end"),
    ("ends_with_question", True, rf"{ENDS} (?:a|one) {KIND}question(?: to the (?:reader|user|customer|guest))?"),
    ("ends_with_question", True, rf"ask (?:a|one) {KIND}question at the end"),
    ("ends_with_question", True, rf"(?:всегда )?{RU_ENDS} (?:одним )?(?:коротким )?вопросом"),
    ("ends_with_question", True, r"в конце (?:задай(?:те)?|задавай(?:те)?) (?:один )?(?:короткий )?вопрос"),
    ("ends_with_question", False, rf"{NEVER} end with a question|не {RU_ENDS} вопросом"),
    ("contains_none", ["!", "！"], rf"{NO}exclamation (?:marks?|points?)"),
    ("contains_none", ["!", "！"], rf"{RU_NO}восклицательны[хе] знак(?:ов|и)"),
    ("contains_none", ["**", "__"], rf"{NO}bold(?: text| type| print)?"),
    ("no_commas", True, rf"{NO}commas?"),
    ("lower_case", True, rf"{NO}(?:capital letters|capitals)"),
    ("lower_case", True, r"(?:write |answer )?(?:all )?in lower ?case(?: letters)?(?: only)?"),
    ("script", "cyrillic", rf"{ENGLISH_ANSWER} in russian(?:, whatever the language of the (?:message|request))?"),
    ("script", "cyrillic", rf"(?:всегда )?{RU_ANSWER} (?:по-русски|на русском(?: языке)?)"),
    ("script", "cyrillic", r"write in cyrillic letters"),
    ("script", "latin", r"write in latin letters"),
    ("script", "han", r"write in chinese characters"),
)
"""A check, its value, and how it is said."""
QUOTED = r"[\"“„«](?P<said>[^\"“”„«»\[\]]{1,80})[\"”“»]"
QUOTES = (("starts_with", rf"(?:always )?(?:start|begin|open) with {QUOTED}"), ("ends_with", rf"{ENDS} {QUOTED}"))
PARTS = re.compile(r",\s*(?:and\s+|и\s+)?|\s+(?:and|и)\s+", re.IGNORECASE)


def proposed(requirement: Requirement) -> tuple[Criterion, ...]:
    """Checks that count what a requirement says; none where it has some, is out of scope, or might be meant otherwise."""
    if requirement.checks or requirement.mark == "out" or "```" in requirement.text:
        return ()
    found = list[Criterion]()
    for sentence in _sentences(requirement.text):
        meant = _recognised(sentence)
        if not meant and EXCEPTED.search(sentence):
            return ()
        found += [one for one in meant if one not in found]
    return tuple(found)


def written(check: Criterion) -> str:
    """A check as it stands in a brief."""
    if check.value is True:
        return f"[check: {check.check}]"
    plain = check.check == "script"
    return f"[check: {check.check}={check.value if plain else json.dumps(check.value, ensure_ascii=False)}]"


def line(requirement: Requirement) -> str:
    """A requirement on one line, with the checks that are proposed for it."""
    return " ".join([*requirement.text.split(), *map(written, proposed(requirement))])


def _sentences(text: str) -> Iterator[str]:
    """Its sentences, less what is bold and where they end; a line goes on in the next one that is no item."""
    parts = [""]
    for row in text.splitlines():
        item = ITEM.match(row)
        if item or not row.strip():
            parts.append("")
        parts[-1] += " " + (item["rest"] if item else row)
    for part in parts:
        plain = " ".join(re.sub(r"\*\*|__", "", part).split())
        yield from (sentence.rstrip(".! ") for sentence in re.split(r"(?<=[.!])\s+", plain) if sentence)


def _recognised(sentence: str) -> list[Criterion]:
    """The checks of a sentence that is of a known kind, or of such clauses and no other."""
    whole = _kind(sentence)
    if whole:
        return whole
    parts = [_kind(part) for part in PARTS.split(sentence)]
    return [one for part in parts for one in part] if all(parts) else []


def _kind(said: str) -> list[Criterion]:
    for check, value, pattern in SAID:
        if _any([pattern], said):
            return [Criterion(check=check, value=value)]
    for check, pattern in QUOTES:
        if match := _any([pattern], said):
            return [Criterion(check=check, value=match["said"])]
    for bound, more, *patterns in COUNTED:
        if match := _any(patterns, said):
            return _counted(match, bound, more)
    return []


def _any(patterns: Sequence[str], said: str) -> re.Match[str] | None:
    return next((m for p in patterns if (m := re.fullmatch(p, said, re.IGNORECASE))), None)


def _counted(match: re.Match[str], bound: int, more: int) -> list[Criterion]:
    """The checks of a number: of words an exact one is not meant so, and of characters only the most can be counted."""
    unit = UNITS[match["unit"].casefold()[:4]]
    least, most = _number(match["n"]), _number(match["until"] or match["n"])
    if match["until"]:
        names: list[tuple[str, int]] = [("min", least), ("max", most)] if bound == 0 and least < most else []
    elif bound == 0:
        return [Criterion(check="sentences", value=most)] if unit == "sentences" else []
    else:
        names = [("max" if bound > 0 else "min", most + more)]
    known = unit != "characters" or [name for name, _ in names] == ["max"]
    return [Criterion(check=f"{name}_{unit}", value=n) for name, n in names if n > 0] if known else []


def _number(said: str) -> int:
    return NUMBERS.get(said.casefold()) or int(said)
