"""Further comparisons of a round, in batches: folders beside the comparisons stage, committed like it while people rank.

What a batch holds hangs on the run and its place alone: the same, whoever makes it, and when.
"""

from feedback_loop.asking import asked
from feedback_loop.asking.upcoming import next_prompts
from feedback_loop.progress import Progress
from feedback_loop.run import Run, commit, write_jsonl
from feedback_loop.stages.asking import Models, ask, choose_prompts, make_comparisons


def sample_round(run: Run, number: int, report: Progress) -> None:
    """Make the comparisons stage where it is not there, then a batch for each further group of the round's own prompts."""
    models = Models(run, number)
    make_first(models, report)
    while asked.left(run, number):
        make_batch(models, report)


def make_first(models: Models, report: Progress) -> None:
    """The prompts and comparisons stages of a round, where they are not there."""
    run, number = models.run, models.number
    if not run.done(number, "prompts"):
        with commit(run, number, "prompts") as draft:
            choose_prompts(run, number, draft, report)
    if not run.done(number, "comparisons"):
        with commit(run, number, "comparisons") as draft:
            make_comparisons(run, number, draft, report, models)


def make_batch(models: Models, report: Progress) -> int:
    """Sample the next group of prompts and commit what it gave; how many comparisons. There must be a group."""
    run, number = models.run, models.number
    name, start, group = next_batch(run, number), asked.taken(run, number), next_prompts(run, number)
    _ = models.policy  # loaded before the batch begins, so that its manifest says how long sampling takes
    with commit(run, number, name) as draft:
        draft.use(run.stage_folder(number, "prompts") / "prompts.jsonl", run.path / "prompts.jsonl")
        write_jsonl(draft.path / "prompts.jsonl", group)
        return ask(models, draft, report, group, start, name)


def next_batch(run: Run, number: int) -> str:
    """The name of the batch after those that are there: `comparisons.more-001`."""
    last = max((int(name.rpartition("-")[2]) for name in run.batches(number) if ".more-" in name), default=0)
    return f"comparisons.more-{last + 1:03d}"
