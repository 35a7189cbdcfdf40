"""Bad input of any kind: one clear line, exit status 1 or 2, nothing left behind."""

import json
import os
import shutil
import socket
from pathlib import Path

import pytest

from feedback_loop import locks
from feedback_loop import run as runs
from feedback_loop.prompts import DATA
from tests.conftest import Cli, init_small, one_line

pytestmark = [pytest.mark.e2e]
TINY = DATA / "tiny_qwen" / "model"


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("policy.lr=1", "unknown key policy.lr"),
        ("rankings.needed=many", "rankings.needed = 'many'"),
        ("policy.trl.learning_rates=1", "learning_rates"),
        ("prompts.file=absent.jsonl", "absent.jsonl: cannot read the prompts"),
        ("brief.file=absent.md", "absent.md: cannot read the brief"),
        ("brief.file=support", "support: with the longest request it has"),
        ("model.name=./absent", "./absent"),
        ("model.name=absent", "absent"),
    ],
)
def test_a_wrong_setting_makes_no_run(here: Cli, tmp_path: Path, override: str, said: str):
    one_line(here("init", tmp_path / "run", "--set", override), 2, said)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no prompts"),
        ('{"prompt": "a"}\n{"prompt": "a"}', "line 2"),
        ('{"prompt": "a"}\n{"prompt"', "line 2: not JSON"),
    ],
)
def test_a_bad_prompts_file_is_named_with_its_line(here: Cli, tmp_path: Path, text: str, said: str):
    file = tmp_path / "mine.jsonl"
    file.write_text(text)
    one_line(here("init", tmp_path / "run", "--set", f"prompts.file={file}"), 2, str(file), said)
    assert not (tmp_path / "run").exists()


def test_a_model_without_a_chat_template_is_refused(here: Cli, tmp_path: Path):
    model = tmp_path / "model"
    shutil.copytree(TINY, model)
    (model / "chat_template.jinja").unlink(missing_ok=True)
    config = model / "tokenizer_config.json"
    config.write_text(json.dumps({k: v for k, v in json.loads(config.read_text()).items() if k != "chat_template"}))
    one_line(here("init", tmp_path / "run", "--recipe", "demo", "--model", model), 2, "chat template")


def test_a_model_that_is_no_qwen_is_refused(here: Cli, tmp_path: Path):
    model = tmp_path / "model"
    shutil.copytree(TINY, model)
    config = model / "config.json"
    changed = {"model_type": "llama", "architectures": ["LlamaForCausalLM"]}
    config.write_text(json.dumps(json.loads(config.read_text()) | changed))
    one_line(here("init", tmp_path / "run", "--recipe", "demo", "--model", model), 2, "Qwen")


def test_a_folder_in_use_is_left_alone(here: Cli, tmp_path: Path):
    (tmp_path / "thesis.txt").write_text("mine")
    one_line(here("init", tmp_path), 2, "already there and not empty")
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.txt"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_an_unwritable_folder_is_named(cli: Cli, tmp_path: Path):
    tmp_path.chmod(0o500)
    done = cli("init", tmp_path / "run")
    tmp_path.chmod(0o700)
    one_line(done, 1, str(tmp_path), "Permission denied")


def test_a_run_that_is_none_and_a_newer_one_are_refused(cli: Cli, tmp_path: Path):
    one_line(cli("status", tmp_path), 2, "no run there. Make one: feedback-loop init")
    run = init_small(tmp_path / "run")
    record = run / "run.json"
    record.write_text(json.dumps(json.loads(record.read_text()) | {"format": runs.FORMAT + 1}))
    one_line(cli("advance", run), 1, f"run format {runs.FORMAT + 1} is newer")


def test_a_second_advance_is_refused(cli: Cli, tmp_path: Path):
    run = init_small(tmp_path / "run")
    with locks.lock(runs.open_run(run)):
        one_line(cli("advance", run), 1, "another process", "is working on this run")


def test_a_stage_before_its_time_says_what_is_missing(cli: Cli, tmp_path: Path):
    run = init_small(tmp_path / "run")
    one_line(cli("train-policy", run), 2, "Round 000 has no prompts yet, which policy needs")
    one_line(cli("redo", run, "policy"), 2, "Round 000 has no policy yet")
    one_line(cli("redo", run, "polish"), 2, "polish: no such stage")
    one_line(cli("rollback", run, "--to", "3"), 2, "no policy round-003. There are: base")


def test_argilla_with_a_wrong_key_gone_or_half_named(cli: Cli, tmp_path: Path, argilla):
    run = init_small(tmp_path / "run")
    named = {"ARGILLA_API_URL": argilla.api_url}
    one_line(cli("advance", run, env=named | {"ARGILLA_API_KEY": "wrong"}), 1, argilla.api_url)
    one_line(cli("advance", run, env=named), 2, "ARGILLA_API_KEY")
    gone = {"ARGILLA_API_URL": "http://127.0.0.1:9", "ARGILLA_API_KEY": "any"}
    one_line(cli("advance", run, env=gone), 1, "http://127.0.0.1:9")


def test_a_taken_port_is_named(cli: Cli, tmp_path: Path, argilla):
    run = init_small(tmp_path / "run")
    env = {"ARGILLA_API_URL": argilla.api_url, "ARGILLA_API_KEY": argilla.api_key}
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        one_line(cli("serve", run, "--no-browser", "--port", port, env=env), 2, f"ort {port}")


def test_an_unknown_persona_lists_those_there_are(cli: Cli, tmp_path: Path):
    run = init_small(tmp_path / "run")
    one_line(cli("simulate", run, "--persona", "nobody"), 2, "nobody", "brisk")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_is_named_and_nothing_is_half_written(tmp_path: Path):
    from tests.feedback_loop.test_run import make

    run = make(tmp_path / "run")
    with pytest.raises(OSError, match="No space left"), runs.commit(run, 0, "prompts") as draft:  # noqa: PT012
        (draft.path / "big").symlink_to("/dev/full")
        (draft.path / "big").write_text("x" * 100_000)
    assert not run.done(0, "prompts")
