"""Accounts from the command line."""

import contextlib
import json
from pathlib import Path

import pytest

from feedback_loop import recipe
from feedback_loop import run as runs
from feedback_loop.records import Message, Prompt
from feedback_loop.serving import first_invite
from tests.conftest import Cli, one_line
from ui.accounts import Accounts


@pytest.fixture
def run(tmp_path: Path) -> Path:
    prompts = [Prompt(id=f"p{n}", prompt=(Message(role="user", content=f"Question {n}?"),)) for n in range(4)]
    read = recipe.load(None, ["app.login=accounts"])
    return runs.create(tmp_path / "run", read, prompts[:3], prompts[3:]).path


def accept(run: Path, link: str, name: str) -> None:
    with contextlib.closing(Accounts(run)) as accounts:
        assert accounts.accept(link.rsplit("/", 1)[1], name, "h")


def test_invite_prints_a_link_that_makes_an_account(cli: Cli, run: Path):
    done = cli("invite", run, "--role", "owner", "--url", "https://label.example.org")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("https://label.example.org/invite/")
    accept(run, done.stdout.strip(), "olga")
    plain = cli("invite", run, "--name", "anna", env={"FEEDBACK_LOOP_URL": "http://box.lan:7860"}).stdout.strip()
    assert plain.startswith("http://box.lan:7860/invite/")
    accept(run, plain, "anna")
    listed = cli("users", run).stdout.splitlines()
    assert [line.split()[:2] for line in listed] == [["olga", "owner"], ["anna", "annotator"]]


def test_users_are_kept_out_let_in_and_given_roles(cli: Cli, run: Path):
    assert "feedback-loop invite" in cli("users", run).stdout
    for name, role in (("olga", "owner"), ("anna", "annotator")):
        accept(run, cli("invite", run, "--role", role).stdout.strip(), name)
    assert "anna  annotator" in (said := cli("users", run, "--disable", "anna").stdout)
    assert "kept out" in said
    assert "kept out" not in cli("users", run, "--enable", "anna", "--sign-out", "anna").stdout
    assert "anna  owner" in cli("users", run, "--role", "anna=owner").stdout
    one_line(cli("users", run, "--disable", "nobody"), 2, "nobody called nobody")
    one_line(cli("users", run, "--role", "anna"), 2, "NAME=owner")


def test_what_cannot_be_is_one_line(cli: Cli, run: Path, tmp_path: Path):
    one_line(cli("invite", run, "--url", "label.example.org"), 2, "--url")
    one_line(cli("invite", tmp_path / "nothing"), 2)
    text = (run / "recipe.toml").read_text()
    (run / "recipe.toml").write_text(text.replace('login = "accounts"', 'login = "name"'))
    one_line(cli("invite", run), 2, 'login = "accounts"', "recipe.toml")
    one_line(cli("users", run), 2, 'login = "accounts"')
    one_line(cli("serve", run, "--no-browser", "--host", "0.0.0.0"), 2, 'login = "accounts"', "127.0.0.1")


def test_the_first_owner_is_invited_until_there_is_one(run: Path):
    opened = runs.open_run(run)
    link = first_invite(opened, "http://127.0.0.1:7860")
    assert link.startswith("http://127.0.0.1:7860/invite/")
    accept(run, link, "olga")
    assert first_invite(opened, "http://127.0.0.1:7860") == ""
    assert json.loads((run / "run.json").read_text())
