"""Which demonstrations are of requests like this one: BM25, which needs no model and tells in a millisecond."""

import re
from collections.abc import Sequence

from feedback_loop.brief.brief import CJK
from feedback_loop.examples.demonstrations import Demonstration, Request
from feedback_loop.records import Message, Prompt

TERM = re.compile(rf"[{CJK}]|[^\W_{CJK}]+")
STEM = 5
"""First letters of a word that stand for it: in English and Russian what follows is mostly its ending."""


def nearest(request: Prompt, demonstrations: Sequence[Demonstration], k: int) -> list[Demonstration]:
    """The k demonstrations whose requests are nearest to this one, nearest first; in the given order among equals.

    Robertson's BM25 (in Lucene's form, by bm25s) of what the user says, over what the users of the demonstrations said. Where
    fewer share a word with it, the best of the others follow: they show the manner, if not the matter. A demonstration of
    the very same request is never among them.
    """
    mine = spoken(request.prompt)
    others = [d for d in demonstrations if spoken(d.request) != mine]
    if k < 1 or not others:
        return []
    scores = _scores(_terms(request.prompt), [_terms(d.request) for d in others])
    order = sorted(range(len(others)), key=lambda i: -scores[i])
    return [others[i] for i in order[:k]]


def spoken(request: Request) -> Request:
    """The turns of a chat, without its instruction."""
    return tuple(m for m in request if m.role != "system")


def _scores(asked: Sequence[str], pool: Sequence[Sequence[str]]) -> list[float]:
    """How near each of the pool is; 0 where it shares no term."""
    from bm25s import BM25

    known = set(asked) & {term for terms in pool for term in terms}
    if not known:  # the library reads no empty question
        return [0.0] * len(pool)
    index = BM25()
    index.index([list(terms) for terms in pool], show_progress=False)
    found: list[float] = index.get_scores([term for term in asked if term in known]).tolist()
    return found


def _terms(request: Sequence[Message]) -> list[str]:
    """What the user says, word by word; in Chinese and Japanese, character by character."""
    return [term[:STEM] for m in request if m.role == "user" for term in TERM.findall(m.content.lower())]
