"""What the arms are, and what makes a row of theirs stale."""

import shutil
from dataclasses import replace

import numpy as np
import pytest

from benchmarks.label_efficiency import identity, train
from benchmarks.label_efficiency.arms import ARMS, TIERS
from benchmarks.label_efficiency.identity import Spec, changed, settings_hash
from benchmarks.label_efficiency.world import neutral, neutral_file, recipe_of
from feedback_loop import prompts
from feedback_loop.prompts import DATA
from reward.features import REQUEST
from reward.head import frame, measured
from reward.text import NAMES

SPEC, QUICK = Spec("tiny", "brisk", "0.25", 10, tuning=False), TIERS["quick"]


def test_every_arm_of_a_tier_is_known_and_takes_labels_from_one_that_asks():
    for tier in TIERS.values():
        assert set(tier.arms) <= set(ARMS)
    assert all(ARMS[arm.labels_of].labels_of is None for arm in ARMS.values() if arm.labels_of)


def test_ours_in_the_loop_asks_about_its_own_held_policy_and_learns_as_ours():
    loop, ours = ARMS["ours-in-the-loop"], ARMS["ours"]
    assert (loop.asks, loop.held, loop.labels_of, loop.settings) == ("current", True, None, ours.settings)
    policy = recipe_of("tiny", loop.settings).policy
    assert (policy.step, policy.bon.pool, policy.hold) == ("bon", "base", 16)
    assert ARMS["offline-dpo-held"] == replace(ARMS["offline-dpo"], held=True)
    assert {name for name, arm in ARMS.items() if arm.held} == {"ours-in-the-loop", "offline-dpo-held"}


def test_neutral_chats_are_held_less_those_that_people_are_asked_about():
    read = recipe_of("tiny", ())
    chats = prompts.load(neutral_file(read))
    assert neutral(read, []) == chats
    asked = [chats[3].model_copy(update={"id": "mine"})]
    assert neutral(read, asked) == [*chats[:3], *chats[4:]]


def test_the_states_alone_are_a_frame_in_which_no_count_is_seen():
    rows = np.random.default_rng(0).normal(3, 2, (500, 40 + len(NAMES) + REQUEST))
    view = frame(rows)
    blind = train.states_only(view)
    answers, requests = measured(blind, rows)
    assert not answers[:, 40:].any()
    assert (answers**2).sum(1).mean() == pytest.approx(1) == (measured(view, rows)[0] ** 2).sum(1).mean()
    assert (requests == measured(view, rows)[1]).all()


def test_a_row_is_stale_by_what_its_recipe_says_and_not_by_how():
    ours = ARMS["ours"]
    known = settings_hash(SPEC, QUICK, ours)
    beta = recipe_of("tiny", ours.settings).policy.trl["beta"]
    same, other = (replace(QUICK, settings=(*QUICK.settings, f"policy.trl.beta={b}")) for b in (beta, beta / 2))
    assert settings_hash(SPEC, same, ours) == known
    assert settings_hash(SPEC, other, ours) != known
    assert settings_hash(SPEC, replace(QUICK, prompts=23), ours) != known
    assert settings_hash(SPEC, QUICK, replace(ours, counts=False)) != known


def test_a_row_is_stale_by_what_the_person_wants(tmp_path, monkeypatch):
    known = settings_hash(SPEC, QUICK, ARMS["ours"])
    shutil.copytree(DATA / "personas", tmp_path / "personas")
    monkeypatch.setattr(identity, "DATA", tmp_path)
    assert settings_hash(SPEC, QUICK, ARMS["ours"]) == known
    file = identity.persona_file(SPEC)
    file.write_text(file.read_text().replace("false", "true", 1))
    assert settings_hash(SPEC, QUICK, ARMS["ours"]) != known


def test_a_row_is_stale_by_its_prompts_and_by_the_chats_that_hold_it(tmp_path, monkeypatch):
    loop, free = ARMS["ours-in-the-loop"], ARMS["ours"]
    known = [settings_hash(SPEC, QUICK, arm) for arm in (loop, free)]
    chats = tmp_path / "chats.jsonl"
    chats.write_text('{"id": "n", "prompt": [{"role": "user", "content": "Hello"}]}\n')
    with monkeypatch.context() as patch:
        patch.setattr(identity, "neutral_file", lambda _: chats)
        assert settings_hash(SPEC, QUICK, loop) != known[0]
        assert settings_hash(SPEC, QUICK, free) == known[1]
    monkeypatch.setattr(identity, "prompt_files", lambda _, tuning: [chats])
    assert settings_hash(SPEC, QUICK, free) != known[1]


def test_a_field_that_an_arm_leaves_as_it_is_makes_no_row_stale():
    assert changed(ARMS["ours-states-only"]).keys() == {"settings", "counts", "labels_of"}
    assert changed(ARMS["offline-dpo"]).keys() == {"settings"}
