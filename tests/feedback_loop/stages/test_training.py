"""What the policy stage checks before it loads anything, and what a half-done step hangs on."""

from pathlib import Path

import pytest

from feedback_loop import recipe
from feedback_loop.errors import UsageError
from feedback_loop.progress import silent
from feedback_loop.records import Message, Prompt
from feedback_loop.run import Draft, Run, commit, create, write_jsonl
from feedback_loop.stages import training
from tests.models_fixture import obvious

ASKED = [Prompt(id=f"p{n}", prompt=(Message(role="user", content=f"Question {n}?"),)) for n in range(2)]


def make(path: Path, *settings: str) -> Run:
    return create(path, recipe.load(None, settings), ASKED[:1], ASKED[1:])


@pytest.mark.parametrize("step", ["ppo", "rloo", "bon"])
def test_a_step_of_one_process_refuses_a_launcher_of_several(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
):
    run = make(tmp_path / "run", f"policy.step={step}")
    training._check_launcher(run)
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(UsageError, match=f'policy.step = "{step}" runs in one process. Set launcher = ""'):
        training._check_launcher(run)
    training._check_launcher(make(tmp_path / "dpo", "policy.step=dpo"))


def test_a_half_done_step_counts_for_the_same_recipe_inputs_and_versions_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    file = tmp_path / "labels.jsonl"
    file.write_text("one")
    run, draft = make(tmp_path / "run"), Draft(tmp_path, tmp_path, tmp_path, inputs=[file])
    key = training._key(run, 0, draft)
    assert training._key(run, 0, draft) == key
    others = {training._key(make(tmp_path / "other", "policy.max_kl=9"), 0, draft), training._key(run, 1, draft)}
    file.write_text("two")
    others.add(training._key(run, 0, Draft(tmp_path, tmp_path, tmp_path, inputs=[file])))
    monkeypatch.setattr(training, "packages", lambda: {"torch": "99"})
    others.add(training._key(run, 0, draft))
    assert key not in others
    assert len(others) == 4


def judged(run: Run, **facts: object) -> Run:
    with commit(run, 0, "reward") as draft:
        draft.facts |= facts
    return run


def test_a_step_is_told_how_often_the_reward_model_is_surely_right(tmp_path: Path):
    run = make(tmp_path / "run")
    with commit(run, 0, "preferences") as draft:
        for name in ("train", "heldout"):
            write_jsonl(draft.path / f"{name}.jsonl", obvious(2))
    judged(run, accuracy_low=0.55)
    draft = Draft(tmp_path / "out", tmp_path / "work", tmp_path / "resume")
    assert training.policy_task(run, 0, draft, silent, lambda *a: None).accuracy == 0.55
    assert run.stage_folder(0, "reward") / "manifest.json" in draft.inputs


def test_a_step_gets_peoples_pairs_as_often_as_they_weigh(tmp_path: Path):
    run, pairs = make(tmp_path / "run"), obvious(60)
    halves = [p.model_copy(update={"weight": 0.5, "user_id": "ben"}) for p in pairs[:40]]
    with commit(run, 0, "preferences") as draft:
        write_jsonl(draft.path / "train.jsonl", [*halves, *pairs[40:50]])
        write_jsonl(draft.path / "heldout.jsonl", pairs[50:])
    judged(run)
    draft = Draft(tmp_path / "out", tmp_path / "work", tmp_path / "resume")
    given = training.policy_task(run, 0, draft, silent, lambda *a: None).pairs
    assert [p for p in given if p.user_id != "ben"] == pairs[40:]
    assert 8 < sum(p.user_id == "ben" for p in given) < 32
    assert given == training.policy_task(run, 0, draft, silent, lambda *a: None).pairs
