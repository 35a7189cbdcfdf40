"""The command line: parse, call, print. Heavy imports stand inside the commands, so that `--help` answers at once."""

import json
import signal
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from feedback_loop import cli_brief, cli_intent, cli_repair, cli_soup
from feedback_loop.cli_parts import AsJson, RunFolder, say
from feedback_loop.errors import LoopError

app = typer.Typer(
    help="Teach your own Qwen what you mean by saying which answer is better.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
argilla_app = typer.Typer(help="The embedded Argilla server.", no_args_is_help=True)
app.add_typer(argilla_app, name="argilla")

Host = Annotated[str, typer.Option(help="Address to bind to.")]
Port = Annotated[int, typer.Option(help="Port of the web app.", min=0, max=65535)]
Url = Annotated[
    str,
    typer.Option(
        "--url", envvar="FEEDBACK_LOOP_URL", help="What people type, where a proxy stands in front of the app."
    ),
]
Browser = Annotated[bool, typer.Option("--browser/--no-browser", help="Open a browser when ready.")]
RecipeOption = Annotated[
    str | None, typer.Option("--recipe", help="A TOML file, or a shipped one: demo, default, few-labels, team.")
]
ModelOption = Annotated[str | None, typer.Option("--model", help="A hub name, a folder, or tiny.")]
SetOption = Annotated[list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Override a recipe key.")]


class Role(StrEnum):
    """What somebody may do."""

    owner = "owner"
    annotator = "annotator"


@app.command()
def demo(
    run: Annotated[Path, typer.Option("--run", help="The run's folder.")] = Path("demo-run"),
    port: Port = 7860,
    host: Host = "127.0.0.1",
    browser: Browser = True,
) -> None:
    """Everything on embedded parts: the tiny Qwen, its prompts, an Argilla, the web app."""
    from feedback_loop.begin import begin
    from feedback_loop.run import open_run
    from feedback_loop.serving import serve as serve_run

    opened = open_run(run) if (run / "run.json").exists() else begin(run, "demo", None, [])
    serve_run(opened, host=host, port=port, url="", open_browser=browser, say=say)


@app.command()
def init(
    run: RunFolder,
    recipe: RecipeOption = None,
    model: ModelOption = None,
    brief: Annotated[
        str, typer.Option(metavar="FILE", help="The instruction that you would paste, or a shipped one.")
    ] = "",
    set_: SetOption = None,
) -> None:
    """Make a run folder: recipe, prompts, brief, and a check of the model."""
    from feedback_loop.begin import begin

    made = begin(run, recipe, model, set_ or [], brief)
    say(f"{run}: made, with {made.recipe.model.name}. Rank answers: feedback-loop serve {run}")


@app.command()
def serve(run: RunFolder, port: Port = 7860, host: Host = "127.0.0.1", url: Url = "", browser: Browser = True) -> None:
    """Serve the web app on a run."""
    from feedback_loop.run import open_run
    from feedback_loop.serving import serve as serve_run

    serve_run(open_run(run), host=host, port=port, url=url, open_browser=browser, say=say)


@app.command()
def invite(
    run: RunFolder,
    role: Annotated[
        Role, typer.Option(help="Owners may start rounds, roll back, invite; annotators rank.")
    ] = Role.annotator,
    name: Annotated[str, typer.Option(help="Whom it is for; who has an account chooses a new password by it.")] = "",
    days: Annotated[int, typer.Option(help="Days until it expires.", min=1, max=90)] = 7,
    url: Url = "http://127.0.0.1:7860",
) -> None:
    """Print a link by which one person gets an account; it is good once."""
    from feedback_loop.users import invite as make

    print(make(run, role.value, name, days, url))


@app.command()
def users(
    run: RunFolder,
    disable: Annotated[str, typer.Option(metavar="NAME", help="Keep somebody out; their answers stay.")] = "",
    enable: Annotated[str, typer.Option(metavar="NAME", help="Let somebody in again.")] = "",
    sign_out: Annotated[str, typer.Option(metavar="NAME", help="End all of somebody's sessions.")] = "",
    role: Annotated[str, typer.Option(metavar="NAME=ROLE", help="Make somebody an owner or an annotator.")] = "",
) -> None:
    """List who has an account, after changing what is asked."""
    from feedback_loop.users import change, table

    for what, name in (("disable", disable), ("enable", enable), ("sign out", sign_out), ("role", role)):
        if name:
            change(run, what, name)
    print(table(run))


@app.command()
def advance(
    run: RunFolder,
    once: Annotated[
        bool, typer.Option("--once", help="Stop when the open round is decided, and sample the next in the background.")
    ] = False,
) -> None:
    """Run stages until people are needed, then say so."""
    from feedback_loop import loop
    from feedback_loop.asking import ahead
    from feedback_loop.connect import argilla
    from feedback_loop.lineage import open_round
    from feedback_loop.run import open_run

    opened = open_run(run)
    with argilla(opened, say) as connect:
        waiting = loop.advance(opened, connect, say, rounds=open_round(opened) + 1 if once else None)
    if once:
        ahead.start(opened)
    if waiting is not None:
        say(waiting.message)


@app.command()
def status(run: RunFolder, as_json: AsJson = False) -> None:
    """Say where a run stands."""
    from feedback_loop.report.report import overview
    from feedback_loop.report.report_text import as_text
    from feedback_loop.run import open_run

    view = overview(open_run(run))
    print(view.model_dump_json(indent=2) if as_json else as_text(view))


@app.command()
def team(run: RunFolder, as_json: AsJson = False) -> None:
    """Say how far each person's labels can be trusted, and who agrees with whom."""
    from feedback_loop.run import open_run
    from feedback_loop.team.team_report import as_text
    from feedback_loop.team.team_report import team as team_now

    view = team_now(open_run(run))
    print(view.model_dump_json(indent=2) if as_json else as_text(view))


@app.command()
def flags(run: RunFolder, as_json: AsJson = False) -> None:
    """List what people flagged, for somebody to look at."""
    from feedback_loop.run import open_run
    from feedback_loop.team.flags import as_text
    from feedback_loop.team.flags import flags as flags_now

    found = flags_now(open_run(run))
    print(
        json.dumps([flag.model_dump() for flag in found], indent=2, ensure_ascii=False) if as_json else as_text(found)
    )


@app.command()
def simulate(
    run: RunFolder,
    persona: Annotated[str, typer.Option(help="A persona's TOML file, or the name of a shipped one.")],
    rounds: Annotated[int, typer.Option(help="Rounds in all, those already decided included.", min=1)] = 3,
    as_json: AsJson = False,
) -> None:
    """Let a simulated annotator answer whole rounds, through the same store as people."""
    from feedback_loop.connect import argilla
    from feedback_loop.run import open_run
    from feedback_loop.simulation.personas import find
    from feedback_loop.simulation.simulate import simulate as simulate_rounds
    from feedback_loop.simulation.simulate import table

    opened, who = open_run(run), find(persona)
    with argilla(opened, say) as connect:
        rows = simulate_rounds(opened, who, rounds, connect, say)
    print(json.dumps([row.model_dump() for row in rows], indent=2) if as_json else table(rows))


@app.command()
def taught(
    run: RunFolder,
    number: Annotated[int | None, typer.Option("--round", help="The round; the latest by default.", min=0)] = None,
    as_json: AsJson = False,
) -> None:
    """Say what the labels taught: the traits people prefer, and how the new version moved on each."""
    from feedback_loop.run import open_run
    from feedback_loop.taught.taught import latest
    from feedback_loop.taught.taught import taught as read_taught
    from feedback_loop.taught.taught_text import as_text

    opened = open_run(run)
    found = read_taught(opened, latest(opened) if number is None else number)
    print(found.model_dump_json(indent=2) if as_json else as_text(found))


@app.command()
def export(
    run: RunFolder,
    out: Annotated[Path, typer.Argument(help="A new folder.")],
    policy: Annotated[str, typer.Option(help="Such as round-002; by default the one in force.")] = "",
    merged: Annotated[bool, typer.Option("--merged", help="The whole model too, base and adapter as one.")] = False,
    gguf: Annotated[
        bool, typer.Option("--gguf", help="For llama.cpp and Ollama too, by llama.cpp's converter.")
    ] = False,
) -> None:
    """Copy out an adapter, a model card, and all rankings and preferences."""
    from feedback_loop.export.export import export as export_run
    from feedback_loop.run import open_run

    for line in export_run(open_run(run), out, policy, merged=merged, gguf=gguf):
        say(line)


@app.command()
def chat(
    run: RunFolder,
    policy: Annotated[str, typer.Option(help="Such as round-002 or base; by default the one in force.")] = "",
    examples: Annotated[
        int | None,
        typer.Option(
            min=0, max=16, metavar="K", help="Examples of wished answers before the chat; by default the recipe's."
        ),
    ] = None,
) -> None:
    """Talk to a policy; /help says what else one may type. Nothing is stored but corrections that you agree to."""
    from feedback_loop.cli_chat import chat as talk
    from feedback_loop.run import open_run
    from ui.visible import visible

    talk(open_run(run), policy, examples, visible)


@app.command()
def doctor(run: Annotated[Path | None, typer.Argument(metavar="[RUN]", help="A run to check too.")] = None) -> None:
    """Check this machine, and a run's files."""
    from feedback_loop.doctor import examine

    findings = examine(run)
    for finding in findings:
        print(f"{'ok  ' if finding.ok else 'LOOK'}  {finding.what}")
    if not all(finding.ok for finding in findings):
        raise typer.Exit(1)


def _stage_command(name: str, stages: tuple[str, ...], help_: str) -> None:
    def command(run: RunFolder) -> None:
        from feedback_loop import loop
        from feedback_loop.connect import argilla
        from feedback_loop.run import open_run

        opened = open_run(run)
        with argilla(opened, say) as connect:
            waiting = loop.run_stages(opened, stages, connect, say)
        if waiting is not None:
            raise LoopError(waiting.message)

    app.command(name, help=help_)(command)


cli_repair.add_to(app)
cli_brief.add_to(app)
cli_intent.add_to(app)
cli_soup.add_to(app)
_stage_command("sample", ("prompts", "comparisons"), "Only this stage of the open round: the answers to compare.")
_stage_command("collect", ("rankings",), "Only this stage: snapshot the rankings.")
_stage_command("train-reward", ("preferences", "reward"), "Only this stage: preferences and the reward model.")
_stage_command("train-policy", ("policy",), "Only this stage: the policy step.")
_stage_command("evaluate", ("evaluation",), "Only this stage: the new policy against its parent and the base.")
_stage_command("duel", ("duels",), "Only this stage: answers of the new policy and its parent, for people to judge.")
_stage_command("promote", ("promotion",), "Only this stage: keep the new policy or its parent.")


@argilla_app.command("start")
def argilla_start() -> None:
    """Start the embedded server and leave it running."""
    from feedback_loop import argilla_local
    from feedback_loop.connect import keep_running

    connection = argilla_local.start(report=say)
    keep_running().touch()
    say(f"Argilla runs at {connection.api_url}. Its log-in: feedback-loop argilla status --env")


@argilla_app.command("stop")
def argilla_stop() -> None:
    """Stop the embedded server."""
    from feedback_loop import argilla_local
    from feedback_loop.connect import keep_running

    keep_running().unlink(missing_ok=True)
    say("Argilla is stopped." if argilla_local.stop() else "Argilla was not running.")


@argilla_app.command("status")
def argilla_status(
    env: Annotated[bool, typer.Option("--env", help="Print the two environment variables.")] = False,
) -> None:
    """Say whether the embedded server runs, and where."""
    from feedback_loop import argilla_local

    found = argilla_local.status()
    if not found.running:
        raise LoopError("Argilla is not running. Start it: feedback-loop argilla start")
    if env:
        print(f"ARGILLA_API_URL={found.api_url}\nARGILLA_API_KEY={found.api_key}")
    else:
        print(f"running at {found.api_url} (process {found.pid})\ndata {found.home}\nlog {found.log}")


def main() -> None:
    """Run the command line; a failure is one line and exit status 1 or 2."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        app()
    except LoopError as error:
        say(str(error))
        sys.exit(error.exit_status)
    except OSError as error:
        say(
            f"{error.filename or 'feedback-loop'}: {error.strerror or error}. Correct that, then run the command again."
        )
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
