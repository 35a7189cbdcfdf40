"""Request bodies: no longer than they need be, and JSON that every part behind can hold."""

import json
import re
from collections.abc import Iterator

from starlette.types import Message, Receive

LONGEST = 1024 * 1024
"""Bytes of JSON: the longest comment and edited answer that a vote may hold, in any script."""
FORM = 16 * 1024
"""Bytes of a form, which strangers may send too."""
DEEPEST = 16
UNFIT = re.compile("[\x00\ud800-\udfff]")
"""NUL and half a surrogate pair: text that neither a database nor UTF-8 can hold."""


class Refused(Exception):  # noqa: N818 - said as people read it
    """A body that is not taken, with the HTTP status that says so."""

    def __init__(self, status: int, line: str) -> None:
        super().__init__(line)
        self.status = status


async def read(receive: Receive, declared: str, longest: int) -> bytes:
    """The whole body; Refused as soon as it is too long, whatever length it declared."""
    if declared and not (declared.isascii() and declared.isdigit()):
        raise Refused(400, "Content-Length is no number.")
    if int(declared[:20] or 0) > longest:
        raise Refused(413, f"More than {longest} bytes. Shorten it.")
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise Refused(400, "The request ended early.")
        body += message.get("body", b"")
        if len(body) > longest:
            raise Refused(413, f"More than {longest} bytes. Shorten it.")
        if not message.get("more_body"):
            return bytes(body)


def again(body: bytes, receive: Receive) -> Receive:
    """A `receive` that gives a body that was read already, then what comes after."""
    left = [body]

    async def given() -> Message:
        return {"type": "http.request", "body": left.pop()} if left else await receive()

    return given


def check_json(body: bytes) -> None:
    """Refused where the body is not JSON, is nested too deep, or holds text that cannot be stored."""
    if not body.strip():
        return
    if _depth(body) > DEEPEST:
        raise Refused(422, f"JSON nested more than {DEEPEST} deep.")
    try:
        read_ = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Refused(422, "The body is not JSON.") from error
    if any(UNFIT.search(text) for text in _texts(read_)):
        raise Refused(422, "Text with a NUL or half a surrogate pair cannot be stored.")


def _depth(body: bytes) -> int:
    """How deep brackets are nested, those in text left out."""
    deepest = depth = 0
    for bracket in re.findall(rb'[\[\]{}]|"(?:[^"\\]|\\.)*"', body, re.DOTALL):
        if bracket in (b"[", b"{"):
            depth += 1
            deepest = max(deepest, depth)
        elif bracket in (b"]", b"}"):
            depth -= 1
    return deepest


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for part in value:
            yield from _texts(part)
    elif isinstance(value, dict):
        for key, part in value.items():
            yield key
            yield from _texts(part)
