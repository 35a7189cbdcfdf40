"""The order of the open round follows the votes, and whatever goes wrong with that, people go on labelling."""

import contextlib
import logging
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from feedback_loop import recipe
from feedback_loop.asking import refitting
from feedback_loop.asking.labelling import open_desk
from feedback_loop.asking.refitting import EVERY, Refit, in_background
from feedback_loop.records import Answer, Comparison, Completion, Message, Prompt
from feedback_loop.run import Run, commit, create, set_aside, write_jsonl
from feedback_loop.simulation.personas import Persona, Trait
from feedback_loop.simulation.simulate import label
from feedback_loop.store.desk import Desk
from feedback_loop.store.journal import Journal
from reward.features import REQUEST
from reward.text import NAMES

PROMPTS = [Prompt(id=f"p{n}", prompt=(Message(role="user", content=f"Question {n}?"),)) for n in range(24)]
LAST = [f"c{n}" for n in range(18, 24)]
"""Comparisons whose answers differ in another way than all the others' do."""


def pair(number: int) -> tuple[Completion, Completion]:
    texts = ("Please wait. Thank you", "No")
    first, second = (
        Completion(id=f"c{number}-{n}", prompt_id=f"p{number}", completion=text, policy="base", seed=0)
        for n, text in enumerate(texts)
    )
    return first, second


def features() -> np.ndarray:
    """Two axes of the base's states; texts and requests are all alike."""
    rows = np.zeros((48, 2 + len(NAMES) + REQUEST), np.float32)
    rows[:, :2] = np.random.default_rng(0).normal(0, 0.05, (48, 2))
    for number in range(24):
        rows[2 * number : 2 * number + 2, 0 if number < 18 else 1] += (1, -1)
    return rows


def make(path: Path, *settings: str, keep_features: bool = True, selection: str = "drts") -> Run:
    """A run whose open round has its comparisons: two of three picked by a strategy."""
    given = ("reward.form=head", "reward.members=8", "asking.strategy=drts", "rankings.needed=24", *settings)
    run = create(path, recipe.load(None, given), PROMPTS, PROMPTS)
    ask(run, keep_features=keep_features, selection=selection)
    return run


def ask(run: Run, number: int = 0, name: str = "c", *, keep_features: bool = True, selection: str = "drts") -> None:
    """Make a round's comparisons; `name` is what their ids begin with."""
    with commit(run, number, "comparisons") as draft:
        asked = [
            Comparison(
                id=f"{name}{n}",
                round=number,
                prompt=p,
                completions=pair(n),
                selection=selection if n % 3 else "random",
            )
            for n, p in enumerate(PROMPTS)
        ]
        write_jsonl(draft.path / "comparisons.jsonl", asked)
        write_jsonl(draft.path / "candidates.jsonl", [c for n in range(24) for c in pair(n)])
        if keep_features:
            save_file({"features": features()}, draft.path / "features.safetensors")
        draft.facts["comparisons"] = 24


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return make(tmp_path / "run")


@pytest.fixture
def journal(run: Run) -> Iterator[Journal]:
    with contextlib.closing(Journal(run.path / "journal.sqlite")) as journal:
        yield journal


def vote(desk: Desk, *comparison_ids: str, user: str = "anna") -> None:
    for name in comparison_ids:
        desk.vote(user, name, Answer(choice=f"c{name[1:]}-0"))


def shown_until_the_end(desk: Desk) -> list[Comparison]:
    found: list[Comparison] = []
    while (comparison := desk.next("anna", [c.id for c in found])) is not None:
        found.append(comparison)
    return found


def chosen(found: list[Comparison]) -> list[str]:
    return [c.id for c in found if c.selection != "random"]


def soon(true: Callable[[], bool]) -> bool:
    ends = time.monotonic() + 20
    while not true() and time.monotonic() < ends:
        time.sleep(0.02)
    return true()


def test_after_a_few_votes_what_they_say_nothing_of_comes_first(run: Run, journal: Journal):
    refit = Refit(run, journal)
    desk = open_desk(run, journal, refit.order)
    vote(desk, "c1", "c2", "c4")
    refit.step()
    assert refit.order() == {}, "too few votes to learn from"
    before = shown_until_the_end(desk)
    vote(desk, "c5")
    refit.step()
    after = shown_until_the_end(desk)
    different = {c for c in LAST if int(c[1:]) % 3}
    assert set(chosen(after)[: len(different)]) == different
    assert set(chosen(before)[: len(different)]) != different
    drawn = [c.id for c in after if c.selection == "random"]
    assert drawn == [c.id for c in before if c.selection == "random"]


def test_the_order_is_the_same_for_whoever_comes_back_later(run: Run, journal: Journal):
    desk, steady = open_desk(run, journal), Refit(run, journal)
    for number in range(EVERY + 2):
        vote(desk, f"c{number}")
        steady.step()
    fresh = Refit(run, journal)
    fresh.step()
    assert fresh.order() == steady.order() != {}


def test_a_vote_taken_back_is_unlearned(run: Run, journal: Journal):
    desk, refit = open_desk(run, journal), Refit(run, journal)
    vote(desk, "c1", "c2", "c4", "c5")
    refit.step()
    learned = refit.order()
    desk.undo("anna")
    desk.vote("anna", "c5", Answer(choice="c5-1"))
    refit.step()
    assert refit.order() != learned


def test_neither_counts_as_it_does_for_the_rounds_head(run: Run, journal: Journal):
    desk, refit = open_desk(run, journal), Refit(run, journal)
    vote(desk, "c1", "c2", "c4", "c5")
    refit.step()
    before = refit.order()
    for name in ("c6", "c7", "c8", "c10"):
        desk.vote("anna", name, Answer(choice="neither"))
    refit.step()
    assert refit.order() != before


@pytest.mark.parametrize("settings", [("asking.strategy=random",), ("reward.form=lora",)])
def test_without_a_strategy_or_a_head_nothing_is_reordered(tmp_path: Path, settings: tuple[str, ...]):
    run = make(tmp_path / "other", *settings, selection="random" if "asking" in settings[0] else "drts")
    with contextlib.closing(Journal(run.path / "journal.sqlite")) as journal, in_background(run) as order:
        refit = Refit(run, journal)
        desk = open_desk(run, journal, refit.order)
        before = shown_until_the_end(open_desk(run, journal))
        vote(desk, *(c.id for c in before[:8]))
        refit.step()
        assert refit.order() == order() == {}
        assert shown_until_the_end(desk) == before[8:]


def test_without_features_people_label_in_the_order_there_is(tmp_path: Path):
    run = make(tmp_path / "bare", keep_features=False)
    with contextlib.closing(Journal(run.path / "journal.sqlite")) as journal:
        refit = Refit(run, journal)
        desk = open_desk(run, journal, refit.order)
        vote(desk, "c1", "c2", "c4", "c5")
        refit.step()
        assert refit.order() == {}
        assert len(shown_until_the_end(desk)) == 20


def test_the_app_reorders_beside_the_labelling(run: Run, journal: Journal, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(refitting, "POLL_SECONDS", 0.01)
    with in_background(run) as order:
        desk = open_desk(run, journal, order)
        assert desk.next("anna") is not None
        vote(desk, "c1", "c2", "c4", "c5")
        assert soon(lambda: bool(order()))


def test_a_failed_refit_is_logged_once_and_the_last_order_stays(
    run: Run, journal: Journal, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    monkeypatch.setattr(refitting, "POLL_SECONDS", 0.01)
    with in_background(run) as order, caplog.at_level(logging.ERROR):
        desk = open_desk(run, journal, order)
        vote(desk, "c1", "c2", "c4", "c5")
        assert soon(lambda: bool(order()))
        learned = order()
        failures: list[int] = []

        def fail(*given: object) -> None:
            failures.append(1)
            raise MemoryError

        monkeypatch.setattr(refitting, "order_after", fail)
        vote(desk, "c6", "c7", "c8", "c10")
        assert soon(lambda: len(failures) == 1)
        vote(desk, "c11", "c13", "c14", "c16")
        assert soon(lambda: len(failures) == 2)
        assert order() == learned
        assert desk.next("anna") is not None
    assert len([r for r in caplog.records if "was not refitted" in r.message]) == 1


def test_a_round_may_open_and_close_meanwhile(run: Run, journal: Journal):
    refit = Refit(run, journal)
    vote(open_desk(run, journal), "c1", "c2", "c4", "c5")
    refit.step()
    for stage in ("rankings", "promotion"):
        with commit(run, 0, stage):
            pass
    refit.step()
    assert open_desk(run, journal, refit.order).next("anna") is None


def test_a_later_round_opens_in_the_order_that_the_earlier_ones_labels_say(run: Run, journal: Journal):
    vote(open_desk(run, journal), "c1", "c2", "c4", "c5")
    with commit(run, 0, "rankings") as draft:
        write_jsonl(draft.path / "rankings.jsonl", journal.rankings(0))
    with commit(run, 0, "promotion"):
        pass
    ask(run, 1, "d")
    refit = Refit(run, journal)
    refit.step()
    different = {f"d{c[1:]}" for c in LAST if int(c[1:]) % 3}
    found = chosen(shown_until_the_end(open_desk(run, journal, refit.order)))
    assert set(found[: len(different)]) == different


def test_comparisons_that_are_made_again_are_asked_and_ordered_while_the_app_runs(run: Run, journal: Journal):
    refit = Refit(run, journal)
    desk = open_desk(run, journal, refit.order)
    vote(desk, "c1", "c2", "c4", "c5")
    refit.step()
    set_aside(run.stage_folder(0, "comparisons"))
    assert desk.next("anna") is None
    ask(run, name="d")
    refit.step()
    assert refit.order() == {}, "what was voted on is no longer asked"
    vote(desk, "d1", "d2", "d4", "d5")
    refit.step()
    assert set(refit.order()) == {f"d{n}" for n in range(24) if n % 3}
    assert {c.id for c in shown_until_the_end(desk)} == {f"d{n}" for n in range(24) if n not in (1, 2, 4, 5)}


def test_a_persona_is_asked_in_that_order(run: Run, tmp_path: Path):
    wordy = Persona(name="wordy", wants=(Trait(check="min_words", value=2),))

    def first_asked(run: Run) -> set[str]:
        assert label(run, wordy) == 24
        with contextlib.closing(Journal(run.path / "journal.sqlite")) as journal:
            return {r.comparison_id for r in journal.rankings(0)[: 2 * EVERY]}

    different = {c for c in LAST if int(c[1:]) % 3}
    assert different <= first_asked(run)
    assert not different <= first_asked(make(tmp_path / "bare", keep_features=False))


def test_refitting_loads_no_torch(run: Run, journal: Journal):
    vote(open_desk(run, journal), "c1", "c2", "c4", "c5")
    code = (
        "import sys; from pathlib import Path\n"
        "from feedback_loop.run import open_run; from feedback_loop.store.journal import Journal\n"
        "from feedback_loop.asking.refitting import Refit\n"
        f"run = open_run(Path({str(run.path)!r})); refit = Refit(run, Journal(run.path / 'journal.sqlite'))\n"
        "refit.step(); print(len(refit.order()), 'torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["16", "False"]
