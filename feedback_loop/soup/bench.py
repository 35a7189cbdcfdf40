"""Asking the bench from outside: a process of its own has the models, holds the run's lock, and ends with whoever asked."""

from collections.abc import Callable

from feedback_loop import locks, loop, stage, tracking
from feedback_loop.errors import LoopError
from feedback_loop.report.report import overview
from feedback_loop.run import Run
from feedback_loop.soup import cells
from feedback_loop.soup.cells import Soup
from feedback_loop.team.team_report import over_rounds

LOG = "soup.log"


def ask(run: Run, persona: str, say: Callable[[str], None]) -> Soup:
    """The soup of the run's labels as they are now, judged by the persona's true utility where one is named.

    LoopError in one line where it could not be made; what was done by then is kept.
    """
    with loop.alone(run) as lock, locks.soup_lock(run):
        say("trying what the recipe's [soup] names; what is kept is not done again")
        arguments = ["-m", "feedback_loop.soup.cooking", str(run.path), persona]
        status = loop.in_child(run, arguments, lock)
        again = f"Go on: feedback-loop soup {run.path}"
        if status != 0:
            raise loop.failure(run, "soup", status, run.path / "logs" / LOG, again)
        stage.error_file(run).unlink(missing_ok=True)
        found = cells.read(run)
    if found is None:
        raise LoopError(f"{cells.folder(run)}: the table is gone. {again}")
    tracking.summarise(run, overview(run), over_rounds(run))
    return found
