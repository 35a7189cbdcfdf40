"""Which pairs a round asks about, how they are marked, and what is kept of those that it does not ask."""

import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from feedback_loop import recipe
from feedback_loop.asking.asked import asked as comparisons_asked
from feedback_loop.asking.asked import candidate_features, needed, parts
from feedback_loop.brief.brief_edits import replace
from feedback_loop.errors import LoopError, UsageError
from feedback_loop.preferences import preferences
from feedback_loop.progress import silent
from feedback_loop.records import Comparison, Completion, Disliked, Preference, Ranking, now
from feedback_loop.run import Manifest, Run, commit, create, open_run, read_jsonl, write_jsonl
from feedback_loop.stages.asking import build_preferences, choose_prompts, make_comparisons, pair_up, pick, select
from feedback_loop.stages.more import sample_round
from reward.head import fit_head, save
from tests.models_fixture import tiny_prompts

IDS = [f"p{n}" for n in range(40)]


def candidates(prompt_id: str, count: int = 6) -> list[Completion]:
    return [
        Completion(id=f"{prompt_id}-{n}", prompt_id=prompt_id, completion=f"Answer {n}", policy="base", seed=0)
        for n in range(count)
    ]


@pytest.mark.parametrize(("share", "count"), [(0.0, 0), (0.3, 12), (0.31, 12), (1.0, 40)])
def test_the_random_share_is_kept_exactly(share: float, count: int):
    found = Counter(select(IDS, "drts", share, 7).values())
    assert found == Counter({"random": count, "drts": 40 - count})


def test_the_groups_of_a_round_keep_the_random_share_together():
    groups = [select(IDS[start : start + 4], "drts", 0.3, start, start) for start in range(0, 40, 4)]
    counts = [sum(how == "random" for how in group.values()) for group in groups]
    assert sum(counts) == 12
    assert all(abs(sum(counts[:n]) - 0.3 * 4 * n) <= 0.5 for n in range(11)), "at every moment"


def test_which_prompts_are_asked_at_random_hangs_on_the_seed_and_on_no_strategy():
    drawn = [{p for p, how in select(IDS, name, 0.3, 7).items() if how == "random"} for name in ("drts", "uncertainty")]
    assert drawn[0] == drawn[1]
    assert {p for p, how in select(IDS, "drts", 0.3, 8).items() if how == "random"} != drawn[0]


def test_a_strategy_picks_by_scores_and_a_random_pair_by_none():
    own = {p: candidates(p) for p in ("p1", "p2")}
    rising = {c.id: [float(n), float(n)] for p in own for n, c in enumerate(own[p])}
    falling = {c.id: [-float(n), -float(n)] for p in own for n, c in enumerate(own[p])}
    how = {"p1": "best_worst", "p2": "random"}
    everything = [*own["p1"], *own["p2"]]
    picked = pick(everything, how, rising, 3)
    assert [c.id for c in picked[:2]] == ["p1-0", "p1-5"]
    assert len({c.id for c in picked[2:]}) == 2
    assert pick(everything, how, falling, 3) == picked
    assert pick(everything, how, {c.id: [1.0, 1.0] for c in own["p1"]}, 3)[2:] == picked[2:]


def test_random_pairs_are_of_all_candidates_alike():
    everything = [c for p in IDS for c in candidates(p)]
    picked = pick(everything, dict.fromkeys(IDS, "random"), {}, 3)
    places = Counter(c.id.split("-")[1] for c in picked)
    assert len(picked) == 80
    assert set(places) == set("012345")
    assert max(places.values()) < 3 * min(places.values())


def test_each_comparison_says_how_it_was_picked_and_either_answer_may_stand_first():
    prompts = tiny_prompts(20)
    answers = [c for p in prompts for c in candidates(p.id, 2)]
    made = pair_up(1, prompts, answers, 5, {prompts[0].id: "drts"})
    assert [c.selection for c in made] == ["drts", *["random"] * 19]
    assert 4 < sum(c.completions[0].id.endswith("-0") for c in made) < 16


def test_three_answers_are_the_strategys_pair_and_one_more():
    own = {p: candidates(p) for p in ("p1", "p2")}
    rising = {c.id: [float(n), float(n)] for p in own for n, c in enumerate(own[p])}
    how = {"p1": "best_worst", "p2": "random"}
    picked = pick([*own["p1"], *own["p2"]], how, rising, 3, answers=3)
    assert [c.id for c in picked if c.prompt_id == "p1"] in (["p1-0", "p1-2", "p1-5"], ["p1-0", "p1-3", "p1-5"])
    assert len({c.id for c in picked if c.prompt_id == "p2"}) == 3
    pair = pick([*own["p1"], *own["p2"]], how, rising, 3)
    assert {c.id for c in pair} < {c.id for c in picked}, "the pair is the same as where two are shown"


@pytest.fixture
def second_round(tmp_path: Path, reward_adapter: Path) -> Run:
    """A run whose first round has a reward model of two members, and whose second has its prompts."""
    settings = [
        *("asking.strategy=best_worst", "sampling.completions=4", "sampling.max_new_tokens=12", "reward.members=2"),
        *("model.device=cpu", "model.dtype=float32", "prompts.per_round=10"),
    ]
    prompts = tiny_prompts(12)
    run = create(tmp_path / "run", recipe.load(None, settings), prompts[:10], prompts[10:])
    for number in (0, 1):
        with commit(run, number, "prompts") as draft:
            write_jsonl(draft.path / "prompts.jsonl", prompts[:10])
    with commit(run, 0, "reward") as draft:
        for name in ("adapter", "adapter-1"):
            shutil.copytree(reward_adapter, draft.path / name)
    return run


def prefers_first(comparison: Comparison) -> Ranking:
    choice = comparison.completions[0].id
    return Ranking(comparison_id=comparison.id, user_id="anna", status="submitted", choice=choice, created_at=now())


def with_settings(run: Run, *settings: str) -> Run:
    file = run.path / "recipe.toml"
    file.write_text(recipe.dump(recipe.load(file, settings)))
    return open_run(run.path)


def asked(run: Run, number: int) -> list[Comparison]:
    sample_round(run, number, silent)
    return comparisons_asked(run, number)


def manifests(run: Run, number: int) -> list[Manifest]:
    return [run.manifest(number, name) for name in parts(run, number)]


def drawn(run: Run, number: int) -> list[Completion]:
    folders = [run.stage_folder(number, name) for name in parts(run, number)]
    return [c for folder in folders for c in read_jsonl(folder / "candidates.jsonl", Completion)]


def test_a_later_round_asks_by_the_last_reward_model_and_keeps_what_it_does_not_ask(second_round: Run):
    made = asked(second_round, 1)
    kept = drawn(second_round, 1)
    assert len(kept) == 40
    made = [c for c in made if c.purpose == "label"]
    assert {c.id for found in made for c in found.completions} < {c.id for c in kept}
    assert all(len({c.completion for c in found.completions}) == 2 for found in made)
    counted = sum((Counter(m.facts["selections"]) for m in manifests(second_round, 1)), Counter[str]())
    assert counted == {"random": 3, "best_worst": 7} == dict(Counter(c.selection for c in made)), (
        "the round keeps its share"
    )
    assert all(any("5-reward/adapter-1" in name for name in m.inputs) for m in manifests(second_round, 1))
    assert candidate_features(second_round, 1)[0] == [], "without a head nobody needs features"


def test_a_first_round_draws_no_more_than_it_asks(second_round: Run):
    made = asked(second_round, 0)
    assert {c.selection for c in made} == {"random"}
    assert len(drawn(second_round, 0)) == 2 * sum(c.purpose == "label" for c in made)


def again(run: Run, number: int, *settings: str) -> tuple[Run, list[Comparison]]:
    """The round's comparisons done once more, by another recipe."""
    for name in parts(run, number):
        shutil.rmtree(run.stage_folder(number, name))
    other = with_settings(run, *settings)
    return other, asked(other, number)


def test_repeats_and_checks_come_after_a_groups_own_and_are_counted_apart(second_round: Run):
    run = with_settings(second_round, "asking.repeats=0.2", "asking.checks=0.1")
    made = asked(run, 0)
    facts = [m.facts for m in manifests(run, 0)]
    assert [c.purpose for c in made] == ["label"] * 8 + ["repeat"] * 2 + ["check"] + ["label"] * 2
    counted = {name: sum(f[name] for f in facts) for name in ("comparisons", "repeats", "checks", "dropped")}
    assert counted == {"comparisons": 10, "repeats": 2, "checks": 1, "dropped": 0}, "as many as of all ten at once"
    assert needed(run, 0) == 10
    run, same = again(run, 0)
    assert same == made, "they hang on the seed alone"
    _, plain = again(run, 0, "asking.repeats=0", "asking.checks=0")
    assert plain == [c for c in made if c.purpose == "label"], "and the round's own comparisons not on them"


def test_a_round_may_show_three_answers_a_prompt(second_round: Run):
    run = with_settings(second_round, "asking.answers=3")
    assert {len(c.completions) for c in asked(run, 0)} == {3}
    assert len(drawn(run, 0)) == 30
    later = [c for c in asked(run, 1) if c.purpose == "label"]
    assert {len(c.completions) for c in later} == {3}
    assert Counter(c.selection for c in later) == {"random": 3, "best_worst": 7}


def test_a_strategy_with_no_more_candidates_than_are_shown_is_refused(second_round: Run):
    run = with_settings(second_round, "asking.answers=4")
    with pytest.raises(UsageError, match=r"Raise sampling.completions to 6"):
        asked(run, 1)


def test_for_a_head_every_candidates_features_are_kept_line_by_line(second_round: Run):
    run = with_settings(second_round, "reward.form=head")
    asked(run, 0)
    kept, features = candidate_features(run, 0)
    assert kept == drawn(run, 0)
    assert features.shape[0] == len(kept)
    assert features.dtype == np.float32
    assert np.isfinite(features).all()
    assert len(np.unique(features, axis=0)) == len(kept), "another answer, other features"


def test_a_head_is_asked_by_the_features_that_are_kept(second_round: Run):
    run = with_settings(second_round, "reward.form=head", "asking.strategy=uncertainty", "asking.random_share=0")
    given = preferences(first := asked(run, 0), [prefers_first(c) for c in first])
    kept, features = candidate_features(run, 0)
    place = {(c.prompt_id, c.completion): n for n, c in enumerate(kept)}
    chosen = features[[place[p.prompt_id, p.chosen[-1].content] for p in given]]
    rejected = features[[place[p.prompt_id, p.rejected[-1].content] for p in given]]
    head = fit_head(chosen, rejected, given, features, members=8, seed=1)
    shutil.rmtree(run.stage_folder(0, "reward"))
    with commit(run, 0, "reward") as draft:
        save(head, draft.path / "adapter")

    made = asked(run, 1)
    kept, features = candidate_features(run, 1)
    scores = head.scores(features)
    for comparison in (c for c in made if c.purpose == "label"):
        own = [n for n, c in enumerate(kept) if c.prompt_id == comparison.prompt_id]
        doubts = {frozenset((i, j)): float((scores[i] - scores[j]).var()) for i in own for j in own if i < j}
        picked = frozenset(n for n in own if kept[n] in comparison.completions)
        assert doubts[picked] == pytest.approx(max(doubts.values()), rel=1e-3)


def test_features_of_other_candidates_are_refused(second_round: Run):
    run = with_settings(second_round, "reward.form=head")
    asked(run, 0)
    file = run.stage_folder(0, "comparisons") / "candidates.jsonl"
    file.write_text("".join(file.read_text().splitlines(keepends=True)[1:]))
    with pytest.raises(LoopError, match=r"16 rows for 15 candidates.*redo .* comparisons --round 0"):
        candidate_features(run, 0)


def test_one_member_where_several_are_needed_is_refused_before_anything_is_drawn(
    second_round: Run, monkeypatch: pytest.MonkeyPatch
):
    run = with_settings(second_round, "asking.strategy=uncertainty", "reward.members=1")
    monkeypatch.setattr("policies.base.load_policy", lambda *a, **k: pytest.fail("a model was loaded"))
    with pytest.raises(UsageError, match=r"Raise reward.members"):
        asked(run, 1)


def test_preferences_of_all_rounds_have_their_annotators_weights_and_neither_is_kept_apart(second_round: Run):
    run = with_settings(second_round, "preferences.weights={ben=0.5}", "preferences.heldout=0")
    made = asked(run, 0)
    given = [
        prefers_first(made[0]),
        prefers_first(made[1]).model_copy(update={"user_id": "ben"}),
        prefers_first(made[2]).model_copy(update={"user_id": "ben", "choice": "neither"}),
    ]
    with commit(run, 0, "rankings") as draft:
        write_jsonl(draft.path / "rankings.jsonl", given)
    with commit(run, 0, "preferences") as draft:
        build_preferences(run, 0, draft, silent)
    folder, facts = run.stage_folder(0, "preferences"), run.manifest(0, "preferences").facts
    assert [p.weight for p in read_jsonl(folder / "train.jsonl", Preference)] == [1.0, 0.5]
    poor = read_jsonl(folder / "disliked.jsonl", Disliked)
    assert [(d.completion, d.weight) for d in poor] == [(c.completion, 0.5) for c in made[2].completions]
    assert (facts["train"], facts["disliked"]) == (2, 2)


def test_whoever_contradicts_themselves_weighs_less_in_the_files_and_the_facts_say_why(second_round: Run):
    run = with_settings(second_round, "preferences.heldout=0")
    made = asked(run, 0)[:8]
    again = [
        c.model_copy(
            update={"id": f"again-{c.id}", "completions": c.completions[::-1], "purpose": "repeat", "repeat_of": c.id}
        )
        for c in made
    ]
    shutil.rmtree(run.stage_folder(0, "comparisons"))
    with commit(run, 0, "comparisons") as draft:
        write_jsonl(draft.path / "comparisons.jsonl", [*made, *again])
    ben = [prefers_first(c).model_copy(update={"user_id": "ben"}) for c in [*made, *again]]
    anna = [prefers_first(c) for c in made] + [
        prefers_first(c).model_copy(update={"choice": c.completions[1].id}) for c in again
    ]
    with commit(run, 0, "rankings") as draft:
        write_jsonl(draft.path / "rankings.jsonl", [*anna, *ben])

    def weights(opened: Run) -> dict[str, set[float]]:
        shutil.rmtree(opened.stage_folder(0, "preferences"), ignore_errors=True)
        with commit(opened, 0, "preferences") as draft:
            build_preferences(opened, 0, draft, silent)
        pairs = read_jsonl(opened.stage_folder(0, "preferences") / "train.jsonl", Preference)
        return {name: {p.weight for p in pairs if p.user_id == name} for name in ("anna", "ben")}

    found = weights(run)
    facts = run.manifest(0, "preferences").facts
    assert found == {"anna": {1.0}, "ben": {facts["consistency_weights"]["ben"]}}
    assert 0.1 < facts["consistency_weights"]["ben"] < 0.6
    assert (facts["consistency"]["ben"]["repeats"], facts["consistency"]["ben"]["same"]) == (8, 0)
    ignoring = with_settings(run, "preferences.consistency=ignore")
    assert weights(ignoring) == {"anna": {1.0}, "ben": {1.0}}
    facts = ignoring.manifest(0, "preferences").facts
    assert facts["consistency_weights"] == {}
    assert facts["consistency"]["ben"]["error"] > 0.2, "it is measured all the same"


def test_with_a_brief_a_prompts_answers_are_written_at_two_levels_and_the_comparison_is_of_the_plain_prompt(
    second_round: Run,
):
    replace(second_round, "1. Start with a greeting.\n2. Be formal.\n", who="anna", what="a brief")
    shutil.rmtree(second_round.stage_folder(0, "prompts"))
    with commit(second_round, 0, "prompts") as draft:
        choose_prompts(second_round, 0, draft, silent)
    with commit(second_round, 0, "comparisons") as draft:
        make_comparisons(second_round, 0, draft, silent)
    replace(second_round, "1. Be rude.\n", who="anna", what="another")
    made = [c for c in asked(second_round, 0) if c.purpose == "label"]
    plain = {p.id: p for p in tiny_prompts(12)}
    assert all({a.level for a in c.completions} == {1.0, 0.0} for c in made)
    assert all(c.prompt == plain[c.prompt_id] for c in made)
    found = manifests(second_round, 0)
    assert len(found) > 1, "a batch beside the stage"
    assert all("rounds/000/1-prompts/brief.md" in m.inputs for m in found), "the one that the round began with"
    assert all(m.facts["levels"] == {"1.0": n, "0.0": n} for m in found for n in [m.facts["candidates"] // 2])
    stands_first = [c.completions[0].level for c in made]
    assert set(stands_first) == {1.0, 0.0}, "either may"
