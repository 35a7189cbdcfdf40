"""Talking: an answer is heard as it is written, any policy wears the one base, and a long chat forgets its beginning."""

import shutil
from pathlib import Path

import pytest
from safetensors.torch import load_file, save_file

from feedback_loop.errors import UsageError
from feedback_loop.recipe import SamplingTable
from feedback_loop.records import ChatMessage
from policies.talk import Reply, Talker
from tests.models_fixture import TINY, tiny_prompts

SETTINGS = SamplingTable()
ASKED: list[ChatMessage] = tiny_prompts(1)[0].messages


@pytest.fixture(scope="module")
def talker() -> Talker:
    return Talker(TINY)


def say(
    talker: Talker, adapter: Path | None = None, chat: list[ChatMessage] = ASKED, **more
) -> tuple[Reply, list[str]]:
    heard: list[str] = []

    def listen(piece: str) -> bool:
        heard.append(piece)
        return False

    name = "round-000" if adapter else "base"
    return talker.reply(name, adapter, chat, SETTINGS, **{"most": 60, "seed": 5, "heard": listen} | more), heard


def test_the_pieces_that_were_heard_are_the_answer(talker: Talker):
    made, heard = say(talker)
    assert len(heard) > 5
    assert "".join(heard) == made.text
    assert (made.stopped, made.cut, made.forgotten) == (False, False, 0)


def test_whoever_hears_it_may_stop_it_and_it_is_cut_at_the_most(talker: Talker):
    whole, _ = say(talker)
    pieces: list[str] = []
    stopped, _ = say(talker, heard=lambda piece: pieces.append(piece) or len(pieces) == 4)
    assert (stopped.stopped, stopped.text) == (True, "".join(pieces).strip())
    assert whole.text.startswith(stopped.text)
    cut, _ = say(talker, most=3)
    assert (cut.stopped, cut.cut) == (False, True)


def test_policies_change_on_one_base_and_each_says_what_it_said(talker: Talker, adapter: Path, tmp_path: Path):
    strong = shutil.copytree(adapter, tmp_path / "adapter")
    weights = load_file(strong / "adapter_model.safetensors")
    save_file({k: 20 * w if "lora_B" in k else w for k, w in weights.items()}, strong / "adapter_model.safetensors")
    base, taught = say(talker)[0].text, say(talker, strong)[0].text
    assert taught != base
    assert [say(talker)[0].text, say(talker, strong)[0].text] == [base, taught]


def test_a_second_answer_differs_from_the_first_and_is_not_heard_before_its_end(talker: Talker):
    first = say(talker)[0].text
    second, heard = say(talker, unlike=first)
    assert second.text not in ("", first)
    assert "".join(heard) == ""


def test_a_long_chat_forgets_its_first_turns_but_not_what_stands_before_them(talker: Talker):
    turns: list[ChatMessage] = [{"role": "system", "content": "Be kind."}]
    turns += [
        {"role": r, "content": "clean the window and the door " * 9} for _ in range(6) for r in ("user", "assistant")
    ]
    made, _ = say(talker, chat=[*turns, *ASKED])
    assert made.forgotten > 0
    assert made.forgotten % 2 == 0, "a chat begins with somebody's turn"
    with pytest.raises(UsageError, match=r"longer than the model can read \(512 tokens\). Shorten it"):
        say(talker, chat=[{"role": "user", "content": "window " * 900}])
