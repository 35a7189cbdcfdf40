import json
import math
import os
import subprocess
import sys
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks.label_efficiency import curves, oracle, plot, report
from benchmarks.label_efficiency.arms import NOISE, SECONDS, TIERS
from benchmarks.label_efficiency.person import ROOT, Judge, Person, open_oracle
from benchmarks.label_efficiency.run import rows_of
from feedback_loop.prompts import DATA
from feedback_loop.records import Comparison, Completion, Message, Prompt
from feedback_loop.simulation.personas import load, utility

BRISK = DATA / "personas" / "brisk.toml"
LABELS = (16, 32, 64)


def asked(number, *texts):
    prompt = Prompt(id=f"p{number}", prompt=(Message(role="user", content="How do I mend my silver clock?"),))
    made = tuple(
        Completion(id=f"{number}-{place}", prompt_id=prompt.id, completion=text, policy="base", seed=0)
        for place, text in enumerate(texts)
    )
    return Comparison(id=f"c{number}", round=0, prompt=prompt, completions=made)


GOOD = "Mend the silver clock with great care."
BAD = "Hello! Mend the silver clock.\n- one\n- two\nHave a nice day!"
OFF = "Sure."


def test_labels_to_a_win_rate_are_linear_in_log2_labels():
    wins = [0.6, 0.7, 0.65]
    assert curves.reach(LABELS, wins, 0.6) == 16
    assert curves.reach(LABELS, wins, 0.65) == pytest.approx(16 * math.sqrt(2))
    assert curves.reach(LABELS, wins, 0.7) == pytest.approx(32)
    assert curves.reach(LABELS, wins, 0.55) == pytest.approx(8)  # from 0.5 without a label
    assert curves.reach(LABELS, wins, 0.5) == 0


def test_a_win_rate_never_reached_is_censored_and_not_guessed():
    assert curves.reach(LABELS, [0.6, 0.7, 0.79], 0.8) is None
    assert curves.label_ratio(np.array(LABELS), np.full(3, 0.4), np.array(LABELS), np.full(3, 0.9)) is None
    nothing = curves.compare(*(np.tile(one, (2, 1)) for one in (LABELS, [0.4] * 3, LABELS, [0.9] * 3)))
    assert nothing["ratio"] is None
    assert nothing["censored"]


def test_area_fall_and_frontier():
    assert curves.area(LABELS, [0.5, 0.7, 0.9]) == pytest.approx(0.7)
    assert curves.area((8,), [0.6]) == 0.6
    assert curves.fall([0.5, 0.8, 0.75]) == pytest.approx(0.05)
    assert curves.frontier_kl(8 / 9) == pytest.approx(math.log(8) - 7 / 8)
    assert curves.frontier_kl(0.5) is None
    assert curves.frontier_kl(1.0) is None


def test_ratio_is_at_the_highest_win_rate_that_both_reach():
    found = curves.label_ratio(
        np.array(LABELS), np.array([0.6, 0.8, 0.9]), np.array(LABELS), np.array([0.55, 0.6, 0.7])
    )
    assert found.at_win_rate == 0.7
    assert found.ratio == pytest.approx(64 / (16 * math.sqrt(2)))
    assert not found.censored
    early = curves.label_ratio(np.array(LABELS), np.array([0.8] * 3), np.array(LABELS), np.array([0.55, 0.6, 0.7]))
    assert early.censored
    assert early.ratio == 4  # 64 against the first checkpoint's 16, though fewer may do


def test_ratio_has_an_interval_over_cells_and_the_worth_of_an_edit_follows_from_it():
    rng = np.random.default_rng(1)
    at, noise = np.tile(LABELS, (20, 1)), rng.normal(0, 0.02, (20, 1))
    ours, other = np.array([0.6, 0.7, 0.8]) + noise, np.array([0.5, 0.6, 0.7]) + noise
    found = curves.compare(at, ours, at, other)
    assert found["low"] <= found["ratio"] <= found["high"]
    assert found["ratio"] == pytest.approx(2, abs=0.1)
    worth = curves.compare(at, ours, at, other, figure=curves.edit_worth(0.25))
    assert worth["ratio"] == pytest.approx((found["ratio"] - 0.75) / 0.25)
    low, high = curves.interval(ours[:, 0])
    assert low < ours[:, 0].mean() < high


def test_the_persons_weights_are_hidden_seeded_and_of_mean_one():
    persona = load(BRISK)
    first, again, other = (oracle.hidden(persona, NOISE["0.25"], seed) for seed in (1, 1, 2))
    weights = [[want.weight for want in one.wants] for one in (first, again, other)]
    assert weights[0] == weights[1] != weights[2]
    assert sum(weights[0]) / len(weights[0]) == pytest.approx(1)
    assert first.annotator.mistake == 0.25


def test_the_arms_process_holds_no_utility():
    code = f"import sys, benchmarks.label_efficiency.run, policies.steps; print({utility.__module__!r} in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_the_person_answers_edits_and_is_paid_by_the_minute():
    with open_oracle(BRISK, {}, 3) as line:
        person = Person(line)
        chosen, tie, edited, neither = (
            person.label(asked(0, BAD, GOOD), 0),
            person.label(asked(1, GOOD, GOOD), 1),
            person.label(asked(2, BAD, OFF), 2, edit_among=[BAD, GOOD]),
            person.label(asked(3, OFF, OFF + "!"), 3),
        )
        assert set(line({"ask": "choose", "comparison": asked(0, BAD, GOOD).model_dump(), "answered": 0})) == {
            "status", "choice", "strength",
        }  # fmt: skip
        judge = Judge(line, [asked(0, BAD, GOOD).prompt] * 2, [[BAD, BAD], [BAD, OFF]])
        verdict = judge.texts([GOOD, OFF])
        assert judge.best([[BAD, GOOD], [OFF, GOOD]])["win"] == 1
    assert chosen.ranking.choice == "0-1"
    assert tie.ranking.choice == "tie"
    assert edited.ranking.edit == GOOD
    assert neither.ranking.choice == "neither"
    assert [one.seconds for one in (chosen, tie, edited, neither)] == [
        SECONDS["comparison"], SECONDS["tie"], SECONDS["edit"], SECONDS["tie"],
    ]  # fmt: skip
    assert verdict == {"win": (1 + 1 + 0 + 0.5) / 4, "on_topic": 0.5, "win_on_topic": 1.0}


def test_a_row_that_a_kill_cut_off_is_left_out(tmp_path):
    file = tmp_path / "rows.jsonl"
    assert rows_of(file) == []
    file.write_text('{"arm": "ours"}\n{"arm": "onl')
    assert rows_of(file) == [{"arm": "ours"}]


def run_quick(file: Path, *more: str) -> dict:
    command = [sys.executable, "-m", "benchmarks.label_efficiency", "--tier", "quick", "--json", str(file), *more]
    env = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, env=env)
    assert done.returncode == 0, done.stderr
    assert "labels vs online-random" in done.stdout
    return json.loads(file.read_text())


def test_the_quick_tier_is_sane_and_goes_on_where_it_was(tmp_path):
    file, tier = tmp_path / "quick.json", TIERS["quick"]
    rows = file.with_suffix(".jsonl")
    found = run_quick(file, "--plots", str(tmp_path))
    cells = {cell["arm"]: cell["points"] for cell in found["cells"]}
    assert tuple(cells) == tier.arms
    for arm, points in cells.items():
        assert [point["labels"] for point in points] == list(tier.checkpoints)
        for point in points:
            assert 0 <= point["win"] <= 1
            assert point["failed"] is None
            assert 0 < point["person_minutes"] <= point["labels"] * max(SECONDS.values()) / 60
            assert point["ties"] <= point["labels"], arm
    assert all(point["win"] > 0.5 for point in cells["best-of-8-true"])
    for name in ("ratio_vs_online_random", "ratio_vs_offline_dpo"):
        assert {"ratio", "low", "high", "at_win_rate", "censored"} <= set(found[name])
    weights = [want.weight for want in oracle.hidden(load(BRISK), {}, tier.seeds[0]).wants]
    assert not any(str(weight) in rows.read_text() + file.read_text() for weight in weights)
    for drawing in tmp_path.glob("*.svg"):
        assert "ours" in "".join(ET.parse(drawing).getroot().itertext())

    kept = rows.read_text().splitlines(keepends=True)
    rows.write_text("".join(kept[:-1]) + kept[-1][:40])
    again = run_quick(file)
    assert rows.read_text().splitlines(keepends=True)[:-1] == kept[:-1]
    assert again["groups"][0]["arms"]["best-of-8-true"]["win"] == found["groups"][0]["arms"]["best-of-8-true"]["win"]


def test_a_plot_is_well_formed():
    svg = plot.draw([plot.Curve("a < b", LABELS, [0.5, 0.6, 0.7], [0.4] * 3, [0.8] * 3)], "Title", "labels")
    assert ET.fromstring(svg).tag.endswith("svg")


def rows_for(arm, gain):
    """Rows of two cells of an arm whose win rate grows by `gain` a checkpoint."""
    point = {
        "ties": 1, "edits": 0, "on_topic": 1.0, "win_on_topic": None, "kl": 1.0, "asking_seconds": 1.0,
        "training_seconds": 1.0, "samples": 0, "peak_rss_mb": 500.0, "failed": None,
    }  # fmt: skip
    checkpoints = TIERS["full"].checkpoints
    return [
        {
            "persona": "brisk", "noise": "0.25", "seed": seed, "arm": arm,
            "points": [
                point | {"labels": n, "person_minutes": n / 4, "win": 0.5 + gain * (place + 1)}
                for place, n in enumerate(checkpoints)
            ],
        }
        for seed in (10, 11)
    ]  # fmt: skip


def test_the_report_counts_labels_and_minutes_and_never_guesses():
    tier = replace(TIERS["full"], personas=("brisk",), arms=("offline-dpo", "ours"))
    found = report.summary([*rows_for("offline-dpo", 0.05), *rows_for("ours", 0.1)], tier)
    assert found["ratio_vs_online_random"] is None
    ratio = found["ratio_vs_offline_dpo"]
    assert ratio["ratio"] == pytest.approx(128 / 32)
    assert ratio["at_win_rate"] == pytest.approx(0.7)
    assert ratio["minutes"]["ratio"] == pytest.approx(4)
    assert ratio["win_difference"] == pytest.approx([0.05, 0.1, 0.15, 0.2])
    arms = found["groups"][0]["arms"]
    assert arms["offline-dpo"]["labels_to_reach"]["0.8"] is None
    assert arms["ours"]["labels_to_reach"]["0.8"] == pytest.approx(64)
    assert arms["ours"]["minutes_to_reach"]["0.8"] == pytest.approx(16)
    assert ">128" in report.markdown(found)
