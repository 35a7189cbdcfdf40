"""Prompt files are checked line by line; splitting and choosing depend on the seed alone."""

from collections import Counter
from pathlib import Path

import pytest

from feedback_loop import prompts
from feedback_loop.errors import UsageError
from feedback_loop.records import Message, Prompt


def some(count: int) -> list[Prompt]:
    return [Prompt(id=f"p{n}", prompt=(Message(role="user", content=f"Question {n}?"),)) for n in range(count)]


def test_text_and_chats_are_read(tmp_path: Path):
    file = tmp_path / "p.jsonl"
    file.write_text(
        '{"id": "a", "prompt": "Hi"}\n\n'
        '{"prompt": [{"role": "system", "content": "S"}, {"role": "user", "content": "Привет"}]}\n',
        encoding="utf-8",
    )
    first, second = prompts.load(file)
    assert (first.id, first.request) == ("a", "Hi")
    assert second.request == "Привет"
    assert second.id == prompts.load(file)[1].id


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no prompts"),
        ('{"prompt": "a"}\n{"prompt": "a"}', "line 2: the prompt is already on line 1"),
        ('{"id": "x", "prompt": "a"}\n{"id": "x", "prompt": "b"}', "line 2: the id 'x' is already on line 1"),
        ('{"prompt": "a"}\n{"prompt": ', "line 2: not JSON"),
        ('{"promt": "a"}', 'line 1: no "prompt" there'),
        ('{"prompt": [{"role": "robot", "content": "a"}]}', "line 1: prompt.0.role"),
        ('{"prompt": [{"role": "assistant", "content": "a"}]}', "line 1: the last message must be the user's"),
        ('{"prompt": " "}', "line 1: the last message must be the user's, and not empty"),
        ('{"prompt": "a", "tag": 1}', "line 1: tag"),
    ],
)
def test_a_bad_file_is_named_with_its_line(tmp_path: Path, text: str, said: str):
    file = tmp_path / "p.jsonl"
    file.write_text(text)
    with pytest.raises(UsageError) as error:
        prompts.load(file)
    assert said in str(error.value)
    assert str(file) in str(error.value)


def test_a_file_that_is_not_utf8_is_named(tmp_path: Path):
    file = tmp_path / "p.jsonl"
    file.write_bytes(b'{"prompt": "\xff"}')
    with pytest.raises(UsageError, match="not UTF-8"):
        prompts.load(file)


def test_split_is_disjoint_whole_and_repeatable():
    train, heldout = prompts.split(some(10), 0.2, seed=3)
    assert {p.id for p in train} | {p.id for p in heldout} == {p.id for p in some(10)}
    assert len(heldout) == 2
    assert {p.id for p in prompts.split(some(10)[::-1], 0.2, seed=3)[1]} == {p.id for p in heldout}


def test_one_prompt_cannot_be_split():
    with pytest.raises(UsageError, match="two are needed"):
        prompts.split(some(1), 0.5, seed=0)


def test_the_least_used_prompts_come_first_and_all_come_again():
    chosen = prompts.choose(some(4), {"p0": 1, "p1": 1}, 2, seed=0)
    assert {p.id for p in chosen} == {"p2", "p3"}
    assert set(Counter(p.id for p in prompts.choose(some(4), {}, 8, seed=0)).values()) == {2}
