"""A round's comparisons come in groups, the same whoever samples them, however often that is cut off."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from feedback_loop import recipe
from feedback_loop.asking import asked
from feedback_loop.asking.upcoming import further_prompts, next_prompts, uses
from feedback_loop.errors import LoopError
from feedback_loop.progress import silent
from feedback_loop.run import Run, commit, create, open_run, write_jsonl
from feedback_loop.stages.asking import Models
from feedback_loop.stages.more import make_batch, make_first, sample_round
from tests.models_fixture import tiny_prompts

SMALL = (
    *("model.name=tiny", "model.device=cpu", "model.dtype=float32", "prompts.per_round=10", "sampling.batch_size=8"),
    *("sampling.max_new_tokens=16", "reward.form=head", "reward.members=4"),
)


def make(path: Path, *settings: str) -> Run:
    prompts = tiny_prompts(20)
    return create(path, recipe.load(None, [*SMALL, *settings]), prompts[:16], prompts[16:])


def outputs(run: Run) -> dict[str, dict[str, str]]:
    return {name: run.manifest(0, name).outputs for name in asked.parts(run, 0)}


def test_the_first_group_is_the_stage_and_the_rest_of_the_rounds_prompts_are_batches(tmp_path: Path):
    run = make(tmp_path / "run")
    make_first(Models(run, 0), silent)
    assert (asked.count(run, 0), asked.left(run, 0)) == (4, 6)
    sample_round(run, 0, silent)
    assert asked.parts(run, 0) == ["comparisons", "comparisons.more-001", "comparisons.more-002"]
    assert asked.left(run, 0) == 0
    made = [c for c in asked.asked(run, 0) if c.purpose == "label"]
    assert [c.id[:9] for c in made] == [f"r000-{n:03d}-" for n in range(10)], "a place in the round, whatever the group"
    assert [c.prompt_id for c in made] == [p.id for p in asked.own_prompts(run, 0)]
    assert len({c.id for comparison in made for c in comparison.completions}) == 20
    candidates, features = asked.candidate_features(run, 0)
    assert len(candidates) == len(features) == 20


def test_who_makes_a_batch_and_in_how_many_goes_changes_nothing(tmp_path: Path):
    run, other = make(tmp_path / "run"), make(tmp_path / "other")
    sample_round(run, 0, silent)
    make_first(Models(other, 0), silent)
    make_batch(Models(other, 0), silent)
    make_batch(Models(other, 0), silent)
    assert outputs(run) == outputs(other)


def test_beyond_the_rounds_prompts_come_the_least_used_others_each_once(tmp_path: Path):
    run = make(tmp_path / "run")
    with commit(run, 0, "prompts") as draft:
        write_jsonl(draft.path / "prompts.jsonl", tiny_prompts(3))
        draft.facts["prompts"] = 3
    with commit(run, 0, "comparisons") as draft:
        write_jsonl(draft.path / "comparisons.jsonl", [])
        draft.facts |= {"prompts": 3, "comparisons": 0}
    with commit(run, 1, "prompts") as draft:
        write_jsonl(draft.path / "prompts.jsonl", tiny_prompts(9)[7:])
        draft.facts["prompts"] = 2
    order = further_prompts(run, 1)
    assert len({p.id for p in order}) == len(order) == 14, "all but the round's own"
    assert {p.id for p in order[-3:]} == {p.id for p in tiny_prompts(3)} == set(uses(run, 1)), (
        "those asked before come last"
    )


def test_a_round_ends_where_every_prompt_was_asked(tmp_path: Path):
    run = make(tmp_path / "run", "prompts.per_round=13")
    models = Models(run, 0)
    make_first(models, silent)
    while next_prompts(run, 0):
        make_batch(models, silent)
    assert sorted(p.id for p in asked.sampled(run, 0)) == sorted(p.id for p in tiny_prompts(16))
    sizes = [run.manifest(0, name).facts["prompts"] for name in asked.parts(run, 0)]
    assert sizes == [4, 4, 4, 1, 3], "a group of the round's own prompts has no others"


def test_a_group_that_gives_nothing_moves_on_and_a_round_that_gives_nothing_says_so(tmp_path: Path):
    run = make(tmp_path / "run", "sampling.max_new_tokens=1", "sampling.top_p=0.01")
    with pytest.raises(LoopError, match=r"the same answer twice to every prompt.*sampling\.temperature"):
        make_first(Models(run, 0), silent)
    assert not run.done(0, "comparisons")


def test_sigkill_in_a_batch_leaves_what_was_there_and_the_next_go_makes_the_same(tmp_path: Path):
    run, calm = make(tmp_path / "run"), make(tmp_path / "calm")
    sample_round(calm, 0, silent)
    code = (
        "import sys; from pathlib import Path; from feedback_loop.progress import silent\n"
        "from feedback_loop.run import open_run; from feedback_loop.stages.more import sample_round\n"
        "sample_round(open_run(Path(sys.argv[1])), 0, silent)"
    )
    child = subprocess.Popen([sys.executable, "-c", code, str(run.path)], start_new_session=True)
    deadline = time.monotonic() + 120
    while not list(run.round_folder(0).glob(".work-2-comparisons.more-*")):
        assert child.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.002)
    os.killpg(child.pid, signal.SIGKILL)
    child.wait()
    cut_off = open_run(run.path)
    before = outputs(cut_off)
    assert before == {name: outputs(calm)[name] for name in before}
    assert asked.left(cut_off, 0) > 0
    sample_round(cut_off, 0, silent)
    assert outputs(cut_off) == outputs(calm)
    assert not list(run.round_folder(0).glob(".*"))
