"""What labels taught in the summary run of Weights & Biases: figures over rounds, and each round's traits as a table."""

from typing import Any

from feedback_loop.taught.lessons import Lesson, Taught
from feedback_loop.taught.taught_text import groups, names, sentence


def log_taught(wandb_run: Any, found: Taught) -> None:
    """A row for each trait; as curves over rounds, the traits that people prefer or that moved unasked, and how many of each."""
    import wandb

    wandb_run.define_metric("taught/*", step_metric="loop/round")
    rows = [_row(lesson) for lesson in found.lessons]
    table = wandb.Table(columns=list(rows[0]), data=[list(row.values()) for row in rows])
    heads = groups(found)
    main = {f"{x.trait} {x.phrase}".strip(): x for x in (*heads["wanted"], *heads["unasked"])}
    figures = {
        f"taught/{name}/{way}": found.value
        for name, lesson in main.items()
        for way, found in (("chosen-rejected", lesson.labels), ("new-parent", lesson.parent), ("new-base", lesson.base))
        if found is not None
    }
    counts = {f"taught/{head}": len(heads[head]) for head in ("wanted", "unasked")}
    followed = sum(x.verdict == "followed" for x in heads["wanted"])
    wandb_run.log({"loop/round": found.round, "taught/followed": followed, **counts, **figures})
    wandb_run.log({"loop/round": found.round, f"traits/round-{found.round:03d}": table})


def _row(lesson: Lesson) -> dict[str, str | float | None]:
    """A lesson as a row of a table."""
    row: dict[str, str | float | None] = {
        "trait": names([lesson])[0],
        "wanted": lesson.wanted,
        "verdict": lesson.verdict,
        "said": sentence(lesson),
    }
    differences = (("chosen-rejected", lesson.labels), ("new-parent", lesson.parent), ("new-base", lesson.base))
    for name, found in differences:
        for figure in ("value", "low", "high", "chance"):
            row[f"{name} {figure}"] = None if found is None else getattr(found, figure)
    return row
