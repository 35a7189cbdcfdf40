"""A policy as one model of its own, for programs that know nothing of adapters: merged, as GGUF, and for Ollama."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from feedback_loop.chat import end, end_id, render_prompt
from feedback_loop.errors import LoopError, UsageError
from feedback_loop.lineage import adapter_folder
from feedback_loop.models import dtype, load_base, load_tokenizer, resolve
from feedback_loop.run import Run

CONVERTER = "convert_hf_to_gguf.py"
TURN = "<|im_start|>"
EACH_TURN = "{{- range .Messages }}<|im_start|>{{ .Role }}\n{{ .Content }}<|im_end|>\n{{ end }}"
"""ChatML, as a template of Go's (Ollama, docs/template.md)."""


def merge(run: Run, policy: str, folder: Path) -> str:
    """Base and adapter as one model in the type that the run computes in; a few words on it.

    Weights in safetensors, tokenizer with its chat template, generation config that ends at the end of a turn.
    """
    from transformers import AutoTokenizer

    model = run.recipe.model
    network: Any = load_base(model.model_copy(update={"device": "cpu"}))
    adapter = adapter_folder(run, policy)
    if adapter is not None:
        from peft import PeftModel

        network = PeftModel.from_pretrained(network, str(adapter)).merge_and_unload()
    tokenizer = load_tokenizer(model)
    settings = network.generation_config
    ends = settings.eos_token_id if isinstance(settings.eos_token_id, list) else [settings.eos_token_id]
    if end_id(tokenizer) not in ends:
        settings.eos_token_id = end_id(tokenizer)
    settings.pad_token_id = tokenizer.pad_token_id
    network.save_pretrained(folder)
    AutoTokenizer.from_pretrained(resolve(model.name)).save_pretrained(folder)
    return f"{policy} as a model of its own, {str(dtype(model)).removeprefix('torch.')}"


def find_converter() -> list[str]:
    """How to call llama.cpp's converter; UsageError says what to install where it is not there."""
    found = shutil.which(CONVERTER)
    if found:
        return [found]
    folder = os.environ.get("LLAMA_CPP_DIR", "")
    if folder and (Path(folder) / CONVERTER).is_file():
        return [sys.executable, str(Path(folder) / CONVERTER)]
    where = f"not in LLAMA_CPP_DIR={folder} either" if folder else "and LLAMA_CPP_DIR is not set"
    raise UsageError(
        f"--gguf: {CONVERTER} is not on the PATH, {where}. "
        "Get it: git clone https://github.com/ggml-org/llama.cpp, then set LLAMA_CPP_DIR to that folder"
    )


def convert(converter: list[str], model: Path, out: Path) -> None:
    """A merged model as one GGUF file; LoopError with the converter's last line, and what to do, where that failed."""
    command = [*converter, str(model), "--outfile", str(out), "--outtype", "auto"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode == 0 and out.exists():
        return
    said = (done.stderr.strip() or done.stdout.strip() or f"it ended with status {done.returncode}").splitlines()[-1]
    lacks, python = re.search(r"No module named '(\w+)", said), converter[0] if len(converter) > 1 else "python"
    advice = (
        f"Install it: {python} -m pip install {lacks[1]}" if lacks else "Export without --gguf, or update llama.cpp"
    )
    raise LoopError(f"--gguf: llama.cpp's converter failed: {said[:200]}. {advice}")


def modelfile(run: Run, folder: Path) -> str:
    """Ollama's recipe for what lies in `folder`: which weights, the chat template, where an answer ends, how it is drawn."""
    base, tokenizer = public_name(run.recipe.model.name), load_tokenizer(run.recipe.model)
    lines = [f"# ollama create NAME -f Modelfile; what it is: README.md. Base model: {base}"]
    if (folder / "model.gguf").exists():
        lines.append("FROM ./model.gguf")
    elif (folder / "merged").exists():
        lines.append("FROM ./merged")
    else:
        lines += [
            "# Put the base model's folder or its name in Ollama here. Where Ollama takes no adapter for it, export"
        ]
        lines += ["# with --merged.", f"FROM {base}"]
        lines += ["ADAPTER ./adapter"] * (folder / "adapter").exists()
    lines += _template(tokenizer, thinking=run.recipe.model.thinking)
    sampling = run.recipe.sampling
    lines += ["# As the answers were drawn that people ranked:", f"PARAMETER temperature {sampling.temperature:g}"]
    lines += [f"PARAMETER top_p {sampling.top_p:g}", "PARAMETER top_k 0", "PARAMETER repeat_penalty 1"]
    return "\n".join([*lines, f'PARAMETER stop "{end(tokenizer)}"']) + "\n"


def public_name(name: str) -> str:
    """A model's name as others may know it: a hub name as it is, of a folder its last part."""
    return Path(name).name if Path(name).expanduser().is_dir() or name.startswith((".", "/", "~")) else name


def _template(tokenizer: Any, *, thinking: bool) -> list[str]:
    """TEMPLATE and, where the model's own template puts one, SYSTEM; a remark where it is not ChatML.

    What stands around a request is read off a rendered one, so that both say the same.
    """
    asked = "REQUEST"
    text = render_prompt(tokenizer, [{"role": "user", "content": asked}], thinking=thinking)
    before, _, after = text.partition(f"{TURN}user\n{asked}<|im_end|>\n")
    system = before.removeprefix(f"{TURN}system\n").removesuffix("<|im_end|>\n")
    if not after.startswith(f"{TURN}assistant\n") or (before and before != f"{TURN}system\n{system}<|im_end|>\n"):
        return ["# The model's chat template is not ChatML: Ollama uses the one that the model brings."]
    return [f'TEMPLATE """{EACH_TURN}{after}"""', *([f'SYSTEM """{system}"""'] if before else [])]
