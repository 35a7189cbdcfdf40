"""What a new run is refused for before anything is made, and what is found again from anywhere."""

from pathlib import Path

import pytest

from feedback_loop import recipe
from feedback_loop.begin import _absolute, begin
from feedback_loop.errors import UsageError


def test_to_bake_without_a_brief_is_refused_and_leaves_nothing(tmp_path: Path):
    with pytest.raises(UsageError, match=r"brief\.file names none\. Name one\.$"):
        begin(tmp_path / "run", None, None, ["policy.step=bake"])
    assert not (tmp_path / "run").exists()


def test_neutral_chats_of_ones_own_are_found_from_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "mine.jsonl").write_text('{"prompt": "What is 2 + 2?"}\n')
    monkeypatch.chdir(tmp_path)
    named = [_absolute(recipe.load(None, [f"policy.neutral_file={name}"])) for name in ("mine.jsonl", "neutral")]
    assert [read.policy.neutral_file for read in named] == [str(tmp_path / "mine.jsonl"), "neutral"]
