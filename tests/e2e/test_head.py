"""Two rounds with a head: it picks what is asked and what is learned, and the overview says how far to trust it."""

import json
from pathlib import Path

import pytest

from feedback_loop.argilla_local import Connection
from feedback_loop.asking.asked import asked as comparisons_asked
from feedback_loop.report.report import overview
from feedback_loop.run import open_run
from tests.conftest import Cli, init_small

pytestmark = [pytest.mark.e2e, pytest.mark.argilla]
HEAD = (
    *("reward.form=head", "reward.members=8", "asking.strategy=drts", "sampling.completions=4"),
    *("rankings.needed=10", "prompts.per_round=12", "evaluation.prompts=6", "sampling.max_new_tokens=32"),
    *(
        "policy.step=bon",
        "policy.bon.learn=sft",
        "policy.bon.prompts=8",
        "policy.bon.completions=4",
        "policy.bon.min_accuracy=0",
    ),
    *("policy.sft.num_train_epochs=1", "policy.probe=0", "promotion.min_win_rate=0"),
)


@pytest.mark.nightly
def test_two_rounds_by_a_head(cli: Cli, tmp_path: Path, argilla: Connection):
    env = {"ARGILLA_API_URL": argilla.api_url, "ARGILLA_API_KEY": argilla.api_key, "WANDB_MODE": "disabled"}
    path = init_small(tmp_path / "run", *HEAD)
    done = cli("simulate", path, "--persona", "brisk", "--rounds", 2, "--json", env=env)
    assert done.returncode == 0, done.stderr
    assert [row["labels"] for row in json.loads(done.stdout)] == [10, 20]

    run = open_run(path)
    asked = comparisons_asked(run, 1)
    assert [c.selection for c in asked].count("random") == round(0.3 * len(asked))
    assert {c.selection for c in asked} == {"random", "drts"}
    inputs = run.manifest(1, "comparisons").inputs
    assert any(name.endswith("5-reward/head/head.safetensors") for name in inputs)

    first, second = (run.manifest(n, "reward").facts for n in (0, 1))
    assert (first["form"], first["members"]) == ("head", 8)
    assert second["pairs"] > first["pairs"]
    assert second["checked_random"], "pairs that were chosen do not measure it"
    assert run.manifest(1, "policy").facts["learn"] == "sft"
    foreseen = run.manifest(1, "evaluation").facts["next_round_agreement"]
    assert foreseen["pairs"] > 0
    assert 0 <= foreseen["low"] <= foreseen["agreement"] <= foreseen["high"] <= 1

    view = overview(run)
    latest = view.rounds[1]
    assert latest.trust.reliability
    assert {g.name for g in latest.trust.by_round} == {"0", "1"}
    assert {"reward_accuracy", "reward_accuracy_low", "temperature", "calibration_error"} <= set(latest.metrics)
    assert "reward/accuracy" not in {c.name for c in latest.curves}, "so few random labels say nothing of how it grew"
    assert second["next_round_agreement"] == foreseen, "told before the policy was made"
    told = cli("status", path).stdout
    assert "reward_accuracy" in told
    assert "BON" in told
