"""Correcting an answer in the terminal's chat: a second one beside it, which is better, how it should have been, and consent."""

import getpass
import os
import shlex
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from feedback_loop.asking.labelling import open_desk
from feedback_loop.cli_parts import say
from feedback_loop.errors import LoopError, UsageError
from feedback_loop.lineage import open_round
from feedback_loop.records import Position
from feedback_loop.run import Run
from feedback_loop.store.journal import Journal
from feedback_loop.talk.corrections import keep, possible
from feedback_loop.talk.talking import SAME, Ask, Correction, another, clean, paired
from feedback_loop.talk.talks import Talks

CHOICES: dict[str, Position] = {"1": "first", "2": "second", "=": "tie", "0": "neither"}


def better(run: Run, talks: Talks, ask: Ask, text: str, show: Callable[[str], str]) -> str:
    """Ask what is to be said of an answer to `ask` and, with consent, keep it as a label; a line on how that ended.

    LoopError where no round is ranked at the moment, or the model writes no second answer.
    """
    if not possible(run):
        raise UsageError("Corrections are kept while a round is ranked: say it again when that is so.")
    pair = _pair(talks, ask, text)
    for number, answer in enumerate(pair.answers, 1):
        print(f"\n[{number}]\n{show(answer)}", flush=True)
    choice = _asked("Which is better? 1, 2, = as good, 0 neither; Enter: forget it")
    if choice not in CHOICES:
        return "Nothing was kept."
    edit = _asked(f"How should [{pair.corrected + 1}] have been? One line; e: in your editor; Enter: leave it")
    said = pair.model_copy(
        update={"choice": CHOICES[choice], "edit": _edited(pair.answers[pair.corrected]) if edit == "e" else edit}
    )
    who = getpass.getuser()
    if _asked(f"Keep this chat up to here, both answers and that as a label by {who}? y; Enter: no").lower() != "y":
        return "Nothing was kept."
    with closing(Journal(run.path / "journal.sqlite")) as journal:
        keep(run, open_desk(run, journal).vote, who, said)
    return f"Kept: a ranking of round {open_round(run):03d}."


def _pair(talks: Talks, ask: Ask, text: str) -> Correction:
    again = another(ask, text)
    last = list(talks.reply(again, threading.Event()))[-1]
    second = clean(last.text)
    if last.state == "failed" or second in ("", text):
        raise LoopError(last.text if last.state == "failed" else SAME)
    return paired(ask, text, again, second)


def _asked(question: str) -> str:
    say(question)
    try:
        return input("? " if sys.stdin.isatty() else "").strip()
    except EOFError:
        return ""


def _edited(text: str) -> str:
    """The answer as the person leaves it in their editor."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "answer.md"
        file.write_text(text, encoding="utf-8")
        editor = os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi"
        try:
            done = subprocess.run([*shlex.split(editor), str(file)], check=False)
        except OSError as error:
            raise UsageError(
                f"EDITOR={editor} cannot be started ({error.strerror}). Name another, or write one line."
            ) from error
        if done.returncode:
            raise UsageError(f"EDITOR={editor} ended with status {done.returncode}; nothing was kept.")
        return file.read_text(encoding="utf-8").strip()
