"""A run of decided rounds made by hand: real preferences of real answers, and an adapter that is the sum of what it learned."""

import hashlib
import shutil
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

from feedback_loop import recipe
from feedback_loop.durable import write_text
from feedback_loop.lineage import adapter_files, adapter_folder, current_policy, policy_name
from feedback_loop.progress import silent
from feedback_loop.records import Comparison, Decision, Message, Preference, Prompt, Ranking
from feedback_loop.run import Draft, Run, commit, create, write_jsonl
from feedback_loop.stages.asking import build_preferences
from feedback_loop.store.journal import Journal
from reward.calibrate import Checked
from tests.feedback_loop.team_samples import comparison, said

PROMPTS = [Prompt(id=f"p{n}", prompt=(Message(role="user", content=f"Question {n}?"),)) for n in range(6)]
EACH = 4
"""Comparisons of a round: those of round 2 are c20 to c23, its duels c25 and c26."""


def new_run(path: Path, *settings: str) -> Run:
    return create(path, recipe.load(None, [f"rankings.needed={EACH}", *settings]), PROMPTS[:4], PROMPTS[4:])


def asked(number: int) -> list[Comparison]:
    return [comparison(10 * number + n, round=number) for n in range(EACH)]


def duels(number: int) -> list[Comparison]:
    return [comparison(10 * number + n, round=number, purpose="duel") for n in (5, 6)]


def answers(number: int, *users: str) -> list[Ranking]:
    """Each user prefers `a` every time."""
    return [said(c, "a", user) for user in users or ("anna",) for c in asked(number)]


def ask(run: Run, number: int) -> None:
    """The round's comparisons, unless they are there."""
    if run.done(number, "comparisons"):
        return
    with commit(run, number, "comparisons") as draft:
        write_jsonl(draft.path / "comparisons.jsonl", asked(number))
        draft.facts |= {"comparisons": EACH, "prompts": EACH}


def vote(run: Run, number: int, given: Sequence[Ranking]) -> None:
    with closing(Journal(run.path / "journal.sqlite")) as journal:
        for ranking in given:
            journal.record(ranking, number)


def collect(run: Run, number: int, given: Sequence[Ranking]) -> None:
    """What people said, in the journal and in the snapshot."""
    ask(run, number)
    vote(run, number, given)
    with commit(run, number, "rankings") as draft:
        draft.inputs.append(run.stage_folder(number, "comparisons") / "comparisons.jsonl")
        write_jsonl(draft.path / "rankings.jsonl", given)


def learn(
    run: Run,
    number: int,
    said_of_duels: Sequence[Ranking] | None = None,
    *,
    promoted: bool = True,
    trained: Path | None = None,
    until: str = "promotion",
) -> None:
    """Make what is missing of a round from its rankings on, up to and with `until`; its duels and their answers where
    there are some.

    `trained` is a real adapter, in place of the one that is made up.
    """
    works: dict[str, Callable[[Run, int, Draft], None]] = {
        "preferences": lambda r, n, d: build_preferences(r, n, d, silent),
        "reward": _reward,
        "policy": lambda r, n, d: _policy(r, n, d, trained),
        "evaluation": _evaluation,
        "duels": lambda r, n, d: _duels(r, n, d, said_of_duels is not None),
        "promotion": lambda r, n, d: _promotion(r, n, d, said_of_duels or (), promoted),
    }
    for stage, work in works.items():
        if not run.done(number, stage):
            with commit(run, number, stage) as draft:
                work(run, number, draft)
        if stage == until:
            return


def decided(run: Run, number: int, given: Sequence[Ranking], of_duels: Sequence[Ranking] | None = None) -> None:
    """A whole round."""
    collect(run, number, given)
    if of_duels:
        vote(run, number, of_duels)
    learn(run, number, of_duels)


def adapter(run: Run, number: int) -> bytes:
    return (run.stage_folder(number, "policy") / "adapter" / "adapter_model.safetensors").read_bytes()


def names(run: Run, number: int) -> set[str]:
    """The labels that a round's preferences hold."""
    folder = run.stage_folder(number, "preferences")
    pairs = [
        Preference.model_validate_json(line)
        for part in ("train", "heldout")
        for line in (folder / f"{part}.jsonl").read_text().splitlines()
    ]
    return {f"{p.comparison_id}@{p.user_id}" for p in pairs}


def _read(*stages: str) -> Callable[[Run, int, Draft], None]:
    def work(run: Run, number: int, draft: Draft) -> None:
        draft.inputs += [run.stage_folder(number, stage) / "manifest.json" for stage in stages]

    return work


def _pairs(run: Run, number: int, draft: Draft) -> list[Preference]:
    folder = run.stage_folder(number, "preferences")
    return [p for part in ("train", "heldout") for p in draft.read(folder / f"{part}.jsonl", Preference)]


def _reward(run: Run, number: int, draft: Draft) -> None:
    pairs = _pairs(run, number, draft)
    write_jsonl(
        draft.path / "checked.jsonl", (Checked.of(p, -9.0 if p.comparison_id == "c0" else 2.0, 0.1) for p in pairs)
    )
    draft.facts["temperature"] = 1.0


def _policy(run: Run, number: int, draft: Draft, trained: Path | None) -> None:
    pairs, parent = _pairs(run, number, draft), current_policy(run)
    start = adapter_folder(run, parent)
    draft.use(*run.files(number, "reward"), *adapter_files(run, parent))
    if trained is not None:
        shutil.copytree(trained, draft.path / "adapter")
    else:
        (draft.path / "adapter").mkdir()
        before = (start / "adapter_model.safetensors").read_text() if start else ""
        text = "".join([before, *(p.model_dump_json() for p in pairs)])
        (draft.path / "adapter" / "adapter_model.safetensors").write_text(hashlib.sha256(text.encode()).hexdigest())
    draft.facts |= {"policy": policy_name(number), "parent": parent, "steps": 1}


def _evaluation(run: Run, number: int, draft: Draft) -> None:
    candidate, parent = policy_name(number), current_policy(run)
    draft.use(*run.files(number, "reward"), *run.files(number, "policy"), *adapter_files(run, parent))
    figures = {"kl": 1.0, "reward": 0.5, "length": 20.0}
    write_text(draft.path / "samples.jsonl", "")
    draft.facts |= {
        "candidate": candidate, "parent": parent, "prompts": 2, "win_rate_parent": 1.0, "win_rate_base": 1.0,
        "settings": "same", "policies": dict.fromkeys((candidate, parent), figures),
    }  # fmt: skip


def _duels(run: Run, number: int, draft: Draft, some: bool) -> None:
    _read("evaluation")(run, number, draft)
    write_jsonl(draft.path / "comparisons.jsonl", duels(number) if some else [])
    write_text(draft.path / "foreseen.jsonl", "")
    draft.facts["duels"] = len(duels(number)) if some else 0


def _promotion(run: Run, number: int, draft: Draft, given: Sequence[Ranking], promoted: bool) -> None:
    _read("evaluation", "duels")(run, number, draft)
    parent, candidate = current_policy(run), policy_name(number)
    decision = Decision(
        round=number, promoted=promoted, policy=candidate if promoted else parent, candidate=candidate, parent=parent,
        reasons=("It won.",), decided_by="people", decided_at="2026-11-25T10:00:00.000+00:00", evidence={"votes": len(given)},
    )  # fmt: skip
    write_text(draft.path / "decision.json", decision.model_dump_json())
    write_jsonl(draft.path / "rankings.jsonl", given)
    draft.facts |= {"promoted": promoted, "policy": decision.policy, "rankings": len(given)}
