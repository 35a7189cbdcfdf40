"""DPO's reference log-probabilities are TRL's own, computed once a pair, and kept."""

import json
from pathlib import Path
from typing import Any

import pytest

from feedback_loop.policy_tables import PolicyTable
from policies import dpo, reference
from policies.task import Task
from tests.models_fixture import QUICK, adapter_bytes, make_task, obvious

PLAIN = PolicyTable(trl=QUICK, probe=0)


def kept(task: Task) -> dict[str, tuple[float, float]]:
    return reference._read(task.cache / "reference.jsonl")


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    calls: list[int] = []
    real = reference._compute

    def compute(*args: Any) -> Any:
        calls.append(1)
        return real(*args)

    monkeypatch.setattr(reference, "_compute", compute)
    return calls


def test_a_row_more_is_computed_alone(tmp_path: Path, counted: list[int]):
    dpo.train_dpo(make_task(tmp_path, PLAIN, pairs=obvious(5)))
    assert len(counted) == 5
    dpo.train_dpo(make_task(tmp_path, PLAIN, pairs=obvious(6)))
    assert len(counted) == 6
    dpo.train_dpo(make_task(tmp_path, PLAIN, pairs=[*obvious(6), *obvious(6)]))
    assert len(counted) == 6


def test_kept_or_computed_the_adapter_is_the_same_bit_for_bit(tmp_path: Path):
    fresh, warm = (make_task(tmp_path / name, PLAIN, pairs=obvious(6)) for name in ("fresh", "warm"))
    dpo.train_dpo(make_task(tmp_path / "warm", PLAIN, pairs=obvious(3)))
    dpo.train_dpo(warm)
    dpo.train_dpo(fresh)
    assert adapter_bytes(fresh) == adapter_bytes(warm)


def test_the_training_is_the_one_that_trl_does_by_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    ours = make_task(tmp_path / "ours", PLAIN, pairs=obvious(6))
    dpo.train_dpo(ours)
    monkeypatch.setattr(dpo, "keep_reference_logprobs", lambda *_: None)
    theirs = make_task(tmp_path / "theirs", PLAIN, pairs=obvious(6))
    dpo.train_dpo(theirs)
    for name in ("loss", "rewards/margins", "logps/chosen"):
        mine, other = ([row[name] for row in _logged(task) if name in row] for task in (ours, theirs))
        assert mine == pytest.approx(other, rel=1e-3, abs=1e-4), name


def _logged(task: Task) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (task.out / "curves.jsonl").read_text().splitlines()]


@pytest.mark.parametrize("place", ["parent", "base"])
def test_another_reference_is_another_value(tmp_path: Path, adapter: Path, counted: list[int], place: Any):
    dpo.train_dpo(make_task(tmp_path, PLAIN, pairs=obvious(2)))
    policy = PLAIN.model_copy(update={"start": "parent", "reference": place})
    dpo.train_dpo(make_task(tmp_path, policy, pairs=obvious(2), parent=adapter))
    assert len(counted) == (4 if place == "parent" else 2), (
        "with the base as reference, the values are those of the base"
    )


def test_a_line_that_a_kill_cut_off_is_computed_again(tmp_path: Path, counted: list[int]):
    task = make_task(tmp_path, PLAIN, pairs=obvious(2))
    dpo.train_dpo(task)
    file = task.cache / "reference.jsonl"
    values = kept(task)
    file.write_text(file.read_text()[:-20])
    dpo.train_dpo(make_task(tmp_path, PLAIN, pairs=obvious(2)))
    assert len(counted) == 3
    assert kept(task) == values


def test_options_that_change_what_is_read_are_part_of_the_key(tmp_path: Path, counted: list[int]):
    dpo.train_dpo(make_task(tmp_path, PLAIN, pairs=obvious(2)))
    for options in ({"max_length": 60}, {"ld_alpha": 0.5}):
        policy = PLAIN.model_copy(update={"trl": QUICK | options})
        dpo.train_dpo(make_task(tmp_path, policy, pairs=obvious(2)))
    assert len(counted) == 6
