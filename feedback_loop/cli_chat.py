"""Talking to a run's policies in the terminal."""

import contextlib
import secrets
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace

from feedback_loop.brief import brief
from feedback_loop.cli_better import better
from feedback_loop.cli_parts import say
from feedback_loop.errors import LoopError, UsageError
from feedback_loop.examples.demonstrations import demonstrations
from feedback_loop.lineage import current_policy, policies, verified_adapter
from feedback_loop.records import MOST_SHOTS, Message
from feedback_loop.run import Run
from feedback_loop.talk.talking import Ask, Said, clean
from feedback_loop.talk.talks import Talks

HELP = """/policy NAME   talk to another policy ({policies}); the chat goes on
/brief LEVEL   put that share of the run's brief before the chat, 0 to 1
/examples K    put K answers as people want them before it, to requests like the last one
/better        say how the last answer should have been; with your consent it is kept as a label
/reset         begin anew
/quit          leave; so does Ctrl-D. Ctrl-C ends an answer."""
STOPPED = "The last answer was stopped, and half an answer is not compared with a whole one. Ask again, and let it end."
NOTES = {"waiting": "waiting for another answer", "loading": "loading the model"}

Show = Callable[[str], str]


@dataclass(frozen=True)
class Chat:
    """Where a chat stands."""

    policy: str
    level: float = 0.0
    shots: int = 0
    messages: tuple[Message, ...] = ()
    last: Ask | None = None
    """What the last answer answers; None where there is none, or it was stopped before its end."""


def chat(run: Run, policy: str, shots: int | None, show: Show) -> None:
    """Read from standard input until it ends, and answer on standard output; remarks go to standard error.

    As many `shots` as the recipe says where they are None. `show` makes a text harmless: a model may write what a terminal
    obeys. UsageError where there is no such policy.
    """
    now = Chat(policy or current_policy(run), shots=run.recipe.examples.shots if shots is None else shots)
    verified_adapter(run, now.policy)
    with contextlib.suppress(ImportError):
        import readline  # noqa: F401 - the line may be edited, and earlier ones come back
    say(f"{now.policy} of {run.recipe.model.name}. /help says what else you may type.")
    with closing(Talks(run)) as talks:
        for line in _lines():
            if line in ("/quit", "/exit"):
                return
            try:
                if line == "/better":
                    _better(run, talks, now, show)
                else:
                    now = _command(run, now, line) if line.startswith("/") else _answered(talks, now, line, show)
            except LoopError as error:
                say(show(str(error)))


def _lines() -> Iterator[str]:
    while True:
        try:
            line = input("> " if sys.stdin.isatty() else "").strip()
        except (EOFError, KeyboardInterrupt):
            return
        if line:
            yield line


def _command(run: Run, now: Chat, line: str) -> Chat:
    """What a chat is after a command; UsageError where it cannot be done."""
    name, _, value = line.partition(" ")
    value = value.strip()
    if name == "/reset":
        say("A new chat.")
        return replace(now, messages=(), last=None)
    if name == "/policy":
        verified_adapter(run, value)
        say(f"{value} answers from here on.")
        return replace(now, policy=value)
    if name == "/brief":
        return replace(now, level=_level(run, value))
    if name == "/examples":
        return replace(now, shots=_shots(run, value))
    say(HELP.format(policies=", ".join(policies(run))))
    return now


def _better(run: Run, talks: Talks, now: Chat, show: Show) -> None:
    if now.last is None:
        raise UsageError(STOPPED if now.messages else "There is no answer yet: say something first.")
    try:
        say(better(run, talks, now.last, now.messages[-1].content, show))
    except KeyboardInterrupt:
        say("Nothing was kept.")


def _level(run: Run, value: str) -> float:
    found = brief.load(run)
    if found is None:
        raise UsageError(f"This run has no brief. Write one: {brief.file_of(run)}")
    try:
        level = float(value)
    except ValueError:
        level = -1.0
    if not 0 <= level <= 1:
        raise UsageError("/brief takes a share from 0 (nothing) to 1 (all of it), such as /brief 0.5")
    text = brief.cut(found, level)
    say(f"{brief.words(text)} words of the brief stand before the chat.")
    return level


def _shots(run: Run, value: str) -> int:
    if not value.isdecimal() or int(value) > MOST_SHOTS:
        raise UsageError(f"/examples takes a number from 0 to {MOST_SHOTS}, such as /examples 3")
    found = len(demonstrations(run))
    say(f"{min(int(value), found)} of the {found} examples that people gave stand before the chat.")
    return int(value)


def _answered(talks: Talks, now: Chat, line: str, show: Show) -> Chat:
    """The chat with this turn and its answer, which is printed as it is written; without both where there was none."""
    asked = (*now.messages, Message(role="user", content=line))
    ask = Ask(messages=asked, policy=now.policy, level=now.level, shots=now.shots, seed=secrets.randbits(31))
    written, whole = "", True
    try:
        with closing(talks.reply(ask, threading.Event())) as saying:
            for said in saying:
                written += said.text if said.state == "text" else ""
                _print(said, show)
    except KeyboardInterrupt:
        print(flush=True)
        say("(stopped)")
        whole = False
    else:
        if said.state == "failed":
            raise LoopError(said.text)
    if not written:
        return now
    messages = (*asked, Message(role="assistant", content=clean(written)))
    return replace(now, messages=messages, last=ask if whole else None)


def _print(said: Said, show: Show) -> None:
    if said.state == "text":
        print(show(said.text), end="", flush=True)
    elif said.state == "done":
        print(flush=True)
        if said.ended == "cut":
            say("(cut: as long as an answer may be)")
        if said.forgotten:
            say(f"(the first {said.forgotten} messages no longer fit)")
    elif said.state in NOTES:
        say(f"({NOTES[said.state]} ...)")
