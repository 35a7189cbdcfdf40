"""The base model: where it lies, how it is loaded, and whether it will do."""

import json
from pathlib import Path
from typing import Any

from feedback_loop.chat import end
from feedback_loop.errors import LoopError, UsageError
from feedback_loop.prompts import DATA
from feedback_loop.recipe import ModelTable

QWEN = ("qwen2", "qwen3")
SMALL = 100_000_000
"""Parameters up to which float32 costs little on a CPU."""
LARGE = 2_000_000_000
"""Parameters from which float32 (4 bytes each) is more memory than most machines have to spare."""


def resolve(name: str) -> str:
    """A hub name or folder as transformers wants it; `tiny` is the shipped model."""
    return str(DATA / "tiny_qwen" / "model") if name == "tiny" else name


def load_base(model: ModelTable) -> Any:
    """The causal model, on its device and in its type; LoopError where it cannot be loaded."""
    from transformers import AutoModelForCausalLM

    network = _load(AutoModelForCausalLM, model)
    # Sampling hands the output layer a slice of the prompts' states. On a CPU, torch multiplies a slice by frozen weights
    # with a copy of them for each row: 300 times slower, and 270 MB a row for a Qwen of 0.5B.
    network.get_output_embeddings().register_forward_pre_hook(lambda _, given: (given[0].contiguous(),))
    return network


def load_classifier(model: ModelTable, tokenizer: Any) -> Any:
    """The same base with a new score head (one number a sequence, read at its last token)."""
    from transformers import AutoModelForSequenceClassification

    network = _load(AutoModelForSequenceClassification, model, num_labels=1)
    network.config.pad_token_id = tokenizer.pad_token_id
    return network


def _load(kind: Any, model: ModelTable, **more: Any) -> Any:
    try:
        return kind.from_pretrained(resolve(model.name), dtype=dtype(model), **more).to(device(model))
    except (OSError, ValueError) as error:
        raise LoopError(f"{model.name}: the model cannot be loaded: {_first_line(error)}") from error


def load_tokenizer(model: ModelTable) -> Any:
    """The model's tokenizer, with a padding token, and the end of a turn as its end of text."""
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(resolve(model.name))
    tokenizer.eos_token = end(tokenizer)
    if tokenizer.pad_token in (None, tokenizer.eos_token):
        # The score is read at the last token that is no padding: the end of the turn must not count as such.
        tokenizer.pad_token = "<|endoftext|>"  # noqa: S105
    return tokenizer


def device(model: ModelTable) -> str:
    """`cpu` or `cuda`."""
    import torch

    if model.device != "auto":
        return model.device
    return "cuda" if torch.cuda.is_available() else "cpu"


def dtype(model: ModelTable) -> Any:
    """A torch type; `auto` is bfloat16 on CUDA, and on a CPU where it is quicker or float32 too large.

    With AVX-512 a CPU multiplies bfloat16 two to three times as fast as float32; without, it was six times as slow for a Qwen of
    0.5B (AMD EPYC, AVX2).
    """
    import torch

    if model.dtype != "auto":
        return getattr(torch, model.dtype)
    quick = torch.backends.cpu.get_cpu_capability() == "AVX512"
    on_cpu = _parameters(model) > (SMALL if quick else LARGE)
    return torch.bfloat16 if device(model) == "cuda" or on_cpu else torch.float32


def fingerprint(model: ModelTable) -> str:
    """What a cache of figures by this base must be keyed by: the weights, their type and the device, as JSON.

    A folder's weights are known by their files' sizes and times, a hub's by its name.
    """
    folder = Path(resolve(model.name))
    files = sorted(folder.glob("*.safetensors")) if folder.is_dir() else []
    weights = [(f.name, f.stat().st_size, f.stat().st_mtime_ns) for f in files]
    return json.dumps([model.model_dump(), weights, str(dtype(model)), device(model)])


def check_model(model: ModelTable) -> None:
    """Look at the model's configuration and tokenizer, not its weights; UsageError in one line where it will not do."""
    from transformers import AutoConfig

    name = resolve(model.name)
    if name.startswith((".", "/", "~")) and not Path(name).is_dir():
        raise UsageError(f"{model.name}: no such folder. Check model.name or --model.")
    try:
        config = AutoConfig.from_pretrained(name)
    except (OSError, ValueError) as error:
        raise UsageError(
            f"{model.name}: no model there that can be read ({_first_line(error)}). Give a folder or a hub name by --model."
        ) from error
    if config.model_type not in QWEN:
        raise UsageError(
            f"{model.name}: a {config.model_type} model; this works with Qwen2.5 and Qwen3. Choose another."
        )
    if not load_tokenizer(model).chat_template:
        raise UsageError(f"{model.name}: its tokenizer has no chat template. Choose an instruct or chat model.")


def _parameters(model: ModelTable) -> int:
    """Roughly, from the configuration alone."""
    from transformers import AutoConfig

    c = AutoConfig.from_pretrained(resolve(model.name))
    layer = 4 * c.hidden_size**2 + 3 * c.hidden_size * c.intermediate_size
    return int(c.vocab_size * c.hidden_size + c.num_hidden_layers * layer)


def _first_line(error: BaseException) -> str:
    return str(error).strip().split("\n")[0][:160]
