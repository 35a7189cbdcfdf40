"""Every policy step through the command line, on real parts; and a PPO step that is killed again and again."""

import os
import random
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from feedback_loop.argilla_local import Connection
from feedback_loop.report.report import overview
from feedback_loop.run import open_run
from feedback_loop.simulation.personas import find
from feedback_loop.simulation.simulate import label
from tests.conftest import Cli, command, init_small, kill, one_line

pytestmark = [pytest.mark.e2e, pytest.mark.argilla]


@pytest.fixture
def env(argilla: Connection) -> dict[str, str]:
    return {"ARGILLA_API_URL": argilla.api_url, "ARGILLA_API_KEY": argilla.api_key}


PPO = ("policy.step=ppo", "policy.ppo.steps=5", "policy.ppo.rollouts=16", "policy.ppo.learning_rate=3e-3")


@pytest.mark.nightly
def test_sigkill_at_any_moment_of_a_ppo_step_gives_the_same_adapter(cli: Cli, tmp_path: Path, env: dict[str, str]):
    path = init_small(tmp_path / "run", *PPO, "reward.form=lora", "reward.trl.num_train_epochs=1", "reward.members=2")
    assert cli("advance", path, env=env).returncode == 0
    label(open_run(path), find("warm"))
    assert cli("collect", path, env=env).returncode == 0
    assert cli("train-reward", path, env=env).returncode == 0
    twin = tmp_path / "twin"
    shutil.copytree(path, twin)
    rng = random.Random(0)
    for rows in (0, 1, 3, 4):
        cut_off_inside(path, rows, rng.uniform(0.0, 1.5), env)
    for folder in (path, twin):
        done = cli("train-policy", folder, env=env)
        assert done.returncode == 0, done.stderr
    killed, calm = open_run(path), open_run(twin)
    assert killed.manifest(0, "policy").outputs == calm.manifest(0, "policy").outputs
    assert killed.manifest(0, "policy").facts["steps"] == 5
    assert not list(path.glob("rounds/000/.*")), "no half-made stage is left"
    curves = {c.name for c in overview(killed).rounds[0].curves}
    assert curves >= {f"policy/{name}" for name in ("reward", "reward_sd", "kl", "entropy", "length", "ended")}
    assert curves >= {f"policy/{name}" for name in ("clip_fraction", "value_loss", "explained_variance")}


def cut_off_inside(path: Path, rows: int, delay: float, env: dict[str, str]) -> None:
    """SIGKILL the policy step, with all it started, some time after its curves have so many rows."""
    process = subprocess.Popen(
        command("train-policy", path),
        env={**os.environ, **env},
        start_new_session=True,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    curves = open_run(path).resume_folder(0, "policy") / "curves.jsonl"
    deadline = time.monotonic() + 200
    while not curves.exists() or curves.read_text().count("\n") < rows:
        assert time.monotonic() < deadline, f"{rows} rows were never there"
        assert process.poll() is None, f"the step ended before {rows} rows"
        time.sleep(0.02)
    time.sleep(delay)
    kill(process)


@pytest.mark.nightly
def test_every_step_makes_a_round(cli: Cli, tmp_path: Path, env: dict[str, str]):
    """`--set policy.step=...` alone: each updates the adapter from the very same round."""
    path = init_small(
        tmp_path / "run",
        "rankings.needed=16",
        "prompts.per_round=20",
        "policy.rloo.max_steps=2",
        "policy.ppo.steps=2",
        "policy.bon.prompts=8",
        "policy.bon.min_accuracy=0",
        "policy.bake.steps=2",
        "policy.bake.then=dpo",
        "policy.ditto.turns=1",
        "policy.ditto.steps=2",
    )
    (path / "brief.md").write_text("Write one sentence. Use no emoji.")
    assert cli("advance", path, env=env).returncode == 0
    label(open_run(path), find("warm"))
    assert cli("collect", path, env=env).returncode == 0
    assert cli("train-reward", path, env=env).returncode == 0
    adapters = set()
    for step in ("dpo", "ppo", "rloo", "bon", "kto", "bake", "ditto"):
        twin = tmp_path / step
        shutil.copytree(path, twin)
        recipe = twin / "recipe.toml"
        recipe.write_text(recipe.read_text().replace('step = "dpo"', f'step = "{step}"'))
        done = cli("train-policy", twin, env=env)
        assert done.returncode == 0, done.stderr
        manifest = open_run(twin).manifest(0, "policy")
        assert manifest.facts["step"] == step
        adapters.add(manifest.outputs["adapter/adapter_model.safetensors"])
        tracked = list((twin / "wandb").glob("offline-run-*-000-policy/run-*.wandb"))
        assert len(tracked) == 1
    assert len(adapters) == 7
    recipe = path / "recipe.toml"
    recipe.write_text(recipe.read_text().replace('step = "dpo"', 'step = "sft"'))
    one_line(
        cli("train-policy", path, env=env),
        1,
        "Round 000, policy: No ranking has an edited answer",
        f"feedback-loop advance {path}",
    )
