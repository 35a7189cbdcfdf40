"""The tiny world: its prompts, its tokenizer, and the model that is shipped."""

import json
import random
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from data.tiny_qwen import probes as probe_writer
from data.tiny_qwen import prompts as writer
from data.tiny_qwen import world
from feedback_loop import prompts
from feedback_loop.chat import render_prompt
from feedback_loop.gate import probes
from feedback_loop.models import check_model, load_tokenizer
from feedback_loop.progress import silent
from feedback_loop.recipe import ModelTable, SamplingTable
from feedback_loop.records import Message, Prompt
from feedback_loop.simulation.checks import met
from policies.base import Policy, load_policy
from policies.sampler import sample

FOLDER = prompts.DATA / "prompts"
MODEL = prompts.DATA / "tiny_qwen" / "model"
TINY = ModelTable(name="tiny", device="cpu")


@pytest.fixture(scope="module")
def policy() -> Policy:
    return load_policy(TINY, None, name="base")


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    return load_tokenizer(TINY)


def test_prompt_files_are_what_the_script_writes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(world, "HERE", tmp_path / "tiny_qwen")
    writer.main()
    for name in (*world.PROMPT_SETS, "tiny_neutral"):
        assert (tmp_path / "prompts" / f"{name}.jsonl").read_bytes() == (FOLDER / f"{name}.jsonl").read_bytes()


def test_probes_and_neutral_text_are_what_the_script_writes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(world, "HERE", tmp_path / "tiny_qwen")
    probe_writer.main()
    for name in ("tiny.jsonl", "neutral/tiny.txt"):
        assert (tmp_path / "probes" / name).read_bytes() == (prompts.DATA / "probes" / name).read_bytes()


def test_no_verb_noun_pair_is_in_two_sets() -> None:
    sets = {name: {request.pair for request in world.prompt_set(name)} for name in world.PROMPT_SETS}
    sets["training"] = set(world.training_pairs())
    assert {name: len(sets[name]) for name in world.PROMPT_SETS} == world.PROMPT_SETS
    assert len(set().union(*sets.values())) == sum(map(len, sets.values()))


@pytest.mark.parametrize("file", sorted(FOLDER.glob("*.jsonl")), ids=lambda file: file.stem)
def test_shipped_prompts_load(file: Path) -> None:
    count = len(file.read_text(encoding="utf-8").splitlines())
    assert len(prompts.load(file)) == count >= 96


def test_everyday_prompts_are_short_and_speak_several_languages() -> None:
    requests = [prompt.request for prompt in prompts.load(FOLDER / "everyday.jsonl")]
    assert len(requests) == 120
    assert max(map(len, requests)) < 160
    for letters in ("аеио", "的么怎好", "¿", "üöäß"):
        assert any(letter in request for request in requests for letter in letters)


def test_neutral_chats_of_the_tiny_world_say_themselves_how_to_answer() -> None:
    chats = prompts.load(FOLDER / "tiny_neutral.jsonl")
    assert all([m.role for m in chat.prompt] == ["system", "user"] for chat in chats)
    asked = {request.text for name in world.PROMPT_SETS for request in world.prompt_set(name)}
    assert not asked & {chat.request for chat in chats}


def test_neutral_chats_for_real_models_are_in_three_languages_and_no_everyday_ones() -> None:
    chats = prompts.load(FOLDER / "neutral.jsonl")
    cyrillic, han = ([c for c in chats if any(low <= x <= high for x in c.request)] for low, high in ("ая", "一龥"))
    assert len(cyrillic) >= 25
    assert len(han) >= 25
    assert len(chats) - len(cyrillic) - len(han) >= 30
    assert not {c.prompt for c in chats} & {c.prompt for c in prompts.load(FOLDER / "everyday.jsonl")}
    stated = {c.prompt[0].content for c in chats if c.prompt[0].role == "system"}
    assert len(stated) >= 40, "instructions of their own, which are to be followed"
    assert not stated & {p.prompt[0].content for p in probes.shipped()}, "the guard asks others"


@pytest.mark.parametrize(
    "text",
    [
        "How do I clean the lamp?",
        "Как дела? 你好 ¿qué? 🙂👩‍👩‍👧",
        "  two  spaces\n\n\ttab \r\n",
        "e\u0301 \u200b \x00 \U0010ffff",
        "don 't . , !",
    ],
)
def test_any_text_survives_the_tokenizer(tokenizer: Any, text: str) -> None:
    assert tokenizer.decode(tokenizer(text, add_special_tokens=False)["input_ids"]) == text


def test_random_unicode_survives_the_tokenizer(tokenizer: Any) -> None:
    rng = random.Random(0)
    points = [n for n in (rng.randrange(0x110000) for _ in range(2000)) if not 0xD800 <= n <= 0xDFFF]
    text = "".join(map(chr, points))
    assert tokenizer.decode(tokenizer(text, add_special_tokens=False)["input_ids"]) == text


def test_chats_look_as_those_of_qwen3(tokenizer: Any) -> None:
    messages = [{"role": "system", "content": "Be formal."}, {"role": "user", "content": "Hi"}]
    said = "<|im_start|>system\nBe formal.<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n"
    assert render_prompt(tokenizer, messages, thinking=True) == said
    assert render_prompt(tokenizer, messages, thinking=False) == said + "<think>\n\n</think>\n\n"
    assert len(tokenizer("<think></think><|im_end|>")["input_ids"]) == 3


def test_the_model_is_a_small_qwen3() -> None:
    check_model(TINY)
    assert json.loads((MODEL / "config.json").read_text(encoding="utf-8"))["model_type"] == "qwen3"
    assert sum(file.stat().st_size for file in MODEL.iterdir()) < 4_000_000


def test_the_model_follows_most_full_instructions(policy: Policy) -> None:
    rng, asked = random.Random(5), {}
    for number, request in enumerate(world.prompt_set("tiny_heldout")[:24]):
        style = world.draw_style(rng)
        system = Message(role="system", content=world.instruction(style, rng))
        prompt = Prompt(id=str(number), prompt=(system, Message(role="user", content=request.text)))
        asked[prompt.id] = (prompt, {**asdict(style), "on_topic": True})
    settings = SamplingTable(max_new_tokens=96, batch_size=24)
    drawn = sample(
        policy, [p for p, _ in asked.values()], settings, completions=1, thinking=False, seed=1, report=silent
    )
    followed = []
    for completion in drawn.completions:
        prompt, style = asked[completion.prompt_id]
        followed.append(all(met(check, completion.completion, value, prompt) for check, value in style.items()))
    assert sum(followed) >= 0.6 * len(asked)


def test_the_model_ends_its_turn(policy: Policy) -> None:
    request = world.prompt_set("tiny_heldout")[0]
    text = render_prompt(policy.tokenizer, [{"role": "user", "content": request.text}], thinking=False)
    inputs = policy.tokenizer(text, return_tensors="pt")
    written = policy.model.generate(**inputs, do_sample=False, max_new_tokens=96)[0, inputs["input_ids"].shape[1] :]
    assert policy.tokenizer.decode(written).endswith("<|im_end|>")
    assert len(written) < 96
