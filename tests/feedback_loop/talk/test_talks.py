"""The chat's process: it answers, stops when told, and ends at once when somebody works on the run."""

import io
import os
import subprocess
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from feedback_loop import locks, recipe
from feedback_loop.asking import asked
from feedback_loop.cli_chat import chat
from feedback_loop.records import Message
from feedback_loop.run import Run, create
from feedback_loop.store.journal import Journal
from feedback_loop.talk.talking import Ask, Said
from feedback_loop.talk.talks import Talks, choices
from tests.conftest import command
from tests.feedback_loop.decided_run import answers, vote
from tests.feedback_loop.decided_run import ask as ask_people
from tests.models_fixture import tiny_prompts


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return create(tmp_path / "run", recipe.load(None, ["model.name=tiny"]), tiny_prompts(4), tiny_prompts(6)[4:])


@pytest.fixture
def talks(run: Run) -> Iterator[Talks]:
    with closing(Talks(run)) as made:
        yield made


def ask(text: str = "How do I clean a window?", **more) -> Ask:
    return Ask(**{"messages": (Message(role="user", content=text),), "policy": "base", "seed": 3} | more)


def heard(talks: Talks, asked: Ask) -> list[Said]:
    return list(talks.reply(asked, threading.Event()))


def test_one_process_answers_and_leaves_as_soon_as_somebody_works_on_the_run(run: Run, talks: Talks):
    said = heard(talks, ask())
    assert [s.state for s in said[:2]] == ["loading", "text"]
    assert said[-1].state == "done"
    assert "".join(s.text for s in said if s.state == "text") == said[-1].text
    again = heard(talks, ask())
    assert [s.state for s in again if s.state != "text"] == ["done"], "the model is there already"
    assert again[-1].text == said[-1].text

    assert heard(talks, ask(shots=3))[-1].shots == 0, "nobody showed anything yet"
    ask_people(run, 0)
    vote(run, 0, answers(0)[:2])
    shown = heard(talks, ask(shots=3))[-1]
    assert (shown.state, shown.shots, shown.forgotten) == ("done", 2, 0)
    assert shown.text != again[-1].text

    assert locks.chatting(run)
    assert not locks.sampling(run)
    with locks.sampler_lock(run) as mine:
        assert not mine, "who chats goes before the sampler"
    with closing(Talks(run)) as other:
        assert heard(other, ask())[-1].trouble == "elsewhere"

    going = talks.reply(ask(seed=9), threading.Event())
    assert next(going).state == "text"
    going.close()
    stop = threading.Event()
    stop.set()
    assert list(talks.reply(ask(), stop))[-1].ended == "stopped", "who left, or stopped, keeps nobody waiting"

    with locks.lock(run):
        assert not locks.chatting(run), "whoever works on the run waited for it to leave"
        assert choices(run).busy
        assert [s.trouble for s in heard(talks, ask())] == ["busy"]


def test_the_terminal_answers_knows_its_commands_and_keeps_corrections_with_consent(run: Run, tmp_path: Path):
    ask_people(run, 0)
    editor = tmp_path / "editor"
    editor.write_text("#!/bin/sh\necho 'Wipe it twice.' > $1\n")
    editor.chmod(0o700)
    (run.path / "brief.md").write_text("# How to answer\n- In two words.\n- Kindly.\n")
    lines = [
        "/better",
        "How do I clean a window?",
        *("/better", "1", "Wipe it.", "y"),
        *("/better", ""),
        *("/better", "=", "Wipe it.", ""),
        *("/better", "2", "e", "y"),
        "/help",
        "/brief 0.5",
        "/brief much",
        "/examples 3",
        "/examples many",
        "/policy round-007",
        "And a door?",
        "/reset",
    ]
    done = subprocess.run(
        command("chat", run.path),
        input="\n".join(lines),
        env=os.environ | {"EDITOR": str(editor), "VISUAL": ""},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.strip()) > 10
    with closing(Journal(run.path / "journal.sqlite")) as journal:
        kept = journal.rankings(0)
    assert [r.edit for r in kept] == ["Wipe it.", "Wipe it twice."]
    shown = {c.id: c for c in asked.asked(run, 0)}
    for ranking, place in zip(kept, (0, 1), strict=True):
        comparison = shown[ranking.comparison_id]
        assert comparison.prompt.prompt[-1].content == "How do I clean a window?"
        assert ranking.choice == comparison.completions[place].id
        assert f"[{place + 1}]\n{comparison.completions[place].completion}" in done.stdout
    assert done.stderr.count("Nothing was kept.") == 2
    for said in (
        "There is no answer yet: say something first.",
        "Kept: a ranking of round 000.",
        "base of tiny.",
        "/policy NAME",
        "words of the brief stand before the chat",
        "/brief takes a share",
        "1 of the 1 examples",
        "/examples takes a number from 0",
        "no policy round-007. There are: base.",
        "A new chat.",
    ):
        assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert not locks.chatting(run), "it leaves nothing running"


def test_an_answer_that_was_stopped_in_the_terminal_is_no_side_of_a_comparison(
    run: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    ask_people(run, 0)
    (run.path / "brief.md").write_text("- 用中文回答。\n")
    pieces = list[str]()

    def interrupted(text: str) -> str:
        """Ctrl-C as the first piece is printed."""
        pieces.append(text)
        if len(pieces) == 1:
            raise KeyboardInterrupt
        return text

    monkeypatch.setattr("sys.stdin", io.StringIO("How do I clean a window?\n/better\n/brief 1\n"))
    chat(run, "base", 0, interrupted)
    said = capsys.readouterr().err
    assert "(stopped)\nThe last answer was stopped, and half an answer is not compared with a whole one." in said
    assert "5 words of the brief stand before the chat." in said, "in Chinese a character is one"


def test_an_unknown_policy_is_one_line(run: Run):
    done = subprocess.run(
        command("chat", run.path, "--policy", "round-003"), capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr.strip()) == (2, f"{run.path}: no policy round-003. There are: base.")
