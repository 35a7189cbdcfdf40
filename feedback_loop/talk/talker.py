"""The chat's process: `python -m feedback_loop.talker RUN [sharing]`. It has the model, and answers over its pipes.

It reads a line of JSON for each message (`Ask`, or `"stop"`) and writes one for each thing said (`Said`). Like the sampler it
ends at once when somebody works on the run. When whoever started it is gone, its standard input ends, and it too.
"""

import os
import queue
import sys
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from feedback_loop import locks
from feedback_loop.asking import ahead
from feedback_loop.brief import brief
from feedback_loop.errors import LoopError, UsageError
from feedback_loop.examples.demonstrations import demonstrations
from feedback_loop.examples.nearest import nearest
from feedback_loop.examples.shots import read, shown
from feedback_loop.lineage import verified_adapter
from feedback_loop.records import Prompt
from feedback_loop.run import Run, open_run
from feedback_loop.store.journal import Journal
from feedback_loop.talk.talking import MOST_TOKENS, Ask, Said

if TYPE_CHECKING:
    from policies.talk import Talker

STOP = '"stop"'
"""The line that ends the answer under way."""
STAYS = 300.0
"""Seconds that it keeps the model, for the next message."""
SHARES = 15.0
"""The same where people rank beside it and run out of answers: the sampler needs the room."""
POLL_SECONDS = 0.2

Tell = Callable[[Said], None]


def main(path: Path, *, sharing: bool) -> int:
    """Answer until nothing is asked any more; with `sharing`, make room for the sampler earlier where it is wanted."""
    voice = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what libraries print goes to the log

    def tell(said: Said) -> None:
        voice.write(said.model_dump_json() + "\n")
        voice.flush()

    run, asked, stop = open_run(path), queue.Queue[Ask](), threading.Event()
    with locks.chat_lock(run) as trouble:
        if trouble is not None:
            tell(Said(state="failed", trouble=trouble))
            return 0
        threading.Thread(target=_give_way, args=(run,), daemon=True).start()
        threading.Thread(target=_listen, args=(asked, stop), daemon=True).start()
        _answer_all(run, asked, stop, tell, sharing=sharing)
    return 0


def _answer_all(run: Run, asked: "queue.Queue[Ask]", stop: threading.Event, tell: Tell, *, sharing: bool) -> None:
    from policies.talk import Talker

    talker, last = Talker(run.recipe.model), time.monotonic()
    while not _may_leave(run, time.monotonic() - last, sharing=sharing):
        try:
            ask = asked.get(timeout=1.0)
        except queue.Empty:
            continue
        try:
            tell(answer(run, talker, ask, tell, stop))
        except LoopError as error:
            tell(Said(state="failed", text=str(error), trouble="long" if isinstance(error, UsageError) else "broken"))
        except Exception as error:
            traceback.print_exc()
            tell(Said(state="failed", text=f"{type(error).__name__}: {str(error)[:200]}", trouble="broken"))
        last = time.monotonic()


def answer(run: Run, talker: "Talker", ask: Ask, tell: Tell, stop: threading.Event) -> Said:
    """Answer a chat, telling each piece; what is said last."""
    found = brief.load(run) if ask.level else None
    prompt = Prompt(id="chat", prompt=ask.messages)
    examples = nearest(prompt, demonstrations(run), ask.shots) if ask.shots else []
    prompt = shown(prompt, examples)
    if found is not None:
        prompt = brief.instructed(prompt, brief.cut(found, ask.level))

    def heard(piece: str) -> bool:
        if piece:
            tell(Said(state="text", text=piece))
        return stop.is_set()

    adapter = verified_adapter(run, ask.policy)
    made = talker.reply(
        ask.policy, adapter, prompt.messages, run.recipe.sampling, most=MOST_TOKENS, seed=ask.seed, heard=heard,
        unlike=ask.unlike,
    )  # fmt: skip
    ended = "stopped" if made.stopped else "cut" if made.cut else ""
    shots, forgotten = read(examples, made.forgotten)
    return Said(state="done", text=made.text, ended=ended, forgotten=forgotten, shots=shots)


def _may_leave(run: Run, idle: float, *, sharing: bool) -> bool:
    if idle < SHARES or not sharing:
        return idle > STAYS
    journal = Journal(run.path / "journal.sqlite")
    try:
        return idle > STAYS or ahead.wanted(run, journal)
    finally:
        journal.close()


def _listen(asked: "queue.Queue[Ask]", stop: threading.Event) -> None:
    for line in sys.stdin:
        if line.strip() == STOP:
            stop.set()
        else:
            stop.clear()
            asked.put(Ask.model_validate_json(line))
    os._exit(0)


def _give_way(run: Run) -> None:
    """End at once when somebody works on the run: they wait for that."""
    while not locks.locked(run):
        time.sleep(POLL_SECONDS)
    os._exit(0)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sharing="sharing" in sys.argv[2:]))
