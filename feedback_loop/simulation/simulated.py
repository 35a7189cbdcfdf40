"""What a simulated annotator left of its true utility in `RUN/simulated.jsonl`."""

from feedback_loop.report.overview import Truth
from feedback_loop.run import Run, read_jsonl


def truth(run: Run, number: int) -> Truth | None:
    """What a simulated annotator said of this round's policy; None where there is none, or the round was done again since."""
    file = run.path / "simulated.jsonl"
    if not file.exists() or not run.done(number, "evaluation"):
        return None
    finished = run.manifest(number, "evaluation").finished_at
    found = [row for row in read_jsonl(file, Truth) if (row.round, row.evaluation) == (number, finished)]
    return found[-1] if found else None
