"""The command of the soup bench."""

from typing import Annotated

import typer

from feedback_loop.cli_parts import AsJson, RunFolder, say


def add_to(app: typer.Typer) -> None:
    """Make this command part of the command line."""
    app.command()(soup)


def soup(
    run: RunFolder,
    persona: Annotated[str, typer.Option(help="Judge by this simulated annotator's true utility.")] = "",
    as_json: AsJson = False,
) -> None:
    """Say which ingredient to change next: instruction, examples and trainings compared on the run's own labels."""
    from feedback_loop.run import open_run
    from feedback_loop.soup.bench import ask
    from feedback_loop.soup.soup_text import as_text

    found = ask(open_run(run), persona, say)
    print(found.model_dump_json(indent=2) if as_json else as_text(found))
