"""What hangs on a stage: what is set aside when that is done again."""

from pathlib import Path

from feedback_loop.lineage import rollbacks
from feedback_loop.run import STAGES, Run


def made_from(run: Run, number: int, stage: str) -> list[Path]:
    """All that hangs on a round's stage and is there, the last made first: later rounds whole, its own stages from that on.

    Rollbacks that followed these rounds' decisions are among it: they chose among policies that will be others.
    """
    later = [run.round_folder(n) for n in run.rounds() if n > number]
    names = list(STAGES[STAGES.index(stage) :])
    if "comparisons" in names:
        place = names.index("comparisons") + 1
        names[place:place] = run.batches(number)
    own = [run.stage_folder(number, name) for name in names]
    chosen = [file for file, decision in rollbacks(run) if decision.round >= number]
    return [path for path in [*reversed(chosen), *reversed(later), *reversed(own)] if path.exists()]
