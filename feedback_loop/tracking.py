"""Weights & Biases: a run per round and training stage, and a summary run over rounds. It never stops a training.

Offline unless a key is given and the server answers within two seconds. Everything lies in the run folder; the Rounds
page draws the same numbers from the run's own files.
"""

import logging
import os
import shutil
import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel

from feedback_loop.durable import write_text
from feedback_loop.report.alarms import BETWEEN
from feedback_loop.report.overview import Overview, RoundView
from feedback_loop.report.report import link_file
from feedback_loop.run import Run
from feedback_loop.soup import cells
from feedback_loop.soup.soup_tracking import log_soup
from feedback_loop.taught.taught import taught
from feedback_loop.taught.taught_tracking import log_taught
from feedback_loop.team.team import Team
from feedback_loop.team.team_tracking import log_team

Mode = Literal["online", "offline", "disabled"]
FINISH_SECONDS = 30
"""How long a training waits at its end for what W&B's server has not taken yet; it stays in the run folder."""
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Tracked:
    """A W&B run of a training stage, or none where W&B failed."""

    wandb_run: Any | None
    stage: str

    def log(self, row: Mapping[str, float], samples: Sequence[BaseModel] = ()) -> None:
        """A step's figures as `STAGE/...` over `STAGE/step`, and the samples so far as a table."""
        if self.wandb_run is None:
            return
        with _harmless("a step"):
            import wandb

            logged: dict[str, Any] = {f"{self.stage}/{name}": value for name, value in row.items()}
            if samples:
                columns = list(samples[0].model_dump())
                rows = [[getattr(sample, name) for name in columns] for sample in samples]
                logged[f"{self.stage}/samples"] = wandb.Table(columns=columns, data=rows)
            self.wandb_run.log(logged)

    def finish(self, facts: Mapping[str, Any], adapter: Path | None = None) -> None:
        """Record the stage's final figures, and the adapter as an artifact."""
        if self.wandb_run is None:
            return
        with _harmless("the final figures"):
            self.wandb_run.summary.update(_numbers(facts))
            if adapter is not None:
                self._log_adapter(adapter)

    def _log_adapter(self, adapter: Path) -> None:
        import wandb

        assert self.wandb_run is not None
        artifact = wandb.Artifact(f"adapter-{self.wandb_run.id}", type="adapter")
        artifact.add_dir(str(adapter))
        self.wandb_run.log_artifact(artifact)


@contextmanager
def stage_run(run: Run, number: int, stage: str) -> Iterator[Tracked]:
    """An active W&B run for one training, to which TRL's trainer reports by itself."""
    wandb_run = None
    with _harmless(f"the {stage} run"):
        wandb_run = _start(run, f"{run.id}-{number:03d}-{stage}", f"round {number} {stage}", stage)
        if wandb_run is not None:
            wandb_run.define_metric(f"{stage}/*", step_metric=f"{stage}/step")
    status = 1
    try:
        yield Tracked(wandb_run, stage)
        status = 0
    finally:
        if wandb_run is not None:
            with _harmless("the end of the run"):
                wandb_run.finish(exit_code=status)


def summarise(run: Run, view: Overview, teams: Sequence[tuple[int, Team]] = ()) -> None:
    """Write the summary run anew from the run's files: figures over rounds, each round's completions side by side.

    `teams` is who had labelled by the end of each of some rounds.
    """
    with _harmless("the summary run"):
        wandb_run = _start(run, f"{run.id}-loop", "loop", "loop")
        if wandb_run is None:
            return
        for name in ("loop/*", "guard/*"):
            wandb_run.define_metric(name, step_metric="loop/round")
        judged = [seen for seen in view.rounds if seen.metrics]
        for seen in judged:
            _log_round(wandb_run, seen)
            if run.done(seen.round, "preferences"):
                with _harmless("what labels taught"):
                    log_taught(wandb_run, taught(run, seen.round))
        with _harmless("the team"):
            log_team(wandb_run, teams)
        with _harmless("the soup"):
            log_soup(wandb_run, cells.read(run))
        for seen in judged[-1:]:
            _alert(wandb_run, seen.round, seen.alarms)
        for seen in judged[-2:-1]:  # told when it was the last, but for what the last one's labels say of it
            _alert(wandb_run, seen.round, [alarm for alarm in seen.alarms if alarm.startswith(BETWEEN)])
        url = str(getattr(wandb_run, "url", None) or "")
        wandb_run.finish()
        if url.startswith(("https://", "http://")):
            write_text(link_file(run), url + "\n")


def _log_round(wandb_run: Any, seen: RoundView) -> None:
    """A round's figures, its completions, the bins of its reliability curve, and the table of its checks."""
    import wandb

    figures = {f"loop/{name}": value for name, value in seen.metrics.items()}
    figures |= {f"guard/{check.name}": check.candidate for check in seen.checks if check.candidate is not None}
    wandb_run.log({"loop/round": seen.round, **figures})
    tables = {"completions": seen.samples, "reliability": seen.trust.reliability, "checks": seen.checks}
    for name, rows in tables.items():
        if rows:
            columns = list(type(rows[0]).model_fields)
            table = wandb.Table(columns=columns, data=[[getattr(row, column) for column in columns] for row in rows])
            wandb_run.log({"loop/round": seen.round, f"{name}/round-{seen.round:03d}": table})


def _alert(wandb_run: Any, number: int, alarms: Sequence[str]) -> None:
    """A message of W&B's own for each of these alarms of a round."""
    for alarm in alarms:
        with _harmless("an alert"):
            wandb_run.alert(title=f"Round {number}: {alarm.split(':')[0]}", text=alarm)


def mode(environment: Mapping[str, str] = os.environ) -> Mode:
    """WANDB_MODE where it is set; else online where a key is known and the server answers, else offline."""
    asked = environment.get("WANDB_MODE", "")
    if asked in ("online", "offline", "disabled"):
        return asked  # type: ignore[return-value]
    if not _has_key(environment):
        return "offline"
    url = urlsplit(environment.get("WANDB_BASE_URL", "https://api.wandb.ai"))
    try:
        port = url.port or (443 if url.scheme == "https" else 80)
        socket.create_connection((url.hostname or "", port), timeout=2).close()
    except OSError:
        return "offline"
    return "online"


def _has_key(environment: Mapping[str, str]) -> bool:
    if environment.get("WANDB_API_KEY"):
        return True
    import netrc

    host = urlsplit(environment.get("WANDB_BASE_URL", "https://api.wandb.ai")).hostname or ""
    try:
        return netrc.netrc().authenticators(host) is not None
    except (OSError, netrc.NetrcParseError):
        return False


def _start(run: Run, identity: str, name: str, job: str) -> Any | None:
    chosen = mode()
    if chosen == "disabled":
        return None
    _keep_inside(run)
    import wandb

    # Offline, a second run of one id lies beside the first instead of replacing it.
    for stale in (run.path / "wandb").glob(f"offline-run-*-{identity}"):
        shutil.rmtree(stale)
    return wandb.init(
        project=run.recipe.tracking.project,
        id=identity,
        name=name,
        group=f"{run.path.name}-{run.id}",
        job_type=job,
        dir=str(run.path),
        mode=chosen,
        config=run.recipe.model_dump(),
        settings=wandb.Settings(
            init_timeout=8,
            login_timeout=5,
            finish_timeout=FINISH_SECONDS,
            silent=True,
            console="off",
            x_disable_meta=False,
        ),
    )


def _keep_inside(run: Run) -> None:
    """W&B's files belong to the run folder, its artifacts too."""
    for variable, folder in (
        ("WANDB_DATA_DIR", "data"),
        ("WANDB_CACHE_DIR", "cache"),
        ("WANDB_ARTIFACT_DIR", "artifacts"),
    ):
        os.environ.setdefault(variable, str(run.path / "wandb" / folder))
    (run.path / "wandb").mkdir(exist_ok=True)


@contextmanager
def _harmless(what: str) -> Iterator[None]:
    """W&B is a mirror: whatever goes wrong there is logged and forgotten."""
    try:
        yield
    except Exception as error:
        log.warning("W&B: %s not recorded (%s: %s)", what, type(error).__name__, str(error).split("\n")[0])


def _numbers(facts: Mapping[str, Any]) -> dict[str, float]:
    return {k: v for k, v in facts.items() if isinstance(v, int | float) and not isinstance(v, bool)}
