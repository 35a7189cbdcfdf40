"""The web app on a run: the desk, the courier that carries votes to Argilla, and the rounds behind the Rounds page."""

import contextlib
from collections.abc import Callable

from feedback_loop import locks, loop
from feedback_loop.asking import ahead, asked, refitting
from feedback_loop.asking.labelling import comparisons_of, open_desk
from feedback_loop.brief import brief_curve
from feedback_loop.connect import Connect, argilla
from feedback_loop.gate import gatekeeper
from feedback_loop.intent import intent
from feedback_loop.loop import Say
from feedback_loop.repair.repair import roll_back
from feedback_loop.report.report import overview, samples
from feedback_loop.run import Run
from feedback_loop.soup import cells
from feedback_loop.store import courier as couriers
from feedback_loop.store.journal import Journal
from feedback_loop.talk import corrections
from feedback_loop.talk.talks import Talks, choices
from feedback_loop.taught.taught import taught
from feedback_loop.team.flags import flags
from feedback_loop.team.team_report import me, team
from ui.accounts import Accounts
from ui.app import build_app
from ui.login import check_reach
from ui.ports import ChatPort, IntentPort, RoundsPort, SoupPort, TeamPort
from ui.serve import serve as serve_app
from ui.site import open_site
from ui.users_routes import link


def serve(run: Run, *, host: str, port: int, url: str, open_browser: bool, say: Say) -> None:
    """Serve a run until interrupted. Answers are sampled, and Argilla is started, while the page is already there.

    `url` is what people type where a proxy stands in front; else empty.
    """
    site, login = open_site(host, url), run.recipe.app.login
    check_reach(login, host, url, run.path / "recipe.toml")
    with contextlib.ExitStack() as closing:
        closing.enter_context(ahead.kept(run))  # first: the first answers take longest
        connect = closing.enter_context(argilla(run, say))
        journal = closing.enter_context(contextlib.closing(Journal(run.path / "journal.sqlite")))
        closing.enter_context(gatekeeper.watching(run))
        courier = couriers.start(run.path / "journal.sqlite", connect, comparisons_of(run))
        closing.callback(courier.stop)
        priorities = closing.enter_context(refitting.in_background(run))
        talks = closing.enter_context(contextlib.closing(Talks(run, sharing=True)))
        more = asked.remembered(run, ahead.can_go_on)
        desk = open_desk(run, journal, priorities)
        app = build_app(
            desk,
            _rounds(run, connect, courier, more),
            TeamPort(everybody=lambda: team(run), me=lambda name: me(run, name), flags=lambda: flags(run)),
            ChatPort(
                choices=lambda: choices(run),
                reply=talks.reply,
                keep=lambda who, said: corrections.keep(run, desk.vote, who, said),
            ),
            _soup(run),
            _intent(run),
            title=run.path.name,
            login=login,
            secret="",
            state_folder=run.path,
            site=site,
        )

        def ready(here: str) -> None:
            say(f"Rank here: {url or here}")
            if login == "accounts" and (owners := first_invite(run, url or here)):
                say(f"Nobody owns this run yet. This link, good once and for a day, makes you its owner: {owners}")

        serve_app(app, host=host, port=port, open_browser=open_browser, ready=ready, behind_proxy=bool(url))


def _rounds(run: Run, connect: Connect, courier: couriers.Courier, more: Callable[[], bool]) -> RoundsPort:
    return RoundsPort(
        overview=lambda: overview(run),
        samples=lambda number: samples(run, number),
        taught=lambda number: taught(run, number),
        start=lambda: loop.launch(run),
        rollback=lambda to, who, why: roll_back(run, to, who, why),
        decide=lambda promote, who, why: loop.decide(run, promote=promote, who=who, why=why, connect=connect),
        delivery=courier.state,
        supply=lambda: ahead.supply(run, more),
    )


def _soup(run: Run) -> SoupPort:
    return SoupPort(
        command=f"feedback-loop soup {run.path}",
        table=lambda: cells.read(run),
        samples=lambda: cells.samples(run),
        cooking=lambda: locks.cooking_since(run),
        curve=lambda: brief_curve.rows(run) if brief_curve.measured(run) else [],
    )


def _intent(run: Run) -> IntentPort:
    return IntentPort(
        profile=lambda: intent.profile(run),
        accept=lambda key, line, who: intent.accept(run, intent.of(run, key), line, who),
        dismiss=lambda key, who: intent.dismiss(run, intent.of(run, key), who),
    )


def first_invite(run: Run, url: str) -> str:
    """An owner's invite link, where nobody could make one; else empty."""
    with contextlib.closing(Accounts(run.path)) as accounts:
        return "" if accounts.has_owner() else link(url, accounts.invite("owner", 1))
