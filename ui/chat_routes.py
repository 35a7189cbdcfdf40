"""Routes of the Chat page: an answer as it is written, a line of JSON for each piece.

Nothing that is said here is stored, but for the corrections that somebody saves. Answers are remembered for these while the
app runs.
"""

import json
import secrets
import threading
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import iterate_in_threadpool

from feedback_loop.records import MOST_SHOTS, Message, Position
from feedback_loop.talk.talking import LONGEST, MOST_MESSAGES, SAME, Ask, Correction, Said, another, clean, paired
from ui.memory import Memory
from ui.ports import ChatPort
from ui.reading import answer
from ui.visible import visible

GONE = "That answer is no longer remembered. Ask again, then correct the new one."


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
    shots: int | None = Field(None, ge=0, le=MOST_SHOTS)
    """As many examples as the recipe says where absent."""


class Which(BaseModel):
    """An answer that is to be corrected."""

    model_config = ConfigDict(extra="forbid")
    id: str = Field(max_length=100)


class Kept(Which):
    """What is said of two answers; `id` is what `/second` gave."""

    choice: Position
    edit: str = Field("", max_length=LONGEST)


@dataclass(frozen=True)
class Written:
    """An answer, and what it answers."""

    ask: Ask
    text: str


def build_chat_routes(chat: ChatPort, user: Callable[[Request], str]) -> APIRouter:
    """`user` gives the user of a request or refuses it; everybody who may rank may chat."""
    router = APIRouter(prefix="/api/chat", dependencies=[Depends(user)])
    under_way: dict[str, threading.Event] = {}
    written, pairs = Memory[Written](GONE), Memory[Correction](GONE)

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

        def remember(text: str) -> str:
            return written.add(who, Written(ask, text))

        return StreamingResponse(_lines(chat, ask, stop, remember), media_type="application/x-ndjson")

    @router.post("/stop")
    def stop(request: Request) -> dict[str, Any]:
        if found := under_way.get(user(request)):
            found.set()
        return {}

    @router.post("/second")
    def second(request: Request, body: Which) -> dict[str, Any]:
        who = user(request)
        first = written.find(who, body.id)
        pair = _pair(chat, first)
        shown_ = [answer(text) for text in pair.answers]
        return {"id": pairs.add(who, pair), "answers": shown_, "corrected": pair.corrected, "edit": first.text}

    @router.post("/keep")
    def keep(request: Request, body: Kept) -> dict[str, Any]:
        who = user(request)
        pair = pairs.find(who, body.id)
        chat.keep(who, pair.model_copy(update={"choice": body.choice, "edit": body.edit}))
        return {}

    return router


def _pair(chat: ChatPort, first: Written) -> Correction:
    again = another(first.ask, first.text)
    last = list(chat.reply(again, threading.Event()))[-1]
    text = clean(last.text)
    if last.state == "failed" or text in ("", first.text):
        raise HTTPException(503, last.text if last.state == "failed" else SAME)
    return paired(first.ask, first.text, again, text)


def _ask(chat: ChatPort, body: Chat) -> Ask:
    there = chat.choices()
    policy = body.policy or there.current
    if policy not in there.policies:
        raise HTTPException(404, f"There is no policy {policy[:100]}. Reload the page.")
    if body.messages[-1].role != "user":
        raise HTTPException(400, "The last message is an answer already. Write something.")
    messages = tuple(Message(role=turn.role, content=turn.content) for turn in body.messages)
    return Ask(
        messages=messages,
        policy=policy,
        level=body.level if there.brief else 0.0,
        shots=there.shots if body.shots is None else body.shots,
        seed=secrets.randbits(31),
    )


async def _lines(chat: ChatPort, ask: Ask, stop: threading.Event, remember: Callable[[str], str]) -> AsyncIterator[str]:
    """What is said, a line each; when the page leaves, the answer is ended.

    One that the person stopped gets no id, as a half-written answer loses against a whole one whatever it says.
    """
    saying = chat.reply(ask, stop)
    try:
        async for said in iterate_in_threadpool(saying):
            told = shown(said)
            if said.state == "done" and told["raw"] and said.ended != "stopped":
                told["id"] = remember(told["raw"])
            yield json.dumps(told) + "\n"
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
        raw = clean(said.text)
        how = {"ended": said.ended, "forgotten": said.forgotten, "shots": said.shots}
        return {"state": "done", "raw": raw, "piece": answer(raw), **how}
    return {"state": said.state, "text": visible(said.text), "trouble": said.trouble}
