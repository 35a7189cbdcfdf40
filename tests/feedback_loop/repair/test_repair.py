"""A discarded label leaves no trace in what is made again; all else is kept, whenever the discard was cut off."""

import getpass
import os
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from feedback_loop import loop
from feedback_loop.errors import LoopError, UsageError
from feedback_loop.gate.duels import standing
from feedback_loop.gate.votes import votes
from feedback_loop.lineage import current_policy, open_round, roll_back, rollbacks
from feedback_loop.repair import discards
from feedback_loop.repair.repair import Wish, discard, redo, restore
from feedback_loop.report.report import overview
from feedback_loop.run import Run, commit, open_run, set_aside, write_jsonl
from tests.conftest import Cli, one_line
from tests.feedback_loop.decided_run import (
    adapter,
    answers,
    ask,
    asked,
    collect,
    decided,
    duels,
    learn,
    names,
    new_run,
    vote,
)
from tests.feedback_loop.team_samples import said

WHY, OWNER = "clicked without reading", "owner"


def two_rounds(path: Path) -> Run:
    run = new_run(path)
    decided(run, 0, answers(0, "anna", "ben"), [said(c, "a") for c in duels(0)])
    decided(run, 1, answers(1, "anna", "ben"))
    return run


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return two_rounds(tmp_path / "run")


def stages(run: Run, number: int) -> set[str]:
    return {p.name for p in run.round_folder(number).iterdir() if ".aside" not in p.name}


def test_a_label_of_the_last_round_is_unlearned_and_earlier_stages_are_reused(run: Run, tmp_path: Path):
    first = adapter(run, 0)
    record, moved = discard(run, Wish(label="c10@ben"), WHY, OWNER)
    assert record.labels == ("c10@ben",)
    assert (record.by, record.reason, record.asked) == (OWNER, WHY, "label c10@ben")
    assert {Path(name).name for name in moved} == {
        f"{stage}.aside-1"
        for stage in ("4-preferences", "5-reward", "6-policy", "7-evaluation", "8-duels", "9-promotion")
    }
    assert stages(run, 1) == {"2-comparisons", "3-rankings"}
    assert open_round(run) == 1
    assert "feedback-loop advance" in overview(run).message
    assert [(d.number, d.labels, d.asked) for d in overview(run).discarded] == [(0, 1, "label c10@ben")]
    learn(run, 1)

    never = new_run(tmp_path / "never")
    decided(never, 0, answers(0, "anna", "ben"), [said(c, "a") for c in duels(0)])
    decided(never, 1, [r for r in answers(1, "anna", "ben") if r.label != "c10@ben"])
    assert adapter(run, 1) == adapter(never, 1), "as if it had never been given"
    assert adapter(run, 0) == first


def test_later_rounds_are_set_aside_and_their_other_labels_are_carried_into_the_first(run: Run):
    ask(run, 2)
    vote(run, 2, answers(2)[:2])
    record, moved = discard(run, Wish(annotator="ben"), WHY, OWNER)
    assert record.first is not None
    assert (record.first.round, record.first.stage) == (0, "preferences")
    assert moved[:2] == ["rounds/002.aside-1", "rounds/001.aside-1"]
    assert run.rounds() == [0]
    learn(run, 0)
    assert names(run, 0) == {f"c{n}@anna" for n in (*range(4), *range(10, 14), 20, 21)}, "the open round's votes too"
    decided(run, 1, answers(1))
    assert names(run, 1) == names(run, 0) | {"c5@anna", "c6@anna"}, "duels count from the next round on"
    assert overview(run).labels == 12


def test_a_stage_done_again_loses_no_label_of_the_rounds_behind_it(run: Run):
    ask(run, 2)
    vote(run, 2, answers(2)[:2])
    before = names(run, 1)
    assert redo(run, "reward", 0, OWNER)[:2] == ["rounds/002.aside-1", "rounds/001.aside-1"]
    (record,) = discards.records(run)
    assert (record.kind, record.labels, record.by, record.complete) == ("redo", (), OWNER, True)
    assert overview(run).discarded == (), "it took no label out"
    learn(run, 0)
    decided(run, 1, answers(1))
    assert before | {"c20@anna", "c21@anna", "c5@anna"} <= names(run, 1)


def test_what_was_said_of_comparisons_that_are_made_anew_is_learned_too(tmp_path: Path):
    run = new_run(tmp_path / "run")
    ask(run, 0)
    vote(run, 0, answers(0)[:2])
    redo(run, "comparisons", 0, OWNER)
    with commit(run, 0, "comparisons") as draft:
        write_jsonl(draft.path / "comparisons.jsonl", asked(0)[2:])
    collect(run, 0, answers(0)[2:])
    learn(run, 0)
    assert {"c0@anna", "c1@anna"} <= names(run, 0)


def test_what_is_damaged_can_be_done_again_but_no_label_is_discarded_past_it(run: Run):
    (run.stage_folder(1, "comparisons") / "comparisons.jsonl").write_text("{")
    with pytest.raises(LoopError, match=r"comparisons\.jsonl"):
        discard(run, Wish(label="c0"), WHY, OWNER)
    assert Path(redo(run, "comparisons", 1, OWNER)[-1]).name == "2-comparisons.aside-1"


def test_a_stage_on_which_nobodys_word_hangs_is_done_again_without_a_record(run: Run):
    assert [Path(name).name for name in redo(run, "evaluation", 1, OWNER)][-1] == "7-evaluation.aside-1"
    assert discards.records(run) == []


def test_a_label_of_a_round_that_is_not_closed_is_kept_out_and_nothing_is_done_again(run: Run):
    ask(run, 2)
    vote(run, 2, answers(2, "anna", "ben"))
    before = adapter(run, 1)
    assert discard(run, Wish(label="c20"), WHY, OWNER)[1] == []
    assert (open_round(run), adapter(run, 1)) == (2, before)
    collect_again(run, 2)
    learn(run, 2)
    assert {name.partition("@")[0] for name in names(run, 2)} & {"c20", "c21"} == {"c21"}


def collect_again(run: Run, number: int) -> None:
    """Take the snapshot of votes that are in the journal already."""
    collect(run, number, answers(number, "anna", "ben"))


def test_a_duels_label_is_taken_out_of_its_decision_too(run: Run):
    record, _ = discard(run, Wish(label="c5"), WHY, OWNER)
    assert record.first is not None
    assert (record.first.round, record.first.stage) == (0, "promotion")
    assert open_round(run) == 0
    assert run.done(0, "duels")
    learn(run, 0, [said(duels(0)[1], "a")])
    decided(run, 1, answers(1))
    assert not {name for name in names(run, 1) if name.startswith("c5@")}
    assert "c10@ben" in names(run, 1), "carried over"


def test_an_open_duels_label_is_not_counted_by_the_gate(tmp_path: Path):
    run = new_run(tmp_path / "run")
    given = [said(c, "a") for c in duels(0)]
    decided(run, 0, answers(0), given)
    set_aside(run.stage_folder(0, "promotion"))
    assert standing(run, 0, votes(run, 0)).votes == 2
    assert discard(run, Wish(label="c5"), WHY, OWNER)[1] == [], "nothing hangs on it yet"
    found = standing(run, 0, votes(run, 0))
    assert (found.votes, found.verdict) == (1, "keep")
    assert found.reason.startswith("Everybody who ranks has answered or skipped"), "Anna is not asked again"


def test_where_nothing_would_be_left_the_round_asks_for_more(tmp_path: Path):
    run = new_run(tmp_path / "run")
    decided(run, 0, answers(0))
    record, _ = discard(run, Wish(round=0), WHY, OWNER)
    assert record.first is not None
    assert record.first.stage == "rankings"
    view = overview(run).rounds[0]
    assert (view.labels, view.needed) == (0, 0), "Anna has answered all there is"
    assert not run.done(0, "rankings")


def test_a_few_labels_are_learned_from_without_asking_for_more(tmp_path: Path):
    run = new_run(tmp_path / "run")
    decided(run, 0, answers(0))
    discard(run, Wish(label="c0"), WHY, OWNER)
    assert run.done(0, "rankings")
    learn(run, 0)
    assert names(run, 0) == {"c1@anna", "c2@anna", "c3@anna"}


def test_restored_labels_count_again(run: Run):
    before, record = adapter(run, 1), discard(run, Wish(label="c10@ben"), WHY, OWNER)[0]
    learn(run, 1)
    assert adapter(run, 1) != before
    assert restore(run, record.number, "it was right", OWNER)[1]
    learn(run, 1)
    assert adapter(run, 1) == before
    assert overview(run).discarded == ()
    with pytest.raises(UsageError, match=r"no discard 0 stands\. There are: none\."):
        restore(run, record.number, "again", OWNER)


def test_to_discard_again_changes_nothing(run: Run):
    record, _ = discard(run, Wish(label="c10@ben"), WHY, OWNER)
    learn(run, 1)
    again, moved = discard(run, Wish(label="c10@ben"), "once more", OWNER)
    assert (again.number, again.reason, moved) == (record.number, WHY, [])
    assert len(discards.files(run)) == 1


def test_what_was_skipped_is_no_label_to_discard_and_is_still_to_be_asked_of_others(tmp_path: Path):
    run = new_run(tmp_path / "run", "rankings.per_comparison=2", "rankings.needed=8")
    ask(run, 0)
    first, *others = asked(0)
    vote(run, 0, [said(first, "a", "ben"), *(said(c, None, "ben") for c in others)])
    assert discard(run, Wish(annotator="ben"), WHY, OWNER)[0].labels == ("c0@ben",)
    assert overview(run).rounds[0].needed == 7


def test_a_dry_run_says_what_would_be_done(run: Run):
    record, would = discard(run, Wish(round=1), WHY, OWNER, dry=True)
    assert len(record.labels) == 8
    assert would[0] == "rounds/001/9-promotion"
    assert run.done(1, "promotion")
    assert not (run.path / "discards").exists()


def test_a_session_is_an_annotator_between_two_times(tmp_path: Path):
    run = new_run(tmp_path / "run")
    hours = zip(answers(0), ("08:00", "09:00", "10:00", "11:00"), strict=True)
    given = [r.model_copy(update={"created_at": f"2026-11-25T{hour}:00.000+00:00"}) for r, hour in hours]
    decided(run, 0, given)
    wish = Wish(annotator="anna", since="2026-11-25T10:00+01:00", until="2026-11-25T10:00Z")
    assert discard(run, wish, WHY, OWNER)[0].labels == ("c1@anna", "c2@anna")


@pytest.fixture
def in_moscow(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """This machine's clock shows UTC+03:00."""
    monkeypatch.setenv("TZ", "MSK-3")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.usefixtures("in_moscow")
def test_a_time_without_a_zone_is_local_and_is_told_with_its_zone(tmp_path: Path):
    run = new_run(tmp_path / "run")
    given = [
        r.model_copy(update={"created_at": f"2026-11-25T{n:02d}:00:00.000+00:00"}) for n, r in enumerate(answers(0))
    ]
    decided(run, 0, given)
    wish = Wish(annotator="anna", since="2026-11-25T04:00", until="2026-11-25T02:00Z")
    record, _ = discard(run, wish, WHY, OWNER, dry=True)
    assert record.labels == ("c1@anna", "c2@anna")
    assert record.asked == "annotator anna since 2026-11-25T04:00:00+03:00 until 2026-11-25T05:00:00+03:00"


@pytest.mark.parametrize(
    ("wish", "said_"),
    [
        (Wish(label="c99"), "no label matches label c99"),
        (Wish(annotator="carl"), "no label matches annotator carl"),
        (Wish(), "one of --label, --annotator and --round"),
        (Wish(label="c0", annotator="anna"), "one of --label, --annotator and --round"),
        (Wish(label="c0", since="2026-11-25"), "go with --annotator"),
        (Wish(annotator="anna", since="noon"), "noon: no time"),
    ],
)
def test_what_cannot_be_discarded_is_said_in_one_line(run: Run, wish: Wish, said_: str):
    with pytest.raises(UsageError, match=said_):
        discard(run, wish, WHY, OWNER)
    with pytest.raises(UsageError, match="needs a reason"):
        discard(run, Wish(label="c0"), " ", OWNER)


def test_rollbacks_that_chose_among_the_old_policies_are_set_aside(run: Run):
    roll_back(run, "round-000", who="anna", when="now")
    discard(run, Wish(label="c10@ben"), WHY, OWNER)
    assert rollbacks(run) == []
    learn(run, 1)
    assert current_policy(run) == "round-001"
    roll_back(run, "base", who="anna", when="now")
    assert [file.name for file, _ in rollbacks(run)] == ["001.json"]


def killed_at(run: Run, step: int, work: Callable[[Run], object]) -> bool:
    """Do this in a process of its own, killed instead of its n-th rename; whether it was killed.

    Each step of the protocol, whole files and folders set aside alike, is one rename.
    """
    child = os.fork()
    if not child:
        rename, left = Path.rename, [step]

        def cut(self: Path, target: Path) -> Path:
            left[0] -= 1
            if left[0] < 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return rename(self, target)

        Path.rename = cut
        work(run)
        os._exit(0)
    return os.WIFSIGNALED(os.waitpid(child, 0)[1])


def test_killed_between_any_two_steps_it_is_ended_by_typing_it_again_or_by_advance(run: Run, tmp_path: Path):
    calm, steps = open_run(shutil.copytree(run.path, tmp_path / "calm")), 0
    discard(calm, Wish(annotator="ben"), "why", OWNER)
    learn(calm, 0)
    while True:
        cut = open_run(shutil.copytree(run.path, tmp_path / f"run-{steps}"))
        if not killed_at(cut, steps, lambda run: discard(run, Wish(annotator="ben"), "why", OWNER)):
            break
        steps += 1
        if steps % 2:
            discard(cut, Wish(annotator="ben"), "why", OWNER)
        else:
            with loop.alone(cut):  # as `advance` begins
                pass
        assert all(record.complete for record in discards.records(cut))
        if not discards.records(cut):
            assert cut.done(1, "promotion"), "killed before the record was there: nothing happened"
            continue
        assert (cut.rounds(), stages(cut, 0)) == ([0], {"2-comparisons", "3-rankings"})
        made = {p.name for p in cut.path.glob("rounds/*.aside-*")} | {
            p.name for p in cut.path.glob("rounds/000/*.aside-*")
        }
        assert made == {p.name for p in calm.path.glob("rounds/*.aside-*")} | {
            p.name for p in calm.path.glob("rounds/000/*.aside-*")
        }, "all is there, and nothing was set aside twice"
    learn(cut, 0)
    assert adapter(cut, 0) == adapter(calm, 0)
    assert steps > 8


def test_on_the_command_line(run: Run, cli: Cli):
    once = ("discard", run.path, "--annotator", "ben", "--reason", WHY)
    dry = cli(*once, "--dry-run")
    assert dry.returncode == 0, dry.stderr
    assert "8 labels would no longer count (annotator ben):" in dry.stderr
    assert "would be set aside: rounds/001" in dry.stderr
    done = cli(*once)
    assert done.returncode == 0, done.stderr
    assert "   c10@ben" in done.stderr
    assert done.stderr.strip().endswith(f"Make it again: feedback-loop advance {run.path}")
    assert cli(*once).returncode == 0, "again: nothing is left to do"
    assert f"discard 0: 8 labels (annotator ben) by {getpass.getuser()}: {WHY}" in cli("status", run.path).stdout
    back = cli("restore", run.path, 0, "--reason", "it was right")
    assert back.returncode == 0, back.stderr
    assert "8 labels count again" in back.stderr
    one_line(cli("discard", run.path, "--label", "c99", "--reason", WHY), 2, "no label matches label c99")
    assert "No label contradicts another" in cli("contradictions", run.path).stdout
