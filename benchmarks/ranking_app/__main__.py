"""How quick the ranking app is, for one person and beside a team, and beside Argilla's own page.

    python -m benchmarks.ranking_app --tier quick
    python -m benchmarks.ranking_app --tier full --json ranking-app.json

All of it is real: the app as `feedback-loop serve` runs it, a Chromium, an embedded Argilla of its own. What the figures mean
stands in docs/benchmarks.md. Prints Markdown.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent.parent


def arguments(given: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tier", choices=["quick", "full"], default="quick")
    parser.add_argument("--json", type=Path)
    return parser.parse_args(given)


def main(given: Sequence[str] | None = None) -> None:
    """Measure, in a folder and with an Argilla of its own that are gone afterwards."""
    asked = arguments(given)
    with tempfile.TemporaryDirectory(prefix="ranking-app-") as folder:
        _apart(Path(folder))
        measured = measure(Path(folder), asked.tier)
    from benchmarks.ranking_app import report

    print(report.markdown(measured))
    if asked.json:
        asked.json.write_text(json.dumps(measured, indent=1), encoding="utf-8")


def measure(folder: Path, name: str) -> dict[str, Any]:
    """All parts of a tier."""
    from benchmarks.ranking_app import phases, report
    from benchmarks.ranking_app.browser import chromium
    from benchmarks.ranking_app.figures import spread
    from benchmarks.ranking_app.made_run import make_run
    from benchmarks.ranking_app.server import cores_used, requests, served
    from benchmarks.ranking_app.tiers import TIERS
    from feedback_loop.connect import argilla
    from feedback_loop.versions import git_revision

    tier, load = TIERS[name], os.getloadavg()[0]
    _say("The run is made, Argilla and the app start")
    run = make_run(folder, tier.comparisons)
    with argilla(run, _quiet) as connect, chromium() as browser:
        store = connect()
        with served(run, folder / "times.jsonl") as url:
            _say("One annotator alone")
            alone, votes = phases.painted(browser, url, "alone", tier)
            _say(f"Beside {tier.annotators} others")
            team, more, log = phases.team(browser, url, tier)
            _say("Until Argilla has all votes")
            delivered = phases.arrived(run, store, [*votes, *more])
            _say("Votes a minute")
            speed = phases.fast(browser, url, run, store, tier)
        _say("Plain Argilla")
        plain = phases.plain(run, store, log, tier)
        version = browser.version
    inside = [r for r in requests(folder / "times.jsonl") if log.started <= r.at <= log.ended]
    machine = {
        "revision": git_revision(),
        "tier": name,
        "cores": os.cpu_count(),
        "load_before": load,
        "load_after": os.getloadavg()[0],
        "browser": f"Chromium {version}",
    }
    measured: dict[str, Any] = {
        "machine": machine,
        "alone": alone,
        "team": team,
        "in_app": {what: spread([r.ms for r in inside if r.what == what]) for what in report.NAMES.values()},
        "app_cores_used": cores_used(inside),
        "delivered": delivered,
        "plain": plain,
        "fast": speed,
    }
    measured["ratios"] = report.ratios(measured)
    measured["goals"] = report.goals(measured)
    return measured


def _apart(folder: Path) -> None:
    """Nothing of the user's is touched, and nothing is asked of the network."""
    os.environ.pop("ARGILLA_API_URL", None)
    os.environ.pop("ARGILLA_API_KEY", None)
    os.environ.setdefault("FEEDBACK_LOOP_ARGILLA_ENV", str(ROOT / ".argilla-env"))
    os.environ["FEEDBACK_LOOP_HOME"] = str(folder / "home")
    os.environ |= {"WANDB_MODE": "offline", "HF_HUB_OFFLINE": "1", "GRADIO_ANALYTICS_ENABLED": "False"}
    os.environ.setdefault("OMP_NUM_THREADS", "1")


def _say(line: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {line}", file=sys.stderr, flush=True)


def _quiet(_line: str) -> None:
    pass


if __name__ == "__main__":
    main()
