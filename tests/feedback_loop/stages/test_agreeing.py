"""What the next round's labels say of a head, from features that were read when the answers were drawn."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from feedback_loop.recipe import Recipe
from feedback_loop.records import Comparison, Completion, Preference
from feedback_loop.run import Draft, Run, commit, create, write_jsonl
from feedback_loop.stages.agreeing import by_head, counts
from reward import head
from reward.features import REQUEST
from reward.head import Array
from reward.text import NAMES
from tests.models_fixture import BAD, GOOD, TINY, preference, tiny_prompts

ASKED = tiny_prompts(8)
RNG = np.random.default_rng(0)
KNOWN: dict[tuple[str, str], Array] = {
    (p.id, text): np.hstack([[2.0 * (text == GOOD)], RNG.normal(size=2 + len(NAMES) + REQUEST)]).astype(np.float32)
    for p in ASKED
    for text in (GOOD, BAD)
}


def pair(number: int, *, right: bool = True, **changes: Any) -> Preference:
    made = preference(ASKED[number], *((GOOD, BAD) if right else (BAD, GOOD)))
    return made.model_copy(update={"round": 1, **changes})


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """A run whose round 0 has a head that likes the first feature."""
    made = create(tmp_path / "run", Recipe(model=TINY), ASKED[:6], ASKED[6:])
    view = head.frame(np.stack(list(KNOWN.values())))
    weights = np.zeros((2, 1, len(view.centre)))
    weights[:, 0, 0] = 5.0
    with commit(made, 0, "reward") as draft:
        head.save(head.Head(view, weights), draft.path / "head")
    return made


def draft_of(folder: Path) -> Draft:
    return Draft(folder / "draft", folder / "work", folder / "resume")


def test_what_people_chose_is_compared_with_what_the_head_before_prefers(tmp_path: Path, run: Run):
    draft = draft_of(tmp_path)
    pairs = [
        pair(0),
        pair(1),
        pair(2),
        pair(3, right=False),
        pair(4, right=False, tie=True),
        pair(5, right=False, round=0),
    ]
    found = by_head(run, 1, draft, pairs, KNOWN)
    assert found is not None
    assert (found["agreement"], found["pairs"]) == (0.75, 4)
    assert found["low"] < 0.75 < found["high"]
    assert run.stage_folder(0, "reward") / "manifest.json" in draft.inputs


def test_what_the_base_wrote_on_both_sides_says_nothing_of_the_policy_in_force(tmp_path: Path, run: Run):
    """Under the whole brief the base writes; some pairs then hold its answers alone."""
    made = [written(0, "base", "base"), written(1, "base", "round-000"), written(2, "round-000", "round-000")]
    pairs = [pair(n, right=n > 0, chosen_id=f"{n}a", rejected_id=f"{n}b") for n in range(3)]
    with commit(run, 1, "comparisons") as draft:
        write_jsonl(draft.path / "comparisons.jsonl", made)
        draft.facts |= {"policy": "round-000", "comparisons": 3}
    found = by_head(run, 1, draft_of(tmp_path), pairs, KNOWN)
    assert found is not None
    assert (found["agreement"], found["pairs"]) == (1.0, 2)


def written(number: int, *policies: str) -> Comparison:
    """A comparison of the round whose answers these policies wrote."""
    answers = [
        Completion(id=f"{number}{side}", prompt_id=ASKED[number].id, completion=side, policy=policy, seed=0)
        for side, policy in zip("ab", policies, strict=True)
    ]
    return Comparison(id=f"c{number}", round=1, prompt=ASKED[number], completions=tuple(answers))


def test_where_it_would_cost_a_model_it_is_left_to_the_evaluation(tmp_path: Path, run: Run):
    few = {name: row for name, row in KNOWN.items() if name != (ASKED[0].id, BAD)}
    assert by_head(run, 1, draft_of(tmp_path), [pair(0)], few) is None
    assert by_head(run, 1, draft_of(tmp_path), [pair(0, tie=True)], KNOWN) is None
    with commit(run, 1, "reward") as draft:
        (draft.path / "adapter").mkdir()
    assert by_head(run, 2, draft_of(tmp_path), [pair(0, round=2)], KNOWN) is None


@pytest.mark.parametrize(
    ("changes", "counted"),
    [
        ({}, True),
        ({"round": 0}, False),
        ({"tie": True}, False),
        ({"source": "edit"}, False),
        ({"selection": "uncertainty"}, False),
        ({"repeat": True}, False),
    ],
    ids=["a choice", "an earlier round", "a tie", "an edit", "chosen for being hard", "said before"],
)
def test_what_counts(changes: dict[str, Any], counted: bool):
    assert counts(pair(0).model_copy(update=changes), 1) == counted
