"""The command about what people want: what their labels say of it, and taking that into the brief."""

import getpass
from typing import Annotated

import typer

from feedback_loop.cli_parts import AsJson, RunFolder, say


def add_to(app: typer.Typer) -> None:
    """Make this command part of the command line."""
    app.command()(intent)


def intent(
    run: RunFolder,
    accept: Annotated[int, typer.Option(metavar="N", help="Put a proposal into the brief.", min=0)] = 0,
    text: Annotated[str, typer.Option(help="With --accept: in these words.")] = "",
    dismiss: Annotated[int, typer.Option(metavar="N", help="Let a proposal not come again.", min=0)] = 0,
    as_json: AsJson = False,
) -> None:
    """Say what people seem to want, from their choices, edits and comments, and take it into the brief."""
    from feedback_loop.errors import UsageError
    from feedback_loop.intent import intent as room
    from feedback_loop.intent.profile_text import as_text
    from feedback_loop.run import open_run

    if text and not accept:
        raise UsageError("--text says a proposal in other words: name which one, --accept N.")
    opened = open_run(run)
    found = room.profile(opened)
    taken, dropped = (room.named(found, n) if n else None for n in (accept, dismiss))
    if taken is not None:
        line = room.accept(opened, taken, room.worded(taken, text), getpass.getuser())
        say(f"In the brief: {line}")
    if dropped is not None:
        room.dismiss(opened, dropped, getpass.getuser())
        say(f"Dismissed: {dropped.text or dropped.wish.phrase}")
    found = room.profile(opened) if accept or dismiss else found
    print(found.model_dump_json(indent=2) if as_json else as_text(found, str(run)))
