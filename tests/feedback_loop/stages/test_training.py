"""What the policy stage checks before it loads anything, and what a half-done step hangs on."""

import shutil
from pathlib import Path

import pytest

from feedback_loop import recipe
from feedback_loop.brief.brief import file_of_round
from feedback_loop.errors import UsageError
from feedback_loop.progress import silent
from feedback_loop.prompts import DATA
from feedback_loop.records import Disliked, Message, Prompt
from feedback_loop.report.curves import training_curves
from feedback_loop.run import Draft, Run, commit, create, write_jsonl
from feedback_loop.stages import training
from tests.models_fixture import obvious

ASKED = [Prompt(id=f"p{n}", prompt=(Message(role="user", content=f"Question {n}?"),)) for n in range(2)]


def make(path: Path, *settings: str) -> Run:
    return create(path, recipe.load(None, settings), ASKED[:1], ASKED[1:])


@pytest.mark.parametrize("step", ["ppo", "rloo", "bon", "bake", "ditto"])
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


def ranked(path: Path, *settings: str) -> Run:
    run = make(path, *settings)
    with commit(run, 0, "preferences") as draft:
        for name in ("train", "heldout"):
            write_jsonl(draft.path / f"{name}.jsonl", obvious(2))
    return judged(run)


def begun_with(run: Run, text: str) -> None:
    """The brief that the first round works by."""
    file = file_of_round(run, 0)
    file.parent.mkdir(parents=True)
    file.write_text(text)


def test_a_baking_gets_the_whole_brief_and_chats_of_which_it_says_nothing(tmp_path: Path):
    mine = tmp_path / "mine.jsonl"
    mine.write_text('{"prompt": "Question 0?"}\n{"prompt": "What is 2 + 2?"}\n')
    run = ranked(tmp_path / "run", "policy.step=bake", f"policy.neutral_file={mine}")
    draft = Draft(tmp_path / "out", tmp_path / "work", tmp_path / "resume")
    with pytest.raises(UsageError, match=r"the round began without one\. Write .*brief\.md"):
        training.policy_task(run, 0, draft, silent, lambda *a: None)
    begun_with(run, "- Be brief.\n- Be kind. (out of scope)\n")
    (run.path / "brief.md").write_text("- What was written since.\n")
    task = training.policy_task(run, 0, draft, silent, lambda *a: None)
    assert task.brief == "- Be brief."
    assert [p.request for p in task.neutral] == ["What is 2 + 2?"], "what the run asks is not neutral"
    assert file_of_round(run, 0) in draft.inputs
    key = training._key(run, 0, draft)
    mine.write_text('{"prompt": "What is 3 + 3?"}\n')
    training.policy_task(run, 0, draft, silent, lambda *a: None)
    assert training._key(run, 0, draft) != key, "other chats, another baking"


def test_a_step_by_demonstrations_gets_what_people_wrote_and_ranked_highest(tmp_path: Path):
    run, (first, second) = make(tmp_path / "run", "policy.step=ditto"), obvious(2)
    mine = (Message(role="assistant", content="Mine."),)
    with commit(run, 0, "preferences") as draft:
        write_jsonl(draft.path / "train.jsonl", [second])
        write_jsonl(draft.path / "heldout.jsonl", [first, first.model_copy(update={"source": "edit", "chosen": mine})])
        unlike = {"prompt": second.prompt, "prompt_id": "p", "user_id": "ben", "round": 0}
        write_jsonl(draft.path / "disliked.jsonl", [Disliked(completion=second.chosen[0].content, **unlike)])
    judged(run)
    draft = Draft(tmp_path / "out", tmp_path / "work", tmp_path / "resume")
    task = training.policy_task(run, 0, draft, silent, lambda *a: None)
    assert [(d.text, d.origin) for d in task.demonstrations] == [("Mine.", "written")], (
        "the other was called no good too"
    )
    assert any(file.name == "disliked.jsonl" for file in draft.inputs)
    assert (
        training.policy_task(
            ranked(tmp_path / "dpo", "policy.step=dpo"), 0, draft, silent, lambda *a: None
        ).demonstrations
        == []
    )


def test_no_other_step_hangs_on_the_brief(tmp_path: Path):
    run = ranked(tmp_path / "run", "policy.step=dpo")
    begun_with(run, "- Be brief.\n")
    draft = Draft(tmp_path / "out", tmp_path / "work", tmp_path / "resume")
    assert training.policy_task(run, 0, draft, silent, lambda *a: None).brief == ""
    assert file_of_round(run, 0) not in draft.inputs


def test_a_round_bakes_and_then_learns_what_people_prefer(tmp_path: Path, reward_adapter: Path):
    small = ("steps=1", "rollouts=2", "then=dpo")
    chats = (DATA / "prompts" / "tiny_neutral.jsonl").read_text().splitlines(keepends=True)
    (tmp_path / "chats.jsonl").write_text("".join(chats[:4]))
    settings = [
        *(f"policy.bake.{key}" for key in small),
        "policy.probe=2",
        "policy.hold=1",
        f"policy.neutral_file={tmp_path / 'chats.jsonl'}",
        "sampling.max_new_tokens=8",
    ]
    run = make(tmp_path / "run", "policy.step=bake", *settings, "model.device=cpu", "policy.trl.max_steps=1")
    begun_with(run, "- Write one sentence.\n")
    with commit(run, 0, "preferences") as draft:
        for name in ("train", "heldout"):
            write_jsonl(draft.path / f"{name}.jsonl", obvious(2))
    with commit(run, 0, "reward") as draft:
        shutil.copytree(reward_adapter, draft.path / "adapter")
    with commit(run, 0, "policy") as draft:
        training.train_policy(run, 0, draft, silent)
    made = run.manifest(0, "policy")
    assert (made.facts["step"], made.facts["steps"], made.facts["then"]["steps"]) == ("bake", 2, 1)
    assert {"adapter/adapter_model.safetensors", "curves.jsonl", "samples.jsonl"} <= set(made.outputs)
    assert any(name.endswith("brief.md") for name in made.inputs)
    shown = {curve.name for curve in training_curves(run, 0)}
    assert {"policy/bake_kl", "policy/neutral_kl", "policy/held_kl", "policy/rewards/margins"} <= shown
