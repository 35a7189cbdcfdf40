"""W&B gets a training's figures and samples, offline, and can never stop it."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from feedback_loop import tracking
from feedback_loop.gate.forgetting import Check
from feedback_loop.recipe import Recipe
from feedback_loop.records import Message, Prompt, Record
from feedback_loop.report.alarms import BETWEEN
from feedback_loop.report.overview import Bin, RoundView, Sample, Trust
from feedback_loop.report.report import link_file, overview
from feedback_loop.run import Run, create
from feedback_loop.simulation.personas import find
from feedback_loop.soup.cells import Cell
from feedback_loop.soup.tasting import Kitchen, Plate, taste
from feedback_loop.team.team import team_of
from feedback_loop.team.team_tracking import figures
from tests.feedback_loop.taught_parts import answers, labels, make_run
from tests.feedback_loop.team_samples import comparison, repeat, said


class Shown(Record):
    step: int
    completion: str


@pytest.fixture
def run(tmp_path: Path) -> Run:
    asked = [Prompt(id=f"p{n}", prompt=(Message(role="user", content=f"Question {n}?"),)) for n in range(2)]
    return create(tmp_path / "run", Recipe(), asked[:1], asked[1:])


def inspected(run: Run) -> str:
    """The run's own file, as `wandb leet` reads it."""
    (file,) = run.path.glob("wandb/offline-run-*/run-*.wandb")
    command = [str(Path(sys.executable).with_name("wandb")), "leet", "inspect", "--json", str(file)]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout


def test_a_steps_figures_and_samples_are_in_the_runs_file(run: Run):
    with tracking.stage_run(run, 0, "policy") as tracked:
        for step in range(3):
            rows = [Shown(step=n, completion=f"answer {n}") for n in range(step + 1)]
            tracked.log({"step": step, "reward": 0.5 * step, "kl": 0.25}, rows)
        tracked.finish({"steps": 2})
    text = inspected(run)
    for name in ("policy/step", "policy/reward", "policy/kl", "policy/samples"):
        assert name in text
    tables = list(run.path.glob("wandb/offline-run-*/files/media/table/policy/samples*.table.json"))
    assert len(tables) == 3
    last = max((json.loads(table.read_text()) for table in tables), key=lambda table: len(table["data"]))
    assert last["columns"] == ["step", "completion"]
    assert last["data"][-1] == [2, "answer 2"]


def test_without_wandb_everything_goes_on(run: Run, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("WANDB_MODE", "disabled")
    with tracking.stage_run(run, 0, "policy") as tracked:
        tracked.log({"step": 0, "kl": 0.0})
        tracked.finish({})
    assert not (run.path / "wandb").exists()


def test_what_wandb_cannot_take_is_no_error(run: Run):
    with tracking.stage_run(run, 0, "policy") as tracked:
        assert tracked.wandb_run is not None
        tracked.wandb_run.finish()
        tracked.log({"step": 0, "kl": 0.0}, [Shown(step=0, completion="late")])


ROUND = RoundView(
    round=0,
    policy="round-000",
    stages=(),
    labels=8,
    needed=8,
    metrics={"reward_accuracy": 0.8, "calibration_error": 0.1, "alarms": 1.0},
    curves=(),
    note="",
    samples=(Sample(prompt="Why?", before="No.", after="Because.", reward_before=0.0, reward_after=1.0),),
    decision=None,
    trust=Trust(reliability=(Bin(predicted=0.7, observed=0.65, low=0.5, high=0.8, pairs=20),)),
    alarms=("The reward follows length: r = +0.50",),
    checks=(
        Check(name="perplexity", base=20.0, candidate=31.5, high=30.0, ok=False, reason="It loses ordinary language."),
    ),
)


def test_the_summary_holds_figures_over_rounds_tables_and_alerts(run: Run):
    tracking.summarise(run, overview(run).model_copy(update={"rounds": (ROUND,)}))
    text = inspected(run)
    for name in (
        "loop/reward_accuracy",
        "loop/calibration_error",
        "loop/alarms",
        "guard/perplexity",
        "The reward follows length",
    ):
        assert name in text
    tables = run.path.glob("wandb/offline-run-*/files/media/table/*/round-000*.table.json")
    found = {table.parent.name: json.loads(table.read_text()) for table in tables}
    assert found["reliability"]["columns"] == ["predicted", "observed", "low", "high", "pairs"]
    assert found["reliability"]["data"] == [[0.7, 0.65, 0.5, 0.8, 20]]
    assert found["checks"]["data"][0][0] == "perplexity"
    assert found["completions"]["data"] == [["Why?", "No.", "Because.", 0.0, 1.0]]


def test_an_alarm_is_sent_once_when_its_round_is_done_or_the_next_ones_labels_raise_it(
    run: Run, monkeypatch: pytest.MonkeyPatch
):
    sent: list[str] = []

    class Remembering:
        def alert(self, title: str, text: str) -> None:
            sent.append(f"{title} | {text}")

        def __getattr__(self, name: str) -> Any:
            return lambda *given, **more: None

    monkeypatch.setattr(tracking, "_start", lambda *given: Remembering())
    rounds = [
        ROUND.model_copy(update={"round": n, "alarms": (f"{BETWEEN}: of {n}", f"Length: of {n}")[n > 1 :]})
        for n in range(3)
    ]
    tracking.summarise(run, overview(run).model_copy(update={"rounds": tuple(rounds)}))
    assert sent == ["Round 2: Length | Length: of 2", f"Round 1: {BETWEEN} | {BETWEEN}: of 1"]


def test_what_labels_taught_is_a_table_of_all_traits_and_figures_of_the_main_ones(run: Run, tmp_path: Path):
    warm = labels(find("warm"), 120)
    taught = make_run(tmp_path / "taught", [(warm, answers({"base": {}, "round-000": {"emoji": True}}))])
    tracking.summarise(taught, overview(run).model_copy(update={"rounds": (ROUND,)}))
    (file,) = taught.path.glob("wandb/offline-run-*/files/media/table/traits/round-000*.table.json")
    table = json.loads(file.read_text())
    rows = {row[0]: dict(zip(table["columns"], row, strict=True)) for row in table["data"]}
    assert rows["Emoji"]["verdict"] == "followed"
    assert rows["Emoji"]["said"].startswith("You prefer emoji: ")
    assert 0 < rows["Emoji"]["chosen-rejected low"] < rows["Emoji"]["chosen-rejected value"]
    assert rows["Code"]["wanted"] == "unseen"
    text = inspected(taught)
    for name in ("taught/emoji/chosen-rejected", "taught/emoji/new-base", "taught/followed", "taught/unasked"):
        assert name in text
    assert "taught/code/" not in text


def test_the_address_on_wandbs_site_is_kept_once_there_is_one(run: Run, monkeypatch: pytest.MonkeyPatch):
    tracking.summarise(run, overview(run))
    assert not link_file(run).exists(), "offline there is none"
    seen = overview(run).mirror
    assert seen.url == ""
    assert seen.sync == f"wandb sync {run.path}/wandb/offline-run-*"

    class Online:
        url = "https://wandb.example/team/feedback-loop/runs/1"

        def __getattr__(self, name: str) -> Any:
            return lambda *given, **more: None

    monkeypatch.setattr(tracking, "_start", lambda *given: Online())
    tracking.summarise(run, overview(run))
    assert overview(run).mirror.url == Online.url


def test_the_team_is_there_over_rounds_and_as_tables_by_person_and_by_pair(run: Run):
    asked = [*(comparison(n) for n in range(6)), *(repeat(n) for n in range(6))]
    given = [said(c, "a", seconds=4.0) for c in asked]
    given += [said(c, c.completions[0].id[-1] if n else "b", "ben") for n, c in enumerate(asked)]
    teams = [(0, team_of(asked, given[:12])), (1, team_of(asked, given))]
    tracking.summarise(run, overview(run).model_copy(update={"rounds": (ROUND,)}), teams)
    text = inspected(run)
    for name in ("loop/reward_accuracy", "team/alpha", "team/alpha_low", "team/weight/ben", "team/answers/anna"):
        assert name in text
    tables = list(run.path.glob("wandb/offline-run-*/files/media/table/team/*.table.json"))
    found = {table.name.split("_")[0]: json.loads(table.read_text()) for table in tables}
    people = [dict(zip(found["people"]["columns"], row, strict=True)) for row in found["people"]["data"]]
    anna, ben = people
    assert (anna["person"], anna["seconds"], anna["self_agreement"], anna["weight"]) == ("anna", 4.0, 1.0, 1.0)
    assert ben["self_agreement"] == pytest.approx(1 / 6)
    assert ben["self_agreement_count"] == 6
    assert 0.1 < ben["weight"] < 0.8
    assert ben["weight"] == pytest.approx(figures(teams[1][1])["weight/ben"])
    assert ben["checks"] is None
    (pair,) = found["agreement"]["data"]
    assert pair[:2] == ["anna", "ben"]
    assert pair[2] == pytest.approx(5 / 6)


def test_a_team_that_wandb_cannot_take_costs_nothing_else(run: Run, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(tracking, "log_team", lambda *given: 1 / 0)
    tracking.summarise(run, overview(run).model_copy(update={"rounds": (ROUND,)}))
    assert "loop/reward_accuracy" in inspected(run)


def test_the_soup_is_there_as_a_table_of_its_front_and_with_its_advice(run: Run):
    base, dpo = (Cell(training=name, level=0.0, shots=0) for name in ("none", "dpo"))
    kitchen = Kitchen(round=0, labels=32, demonstrations=4, judge="reward model", now=base)
    plates = [Plate(cell, [[worth]] * 8, 0.0, 1.0, 8.0) for cell, worth in ((base, 0.0), (dpo, 1.0))]
    (run.cache / "soup").mkdir(parents=True)
    (run.cache / "soup" / "table.json").write_text(taste(plates, kitchen).model_dump_json())
    tracking.summarise(run, overview(run).model_copy(update={"rounds": (ROUND,)}))
    (file,) = run.path.glob("wandb/offline-run-*/files/media/table/soup/front_[0-9]*.table.json")
    table = json.loads(file.read_text())
    assert [dict(zip(table["columns"], row, strict=True))["cell"] for row in table["data"]] == ["dpo"]
    text = inspected(run)
    assert "soup/best_unasked" in text
    assert "Next: dpo. It gains 50 points" in text
