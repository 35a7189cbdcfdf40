"""The web app on a run: the desk, the courier that carries votes to Argilla, and the rounds behind the Rounds page."""

import contextlib

from feedback_loop import loop, refitting
from feedback_loop import run as runs
from feedback_loop.connect import argilla
from feedback_loop.labelling import comparisons_of, open_desk
from feedback_loop.lineage import open_round
from feedback_loop.loop import Say
from feedback_loop.report import overview
from feedback_loop.run import Run
from feedback_loop.store import courier as couriers
from feedback_loop.store.journal import Journal
from feedback_loop.store.ranking_store import RankingStore
from feedback_loop.team_report import me, team
from ui.app import build_app
from ui.ports import RoundsPort, TeamPort
from ui.serve import serve as serve_app


def serve(run: Run, *, host: str, port: int, open_browser: bool, say: Say) -> None:
    """Serve a run until interrupted. Answers are sampled, and Argilla is started, while the page is already there."""
    with contextlib.ExitStack() as closing:
        connect = closing.enter_context(argilla(run, say))
        journal = closing.enter_context(contextlib.closing(Journal(run.path / "journal.sqlite")))
        courier = couriers.start(run.path / "journal.sqlite", lambda: published(run, connect()))
        closing.callback(courier.stop)
        priorities = closing.enter_context(refitting.in_background(run))
        app = build_app(
            open_desk(run, journal, priorities),
            RoundsPort(
                overview=lambda: overview(run),
                start=lambda: loop.launch(run),
                rollback=lambda to, who: loop.roll_back(run, to, who),
                delivery=courier.state,
                fetching=lambda: fetching(run),
            ),
            TeamPort(everybody=lambda: team(run), me=lambda name: me(run, name)),
            title=run.path.name,
            login=run.recipe.app.login,
            secret="",
            state_folder=run.path,
        )
        if not run.done(open_round(run), "comparisons") and not runs.locked(run):
            loop.launch(run)
        serve_app(app, host=host, port=port, open_browser=open_browser, ready=lambda url: say(f"Rank here: {url}"))


def published(run: Run, store: RankingStore) -> RankingStore:
    """The store, once it holds what the open round asks: Argilla may have been away when that was made."""
    store.publish(comparisons_of(run)())
    return store


def fetching(run: Run) -> str:
    """What the app says while there is nothing to rank yet; empty where there is."""
    number = open_round(run)
    if run.done(number, "comparisons"):
        return ""
    view = overview(run)
    stage = next((s for r in view.rounds if r.round == number for s in r.stages if s.state == "running"), None)
    if stage is not None and stage.total:
        return f"The model writes its answers: {stage.done} of {stage.total}"
    return view.message or "The model is being loaded."
