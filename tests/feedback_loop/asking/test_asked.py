"""A round asks its stage's comparisons and its batches'; once its rankings are taken, those that they cover and no others."""

import contextlib
import os
from pathlib import Path

import pytest

from feedback_loop import recipe
from feedback_loop.asking import asked
from feedback_loop.asking.labelling import comparisons_of, open_desk
from feedback_loop.asking.upcoming import uses
from feedback_loop.export.export import export
from feedback_loop.loop import collect
from feedback_loop.progress import silent
from feedback_loop.records import Answer, Comparison, Preference, Ranking
from feedback_loop.repair.repair import redo
from feedback_loop.report.report import overview, rankings
from feedback_loop.run import Run, commit, create, read_jsonl, write_jsonl
from feedback_loop.stages.asking import build_preferences
from feedback_loop.store.desk import AlreadyAnswered, NotAnswered, RoundClosed, UnknownComparison
from feedback_loop.store.journal import Journal
from tests.feedback_loop.store.samples import comparison, ranking
from tests.feedback_loop.test_loop import Store

ALL = [comparison(n) for n in range(9)]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """A round of six prompts of which four were sampled: two by the stage, two by a batch. Two more may come on demand."""
    prompts = [c.prompt for c in ALL]
    run = create(
        tmp_path / "run", recipe.load(None, ["rankings.needed=3", "preferences.heldout=0"]), prompts[:8], prompts[8:]
    )
    with commit(run, 0, "prompts") as draft:
        write_jsonl(draft.path / "prompts.jsonl", prompts[:6])
        draft.facts["prompts"] = 6
    part(run, "comparisons", 0, 2)
    part(run, "comparisons.more-001", 2, 4)
    return run


def part(run: Run, name: str, start: int, end: int) -> None:
    made = ALL[start:end]
    with commit(run, 0, name) as draft:
        write_jsonl(draft.path / "comparisons.jsonl", made)
        if name != "comparisons":
            write_jsonl(draft.path / "prompts.jsonl", [c.prompt for c in made])
        draft.facts |= {"prompts": end - start, "comparisons": len(made)}


def vote(run: Run, *numbers: int) -> None:
    with contextlib.closing(Journal(run.path / "journal.sqlite")) as journal:
        for number in numbers:
            assert journal.record(ranking(number), 0)


def ids(comparisons: list[Comparison]) -> list[str]:
    return [c.id for c in comparisons]


def test_the_stage_comes_first_then_its_batches_in_order(run: Run):
    part(run, "comparisons.more-002", 4, 6)
    assert ids(asked.asked(run, 0)) == [f"c{n}" for n in range(6)]
    assert (asked.count(run, 0), asked.taken(run, 0), asked.left(run, 0)) == (6, 6, 0)
    assert [p.id for p in asked.sampled(run, 0)] == [c.prompt_id for c in ALL[:6]]


def test_a_round_needs_no_fewer_rankings_because_it_is_not_sampled_yet(run: Run, tmp_path: Path):
    settings = ["rankings.needed=5"]
    (run.path / "recipe.toml").write_text(recipe.dump(recipe.load(None, settings)))
    bigger = Run(run.path, run.record, recipe.load(None, settings))
    assert asked.needed(bigger, 0) == 5
    vote(bigger, 0, 1, 2, 3)
    waiting = collect(bigger, 0, Store)
    assert waiting is not None
    assert "has 4 of 5 rankings" in waiting.message


def test_where_some_prompts_gave_nothing_as_many_are_needed_as_there_can_be(run: Run):
    some = Run(run.path, run.record, recipe.load(None, ["rankings.needed=50"]))
    assert asked.needed(some, 0) == 6
    with commit(run, 0, "comparisons.more-002") as draft:
        write_jsonl(draft.path / "comparisons.jsonl", [])
        write_jsonl(draft.path / "prompts.jsonl", [c.prompt for c in ALL[4:6]])
        draft.facts |= {"prompts": 2, "comparisons": 0}
    assert asked.needed(some, 0) == 4


def test_an_older_stage_that_does_not_say_so_took_all_prompts(tmp_path: Path):
    prompts = [c.prompt for c in ALL]
    run = create(tmp_path / "old", recipe.load(None), prompts[:8], prompts[8:])
    with commit(run, 0, "prompts") as draft:
        write_jsonl(draft.path / "prompts.jsonl", prompts[:6])
        draft.facts["prompts"] = 6
    with commit(run, 0, "comparisons") as draft:
        write_jsonl(draft.path / "comparisons.jsonl", ALL[:5])
        draft.facts["comparisons"] = 5
    assert (asked.left(run, 0), asked.needed(run, 0)) == (0, 5)
    assert uses(run, 1) == {p.id: 1 for p in prompts[:6]}


def test_a_snapshot_names_the_batches_that_it_covers_and_a_later_one_is_not_of_the_round(run: Run):
    vote(run, 0, 2, 3)
    assert collect(run, 0, Store) is None
    part(run, "comparisons.more-002", 4, 6)
    vote(run, 4)
    names = ["2-comparisons", "2-comparisons.more-001"]
    assert list(run.manifest(0, "rankings").inputs) == [f"rounds/000/{name}/comparisons.jsonl" for name in names]
    assert ids(asked.asked(run, 0)) == ["c0", "c1", "c2", "c3"]
    with commit(run, 0, "preferences") as draft:
        build_preferences(run, 0, draft, silent)
    pairs = read_jsonl(run.stage_folder(0, "preferences") / "train.jsonl", Preference)
    assert {p.comparison_id for p in pairs} == {"c0", "c2", "c3"}
    assert len(run.manifest(0, "preferences").inputs) == 3
    assert uses(run, 1) == {c.prompt_id: 1 for c in ALL[:4]}, "what it held may be asked in the next round"
    with contextlib.closing(Journal(run.path / "journal.sqlite")) as journal:
        assert "c4" in {r.comparison_id for r in journal.rankings(0)}, "the vote is on record"

    assert [Path(name).name for name in redo(run, "rankings", 0, "owner")] == [
        "4-preferences.aside-1",
        "3-rankings.aside-1",
    ]
    assert collect(run, 0, Store) is None
    taken = read_jsonl(run.stage_folder(0, "rankings") / "rankings.jsonl", Ranking)
    assert {r.comparison_id for r in taken} == {"c0", "c2", "c3", "c4"}, "taken again, the round has it"


def test_the_desk_asks_what_lands_while_it_is_open_and_closes_with_the_round(run: Run):
    with contextlib.closing(Journal(run.path / "journal.sqlite")) as journal:
        desk, comparisons = open_desk(run, journal), comparisons_of(run)
        assert desk.progress("anna").left == 4
        assert comparisons() is comparisons()
        part(run, "comparisons.more-002", 4, 6)
        assert desk.progress("anna").left == 6
        assert desk.find("c5").id == "c5"
        vote(run, 0, 2, 5)
        assert collect(run, 0, Store) is None
        assert list(comparisons()) == []


def test_a_page_that_was_offline_may_still_send_what_it_was_shown(run: Run):
    with contextlib.closing(Journal(run.path / "journal.sqlite")) as journal:
        desk = open_desk(run, journal)
        vote(run, 0, 1, 2)
        assert collect(run, 0, Store) is None
        given = desk.vote("anna", "c3", Answer(choice="c3-b", comment="written on a train"))
        assert given in journal.rankings(0)
        assert desk.stands("anna", "c3") == given
        assert desk.stands("boris", "c3") is None
        with pytest.raises(AlreadyAnswered):
            desk.vote("anna", "c3", Answer(choice="c3-b"))
        with pytest.raises(UnknownComparison):
            desk.vote("anna", "c3", Answer(choice="c2-b"))
        with pytest.raises(NotAnswered):
            desk.vote("boris", "c3", Answer(choice="c3-b"), revise=True)
        assert desk.next("anna") is None
        assert desk.progress("anna").answered == 0, "the round does not wait for it"
        redo(run, "comparisons", 0, "owner")
        with pytest.raises(RoundClosed):
            desk.vote("boris", "c3", Answer(choice="c3-b"))


def test_everybody_who_looks_sees_the_batches(run: Run, tmp_path: Path):
    vote(run, 0, 3)
    assert {r.comparison_id for r in rankings(run, 0)} == {"c0", "c3"}
    export(run, tmp_path / "out")
    assert len((tmp_path / "out" / "preferences.jsonl").read_text().splitlines()) == 2
    view = overview(run).rounds[0]
    assert (view.labels, view.comparisons) == (2, 4)


@pytest.mark.parametrize("stage", ["prompts", "comparisons"])
def test_comparisons_done_again_take_their_batches_aside_the_stage_last(run: Run, stage: str):
    moved = [Path(name).name for name in redo(run, stage, 0, "owner")]
    assert moved[:2] == ["2-comparisons.more-001.aside-1", "2-comparisons.aside-1"]
    assert asked.asked(run, 0) == []
    part(run, "comparisons", 0, 2)
    assert ids(asked.asked(run, 0)) == ["c0", "c1"], "a batch that was set aside is not asked"


def test_what_is_remembered_is_read_anew_for_each_change_and_only_then(run: Run):
    reads: list[int] = []

    def read(run: Run, number: int) -> int:
        reads.append(number)
        return asked.count(run, number)

    counted = asked.remembered(run, read)
    assert [counted(), counted()] == [4, 4]
    part(run, "comparisons.more-002", 4, 6)
    assert [counted(), counted()] == [6, 6]
    os.utime(run.stage_folder(0, "comparisons") / "manifest.json", ns=(1, 1))
    assert counted() == 6
    assert len(reads) == 3
