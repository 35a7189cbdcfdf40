"""A checkpoint comes back bit for bit, and is never half of one."""

from pathlib import Path

import pytest
import torch

from feedback_loop import checkpoint


def test_tensors_and_figures_come_back_exactly(tmp_path: Path):
    tensors = {"a.b": torch.randn(3, 4), "step": torch.tensor(7.0), "half": torch.randn(5).to(torch.bfloat16)}
    checkpoint.save(tmp_path / "c.safetensors", tensors, {"step": 3, "rows": [{"kl": 0.1}]})
    found = checkpoint.load(tmp_path / "c.safetensors")
    assert found is not None
    assert all(torch.equal(found[0][name], tensor) for name, tensor in tensors.items())
    assert found[1] == {"step": 3, "rows": [{"kl": 0.1}]}


def test_none_where_there_is_none(tmp_path: Path):
    assert checkpoint.load(tmp_path / "c.safetensors") is None


def test_a_write_that_fails_leaves_the_one_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    file = tmp_path / "c.safetensors"
    checkpoint.save(file, {"x": torch.zeros(1)}, {"step": 1})

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(checkpoint, "sync_file", full)
    with pytest.raises(OSError, match="No space"):
        checkpoint.save(file, {"x": torch.ones(1)}, {"step": 2})
    found = checkpoint.load(file)
    assert found is not None
    assert found[1] == {"step": 1}
