"""The base model: found, checked before anything is loaded, and in the type the recipe asks for."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch

from feedback_loop.errors import LoopError, UsageError
from feedback_loop.models import check_model, device, dtype, load_base, load_tokenizer, resolve
from feedback_loop.recipe import ModelTable


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the tiny model that a test may spoil."""
    return Path(shutil.copytree(resolve("tiny"), tmp_path / "model"))


def refused(folder: Path, said: str) -> None:
    with pytest.raises(UsageError, match=said) as error:
        check_model(ModelTable(name=str(folder)))
    assert "\n" not in str(error.value)


def test_the_shipped_model_and_a_folder_will_do(qwen2: ModelTable):
    check_model(ModelTable(name="tiny"))
    check_model(qwen2)


def test_a_missing_folder_is_named(tmp_path: Path):
    refused(tmp_path / "absent", "absent: no such folder")


def test_a_hub_model_that_cannot_be_had_is_named():
    with pytest.raises(UsageError, match=r"Qwen/Absent: no model there that can be read"):
        check_model(ModelTable(name="Qwen/Absent"))


def test_another_architecture_is_refused(folder: Path):
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(
        json.dumps(config | {"model_type": "gpt2", "architectures": ["GPT2LMHeadModel"]})
    )
    refused(folder, "a gpt2 model; this works with Qwen2.5 and Qwen3")


def test_a_model_without_a_chat_template_is_refused(folder: Path):
    (folder / "chat_template.jinja").unlink()
    refused(folder, "no chat template")


def test_weights_that_cannot_be_read_are_a_one_line_error(folder: Path):
    (folder / "model.safetensors").unlink()
    with pytest.raises(LoopError, match="the model cannot be loaded") as error:
        load_base(ModelTable(name=str(folder), device="cpu"))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(("asked", "given"), [("auto", torch.float32), ("bfloat16", torch.bfloat16)])
def test_a_small_model_is_float32_on_the_cpu_unless_told(asked: Any, given: torch.dtype):
    table = ModelTable(name="tiny", dtype=asked, device="cpu")
    assert dtype(table) == given
    assert load_base(table).dtype == given


@pytest.mark.parametrize(
    ("capability", "width", "given"),
    [("AVX512", 1024, torch.bfloat16), ("AVX2", 1024, torch.float32), ("AVX2", 16384, torch.bfloat16)],
)
def test_a_large_model_is_bfloat16_where_the_cpu_is_quick_at_it_or_memory_is_short(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capability: str, width: int, given: torch.dtype
):
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: capability)
    config = json.loads((folder / "config.json").read_text())
    size = {"hidden_size": width, "intermediate_size": 4096, "vocab_size": 150_000}
    (folder / "config.json").write_text(json.dumps(config | size))
    assert dtype(ModelTable(name=str(folder), device="cpu")) == given


def test_device_is_the_cpu_where_there_is_no_gpu():
    assert device(ModelTable()) == "cpu"


def test_a_turns_end_is_the_tokenizers_end_of_text(folder: Path):
    config = json.loads((folder / "tokenizer_config.json").read_text())
    config.pop("pad_token", None)
    (folder / "tokenizer_config.json").write_text(json.dumps(config | {"eos_token": "<|endoftext|>"}))
    tokenizer = load_tokenizer(ModelTable(name=str(folder)))
    assert tokenizer.eos_token == "<|im_end|>"
    assert tokenizer.pad_token is not None


def test_the_output_layer_is_given_whole_states_when_an_answer_begins():
    """A slice makes torch copy the frozen output weights once a row on a CPU: a Qwen of 0.5B then samples at a third."""
    network = load_base(ModelTable(name="tiny", device="cpu"))
    seen: list[tuple[int, bool]] = []
    head = network.get_output_embeddings()
    forward = head.forward

    def look(states: torch.Tensor) -> torch.Tensor:
        seen.append((states.shape[1], states.is_contiguous()))
        return forward(states)

    head.forward = look
    network.generate(torch.tensor([[1, 5, 9], [1, 7, 9]]), max_new_tokens=3, do_sample=False, pad_token_id=0)
    assert seen[0] == (1, True)
    assert all(whole for _, whole in seen)
