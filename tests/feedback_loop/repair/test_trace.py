"""From a label to what it became, and to the adapters that it reached."""

from contextlib import closing
from pathlib import Path

import pytest

from feedback_loop.errors import UsageError
from feedback_loop.repair.repair import Wish, discard
from feedback_loop.repair.trace import Told, trace
from feedback_loop.repair.trace_text import as_text
from feedback_loop.run import Run
from feedback_loop.store.journal import Journal
from tests.conftest import Cli
from tests.feedback_loop.decided_run import answers, ask, decided, duels, learn, new_run, vote
from tests.feedback_loop.team_samples import comparison, said


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Two rounds; of the first, Anna changed her mind about c1 before it was closed."""
    run = new_run(tmp_path / "run")
    ask(run, 0)
    vote(run, 0, [said(comparison(1), "b")])
    with closing(Journal(run.path / "journal.sqlite")) as journal:
        journal.revise(said(comparison(1), "a"), 0)
    decided(run, 0, answers(0, "anna", "ben"), [said(c, "a") for c in duels(0)])
    decided(run, 1, answers(1))
    return run


def only(run: Run, label: str) -> Told:
    (told,) = trace(run, label).labels
    return told


def test_what_was_asked_and_who_said_what_with_what_they_said_before(run: Run):
    found = trace(run, "c1")
    assert found.comparison == comparison(1)
    assert [told.label for told in found.labels] == ["c1@anna", "c1@ben"]
    assert [h.ranking.choice for h in found.labels[0].heard if h.ranking] == ["1-b", "1-a"]
    assert all(h.at for h in found.labels[0].heard)
    assert only(run, "c1@anna").stands == said(comparison(1), "a")


def test_what_it_became_and_which_adapters_it_reached(run: Run):
    told = only(run, "c1@ben")
    assert [(b.kind, b.chosen, b.weight) for b in told.became] == [("ranking", "a to 1!!!!", 1.0)]
    assert told.why_nothing == ""
    reached = {(r.stage, r.name): (r.set_aside, r.in_force) for r in told.reached}
    assert reached == {
        ("reward", "round-000"): (False, False),
        ("reward", "round-001"): (False, False),
        ("policy", "round-000"): (False, False),
        ("policy", "round-001"): (False, True),
    }
    late = {(r.stage, r.name) for r in only(run, "c10@anna").reached}
    assert late == {("reward", "round-001"), ("policy", "round-001")}


def test_a_discarded_label_says_so_and_which_adapters_it_had_reached(run: Run):
    discard(run, Wish(label="c1@ben"), "a slip", "owner")
    learn(run, 0)
    told = only(run, "c1@ben")
    assert told.discarded is not None
    assert (told.discarded.by, told.discarded.reason) == ("owner", "a slip")
    assert told.became == ()
    assert told.why_nothing == "it was discarded: a slip"
    assert {(r.stage, r.name, r.set_aside) for r in told.reached} == {
        (stage, name, True) for stage in ("reward", "policy") for name in ("round-000", "round-001")
    }
    kept = {(r.stage, r.name, r.set_aside) for r in only(run, "c1@anna").reached}
    assert ("policy", "round-000", False) in kept


def test_an_adapter_is_reached_through_its_parent_too(tmp_path: Path):
    run = new_run(tmp_path / "run")
    decided(run, 0, answers(0))
    discarded, _ = discard(run, Wish(label="c0"), "a slip", "owner")
    learn(run, 0)
    decided(run, 1, answers(1))
    told = only(run, "c1@anna")
    assert {r.through for r in told.reached} == {""}
    assert [r.name for r in only(run, "c0@anna").reached if not r.set_aside] == [], discarded


@pytest.mark.parametrize(
    ("label", "said_"),
    [
        ("c20@anna", "no round has learned since"),
        ("c21@anna", "a skip says nothing"),
        ("c22@anna", "taken back"),
    ],
)
def test_why_a_label_became_nothing(run: Run, label: str, said_: str):
    ask(run, 2)
    given = [
        said(comparison(20, round=2), "a"),
        said(comparison(21, round=2), None),
        said(comparison(22, round=2), "a"),
    ]
    vote(run, 2, given)
    with closing(Journal(run.path / "journal.sqlite")) as journal:
        assert journal.undo("anna", 2) == "c22"
    assert said_ in only(run, label).why_nothing


def test_on_the_command_line(run: Run, cli: Cli):
    shown = cli("trace", run.path, "c1@anna")
    assert shown.returncode == 0, shown.stderr
    assert "c1, round 000, asked for its label" in shown.stdout
    assert "became a to 1!!!! > b to 1!!!" in shown.stdout
    assert "reached round-001 (in force): rounds/001/6-policy" in shown.stdout
    assert '"label": "c1@ben"' in cli("trace", run.path, "c1", "--json").stdout
    assert "no comparison c99" in cli("trace", run.path, "c99").stderr
    assert as_text(trace(run, "c5")).startswith("c5, round 000, a duel")
    with pytest.raises(UsageError, match="carl said nothing of c1"):
        trace(run, "c1@carl")
