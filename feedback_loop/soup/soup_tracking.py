"""The soup in W&B: a table of all cells, one of the front, and what the best of them that pastes nothing wins."""

from typing import Any

from feedback_loop.soup.advice import named
from feedback_loop.soup.cells import Soup

COLUMNS = ("cell", "tokens", "win_rate", "low", "high", "judge", "training_minutes", "human_minutes")


def log_soup(wandb_run: Any, soup: Soup | None) -> None:
    """The tables `soup/cells` and `soup/front`, a plot of the front, and the advice; nothing of no soup."""
    if soup is None:
        return
    import wandb

    rows = cell_rows(soup)
    front = wandb.Table(columns=list(COLUMNS), data=[rows[place] for place in soup.front])
    wandb_run.log(
        {
            "soup/cells": wandb.Table(columns=list(COLUMNS), data=rows),
            "soup/front": front,
            "soup/front_plot": wandb.plot.line(front, "tokens", "win_rate", title="Win rate over tokens pasted"),
            "soup/best_unasked": max((t.win_rate for t in soup.cells if not t.tokens), default=0.0),
        }
    )
    wandb_run.summary.update({"soup/advice": soup.advice, "soup/next": soup.next})


def cell_rows(soup: Soup) -> list[list[Any]]:
    """A row a cell, in the order of COLUMNS."""
    return [[named(t.cell), *(getattr(t, name) for name in COLUMNS[1:])] for t in soup.cells]
