# ruff: noqa: ANN001, ANN201, ANN202
# No annotations: the server's types are not in the environment that lints.
"""Whole-word text search in any script.

A query reads as in Argilla's own engine: all words must occur; `"a phrase"` stays together, `-word` must not occur,
`word*` matches a beginning, `|` stands for "or" between groups. Case, and the several ways to encode one letter, make
no difference. Scripts written without spaces (Han, kana, Thai, ...) match as runs of characters.
"""

import re
import unicodedata

UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
)
MARKS = "".join(chr(c) for c in range(0x300, 0x1F000) if unicodedata.category(chr(c)) in {"Mn", "Mc"})
BEGIN = f"(?:(?<=[{UNSPACED}])|(?<![\\w{MARKS}]))"
END = f"(?:(?=[{UNSPACED}])|(?![\\w{MARKS}]))"
WORD = re.compile(f"[{UNSPACED}]+|(?:(?![{UNSPACED}])[\\w{MARKS}])+")
TOKEN = re.compile(r'\||(-?)(?:"([^"]*)"?|([^\s|"]+))')


def fold(text):
    """Text in the one form in which it is compared."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


def parse(query):
    """A query as alternatives, each a list of (pattern, wanted): all wanted patterns occur and no unwanted one."""
    groups = [[]]
    for token in TOKEN.finditer(fold(query)):
        if token[0] == "|":
            groups.append([])
            continue
        pattern = _pattern(token[2] if token[2] is not None else token[3])
        if pattern:
            groups[-1].append((re.compile(pattern), not token[1]))
    return [group for group in groups if group]


def score(groups, text):
    """How well a folded text matches: 0 where it does not, more the oftener the wanted words occur."""
    return max((_group_score(group, text) for group in groups), default=0.0)


def _group_score(group, text):
    total = 0.0
    for pattern, wanted in group:
        count = sum(1 for _ in pattern.finditer(text))
        if bool(count) != wanted:
            return 0.0
        total += count / (count + 1)
    return total or 1.0


def _pattern(chunk):
    """The pattern of one word or phrase, empty where it holds nothing to look for."""
    prefix = chunk.endswith("*")
    words = WORD.findall(chunk)
    if not words:
        return re.escape(chunk) if any(unicodedata.category(c) == "So" for c in chunk) else ""
    begin = "" if re.match(f"[{UNSPACED}]", words[0]) else BEGIN
    end = "" if prefix or re.match(f"[{UNSPACED}]", words[-1]) else END
    return begin + r"[^\w\0]*".join(map(re.escape, words)) + end
