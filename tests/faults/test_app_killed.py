"""The web app is killed between a vote's arrival and its answer: the vote is durable or not there, and counts once."""

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from feedback_loop.run import Run, commit, open_run, write_jsonl
from feedback_loop.store.journal import Journal
from tests.feedback_loop.store.samples import comparison
from tests.feedback_loop.test_run import make

pytestmark = [pytest.mark.e2e]
DYING = """
import os, signal, sys
from feedback_loop import cli
from feedback_loop.store import desk
vote, moment = desk.Desk.vote, sys.argv.pop(1)
def dies(self, user, name, answer, revise=False):
    if moment == "before" and name == "c1":
        os.kill(os.getpid(), signal.SIGKILL)
    said = vote(self, user, name, answer, revise)
    if moment == "after" and name == "c1":
        os.kill(os.getpid(), signal.SIGKILL)
    return said
desk.Desk.vote = dies
cli.main()
"""


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """A run whose comparisons are there: nothing is sampled, so no model is loaded."""
    made = make(tmp_path / "run")
    file = made.path / "recipe.toml"
    file.write_text(file.read_text().replace("ahead = 8", "ahead = 0"))
    asked = [comparison(n) for n in range(3)]
    with commit(made, 0, "prompts") as draft:
        write_jsonl(draft.path / "prompts.jsonl", [c.prompt for c in asked])
        draft.facts["prompts"] = 3
    with commit(made, 0, "comparisons") as draft:
        write_jsonl(draft.path / "comparisons.jsonl", asked)
        draft.facts |= {"prompts": 3, "comparisons": 3, "answers": 2}
    return open_run(made.path)


@contextlib.contextmanager
def served(run: Run, moment: str) -> Iterator[httpx.Client]:
    """The run's app, which dies at that moment of the vote on c1, and somebody who is logged in."""
    env = {**os.environ, "ARGILLA_API_URL": "http://127.0.0.1:9", "ARGILLA_API_KEY": "any"}
    command = [sys.executable, "-c", DYING, moment, "serve", str(run.path), "--no-browser", "--port", "0"]
    process = subprocess.Popen(command, env=env, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stderr is not None
        url = next(line for line in process.stderr if line.startswith("Rank here: ")).split()[-1]
        with httpx.Client(base_url=url, headers={"X-Feedback-Loop": "1"}, timeout=30) as http:
            http.post("/login", data={"name": "anna"})
            yield http
    finally:
        process.terminate()
        process.communicate(timeout=30)


def vote(http: httpx.Client, name: str) -> int:
    return http.post("/api/vote", json={"comparison_id": name, "choice": "first"}).status_code


@pytest.mark.parametrize(("moment", "durable", "again"), [("before", 1, 200), ("after", 2, 409)])
def test_a_vote_cut_off_is_there_or_not_and_sent_again_it_counts_once(run: Run, moment: str, durable: int, again: int):
    with served(run, moment) as http:
        assert vote(http, "c0") == 200
        with pytest.raises(httpx.TransportError):
            vote(http, "c1")
    journal = Journal(run.path / "journal.sqlite")
    assert len(journal.rankings(0)) == durable
    with served(run, "never") as http:
        assert vote(http, "c1") == again, "409: the page takes it for stored"
        assert vote(http, "c2") == 200
    assert sorted(r.comparison_id for r in journal.rankings(0)) == ["c0", "c1", "c2"]
    assert [len(events) for events in journal.events(0).values()] == [1, 1, 1]
    journal.close()
