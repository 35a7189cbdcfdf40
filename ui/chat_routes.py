"""Routes of the Chat page: an answer as it is written, a line of JSON for each piece. Nothing that is said here is stored."""

import json
import secrets
import threading
from collections.abc import AsyncIterator, Callable
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import iterate_in_threadpool

from feedback_loop.records import Message
from feedback_loop.talking import MOST_MESSAGES, Ask, Said
from ui.ports import ChatPort
from ui.reading import answer
from ui.visible import visible

LONGEST = 20_000
"""Characters of one message."""


class Turn(BaseModel):
    """One message of the chat; instructions come from the run's brief alone."""

    model_config = ConfigDict(extra="forbid")
    role: Literal["user", "assistant"]
    content: str = Field(min_length=1, max_length=LONGEST)


class Chat(BaseModel):
    """A chat that is to be answered. The page keeps it and sends it whole."""

    model_config = ConfigDict(extra="forbid")
    messages: Annotated[list[Turn], Field(min_length=1, max_length=MOST_MESSAGES)]
    policy: str = Field("", max_length=100)
    """The one in force where empty."""
    level: float = Field(0.0, ge=0, le=1)


def build_chat_routes(chat: ChatPort, user: Callable[[Request], str]) -> APIRouter:
    """`user` gives the user of a request or refuses it; everybody who may rank may chat."""
    router = APIRouter(prefix="/api/chat", dependencies=[Depends(user)])
    under_way: dict[str, threading.Event] = {}

    @router.get("")
    def choices() -> dict[str, Any]:
        return chat.choices().model_dump()

    @router.post("")
    def reply(request: Request, body: Chat) -> StreamingResponse:
        who, stop = user(request), threading.Event()
        ask = _ask(chat, body)
        if earlier := under_way.get(who):
            earlier.set()  # a second window's question ends the first one's answer
        under_way[who] = stop
        return StreamingResponse(_lines(chat, ask, stop), media_type="application/x-ndjson")

    @router.post("/stop")
    def stop(request: Request) -> dict[str, Any]:
        if found := under_way.get(user(request)):
            found.set()
        return {}

    return router


def _ask(chat: ChatPort, body: Chat) -> Ask:
    there = chat.choices()
    policy = body.policy or there.current
    if policy not in there.policies:
        raise HTTPException(404, f"There is no policy {policy[:100]}. Reload the page.")
    if body.messages[-1].role != "user":
        raise HTTPException(400, "The last message is an answer already. Write something.")
    messages = tuple(Message(role=turn.role, content=turn.content) for turn in body.messages)
    return Ask(messages=messages, policy=policy, level=body.level if there.brief else 0.0, seed=secrets.randbits(31))


async def _lines(chat: ChatPort, ask: Ask, stop: threading.Event) -> AsyncIterator[str]:
    """What is said, a line each; when the page leaves, the answer is ended."""
    saying = chat.reply(ask, stop)
    try:
        async for said in iterate_in_threadpool(saying):
            yield json.dumps(shown(said)) + "\n"
    finally:
        stop.set()
        threading.Thread(target=saying.close, daemon=True).start()  # it waits for the model to hear of it


def shown(said: Said) -> dict[str, Any]:
    """What the page is told. Pieces are plain text in which nothing hides; the whole comes as safe HTML as well.

    `raw` is the answer as it was written, which the page sends back with the next message and never shows.
    """
    if said.state == "text":
        return {"state": "text", "text": visible(said.text)}
    if said.state == "done":
        raw = said.text.replace("\0", "\ufffd")[:LONGEST]
        piece = answer(raw)
        return {"state": "done", "raw": raw, "piece": piece, "ended": said.ended, "forgotten": said.forgotten}
    return {"state": said.state, "text": visible(said.text), "trouble": said.trouble}
