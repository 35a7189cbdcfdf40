"""Labels of which little can be made, answers of one token, rewards that say nothing: one clear line, or sense made of it."""

import json
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from feedback_loop import recipe
from feedback_loop.errors import LoopError
from feedback_loop.progress import silent
from feedback_loop.records import Comparison, Completion, Ranking, now
from feedback_loop.report.report import overview
from feedback_loop.report.report_text import as_text
from feedback_loop.run import Run, commit, create, open_run, write_jsonl
from feedback_loop.stages import WORK
from feedback_loop.stages.judging import decide_promotion
from tests.models_fixture import QUICK, tiny_prompts

Say = Callable[[int, Comparison], list[tuple[str, str]]]
"""(user, choice) for the n-th comparison."""
ONE_TOKEN = "sampling.max_new_tokens=1"
CAREFUL = ("policy.step=bon", "policy.bon.min_accuracy=0.5")


@pytest.fixture(autouse=True)
def quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANDB_MODE", "disabled")


def make(folder: Path, *settings: str) -> Run:
    tables = ("reward.trl", "policy.trl", "policy.sft")
    quick = [f"{table}.{key}={json.dumps(value)}" for table in tables for key, value in QUICK.items()]
    small = (
        *(
            "model.device=cpu",
            "model.dtype=float32",
            "sampling.max_new_tokens=24",
            "sampling.batch_size=16",
            "policy.probe=0",
        ),
        *(
            "policy.bon.prompts=6",
            "policy.bon.min_accuracy=0",
            "policy.bon.completions=4",
            "prompts.per_round=8",
            "rankings.needed=1",
            "evaluation.prompts=4",
        ),
    )
    asked = tiny_prompts(12)
    return create(folder / "run", recipe.load(None, [*quick, *small, *settings]), asked[:8], asked[8:])


def with_settings(run: Run, *settings: str) -> Run:
    file = run.path / "recipe.toml"
    file.write_text(recipe.dump(recipe.load(file, settings)))
    return open_run(run.path)


def do(run: Run, *stages: str, number: int = 0) -> dict[str, Any]:
    """Do these stages here and now; the last one's facts."""
    for stage in stages:
        with commit(run, number, stage) as draft:
            WORK[stage].work(run, number, draft, silent)
    return run.manifest(number, stages[-1]).facts


def ranked(run: Run, say: Say) -> dict[str, Any]:
    """The round up to its preferences, with these rankings; their facts."""
    do(run, "prompts", "comparisons")
    folder = run.stage_folder(0, "comparisons")
    made = [Comparison.model_validate_json(line) for line in (folder / "comparisons.jsonl").read_text().splitlines()]
    with commit(run, 0, "rankings") as draft:
        given = [
            Ranking(comparison_id=c.id, user_id=user, status="submitted", choice=choice, created_at=now())
            for n, c in enumerate(made)
            for user, choice in say(n, c)
        ]
        write_jsonl(draft.path / "rankings.jsonl", given)
    return do(run, "preferences")


def first(n: int, c: Comparison) -> list[tuple[str, str]]:
    return [("anna", c.completions[0].id)]


def one(n: int, c: Comparison) -> list[tuple[str, str]]:
    return first(n, c) if n == 0 else []


def ties(n: int, c: Comparison) -> list[tuple[str, str]]:
    return [("anna", "tie")]


def nothing(n: int, c: Comparison) -> list[tuple[str, str]]:
    return []


def neither(n: int, c: Comparison) -> list[tuple[str, str]]:
    return [("anna", "neither")]


def contradiction(n: int, c: Comparison) -> list[tuple[str, str]]:
    """Two people of opposite minds about everything."""
    return [("anna", c.completions[0].id), ("ben", c.completions[1].id)]


FORMS = pytest.mark.parametrize("form", ["lora", "head"])


@FORMS
@pytest.mark.parametrize("say", [nothing, neither])
def test_without_a_comparison_the_reward_stage_asks_for_more(tmp_path: Path, form: str, say: Say):
    run = make(tmp_path, f"reward.form={form}")
    ranked(run, say)
    with pytest.raises(
        LoopError, match=r"^No ranking compares two answers.*redo RUN rankings, then: feedback-loop serve RUN$"
    ):
        do(run, "reward")
    assert not run.done(0, "reward")


def claims_nothing(facts: dict[str, Any]) -> bool:
    claims = (facts["accuracy"], facts["accuracy_low"], facts["temperature"])
    return facts["pairs"] >= 1 and claims == (None, None, None)


@FORMS
def test_one_ranking_makes_a_reward_model_that_claims_nothing_and_best_of_n_learns_the_ranking(
    tmp_path: Path, form: str
):
    run = make(tmp_path, f"reward.form={form}", *CAREFUL)
    ranked(run, one)
    assert claims_nothing(do(run, "reward"))
    do(run, "policy")
    assert "nobody knows how often the reward model is right" in overview(run).rounds[0].note


@FORMS
def test_ties_alone_make_a_reward_model_that_claims_nothing_and_leave_best_of_n_nothing_to_learn(
    tmp_path: Path, form: str
):
    run = make(tmp_path, f"reward.form={form}", *CAREFUL)
    ranked(run, ties)
    assert claims_nothing(do(run, "reward"))
    with pytest.raises(LoopError, match=r"No ranking prefers one answer.*redo RUN rankings"):
        do(run, "policy")


@FORMS
def test_people_who_contradict_each_other_leave_a_reward_model_no_better_than_a_coin(tmp_path: Path, form: str):
    run = make(tmp_path, f"reward.form={form}", "preferences.heldout=0.5", *CAREFUL)
    ranked(run, contradiction)
    facts = do(run, "reward")
    assert facts["accuracy"] == 0.5
    assert set(facts["by_annotator"]) == {"anna", "ben"}
    do(run, "policy")
    assert "may be right in" in overview(run).rounds[0].note


@FORMS
def test_a_round_of_answers_of_one_token_is_done_to_its_end(tmp_path: Path, form: str):
    run = make(
        tmp_path,
        f"reward.form={form}",
        "reward.members=2",
        ONE_TOKEN,
        "sampling.temperature=3",
        "promotion.judge=reward",
    )
    ranked(run, first)
    do(run, "reward", "policy", "evaluation", "duels")
    with commit(run, 0, "promotion") as draft:
        decide_promotion(run, 0, draft, [], None)
    facts = run.manifest(0, "promotion").facts
    shown = overview(run).rounds[0]
    assert {stage.state for stage in shown.stages} == {"done"}
    assert {"win_rate_parent", "kl", "length"} <= set(shown.metrics)
    assert all(map(math.isfinite, shown.metrics.values()))
    kept = {True: "kept: round-000 came into force", False: "not kept: base stayed in force"}[facts["promoted"]]
    assert kept in as_text(overview(run))


@FORMS
def test_best_of_answers_that_were_all_cut_short_says_so(tmp_path: Path, form: str):
    run = make(tmp_path, f"reward.form={form}", "policy.step=bon", ONE_TOKEN, "sampling.temperature=3")
    ranked(run, first)
    do(run, "reward")
    with pytest.raises(LoopError, match=r"None of 24 answers ended within 1 tokens.*Raise sampling.max_new_tokens"):
        do(run, "policy")


def constant(run: Run, monkeypatch: pytest.MonkeyPatch, value: float) -> None:
    """From here on the reward model gives every answer the same."""

    def members(*args: Any, **more: Any) -> Any:
        def scores(prompts: Sequence[Any], completions: Sequence[Completion]) -> list[list[float]]:
            return [[value]] * len(completions)

        return scores

    monkeypatch.setattr("reward.score._head_members", members)


def test_a_reward_that_is_the_same_for_all_teaches_nothing_and_keeps_nobody_from_evaluating(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    run = make(tmp_path, "reward.form=head", "policy.step=bon", "policy.end_penalty=0")
    ranked(run, first)
    do(run, "reward")
    constant(run, monkeypatch, 3.0)
    with pytest.raises(LoopError, match=r"all answers to a prompt equally good.*Set policy.step = .dpo."):
        do(run, "policy")
    run = with_settings(run, "policy.step=dpo")
    facts = do(run, "policy", "evaluation")
    assert (facts["win_rate_parent"], facts["win_rate_base"]) == (0.5, 0.5)


@pytest.mark.parametrize("stage", ["policy", "evaluation"])
def test_a_reward_that_is_no_number_stops_the_stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stage: str):
    run = make(tmp_path, "reward.form=head", f"policy.step={'bon' if stage == 'policy' else 'dpo'}")
    ranked(run, first)
    do(run, "reward", *(["policy"] if stage == "evaluation" else []))
    constant(run, monkeypatch, float("nan"))
    with pytest.raises(LoopError, match=r"NaN or infinite.*feedback-loop redo RUN reward$"):
        do(run, stage)
    assert not run.done(0, stage)
