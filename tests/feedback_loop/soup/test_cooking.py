"""The bench on the tiny Qwen: real labels, trainings, answers and reward model, once; and again from what is kept."""

import random
from contextlib import closing
from pathlib import Path

import pytest

from feedback_loop import begin
from feedback_loop.asking.asked import asked
from feedback_loop.durable import write_text
from feedback_loop.errors import UsageError
from feedback_loop.locks import locked
from feedback_loop.progress import silent
from feedback_loop.records import Ranking
from feedback_loop.run import Run, commit, open_run, write_json, write_jsonl
from feedback_loop.simulation.personas import find, respond
from feedback_loop.soup import cells
from feedback_loop.soup.bench import ask
from feedback_loop.soup.cells import Cell, Said, Soup
from feedback_loop.soup.cooking import cook, stock
from feedback_loop.stages import WORK
from feedback_loop.stages.more import sample_round
from feedback_loop.store.journal import Journal
from tests.conftest import SMALL

SETTINGS = (
    *SMALL, "model.device=cpu", "policy.probe=0", "brief.file=concierge", "brief.prompts=0", "soup.prompts=4",
    "soup.trainings=['dpo', 'sft']", "soup.shots=[0, 2]", "soup.levels=[0.0]",
)  # fmt: skip


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run whose first round has labels and a reward model; nobody edited an answer."""
    made = begin.begin(tmp_path_factory.mktemp("soup") / "run", "demo", None, SETTINGS)
    with commit(made, 0, "prompts") as draft:
        WORK["prompts"].work(made, 0, draft, silent)
    sample_round(made, 0, silent)
    person, given = find("concierge"), []
    for comparison in asked(made, 0):
        said = respond(person, comparison, random.Random(0)).model_dump()
        given.append(Ranking(comparison_id=comparison.id, user_id="anna", created_at="2026-11-28", **said))
    with closing(Journal(made.path / "journal.sqlite")) as journal:
        for ranking in given:
            journal.record(ranking, 0)
    with commit(made, 0, "rankings") as draft:
        write_jsonl(draft.path / "rankings.jsonl", given)
    for name in ("preferences", "reward"):
        with commit(made, 0, name) as draft:
            WORK[name].work(made, 0, draft, silent)
    return made


@pytest.fixture(scope="module")
def soup(run: Run) -> Soup:
    return cook(run, "", silent)


def test_every_cell_answers_the_same_requests_and_is_judged_by_the_reward_model_with_its_doubt(run: Run, soup: Soup):
    assert soup.against == "base with the whole brief"
    assert {(t.judge, t.requests) for t in soup.cells} == {("reward model", 4)}
    assert [t.cell for t in soup.cells] == [
        Cell(training="none", level=1.0, shots=0), Cell(training="none", level=0.0, shots=0),
        Cell(training="none", level=0.0, shots=2), Cell(training="dpo", level=0.0, shots=0),
        Cell(training="dpo", level=0.0, shots=2),
    ]  # fmt: skip
    for sample in cells.samples(run):
        assert len(sample.answers) == len(soup.cells)
        assert all(sample.answers)


def test_what_is_pasted_is_counted_in_tokens_and_what_people_gave_in_minutes(soup: Soup):
    whole, base, shown, dpo, both = soup.cells
    assert (base.tokens, dpo.tokens) == (0, 0)
    assert whole.tokens > 20
    assert shown.tokens == both.tokens > 0
    assert base.human_minutes == whole.human_minutes == 0 < dpo.human_minutes
    assert both.human_minutes == dpo.human_minutes, "its examples come from labels that it learned from"
    assert dpo.training_minutes > 0 == base.training_minutes


def test_requirements_with_a_check_are_counted_in_every_cell(soup: Soup):
    assert all([m.number for m in tried.requirements] == [1, 2, 3, 4, 5] for tried in soup.cells)


def test_what_cannot_be_trained_is_left_out_with_the_reason(soup: Soup):
    (line,) = soup.left_out
    assert line == "sft: No ranking has an edited answer, so SFT has nothing to learn from."


def test_asking_again_makes_nothing_anew_and_says_the_same(run: Run, soup: Soup):
    before = {file: file.stat().st_mtime_ns for file in kept(run)}
    assert cook(run, "", silent) == soup == cells.read(run)
    assert {file: file.stat().st_mtime_ns for file in kept(run)} == before


def test_a_named_persona_judges_by_true_utility(run: Run, soup: Soup):
    found = cook(run, "concierge", silent)
    assert {t.judge for t in found.cells} == {"utility"}
    assert [t.cell for t in found.cells] == [t.cell for t in soup.cells]


def test_a_changed_brief_is_pasted_and_asked_anew_but_trains_nothing_that_did_not_read_it(run: Run, soup: Soup):
    trained = sorted(cells.folder(run).glob("trained-*"))
    write_text(run.path / "brief.md", "- Write one sentence.\n")
    found = cook(open_run(run.path), "", silent)
    assert found.cells[0].tokens < soup.cells[0].tokens
    assert sorted(cells.folder(run).glob("trained-*")) == trained


def test_before_there_are_labels_it_says_what_to_type(tmp_path: Path):
    made = begin.begin(tmp_path / "run", "demo", None, SETTINGS)
    with pytest.raises(UsageError, match=r"no labels are learned from yet.*feedback-loop advance"):
        stock(made)
    assert cells.read(made) is None
    assert cells.samples(made) == []


def test_what_stops_the_bench_is_one_line_for_whoever_asked_and_the_run_is_free_again(run: Run):
    with pytest.raises(UsageError, match="nobody: cannot read the persona"):
        ask(run, "nobody", lambda _: None)
    assert not locked(run)


def test_what_an_older_version_said_of_labels_without_counting_what_it_tested_is_not_said_again(run: Run, soup: Soup):
    old = Said(key="enough", values={"before": 0.8, "few": 32, "after": 0.7, "pairs": 64})
    file = cells.folder(run) / "table.json"
    kept = file.read_bytes()
    write_json(file, soup.model_copy(update={"said": (*soup.said, old)}).model_dump())
    assert cells.read(run) == soup
    file.write_bytes(kept)


@pytest.mark.nightly
def test_asked_from_outside_it_works_in_a_process_of_its_own(run: Run):
    found = ask(run, "concierge", lambda _: None)
    assert found == cells.read(run)
    assert {t.judge for t in found.cells} == {"utility"}


def kept(run: Run) -> list[Path]:
    """What is dear."""
    return sorted(
        p for p in cells.folder(run).rglob("*") if p.is_file() and p.name not in ("table.json", "samples.jsonl")
    )
