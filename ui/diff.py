"""Where answers differ, word by word, in a time that no answer can stretch."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from difflib import Match, SequenceMatcher
from itertools import groupby

from ui.reading import CJK
from ui.visible import visible

MOST = 20_000
"""Characters of each answer that are compared."""
MOST_STEPS = 1_500_000
"""Pairs of equal words that are looked at before the rest counts as different: about 0.3 s."""
COMMON = 20_000
"""A word with more pairs than this is never the beginning of what two answers share, only part of it."""
TOKEN = re.compile(rf"[{CJK}]\s*|[^\s{CJK}]+\s*|\s+")
PUNCTUATION = ".,;:!?…\"'`*_()[]{}«»“”。，；：！？、（）"

Marked = list[tuple[bool, str]]
"""A text in pieces, and whether each is found in this text alone."""


class _Bounded(SequenceMatcher[str]):
    """Finds nothing more once it has looked at `MOST_STEPS` pairs; difflib alone takes time cubed in the worst case."""

    a: Sequence[str]
    b2j: Mapping[str, Sequence[int]]
    steps = 0

    def find_longest_match(self, alo: int = 0, ahi: int | None = None, blo: int = 0, bhi: int | None = None) -> Match:
        ahi = len(self.a) if ahi is None else ahi
        self.steps += sum(len(self.b2j.get(word, ())) + 1 for word in self.a[alo:ahi])
        if self.steps > MOST_STEPS:
            return Match(alo, blo, 0)
        return super().find_longest_match(alo, ahi, blo, bhi)


def compared(texts: Sequence[str]) -> list[Marked]:
    """Each text with what differs marked: of two, in both; of more, in each that is not the first, beside the first.

    Of long texts, the first `MOST` characters.
    """
    first, *others = [_tokens(visible(text[:MOST])) for text in texts]
    pairs = [_pair(first, other) for other in others]
    own = pairs[0][0] if len(pairs) == 1 else [False] * len(first)
    return [_joined(first, own), *(_joined(o, marks) for o, (_, marks) in zip(others, pairs, strict=True))]


def _tokens(text: str) -> list[str]:
    """Words with the space after them, punctuation and ideographs apart; joined again they are the text."""
    found = []
    for token in TOKEN.findall(text):
        bare = token.rstrip()
        core = bare.strip(PUNCTUATION)
        if not core or core == bare:
            found.append(token)
            continue
        at = bare.index(core)
        found += [part for part in (token[:at], core, token[at + len(core) :]) if part]
    return found


def _pair(first: Sequence[str], second: Sequence[str]) -> tuple[list[bool], list[bool]]:
    """For each token of both, whether it is only there."""
    a, b = [t.strip() for t in first], [t.strip() for t in second]
    head = _alike(a, b)
    tail = _alike(a[head:][::-1], b[head:][::-1])
    inner_a, inner_b = a[head : len(a) - tail], b[head : len(b) - tail]
    often = Counter(inner_a)
    common = {word for word, times in Counter(inner_b).items() if times * often[word] > COMMON}
    blocks = _Bounded(common.__contains__, inner_a, inner_b, autojunk=False).get_matching_blocks()
    alone = [True] * len(inner_a), [True] * len(inner_b)
    for x, y, size in _readable(blocks, inner_a):
        alone[0][x : x + size] = alone[1][y : y + size] = [False] * size
    alike = [False] * head, [False] * tail
    return alike[0] + alone[0] + alike[1], alike[0] + alone[1] + alike[1]


def _alike(a: Sequence[str], b: Sequence[str]) -> int:
    """How many words two texts begin with alike."""
    return next((n for n, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))


def _readable(blocks: Sequence[Match], words: Sequence[str]) -> list[Match]:
    """Without single words and signs that two answers share by chance, between longer differences on both sides."""
    kept, before = [], Match(0, 0, 0)
    for block, after in zip(blocks, [*blocks[1:], blocks[-1]], strict=True):
        gap = block.a - before.a - before.size + block.b - before.b - before.size
        next_gap = after.a - block.a - block.size + after.b - block.b - block.size
        meaning = sum(any(c.isalnum() for c in words[n]) for n in range(block.a, block.a + block.size))
        if meaning > 1 or min(gap, next_gap) <= 2 * max(1, block.size):
            kept.append(block)
            before = block
    return kept


def _joined(tokens: Sequence[str], alone: Sequence[bool]) -> Marked:
    pieces = groupby(zip(alone, tokens, strict=True), key=lambda pair: pair[0])
    return [(only, "".join(token for _, token in group)) for only, group in pieces]
