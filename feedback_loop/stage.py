"""One stage in a process of its own: `python -m feedback_loop.stage RUN ROUND STAGE`, started by the loop.

A crash costs this stage alone, the memory of its models goes back to the system, and the recipe's launcher can stand
in front of it. What libraries print goes to the log; the terminal gets a progress bar and one line.
"""

import contextlib
import json
import os
import re
import sys
import threading
import traceback
from pathlib import Path
from typing import TextIO

from feedback_loop.errors import LoopError
from feedback_loop.progress import Progress, bar, silent, to_file
from feedback_loop.run import Run, commit, open_run

WORDS = 2000
"""Bytes kept for the reason of a failure."""
LIFELINE = "FEEDBACK_LOOP_LIFELINE"
"""Names the read end of a pipe that whoever started the process holds open: when it closes, they are gone."""


def main(path: Path, number: int, name: str) -> int:
    """Run one stage and commit it; the exit status, with the reason in the error file where it failed."""
    watch_lifeline()
    run = open_run(path)
    terminal = divert_output(log_file(run, number, name))
    try:
        _work(run, number, name, terminal)
    except LoopError as error:
        return failed(run, in_full(run, number, name, str(error)), error.exit_status)
    except OSError as error:
        _trace()
        return failed(
            run,
            f"Round {number:03d}, {name}: {error.strerror or error} ({error.filename or run.path}). {again(run)}",
            1,
        )
    except Exception as error:
        _trace()
        first = str(error).strip().split("\n")[0][:200]
        where = log_file(run, number, name)
        return failed(run, f"Round {number:03d}, {name}: {type(error).__name__}: {first}. Details: {where}", 1)
    return 0


def again(run: Run) -> str:
    """What to type when something outside the program was wrong."""
    return f"Then go on: feedback-loop advance {run.path}"


def in_full(run: Run, number: int, name: str, said: str) -> str:
    """A room's error with where it was and what to type, where it does not say so itself."""
    said = for_run(run, said)
    where = "" if said.startswith("Round") else f"Round {number:03d}, {name}: "
    return where + said if "feedback-loop " in said else f"{where}{said.rstrip('.')}. {again(run)}"


def for_run(run: Run, said: str) -> str:
    """A room's words with the run's folder in place of RUN; what is to be done again is the last of its kind, with its round."""

    def named(found: re.Match[str]) -> str:
        latest, made = max(run.rounds(), default=0), [n for n in run.rounds() if run.done(n, found[1])]
        which = f" --round {made[-1]}" if made and made[-1] != latest else ""
        return f"feedback-loop redo {run.path} {found[1]}{which}"

    return re.sub(r"(?<= )RUN\b", lambda _: str(run.path), re.sub(r"feedback-loop redo RUN (\w+)", named, said))


def log_file(run: Run, number: int, name: str) -> Path:
    """Where a stage's output goes."""
    return run.path / "logs" / f"{number:03d}-{name}.log"


def error_file(run: Run) -> Path:
    """Where a failed stage leaves its one line."""
    return run.path / ".stage-error"


def keep_room_for_words(run: Run) -> None:
    """Take the room that the reason of a failure needs while there is some: the disk may be full when it fails."""
    error_file(run).write_text(" " * WORDS, encoding="utf-8")


def progress_file(run: Run) -> Path:
    """Where the running stage's progress stands."""
    return run.path / "progress.json"


def _work(run: Run, number: int, name: str, terminal: TextIO) -> None:
    from feedback_loop.stages import WORK
    from feedback_loop.stages.more import sample_round

    if int(os.environ.get("RANK", "0")) > 0:
        if name in ("reward", "policy"):
            _follow(run, number, name)
        return
    report: Progress = to_file(progress_file(run), bar(terminal) if terminal.isatty() else silent)
    if name == "comparisons":
        sample_round(run, number, report)
        return
    with commit(run, number, name) as draft:
        WORK[name].work(run, number, draft, report)


def _follow(run: Run, number: int, name: str) -> None:
    """A rank other than the first trains along; what it writes is thrown away, but for `RUN/cache`."""
    import tempfile

    from feedback_loop.run import Draft
    from feedback_loop.stages import WORK

    with tempfile.TemporaryDirectory() as folder:
        draft = Draft(Path(folder) / "stage", Path(folder) / "work", Path(folder) / "resume")
        draft.path.mkdir()
        draft.work.mkdir()
        os.environ["WANDB_MODE"] = "disabled"
        WORK[name].work(run, number, draft, silent)


def _trace() -> None:
    """Where it failed, for the log; on a full disk there is no room for that."""
    with contextlib.suppress(OSError):
        traceback.print_exc()
        sys.stderr.flush()


def failed(run: Run, message: str, status: int) -> int:
    """Leave why this process fails where whoever started it reads it; the status to end with."""
    text, file = json.dumps({"message": for_run(run, message), "status": status}), error_file(run)
    with file.open("r+" if file.exists() else "w", encoding="utf-8") as kept:
        kept.write(text.ljust(WORDS))
    return status


def divert_output(log: Path) -> TextIO:
    """Send standard output and error to the log; returns the terminal as it was."""
    log.parent.mkdir(exist_ok=True)
    terminal = os.fdopen(os.dup(2), "w", encoding="utf-8")
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    os.close(descriptor)
    return terminal


def watch_lifeline() -> None:
    """End at once when whoever started this is gone: they would start it again, and two must never write one folder."""
    number = os.environ.get(LIFELINE)
    if number is None:
        return
    try:
        os.fstat(int(number))
    except OSError:
        return  # a launcher's worker does not inherit it; the launcher holds the run's lock meanwhile

    def watch() -> None:
        os.read(int(number), 1)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]))
