"""Neutral chats beside people's pairs: the instruction in the chat is followed, as the base does it."""

from dataclasses import replace
from pathlib import Path

from feedback_loop import prompts
from feedback_loop.policy_tables import PolicyTable
from feedback_loop.recipe import SamplingTable
from feedback_loop.records import Message
from policies.anchors import anchors
from policies.dpo import train_dpo
from policies.task import Task
from tests.models_fixture import QUICK, make_task, obvious

CHATS = prompts.load(prompts.DATA / "prompts" / "tiny_neutral.jsonl")[:6]
PLAIN = CHATS[0].model_copy(update={"id": "plain", "prompt": (Message(role="user", content="What is 2 + 2?"),)})


def task(folder: Path, share: float) -> Task:
    policy = PolicyTable(neutral=share, trl=QUICK | {"num_train_epochs": 1})
    roomy = SamplingTable(max_new_tokens=96, batch_size=8)
    return replace(make_task(folder, policy, pairs=obvious(4)), neutral=[*CHATS, PLAIN], sampling=roomy)


def test_they_are_the_share_that_the_recipe_names_of_chats_with_an_instruction(tmp_path: Path):
    assert anchors(task(tmp_path / "none", 0.0), 4) == []
    found = anchors(task(tmp_path / "half", 0.5), 4)
    assert len(found) == 4
    by_id = {chat.id: chat.prompt for chat in CHATS}
    assert all(by_id[pair.prompt_id] == pair.prompt for pair in found)
    assert all(pair.chosen != pair.rejected and not pair.tie for pair in found)
    assert len(anchors(task(tmp_path / "half", 0.5), 40)) <= len(CHATS), "there are no more"


def test_what_was_cut_is_not_learned(tmp_path: Path):
    short = replace(task(tmp_path, 0.5), sampling=SamplingTable(max_new_tokens=3, batch_size=8))
    assert anchors(short, 4) == []


def test_they_are_drawn_once_a_run(tmp_path: Path):
    one = task(tmp_path, 0.5)
    found, kept = anchors(one, 4), list(one.cache.glob("anchors-*"))
    kept[0].write_text(kept[0].read_text().replace(found[0].chosen[-1].content.split()[0], "Kept"))
    assert anchors(one, 4)[0].chosen[-1].content.startswith("Kept")


def test_dpo_learns_them_beside_peoples_pairs(tmp_path: Path):
    facts = train_dpo(task(tmp_path, 0.5))
    assert (facts["pairs"], facts["neutral"]) == (4, 4)
