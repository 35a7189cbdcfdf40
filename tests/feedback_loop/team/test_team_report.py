"""The team of a run: every round's answers, the open one's from the journal, for the terminal and as JSON."""

import json
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from feedback_loop.recipe import load
from feedback_loop.records import Comparison, Message, Prompt, Ranking
from feedback_loop.run import Run, commit, create, write_json, write_jsonl
from feedback_loop.store.journal import Journal
from feedback_loop.team.team_report import as_text, me, over_rounds, team
from tests.conftest import Cli
from tests.feedback_loop.team_samples import comparison, repeat, said

PROMPTS = [Prompt(id=f"p{n}", prompt=(Message(role="user", content=f"Question {n}?"),)) for n in range(2)]


def decided(run: Run, number: int, asked: list[Comparison], given: list[Ranking]) -> None:
    with commit(run, number, "comparisons") as draft:
        write_jsonl(draft.path / "comparisons.jsonl", asked)
        draft.facts["comparisons"] = len(asked)
    with commit(run, number, "rankings") as draft:
        write_jsonl(draft.path / "rankings.jsonl", given)
    with commit(run, number, "promotion") as draft:
        write_json(draft.path / "decision.json", DECISION | {"round": number})


DECISION = {
    "promoted": False, "policy": "base", "candidate": "round-000", "parent": "base", "reasons": [], "decided_by": "rule",
    "decided_at": "2026-11-25T10:00:00.000+00:00",
}  # fmt: skip


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """A decided round of two people, one of whom follows the side, and an open one in the journal."""
    run = create(tmp_path / "run", load(None, []), PROMPTS[:1], PROMPTS[1:])
    first, again = [comparison(n) for n in range(8)], [repeat(n) for n in range(8)]
    given = [said(c, "a", seconds=5.0) for c in [*first, *again]]
    given += [said(c, c.completions[0].id[-1], "ben") for c in [*first, *again]]
    decided(run, 0, [*first, *again], given)
    with commit(run, 1, "comparisons") as draft:
        write_jsonl(draft.path / "comparisons.jsonl", [comparison(n, round=1) for n in range(20, 24)])
        draft.facts["comparisons"] = 4
    with closing(Journal(run.path / "journal.sqlite")) as journal:
        journal.record(said(comparison(20), "b", "cara"), 1)
    return run


def test_all_rounds_count_the_open_one_too(run: Run):
    now, then = team(run), team(run, through=0)
    assert [p.name for p in now.people] == ["anna", "ben", "cara"]
    assert [p.name for p in then.people] == ["anna", "ben"]
    assert over_rounds(run) == [(0, then)]
    assert now.people[2].by_round == {1: 1}
    assert (now.comparisons, now.answered, now.shared) == (12, 9, 8)


def test_who_follows_the_side_is_found_and_weighs_less(run: Run):
    anna, ben, _ = team(run).people
    assert anna.self_agreement is not None
    assert ben.self_agreement is not None
    assert (anna.self_agreement.share, ben.self_agreement.share) == (1.0, 0.0)
    assert ben.evidence.weight < 0.6 < anna.evidence.weight == 1.0


def test_a_person_hears_of_all_their_rounds(run: Run):
    found = me(run, "anna")
    assert (found.answers, found.seconds) == (16, 5.0)
    assert found.same is None, "of fewer than twenty answers nothing is told"


def test_the_terminal_says_it_in_words(run: Run):
    text = as_text(team(run))
    assert "ben: 16 answers" in text
    assert "the same again in 0% (0% to" in text
    assert "anna and ben agree in 100%" in text
    assert "weight 1.00" in text


def test_a_recipe_that_ignores_it_says_so(run: Run):
    ignoring = Run(run.path, run.record, load(None, ["preferences.consistency=ignore"]))
    assert 'not used (preferences.consistency = "ignore")' in as_text(team(ignoring))


def test_the_command_prints_both(run: Run, cli: Cli):
    said_ = cli("team", run.path)
    assert said_.returncode == 0, said_.stderr
    assert "3 people, 33 answers" in said_.stdout
    assert json.loads(cli("team", run.path, "--json").stdout)["people"][1]["name"] == "ben"
    missing = cli("team", run.path / "nothing")
    assert missing.returncode != 0
    assert len(missing.stderr.strip().splitlines()) == 1


def test_a_new_run_has_nobody_yet(tmp_path: Path):
    run = create(tmp_path / "new", load(None, []), PROMPTS[:1], PROMPTS[1:])
    assert as_text(team(run)) == "Nobody has answered anything yet."


def test_the_command_needs_no_heavy_library(run: Run):
    code = (
        "import sys\nfrom feedback_loop.cli import app\napp(['team', sys.argv[1]], standalone_mode=False)\n"
        "print('heavy:', sorted(set(sys.modules) & {'torch', 'transformers', 'gradio', 'wandb', 'argilla'}))"
    )
    done = subprocess.run([sys.executable, "-c", code, str(run.path)], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "heavy: []"
