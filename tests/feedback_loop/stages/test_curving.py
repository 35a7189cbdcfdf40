"""The evaluation of a run with a brief: base and new policy answer at every level, and what was answered is not asked again."""

import json
import shutil
from collections import Counter
from pathlib import Path

import pytest

from feedback_loop import recipe
from feedback_loop.brief import brief_curve
from feedback_loop.brief.brief_edits import replace
from feedback_loop.durable import write_text
from feedback_loop.errors import UsageError
from feedback_loop.lineage import policy_name
from feedback_loop.progress import silent
from feedback_loop.records import Completion, Decision
from feedback_loop.report.report import overview
from feedback_loop.report.report_text import as_text
from feedback_loop.run import Run, commit, create, read_jsonl, write_jsonl
from feedback_loop.simulation.personas import find
from feedback_loop.simulation.truth import truth
from feedback_loop.stages.asking import choose_prompts
from feedback_loop.stages.judging import evaluate_policy
from tests.feedback_loop.decided_run import EACH
from tests.models_fixture import tiny_prompts

BRIEF = "1. Start with a greeting. [check: greeting]\n2. Use no emoji. [check: emoji=false]\n"
SETTINGS = (
    *("model.device=cpu", "model.dtype=float32", "sampling.max_new_tokens=12", "evaluation.prompts=4"),
    *("brief.prompts=3", "brief.levels=[1.0, 0.5]", "prompts.per_round=4", f"rankings.needed={EACH}"),
)


def evaluated(run: Run, number: int, adapter: Path, reward: Path) -> None:
    """A round as far as its evaluation, which is the real one."""
    with commit(run, number, "prompts") as draft:
        choose_prompts(run, number, draft, silent)
    for stage in ("comparisons", "rankings", "preferences"):
        with commit(run, number, stage) as draft:
            draft.facts |= {"comparisons": 0, "prompts": 0}
            for name in ("comparisons", "rankings", "train", "heldout"):
                write_jsonl(draft.path / f"{name}.jsonl", [])
    with commit(run, number, "reward") as draft:
        shutil.copytree(reward, draft.path / "adapter")
    with commit(run, number, "policy") as draft:
        shutil.copytree(adapter, draft.path / "adapter")
        (draft.path / "curves.jsonl").touch()
        draft.facts |= {"policy": policy_name(number), "parent": "base", "steps": 1}
    with commit(run, number, "evaluation") as draft:
        evaluate_policy(run, number, draft, silent)


def kept(run: Run, number: int) -> None:
    """The round is decided: its parent stays."""
    with commit(run, number, "duels"):
        pass
    with commit(run, number, "promotion") as draft:
        name = policy_name(number)
        decision = Decision(
            round=number, promoted=False, policy="base", candidate=name, parent="base", reasons=(), decided_by="rule",
            decided_at="2026-11-28T10:00:00.000+00:00",
        )  # fmt: skip
        write_text(draft.path / "decision.json", decision.model_dump_json())


def answers(run: Run, number: int) -> dict[tuple[str, float | None], list[str]]:
    found: dict[tuple[str, float | None], list[str]] = {}
    for c in read_jsonl(run.stage_folder(number, "evaluation") / "levels.jsonl", Completion):
        found.setdefault((c.policy, c.level), []).append(c.completion)
    return found


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, adapter: Path, reward_adapter: Path) -> Run:
    """Two rounds evaluated under one brief, and a third under another."""
    prompts = tiny_prompts(8)
    folder = tmp_path_factory.mktemp("curving") / "run"
    made = create(folder, recipe.load(None, SETTINGS), prompts[:4], prompts[4:], brief=BRIEF)
    for number in range(3):
        if number == 2:
            replace(made, BRIEF + "3. Be formal.\n", who="anna", what="one more")
        evaluated(made, number, adapter, reward_adapter)
        kept(made, number)
    return made


def test_base_and_new_policy_answer_the_same_requests_at_every_level(run: Run):
    found = answers(run, 0)
    assert {place: len(texts) for place, texts in found.items()} == dict.fromkeys(
        ((name, level) for name in ("base", "round-000") for level in (1.0, 0.5, 0.0)), 3
    )
    assert found["base", 1.0] != found["base", 0.0]
    facts = run.manifest(0, "evaluation").facts["brief"]
    assert facts["levels"] == [1.0, 0.5, 0.0]
    assert facts["tokens"][0] > facts["tokens"][1] > facts["tokens"][2] == 0
    assert "rounds/000/1-prompts/brief.md" in run.manifest(0, "evaluation").inputs


def test_without_the_brief_they_are_the_evaluations_own_answers(run: Run):
    plain = read_jsonl(run.stage_folder(0, "evaluation") / "completions.jsonl", Completion)
    for name in ("base", "round-000"):
        assert answers(run, 0)[name, 0.0] == [c.completion for c in plain if c.policy == name][:3]


def test_what_the_base_answered_is_taken_over_as_long_as_the_brief_says_the_same(run: Run):
    key = [run.manifest(n, "evaluation").facts["brief"]["settings"] for n in range(3)]
    assert key[0] == key[1] != key[2]
    for level in (1.0, 0.5, 0.0):
        assert answers(run, 1)["base", level] == answers(run, 0)["base", level]
    assert answers(run, 2)["base", 1.0] != answers(run, 0)["base", 1.0]


def test_the_curve_has_the_base_once_and_every_rounds_policy_against_the_base_with_all_of_it(run: Run):
    rows = brief_curve.rows(run)
    assert Counter(row.policy for row in rows) == {"base": 3, "round-000": 3, "round-001": 3, "round-002": 3}
    first = rows[0]
    assert (first.policy, first.level, first.win_rate, first.low, first.high) == ("base", 1.0, 0.5, 0.5, 0.5)
    assert {row.judge for row in rows} == {"reward model"}
    assert all(row.low <= row.win_rate <= row.high for row in rows)
    assert [m.number for m in rows[0].requirements] == [1, 2], "those that a program can check"


def test_checks_that_are_written_afterwards_count_in_what_was_answered_before(run: Run):
    first = {row.policy: len(row.requirements) for row in brief_curve.rows(run)}
    assert first["round-002"] == 2
    text = (run.path / "brief.md").read_text()
    try:
        write_text(run.path / "brief.md", text.replace("Be formal.", "Be formal. [check: formal]"))
        found = {row.policy: len(row.requirements) for row in brief_curve.rows(run)}
        assert found["round-002"] == 3
        assert found["round-000"] == 2, "whose brief said something else"
    finally:
        write_text(run.path / "brief.md", text)


def test_a_persona_judges_by_what_it_truly_wants(run: Run):
    rows = brief_curve.rows(run, find("concierge"))
    assert {row.judge for row in rows} == {"utility"}
    write_jsonl(run.path / "simulated.jsonl", [truth(run, 0, find("concierge"))])
    try:
        assert [r for r in brief_curve.rows(run) if r.policy == "round-000"] == [
            r for r in rows if r.policy == "round-000"
        ]
    finally:
        (run.path / "simulated.jsonl").unlink()


def test_people_see_how_much_of_the_brief_is_needed_round_by_round(run: Run):
    view = overview(run)
    for seen in view.rounds[:3]:
        assert seen.brief_needed is not None
        assert seen.brief_base is not None
        assert seen.brief_needed.of == seen.brief_base.of
        assert seen.metrics["brief_tokens_needed_low"] <= seen.metrics["brief_tokens_needed"]
    (curve,) = (c for c in view.curves if c.name == "loop/brief_tokens_needed")
    assert curve.x == (2,), "what two briefs need is not one curve"
    assert [seen.other_brief for seen in view.rounds[:3]] == [True, True, False]
    assert "tokens of the brief needed: round-002:" in as_text(view)


def test_the_curve_asks_beyond_the_evaluation_whatever_is_held_out_and_says_where_that_is_less_than_the_recipe_wants(
    tmp_path: Path, run: Run, adapter: Path, reward_adapter: Path
):
    prompts, more = tiny_prompts(8), ("evaluation.prompts=2", "brief.prompts=9")
    wide = create(tmp_path / "run", recipe.load(None, (*SETTINGS, *more)), prompts[:4], prompts[4:], brief=BRIEF)
    evaluated(wide, 0, adapter, reward_adapter)
    found, plain = answers(wide, 0), read_jsonl(wide.stage_folder(0, "evaluation") / "completions.jsonl", Completion)
    assert {len(texts) for texts in found.values()} == {4}
    for name in ("base", "round-000"):
        assert found[name, 0.0][:2] == [c.completion for c in plain if c.policy == name]
    asked = [c.prompt_id for c in read_jsonl(wide.stage_folder(0, "evaluation") / "levels.jsonl", Completion)]
    assert set(asked) == {p.id for p in prompts[4:]}
    assert asked == asked[:4] * 6, "the same at every level"
    assert {row.answers for row in brief_curve.rows(wide)} == {4}
    assert brief_curve.bound(wide).startswith("4 requests at each level: brief.prompts is 9, but no more are held out.")
    assert brief_curve.bound(run) == "", "all that the recipe wants"


def test_a_run_without_a_brief_has_no_curve_and_says_nothing_of_it(tmp_path: Path, adapter: Path, reward_adapter: Path):
    prompts = tiny_prompts(8)
    plain = create(tmp_path / "run", recipe.load(None, SETTINGS), prompts[:4], prompts[4:])
    evaluated(plain, 0, adapter, reward_adapter)
    assert not (plain.stage_folder(0, "evaluation") / "levels.jsonl").exists()
    assert "brief" not in plain.manifest(0, "evaluation").facts
    seen = overview(plain)
    assert seen.rounds[0].brief_needed is None
    assert "brief" not in json.dumps(seen.rounds[0].metrics) + as_text(seen)
    with pytest.raises(UsageError, match="it has no brief"):
        brief_curve.rows(plain)
