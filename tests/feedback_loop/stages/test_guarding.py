"""The guard sees a policy that is truly broken, and is silent about one that has not changed. Nothing is trained here."""

from pathlib import Path
from typing import Any

import pytest

from feedback_loop.gate import probes
from feedback_loop.gate.forgetting import Check, forgotten
from feedback_loop.progress import silent
from feedback_loop.recipe import GuardTable, Recipe, SamplingTable
from feedback_loop.run import Draft, Run, commit, create
from feedback_loop.stages.guarding import Heard, Solved, figures, measure, probes_of
from policies.base import Policy, load_policy
from policies.sampler import sample
from tests.models_fixture import TINY, tiny_prompts

ASKED = tiny_prompts(16)
TASKS = probes.load(probes.FOLDER / "tiny.jsonl")
SAMPLING = SamplingTable(max_new_tokens=24, batch_size=16)


def saved_adapter(folder: Path, kind: str) -> Path:
    """An adapter of which nobody trained anything: as it begins, with random weights, or one that says a word all the time."""
    import torch
    from peft import LoraConfig, get_peft_model

    torch.manual_seed(1)
    base = load_policy(TINY, None, name="base")
    where = "all-linear" if kind != "stuck" else r".*layers\.3\.mlp\.down_proj"
    model = get_peft_model(base.model, LoraConfig(r=8, target_modules=where))
    weights = dict(model.named_parameters())
    with torch.no_grad():
        for name, weight in weights.items():
            if kind == "random" and "lora_B" in name:
                weight.copy_(torch.randn_like(weight))
        if kind == "stuck":
            say(model, base.tokenizer, " slowly")
    model.save_pretrained(folder)
    return folder


def say(model: Any, tokenizer: Any, word: str) -> None:
    """Set the adapter so that the last layer points at one word, whatever is usual there."""
    layer = model.base_model.model.model.layers[3].mlp.down_proj
    seen: list[Any] = []
    hook = layer.register_forward_pre_hook(lambda _, given: seen.append(given[0].flatten(0, 1).mean(0)))
    for prompt in ASKED:
        model(**tokenizer.apply_chat_template(prompt.messages, return_tensors="pt", return_dict=True))
    hook.remove()
    usual = sum(seen) / len(seen)
    (token,) = tokenizer(word, add_special_tokens=False)["input_ids"]
    wanted = model.get_output_embeddings().weight[token]
    layer.lora_A["default"].weight.copy_((usual / usual.norm()).expand_as(layer.lora_A["default"].weight))
    layer.lora_B["default"].weight.copy_(
        50 * (wanted / wanted.norm())[:, None].expand_as(layer.lora_B["default"].weight)
    )


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return create(tmp_path / "run", Recipe(model=TINY, sampling=SAMPLING), ASKED[:8], ASKED[8:], TASKS)


def draft_of(folder: Path) -> Draft:
    (folder / "draft").mkdir(exist_ok=True)
    return Draft(folder / "draft", folder / "work", folder / "resume")


def texts(policy: Policy) -> list[str]:
    drawn = sample(policy, ASKED, SAMPLING, completions=1, thinking=False, seed=1, report=silent)
    by_prompt = {c.prompt_id: c.completion for c in drawn.completions}
    return [by_prompt.get(prompt.id, "") for prompt in ASKED]


def table(run: Run, folder: Path, kind: str) -> dict[str, Check]:
    policy = load_policy(TINY, saved_adapter(folder / "adapter", kind), name="round-000")
    measured = measure(run, 0, draft_of(folder), policy, ("base", "base", "round-000"), silent)
    base = figures(measured["base"], texts(load_policy(TINY, None, name="base")))
    rows = forgotten(base, base, figures(measured["round-000"], texts(policy)), GuardTable())
    return {row.name: row for row in rows}


def test_an_adapter_that_changes_nothing_passes_every_check(run: Run, tmp_path: Path):
    found = table(run, tmp_path, "untouched")
    assert {name: row.ok for name, row in found.items()} == dict.fromkeys(found, True)
    for name in ("perplexity", "abilities", "instructions"):
        assert found[name].candidate == pytest.approx(found[name].base)
    assert found["abilities"].base == 1.0, "the tiny Qwen speaks of what it was asked"


def test_a_policy_of_random_weights_is_told_for_what_it_lost(run: Run, tmp_path: Path):
    found = table(run, tmp_path, "random")
    assert not found["perplexity"].ok
    assert "times the base's" in found["perplexity"].reason
    assert not found["abilities"].ok
    assert "copying: 24" in found["abilities"].reason
    assert not found["instructions"].ok
    assert found["diversity"].ok, "it babbles, and never the same"


def test_a_policy_that_says_one_word_all_the_time_is_told_for_that(run: Run, tmp_path: Path):
    found = table(run, tmp_path, "stuck")
    assert not found["diversity"].ok
    assert not found["repetition"].ok
    assert not found["abilities"].ok


def test_what_was_measured_is_on_record_and_not_measured_again(run: Run, tmp_path: Path):
    base = load_policy(TINY, None, name="base")
    with commit(run, 0, "evaluation") as draft:
        first = measure(run, 0, draft, base, ("base",), silent)
    folder = run.stage_folder(0, "evaluation")
    assert run.manifest(0, "evaluation").inputs.keys() == {"probes.jsonl"}
    assert (folder / "probes.jsonl").read_text().count("\n") == len(TASKS)

    class Gone(Policy):
        """Of another name, so that the base is wanted from the record; it could not be asked."""

    again = measure(run, 1, draft_of(tmp_path), Gone("round-001", None, None), ("base",), silent)
    assert again == first
    assert all(isinstance(row, Solved) and row.right for row in again["base"][0])
    assert all(isinstance(row, Heard) for row in again["base"][1])


def test_a_run_made_before_there_were_probes_has_the_shipped_ones(tmp_path: Path):
    old = create(tmp_path / "old", Recipe(model=TINY), ASKED[:8], ASKED[8:])
    (old.path / "probes.jsonl").unlink()
    draft = draft_of(tmp_path)
    assert probes_of(old, draft) == probes.shipped()
    assert draft.inputs == []
