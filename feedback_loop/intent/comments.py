"""What people wrote beside their answers, by the words that come again; quoted as it stands, and read by nobody."""

import tomllib
from collections.abc import Sequence
from functools import cache

from feedback_loop.intent.profile import Quote
from feedback_loop.prompts import DATA
from feedback_loop.taught.traits import TOKEN, tokens

LEAST = 3
"""Comments that hold the same words before these are worth a line."""
LONGEST = 4
"""Words of a phrase; in Chinese and Japanese, characters."""
MOST = 8
FILE = DATA / "common_words.toml"
Phrase = tuple[str, ...]


def recurring(comments: Sequence[Quote]) -> list[tuple[str, list[Quote]]]:
    """The phrases that come in `LEAST` comments or more, the commonest first, with all comments that hold them.

    Of phrases that stand in the same comments, the longest; none that begins or ends with a word that every text has.
    """
    held = dict[Phrase, list[Quote]]()
    for quote in comments:
        for phrase in _phrases(tokens(quote.text)):
            held.setdefault(phrase, []).append(quote)
    common = {p: q for p, q in held.items() if len(q) >= LEAST and len("".join(p)) > 1}
    kept = [p for p in common if not any(_within(p, o) and len(common[o]) == len(common[p]) for o in common)]
    ranked = sorted(kept, key=lambda p: (-len(common[p]), -len(p), p))
    return [(_spell(p), common[p]) for p in _apart(ranked, common)[:MOST]]


def _phrases(words: Sequence[str]) -> set[Phrase]:
    spans = ((n, n + size) for size in range(1, LONGEST + 1) for n in range(len(words) - size + 1))
    found = (tuple(words[start:end]) for start, end in spans)
    return {p for p in found if not {p[0], p[-1]} & _listed("everywhere") and p[-1] not in _listed("measures")}


def _apart(ranked: Sequence[Phrase], common: dict[Phrase, list[Quote]]) -> list[Phrase]:
    """Each phrase whose comments are not nearly all those of a commoner one."""
    found = list[Phrase]()
    for phrase in ranked:
        own = {q.label for q in common[phrase]}
        if not any(len(own & {q.label for q in common[o]}) > 0.7 * len(own) for o in found):
            found.append(phrase)
    return found


def _within(short: Phrase, long: Phrase) -> bool:
    spans = range(len(long) - len(short) + 1)
    return len(short) < len(long) and any(long[n : n + len(short)] == short for n in spans)


def _spell(phrase: Phrase) -> str:
    return "".join(f" {w}" if n and not TOKEN.fullmatch(w)["one"] else w for n, w in enumerate(phrase))  # type: ignore[index]


@cache
def _listed(name: str) -> frozenset[str]:
    lists = tomllib.loads(FILE.read_text(encoding="utf-8"))[name]
    return frozenset(word for words in lists.values() for word in words)
