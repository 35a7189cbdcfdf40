"""Everything a person can say of three answers, from the desk to Argilla, the preferences and the trainings, without loss."""

import contextlib
import json
import random
from pathlib import Path

import pytest

from feedback_loop.argilla_local import Connection
from feedback_loop.asking.labelling import open_desk
from feedback_loop.records import Answer, Comparison, Preference, Ranking
from feedback_loop.report.report import labels
from feedback_loop.run import Run, open_run, read_jsonl
from feedback_loop.simulation.personas import find, respond
from feedback_loop.store.argilla_store import open_store
from feedback_loop.store.desk import Desk
from feedback_loop.store.journal import Journal, said
from tests.conftest import Cli, init_small

pytestmark = [pytest.mark.e2e, pytest.mark.argilla]
SETTINGS = ("asking.answers=3", "asking.repeats=0.2", "asking.checks=0.1", "preferences.heldout=0.2")
MINE = "As I would\n\nwrite it: *plainly*."


@pytest.fixture
def env(argilla: Connection) -> dict[str, str]:
    return {"ARGILLA_API_URL": argilla.api_url, "ARGILLA_API_KEY": argilla.api_key}


def say(shown: Comparison, number: int, answer: Answer) -> Answer:
    """What the persona says, and to some comparisons more than that."""
    best = answer.choice if answer.choice not in ("tie", "neither") else None
    if number == 1:
        return Answer(status="discarded", reason="unclear", comment="What does this ask?", seconds=2.0)
    if number == 2:
        return Answer(choice="neither", edit=MINE, comment="all miss", flagged=True, seconds=9.5)
    if number == 3:
        changed = {"edit": MINE + " Again.", "edit_of": best or shown.completions[0].id, "seconds": 20.25}
        return Answer.model_validate(answer.model_dump() | changed)
    return Answer.model_validate(answer.model_dump() | {"seconds": 1.5})


def answer_all(desk: Desk, user: str) -> list[Comparison]:
    """Let a persona answer all there is, and more; in the order in which it was shown."""
    persona, shown = find("brisk"), list[Comparison]()
    while (comparison := desk.next(user)) is not None:
        answer = respond(persona, comparison, random.Random(comparison.id), len(shown))
        desk.vote(user, comparison.id, say(comparison, len(shown), answer))
        shown.append(comparison)
    return shown


def changed_one(desk: Desk, shown: Comparison) -> Ranking:
    """The order of a comparison that is answered, turned round as a revision."""
    a, b, c = (c.id for c in shown.completions)
    return desk.vote(
        "anna", shown.id, Answer(choice="tie", order=((c, a), (b,)), comment="on second thoughts"), revise=True
    )


def all_pairs(run: Run) -> list[Preference]:
    folder = run.stage_folder(0, "preferences")
    return read_jsonl(folder / "train.jsonl", Preference) + read_jsonl(folder / "heldout.jsonl", Preference)


def test_all_that_a_person_says_arrives(cli: Cli, tmp_path: Path, argilla: Connection, env: dict[str, str]):
    path = init_small(tmp_path / "run", *SETTINGS)
    assert cli("advance", path, env=env).returncode == 0
    run = open_run(path)
    with contextlib.closing(Journal(path / "journal.sqlite")) as journal:
        desk = open_desk(run, journal)
        shown = answer_all(desk, "anna")
        progress = desk.progress("anna")
        revised = changed_one(desk, shown[5])
        given = journal.rankings(0)
    purposes = [c.purpose for c in shown]
    assert (purposes.count("label"), purposes.count("check")) == (10, 1)
    assert purposes.count("repeat") in (1, 2), "what was skipped is not asked again"
    assert (progress.answered, progress.mine, progress.left) == (9, len(shown) - 1, 0)
    took = {r.comparison_id: r.seconds for r in given if r.comparison_id != revised.comparison_id}
    assert took == {c.id: {1: 2.0, 2: 9.5, 3: 20.25}.get(n, 1.5) for n, c in enumerate(shown) if n != 5}

    for command in ("collect", "train-reward"):
        done = cli(command, path, env=env)
        assert done.returncode == 0, done.stderr
    kept = read_jsonl(run.stage_folder(0, "rankings") / "rankings.jsonl", Ranking)
    assert sorted(kept, key=lambda r: r.comparison_id) == sorted(given, key=lambda r: r.comparison_id)
    assert revised in kept
    facts = run.manifest(0, "rankings").facts
    assert (facts["rankings"], facts["checks"], facts["skips"], facts["flagged"]) == (9, 1, 1, 1)
    assert len(labels(run, 0)) == 9

    store = open_store(argilla.api_url, argilla.api_key, run.id, path.name, answers=3)
    held = {r.comparison_id: said(r) for r in store.rankings(0)}
    assert held == {r.comparison_id: said(r) for r in kept}
    arrives_in_the_preferences(run, shown)
    leaves_with_the_export(cli, path, tmp_path / "out", shown)


def arrives_in_the_preferences(run: Run, shown: list[Comparison]) -> None:
    pairs, by_id = all_pairs(run), {c.id: c for c in shown}
    of = {c.id: [p for p in pairs if p.comparison_id == c.id] for c in shown}
    check = next(c for c in shown if c.purpose == "check")
    assert of[check.id] == [] == of[shown[1].id], "a check and a skip train nothing"
    own, edited, revised = of[shown[2].id], of[shown[3].id], of[shown[5].id]
    assert {(p.chosen[0].content, p.chosen_id, p.edit_of, p.comment, p.flagged) for p in own} == {
        (MINE, None, None, "all miss", True)
    }
    assert {p.rejected_id for p in own} == {c.id for c in shown[2].completions}
    assert {p.edit_of in {c.id for c in shown[3].completions} for p in edited if p.source == "edit"} == {True}
    assert len([p for p in edited if p.source == "edit"]) == 3
    assert [p.share for p in revised] == pytest.approx([2 / 3] * 3)
    assert [p.tie for p in revised].count(True) == 1
    assert {p.comment for p in revised} == {"on second thoughts"}
    repeated = [p for p in pairs if p.repeat]
    assert repeated
    assert all(by_id[p.comparison_id].purpose == "repeat" for p in repeated)


def leaves_with_the_export(cli: Cli, path: Path, out: Path, shown: list[Comparison]) -> None:
    assert cli("export", path, out).returncode == 0
    rows = [json.loads(line) for line in (out / "preferences.jsonl").read_text(encoding="utf-8").splitlines()]
    assert {"prompt", "chosen", "rejected", "comparison_id", "chosen_id", "rejected_id", "comment"} <= set(rows[0])
    assert [row["edit_of"] for row in rows if row["chosen"][0]["content"] == MINE] == [None] * 3
    compared = {c.id: c for c in read_jsonl(out / "comparisons.jsonl", Comparison)}
    assert {row["comparison_id"] for row in rows} < set(compared)
    assert set(compared) >= {c.id for c in shown}
    for row in rows:
        texts = {c.id: c.completion for c in compared[row["comparison_id"]].completions}
        assert texts[row["rejected_id"]] == row["rejected"][0]["content"]
        assert row["chosen_id"] is None or texts[row["chosen_id"]] == row["chosen"][0]["content"]
