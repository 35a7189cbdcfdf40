"""From an adapter to all that made it, also of one that was set aside."""

from pathlib import Path

import pytest

from feedback_loop import recipe
from feedback_loop.errors import UsageError
from feedback_loop.lineage import roll_back
from feedback_loop.repair.repair import Wish, discard
from feedback_loop.repair.why import Change, changed, why
from feedback_loop.repair.why_text import as_text
from feedback_loop.run import Run, open_run
from tests.conftest import Cli
from tests.feedback_loop.decided_run import adapter, answers, decided, duels, learn, new_run
from tests.feedback_loop.team_samples import said


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Two rounds; the second by a changed recipe, with an edit, a tie and a neither."""
    run = new_run(tmp_path / "run")
    decided(run, 0, answers(0, "anna", "ben"), [said(c, "a") for c in duels(0)])
    file = run.path / "recipe.toml"
    file.write_text(recipe.dump(recipe.load(file, ["policy.lora_rank=8"])))
    run = open_run(run.path)
    a, b, c, d = answers(1)
    given = [a.model_copy(update={"edit": "mine"}), b.model_copy(update={"choice": "tie"})]
    decided(run, 1, [*given, c.model_copy(update={"choice": "neither"}), d])
    return run


def test_the_chain_up_to_the_base_with_decisions_recipes_seeds_and_versions(run: Run):
    found = why(run)
    new, old = found.chain
    assert (found.in_force, new.policy, new.parent, old.policy, old.parent) == (
        "round-001", "round-001", "round-000", "round-000", "base",
    )  # fmt: skip
    assert new.in_force
    assert not old.in_force
    assert new.decision is not None
    assert (new.decision.decided_by, new.decision.reasons, new.decision.round) == ("people", ("It won.",), 1)
    assert new.changes == (Change(key="policy.lora_rank", before=16, after=8),)
    assert old.changes == ()
    assert new.recipe_seed == run.recipe.seed
    assert new.seeds == {stage: run.seed(1, stage) for stage in ("preferences", "reward", "policy")}
    assert new.packages["torch"]
    assert new.git_revision


def test_the_labels_by_round_person_and_kind(run: Run):
    learned = why(run).chain[0].learned
    assert learned.total == 8 + 2 + 4
    assert learned.by_round == {0: 10, 1: 4}
    assert learned.by_person == {"anna": 10, "ben": 4}
    assert learned.by_kind == {"choice": 9, "duel": 2, "edit": 1, "neither": 1, "tie": 1}


def test_files_that_are_not_as_they_were_written_are_named(run: Run):
    assert {f.state for one in why(run).chain for f in one.files} == {"same"}
    weights = run.stage_folder(1, "policy") / "adapter" / "adapter_model.safetensors"
    weights.write_text("another")
    (run.stage_folder(1, "reward") / "checked.jsonl").unlink()
    states = {f.path: f.state for f in why(run).chain[0].files if f.state != "same"}
    assert states == {
        str(weights.relative_to(run.path)): "changed",
        "rounds/001/5-reward/checked.jsonl": "missing",
    }
    assert "LOOK: rounds/001/5-reward/checked.jsonl is missing" in as_text(why(run))


def test_an_older_policy_and_the_rollback_that_put_it_in_force(run: Run):
    roll_back(run, "round-000", who="anna", when="2026-11-26T10:00:00", why="the new one rambles")
    found = why(run)
    assert [one.policy for one in found.chain] == ["round-000"]
    assert "the new one rambles" in as_text(found)
    assert [one.policy for one in why(run, "round-001").chain] == ["round-001", "round-000"]
    assert why(run, "base").chain == ()
    with pytest.raises(UsageError, match=r"no policy round-007\. There are: round-000, round-001"):
        why(run, "round-007")


def test_an_adapter_that_was_set_aside_is_found_by_its_folder_with_its_own_parent(run: Run):
    first = adapter(run, 0)
    discard(run, Wish(annotator="ben"), "why", "owner")
    learn(run, 0)
    assert adapter(run, 0) != first
    (old, parent) = why(run, folder=run.path / "rounds" / "001.aside-1" / "6-policy" / "adapter").chain
    assert old.set_aside
    assert old.learned.by_person == {"anna": 10, "ben": 4}
    assert parent.folder == "rounds/000/6-policy.aside-1"
    (new,) = why(run).chain
    assert new.discards == ("discards/000.json",)
    assert set(new.learned.by_person) == {"anna"}


def test_keys_that_came_or_went_are_changes_too():
    assert changed({"a": {"b": 1, "c": 2}}, {"a": {"b": 1, "d": 3}}) == (
        Change(key="a.c", before=2, after=None),
        Change(key="a.d", before=None, after=3),
    )


def test_on_the_command_line_a_run_or_an_adapters_folder(run: Run, cli: Cli):
    shown = cli("why", run.path)
    assert shown.returncode == 0, shown.stderr
    assert "round-001 (in force), from round-000" in shown.stdout
    assert "policy.lora_rank: 16 -> 8" in shown.stdout
    by_folder = cli("why", run.stage_folder(0, "policy") / "adapter", "--json")
    assert by_folder.returncode == 0, by_folder.stderr
    assert '"policy": "round-000"' in by_folder.stdout
    assert "neither a run nor inside one" in cli("why", run.path.parent).stderr
