"""An export loads in plain transformers and PEFT and answers as the run's policy does; its card names nobody."""

import json
from pathlib import Path
from typing import Any

import pytest

from feedback_loop.brief.curve import Row
from feedback_loop.chat import end_id, render_prompt
from feedback_loop.errors import LoopError, UsageError
from feedback_loop.export.export import export
from feedback_loop.lineage import adapter_folder
from feedback_loop.models import resolve
from feedback_loop.run import Run, commit, write_jsonl
from policies.base import load_policy
from tests.feedback_loop.decided_run import answers, asked, collect, learn, new_run
from tests.feedback_loop.team_samples import said
from tests.models_fixture import tiny_prompts


@pytest.fixture
def run(tmp_path: Path, adapter: Path) -> Run:
    """One round by two people, whose policy is a trained adapter of the tiny Qwen."""
    made = new_run(tmp_path / "run", "model.name=tiny", "model.dtype=float32", "model.device=cpu")
    edit = said(asked(0)[0], "a", "benedikt", edit="As it should be", edit_of="0-a")
    collect(made, 0, [*answers(0, "annabella"), edit])
    evaluate(made)
    learn(made, 0, trained=adapter)
    return made


def evaluate(run: Run) -> None:
    """An evaluation with a check that is not kept, and a curve."""
    figures = {"kl": 1.0, "reward": 0.5, "length": 20.0}
    check = {
        "name": "length",
        "base": 9.0,
        "parent": 9.0,
        "candidate": 40.0,
        "high": 18.0,
        "ok": False,
        "reason": "Long.",
    }
    with commit(run, 0, "evaluation") as draft:
        draft.facts |= {
            "candidate": "round-000", "parent": "base", "prompts": 2, "win_rate_parent": 1.0, "win_rate_base": 1.0,
            "policies": dict.fromkeys(("round-000", "base"), figures), "checks": [check], "brief": True,
        }  # fmt: skip
        rows = [
            Row(policy=name, level=level, tokens=int(level * 80), win_rate=rate, low=rate, high=rate,
                judge="reward model", answers=2)
            for name in ("base", "round-000")
            for level, rate in ((1.0, 0.5), (0.0, 0.1 if name == "base" else 0.6))
        ]  # fmt: skip
        write_jsonl(draft.path / "curve.jsonl", rows)


def greedy(model: Any, tokenizer: Any) -> list[str]:
    """Answers to twelve requests, the likeliest token each time."""
    said = []
    for prompt in tiny_prompts(12):
        text = render_prompt(tokenizer, prompt.messages, thinking=False)
        given = tokenizer(text, return_tensors="pt", add_special_tokens=False)
        out = model.generate(
            **given, do_sample=False, max_new_tokens=32, eos_token_id=end_id(tokenizer), pad_token_id=0
        )
        said.append(tokenizer.decode(out[0, given["input_ids"].shape[1] :]))
    return said


def test_the_adapter_and_the_merged_model_answer_as_the_policy_does(run: Run, tmp_path: Path):
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, AutoTokenizer

    lines = export(run, tmp_path / "out", merged=True)
    assert any(line.endswith("round-000 as a model of its own, float32") for line in lines)
    policy = load_policy(run.recipe.model, adapter_folder(run, "round-000"), name="round-000")
    wanted = greedy(policy.model, policy.tokenizer)
    base = AutoModelForCausalLM.from_pretrained(resolve("tiny"), dtype="float32").eval()
    tokenizer = AutoTokenizer.from_pretrained(resolve("tiny"))
    assert greedy(base, tokenizer) != wanted, "the adapter changes something"
    assert greedy(PeftModel.from_pretrained(base, str(tmp_path / "out" / "adapter")), tokenizer) == wanted
    folder = str(tmp_path / "out" / "merged")
    merged = AutoModelForCausalLM.from_pretrained(folder, dtype="auto").eval()
    assert greedy(merged, AutoTokenizer.from_pretrained(folder)) == wanted
    assert merged.generation_config.eos_token_id == end_id(tokenizer)
    assert AutoTokenizer.from_pretrained(folder).chat_template == tokenizer.chat_template


def test_the_card_says_what_it_rests_on_and_names_neither_people_nor_places(run: Run, tmp_path: Path):
    export(run, tmp_path / "out", merged=True)
    card = (tmp_path / "out" / "README.md").read_text(encoding="utf-8")
    assert card.startswith("---\nbase_model: tiny\nlibrary_name: transformers\n")
    for wanted in (
        "5 labels by 2 people",
        "- 1 answers that people rewrote",
        "| round-000 | base | kept | people's duels |",
        "KL divergence from the base, nats an answer | 1.00 |",
        "| length | 9 | 9 | 40 | at most 18 | BREACH |",
        "- round-000: 0 of 80 ",
        "| base | 0% | 0 | 10% (10% to 10%) | reward model |",
        f"policy {run.seed(0, 'policy')}",
        "torch ",
        "That of the base model, tiny",
    ):
        assert wanted in card
    config = json.loads((tmp_path / "out" / "adapter" / "adapter_config.json").read_text())
    assert config["base_model_name_or_path"] == "tiny"
    texts = [f for f in (tmp_path / "out").rglob("*") if f.suffix in (".json", ".md", "") and f.is_file()]
    assert len(texts) >= 8
    for file in texts:
        for hidden in ("annabella", "benedikt", str(tmp_path), str(Path(resolve("tiny")).parent)):
            assert hidden not in file.read_text(encoding="utf-8"), (file, hidden)


def test_the_modelfile_has_the_models_template_and_stop_token(run: Run, tmp_path: Path):
    export(run, tmp_path / "out")
    text = (tmp_path / "out" / "Modelfile").read_text()
    assert "\nFROM tiny\nADAPTER ./adapter\n" in text
    assert text.endswith('PARAMETER stop "<|im_end|>"\n')
    template = text.partition('TEMPLATE """')[2].partition('"""')[0]
    assert template.endswith("{{ end }}<|im_start|>assistant\n<think>\n\n</think>\n\n"), "thinking is off in the recipe"


def test_any_policy_may_be_exported_and_an_unknown_one_is_named(run: Run, tmp_path: Path):
    export(run, tmp_path / "base", "base")
    assert not (tmp_path / "base" / "adapter").exists()
    assert "nothing was learned" in (tmp_path / "base" / "README.md").read_text()
    with pytest.raises(UsageError, match=r"no policy round-007. There are: base, round-000"):
        export(run, tmp_path / "other", "round-007")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["base", "run"], "what failed leaves nothing"


def test_gguf_is_made_by_llama_cpp_and_its_absence_or_failure_is_one_line(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("LLAMA_CPP_DIR", raising=False)
    with pytest.raises(
        UsageError, match=r"^--gguf: convert_hf_to_gguf.py is not on the PATH.*git clone .*LLAMA_CPP_DIR"
    ):
        export(run, tmp_path / "out", gguf=True)
    script = tmp_path / "llama.cpp" / "convert_hf_to_gguf.py"
    script.parent.mkdir()
    monkeypatch.setenv("LLAMA_CPP_DIR", str(script.parent))
    fails = {
        "import sys; print('one'); sys.exit('This model is unknown')": r"This model is unknown\. Export without",
        "import surely_not_there": r"ModuleNotFoundError.*\. Install it: \S+ -m pip install surely_not_there$",
    }
    for text, words in fails.items():
        script.write_text(text)
        with pytest.raises(LoopError, match=rf"^--gguf: llama.cpp's converter failed: {words}"):
            export(run, tmp_path / "out", gguf=True)
    assert not (tmp_path / "out").exists()
    assert list(tmp_path.glob(".*making*")) == []
