"""What was learned from a discarded person is unlearned: the adapter is, byte for byte, the one of a run that never had them."""

import contextlib
import json
import shutil
from pathlib import Path

import pytest

from feedback_loop.argilla_local import Connection
from feedback_loop.labelling import open_desk
from feedback_loop.personas import find
from feedback_loop.records import Answer
from feedback_loop.run import Run, open_run
from feedback_loop.simulate import label
from feedback_loop.store.argilla_store import open_store
from feedback_loop.store.journal import Journal
from tests.conftest import Cli, init_small

pytestmark = [pytest.mark.e2e, pytest.mark.argilla]
QUICK = ("reward.form=head", "rankings.needed=8", "evaluation.prompts=4", "policy.probe=0")
MADE = ("preferences", "reward", "policy", "evaluation")


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


def test_a_discarded_persons_labels_leave_no_trace(cli: Cli, tmp_path: Path, argilla: Connection, env: dict[str, str]):
    path = init_small(cli, tmp_path / "run", *QUICK)
    do(cli, "advance", path, env=env)
    label(open_run(path), find("brisk"))
    never = open_run(shutil.copytree(path, tmp_path / "never"))
    do(cli, "advance", never.path, "--once", env=env)  # before Ben is heard of: both share a dataset in Argilla

    run = open_run(path)
    click_through(run, "ben")
    do(cli, "advance", path, "--once", env=env)
    learned = run.manifest(0, "policy").outputs
    assert learned != never.manifest(0, "policy").outputs
    rankings = run.manifest(0, "rankings")
    before = json.loads(do(cli, "why", path, "round-000", "--json", env=env))["chain"][0]
    assert before["learned"]["by_person"]["ben"] == 10

    do(cli, "discard", path, "--annotator", "ben", "--reason", "clicked through", env=env)
    assert not run.done(0, "preferences")
    do(cli, "advance", path, "--once", env=env)
    for stage in MADE:
        assert run.manifest(0, stage).outputs == never.manifest(0, stage).outputs, stage
    assert run.manifest(0, "rankings") == rankings, "reused"

    after = json.loads(do(cli, "why", path, "round-000", "--json", env=env))["chain"][0]
    assert (after["learned"]["by_person"], after["discards"]) == ({"persona-brisk": 8}, ["discards/000.json"])
    comparison = next(name for name in json.loads((path / "discards" / "000.json").read_text())["labels"])
    (told,) = json.loads(do(cli, "trace", path, comparison, "--json", env=env))["labels"]
    assert told["discarded"]["reason"] == "clicked through"
    assert {(r["name"], r["set_aside"]) for r in told["reached"]} == {("round-000", True)}
    store = open_store(argilla.api_url, argilla.api_key, run.id, path.name)
    assert "ben" in {r.user_id for r in store.rankings(0)}, "Argilla keeps them"
    assert "ben" not in do(cli, "team", path, env=env)
