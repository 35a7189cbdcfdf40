"""A recipe is read whole or refused in one line that names the key."""

from pathlib import Path

import pytest

from feedback_loop import recipe
from feedback_loop.begin import begin
from feedback_loop.errors import UsageError
from feedback_loop.prompts import DATA
from policies.steps import check_options as check_policy
from reward.acquire import check_choice
from reward.train import check_options as check_reward


def test_overrides_reach_tables_and_trl(tmp_path: Path):
    file = tmp_path / "r.toml"
    file.write_text("[policy.trl]\nbeta = 0.3\n")
    read = recipe.load(file, ["policy.trl.beta=0.05", "model.name=Qwen/Qwen3-0.6B", "rankings.needed=8"])
    assert read.policy.trl == {"beta": 0.05}
    assert read.model.name == "Qwen/Qwen3-0.6B"
    assert read.rankings.needed == 8


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[policy]\nbeta = 1", r"unknown key policy\.beta\. Known there: step, start"),
        ("sead = 1", r"unknown key sead\. Known there: seed, launcher"),
        ("[rankings]\nneeded = 'many'", r"rankings\.needed = 'many'"),
        ("[rankings]\nneeded = 0", r"rankings\.needed = 0"),
        ("[policy", "not valid TOML"),
    ],
)
def test_a_wrong_key_type_or_value_is_named(tmp_path: Path, text: str, said: str):
    file = tmp_path / "r.toml"
    file.write_text(text)
    with pytest.raises(UsageError, match=said) as error:
        recipe.load(file)
    assert str(file) in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("override", ["policy.trl.beta", "=3", "seed.x=1"])
def test_an_override_that_is_none_says_how_to_write_it(override: str):
    with pytest.raises(UsageError):
        recipe.load(None, [*(["seed=1"] if override.startswith("seed.") else []), override])


def test_a_missing_recipe_is_named(tmp_path: Path):
    with pytest.raises(UsageError, match=r"absent\.toml: cannot read the recipe"):
        recipe.load(tmp_path / "absent.toml")


def test_dump_reads_back_the_same(tmp_path: Path):
    read = recipe.load(None, ["policy.trl.loss_type=['sigmoid','sft']"])
    file = tmp_path / "r.toml"
    file.write_text(recipe.dump(read))
    assert recipe.load(file) == read


SHIPPED = sorted((DATA / "recipes").glob("*.toml"))


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: file.stem)
def test_shipped_recipes_are_valid_and_agree_with_themselves(file: Path):
    read = recipe.load(file)
    check_choice(read.asking.strategy, read.reward.members, read.sampling.completions)
    check_policy(read.policy)
    check_reward(read.reward)
    assert read.rankings.needed <= read.prompts.per_round * read.rankings.per_comparison


@pytest.mark.parametrize("name", ["demo", "default", "few-labels", "team"])
def test_a_run_is_made_by_the_name_of_a_shipped_recipe(tmp_path: Path, name: str):
    run = begin(tmp_path / "run", name, "tiny", [])
    shipped = recipe.load(DATA / "recipes" / f"{name}.toml", ["model.name=tiny"])
    assert run.recipe == shipped


def test_what_the_recipes_for_people_promise():
    few, team = (recipe.load(DATA / "recipes" / f"{name}.toml") for name in ("few-labels", "team"))
    assert few.reward.form == team.reward.form == "head"
    assert few.rankings.needed <= 32
    assert team.rankings.per_comparison == 2
    assert team.reward.annotators == "measured"


def test_a_run_from_before_pseudo_pairs_went_still_opens():
    old = recipe.Recipe().model_dump()
    old["policy"] |= {"pseudo_pairs": 0, "pseudo_completions": 2}
    assert recipe.parse(old, "recipe.toml") == recipe.Recipe()
    old["policy"]["pseudo_pairs"] = 64
    with pytest.raises(UsageError, match=r'recipe.toml: policy.pseudo_pairs is gone. Set policy.step = "bon"'):
        recipe.parse(old, "recipe.toml")


def test_a_run_from_before_every_step_was_held_still_opens():
    old = recipe.Recipe().model_dump()
    old["policy"] |= {"neutral": 0.0}
    old["policy"]["bake"] |= {"neutral": 0.5}
    assert recipe.parse(old, "recipe.toml") == recipe.Recipe()
    old["policy"]["neutral"] = 0.33
    with pytest.raises(UsageError, match=r"recipe.toml: policy.neutral is gone. Remove it; policy.hold"):
        recipe.parse(old, "recipe.toml")


@pytest.mark.parametrize("kind", ["password", "token"])
def test_a_recipe_with_one_password_for_all_says_what_took_its_place(kind: str):
    with pytest.raises(UsageError, match=r'recipe.toml: app.login = "\w+" is gone.*app.login = "accounts"'):
        recipe.parse({"app": {"login": kind}}, "recipe.toml")
    assert recipe.parse({"app": {"login": "accounts"}}, "recipe.toml").app.login == "accounts"


@pytest.mark.parametrize("weight", ["0", "-1.0", "inf", "nan"])
def test_a_weight_that_is_none_is_refused_before_anything_is_made(weight: str):
    with pytest.raises(UsageError, match=r"preferences.weights.anna"):
        recipe.load(None, [f"preferences.weights.anna={weight}"])
