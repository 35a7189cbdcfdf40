"""What was learned from a discarded person is unlearned: the adapter is, byte for byte, the one of a run that never had them."""

import contextlib
import shutil
from pathlib import Path

import pytest

from feedback_loop.argilla_local import Connection
from feedback_loop.asking.labelling import open_desk
from feedback_loop.records import Answer
from feedback_loop.repair.discards import records
from feedback_loop.repair.trace import trace
from feedback_loop.repair.why import why
from feedback_loop.run import Run, open_run
from feedback_loop.simulation.personas import find
from feedback_loop.simulation.simulate import label
from feedback_loop.store.argilla_store import open_store
from feedback_loop.store.journal import Journal
from feedback_loop.team.team_report import team
from tests.conftest import Cli, init_small

pytestmark = [pytest.mark.e2e, pytest.mark.argilla]
QUICK = ("reward.form=head", "policy.probe=0")


@pytest.fixture
def env(argilla: Connection) -> dict[str, str]:
    return {"ARGILLA_API_URL": argilla.api_url, "ARGILLA_API_KEY": argilla.api_key}


def click_through(run: Run, user: str) -> None:
    """Somebody who always takes what stands first."""
    with contextlib.closing(Journal(run.path / "journal.sqlite")) as journal:
        desk = open_desk(run, journal)
        while (shown := desk.next(user)) is not None:
            desk.vote(user, shown.id, Answer(choice=shown.completions[0].id))


def do(cli: Cli, *args: object, env: dict[str, str]) -> str:
    done = cli(*args, env=env)
    assert done.returncode == 0, done.stderr
    return done.stdout


def learn(cli: Cli, path: Path, env: dict[str, str]) -> dict[str, str]:
    """Make what is missing up to the policy; its files."""
    for command in ("train-reward", "train-policy"):
        do(cli, command, path, env=env)
    return open_run(path).manifest(0, "policy").outputs


def test_a_discarded_persons_labels_leave_no_trace(cli: Cli, tmp_path: Path, argilla: Connection, env: dict[str, str]):
    path = init_small(tmp_path / "run", *QUICK)
    do(cli, "sample", path, env=env)
    run = open_run(path)
    label(run, find("brisk"))
    never = shutil.copytree(path, tmp_path / "never")
    do(cli, "collect", never, env=env)  # before Ben is heard of: both share a dataset in Argilla
    click_through(run, "ben")
    do(cli, "collect", path, env=env)

    as_if, first = learn(cli, never, env), learn(cli, path, env)
    assert first != as_if
    assert why(run, "round-000").chain[0].learned.by_person == {"ben": 10, "persona-brisk": 8}
    rankings = run.manifest(0, "rankings")

    do(cli, "discard", path, "--annotator", "ben", "--reason", "clicked through", env=env)
    assert not run.done(0, "preferences")
    assert learn(cli, path, env) == as_if
    assert run.manifest(0, "reward").outputs == open_run(never).manifest(0, "reward").outputs
    assert run.manifest(0, "rankings") == rankings, "reused"

    (made,) = why(run, "round-000").chain
    assert (made.learned.by_person, made.discards) == ({"persona-brisk": 8}, ("discards/000.json",))
    (told,) = trace(run, records(run)[0].labels[0]).labels
    assert told.why_nothing == "it was discarded: clicked through"
    assert {(r.name, r.set_aside) for r in told.reached} == {("round-000", True)}
    assert [p.name for p in team(run).people] == ["persona-brisk"]
    store = open_store(argilla.api_url, argilla.api_key, run.id, path.name)
    assert "ben" in {r.user_id for r in store.rankings(0)}, "Argilla keeps them"
