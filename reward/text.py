"""What can be counted in an answer: features that a language model's states hold badly, such as an exact number."""

import math
import re
import unicodedata
from collections.abc import Sequence

from feedback_loop.records import Prompt
from feedback_loop.simulation.checks import BULLET, EMOJI, sentences, words

NAMES = (
    *("words", "characters", "word length", "vocabulary"),
    *("sentences", "one sentence", "two sentences", "more than three sentences"),
    *("lines", "paragraphs", "one paragraph", "words of the first paragraph", "words of the last paragraph"),
    *("list lines", "any list", "questions", "ends with a question", "exclamations", "commas"),
    *("emoji", "apostrophes", "digits", "code", "starts with a capital", "letters beyond ASCII"),
    *("request's words used", "words not in the request"),
)
"""Names of the statistics, in their order."""
CODE = re.compile(r"`|\*\*|^#+ ", re.MULTILINE)


def statistics(prompt: Prompt, completion: str) -> list[float]:
    """One number for each of NAMES; counts that may grow large as log(1 + count)."""
    text = completion.strip()
    found, asked = words(text), set(words(prompt.request))
    lines = [line for line in text.splitlines() if line.strip()]
    paragraphs = [len(words(part)) for part in text.split("\n\n") if part.strip()] or [0]
    listed = sum(bool(BULLET.match(line)) for line in lines)
    count = sentences(text)
    letters = [c for c in text if c.isalpha()]
    return [
        *(_log(len(found)), _log(len(text)), _mean([len(w) for w in found]), len(set(found)) / max(1, len(found))),
        *(_log(count), float(count == 1), float(count == 2), float(count > 3)),
        *(_log(len(lines)), _log(len(paragraphs)), float(len(paragraphs) == 1)),
        *(_log(paragraphs[0]), _log(paragraphs[-1])),
        *(listed / max(1, len(lines)), float(listed > 0), _log(text.count("?")), float(_last(text) in "?？")),
        *(_log(text.count("!")), _log(text.count(","))),
        *(_log(len(EMOJI.findall(text))), _log(len(re.findall("['’]", text))), _log(sum(c.isdigit() for c in text))),
        *(_log(len(CODE.findall(text))), float(text[:1].isupper()), _share(not c.isascii() for c in letters)),
        *(_share(w in found for w in asked), _share(w not in asked for w in set(found))),
    ]


def _last(text: str) -> str:
    """The last character that is no symbol or space."""
    return next((c for c in reversed(text) if unicodedata.category(c) not in ("So", "Zs", "Mn", "Cf", "Cc")), " ")


def _log(count: int) -> float:
    return math.log1p(count)


def _mean(values: Sequence[int]) -> float:
    return sum(values) / len(values) if values else 0.0


def _share(truths: object) -> float:
    found = list(truths)  # type: ignore[call-overload]
    return sum(found) / len(found) if found else 0.0
