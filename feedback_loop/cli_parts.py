"""What all commands share: how they name a run, and how they speak."""

import sys
from pathlib import Path
from typing import Annotated

import typer

RunFolder = Annotated[Path, typer.Argument(metavar="RUN", help="The run's folder.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def say(line: str) -> None:
    """Tell the person at the terminal, on standard error: standard output is for results."""
    print(line, file=sys.stderr, flush=True)
