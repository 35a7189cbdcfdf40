"""The commands about the brief: what it asks for, and how much of it is still needed."""

import getpass
import json
from pathlib import Path
from typing import Annotated

import typer

from feedback_loop.cli_parts import AsJson, RunFolder, say


def add_to(app: typer.Typer) -> None:
    """Make these commands part of the command line."""
    for command in (brief, curve):
        app.command()(command)


def brief(
    run: RunFolder,
    mark: Annotated[
        list[str] | None,
        typer.Option(metavar="NUMBER=MARK", help="Mark a requirement must, nice or out, such as 3=nice."),
    ] = None,
    order: Annotated[str, typer.Option(metavar="NUMBERS", help="Which come first, such as 2,1,3.")] = "",
    check: Annotated[
        str, typer.Option(metavar="NUMBERS", help="Write the checks that are proposed for these, such as 3 or 1,3.")
    ] = "",
    edit: Annotated[Path | None, typer.Option(metavar="FILE", help="Take the text of a file instead.")] = None,
    as_json: AsJson = False,
) -> None:
    """List what the brief asks for, with tokens and levels, after changing what is asked."""
    from feedback_loop.brief.brief_text import as_text, listing
    from feedback_loop.run import open_run

    opened = open_run(run)
    if edit is not None or order or mark or check:
        from feedback_loop.brief.brief_edits import change

        say(change(opened, edit, order, mark or [], check, getpass.getuser()))
    found = listing(opened)
    print(json.dumps(found.model_dump(), indent=2, ensure_ascii=False) if as_json else as_text(found, opened.path))


def curve(
    run: RunFolder,
    persona: Annotated[str, typer.Option(help="Judge by this simulated annotator's true utility.")] = "",
    as_json: AsJson = False,
) -> None:
    """Say how much of the brief each policy still needs: win rates at each level against the base with all of it."""
    from feedback_loop.brief.brief import load
    from feedback_loop.brief.brief_curve import bound, rows
    from feedback_loop.brief.curve_text import as_text, countable
    from feedback_loop.run import open_run
    from feedback_loop.simulation.personas import find

    opened = open_run(run)
    found = rows(opened, find(persona) if persona else None)
    if as_json:
        print(json.dumps([row.model_dump() for row in found], indent=2))
        return
    said = load(opened)
    print("\n".join(filter(None, [as_text(found), countable(said, opened.path), bound(opened)])))
