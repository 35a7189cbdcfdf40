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

from benchmarks.label_efficiency import curves, oracle, plot, report, tables
from benchmarks.label_efficiency.arms import NOISE, SECONDS, TIERS
from benchmarks.label_efficiency.curves import Need
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
    assert curves.reach(LABELS, wins, 0.6) == Need(16)
    assert curves.reach(LABELS, wins, 0.65).value == pytest.approx(16 * math.sqrt(2))
    assert curves.reach(LABELS, wins, 0.7).value == pytest.approx(32)


def test_outside_of_the_checkpoints_labels_are_censored_and_not_guessed():
    assert curves.reach(LABELS, [0.6, 0.7, 0.79], 0.8) == Need(64, "at least")
    assert curves.reach(LABELS, [0.6, 0.7, 0.79], 0.55) == Need(16, "at most")


def test_area_fall_and_frontier():
    assert curves.area(LABELS, [0.5, 0.7, 0.9]) == pytest.approx(0.7)
    assert curves.area((8,), [0.6]) == 0.6
    assert curves.fall([0.5, 0.8, 0.75]) == pytest.approx(0.05)
    assert curves.frontier_kl(8 / 9) == pytest.approx(math.log(8) - 7 / 8)
    assert curves.frontier_kl(0.5) is None
    assert curves.frontier_kl(1.0) is None


def ratio(ours, other, level=None):
    return curves.label_ratio(np.array(LABELS), np.array(ours), np.array(LABELS), np.array(other), level)


def test_ratio_is_at_the_highest_win_rate_that_both_reach_or_where_it_is_asked_for():
    found = ratio([0.6, 0.8, 0.9], [0.55, 0.6, 0.7])
    assert (found.at_win_rate, found.censored) == (0.7, None)
    assert found.ratio == pytest.approx(64 / (16 * math.sqrt(2)))
    assert ratio([0.6, 0.8, 0.9], [0.55, 0.6, 0.7], 0.6) == curves.Ratio(2, 0.6, None)


def test_a_ratio_says_in_which_direction_it_is_a_bound():
    early, late = [0.8, 0.8, 0.8], [0.55, 0.6, 0.7]
    assert ratio(early, late) == curves.Ratio(4, 0.7, "at least")  # of ours 16 labels count, though fewer may do
    assert ratio(late, early) == curves.Ratio(1 / 4, 0.7, "at most")
    assert ratio([0.5, 0.6, 0.8], late, 0.75).censored == "at least"  # the other never gets there
    assert ratio(late, [0.5, 0.6, 0.8], 0.75).censored == "at most"
    assert ratio(early, late, 0.8) == curves.Ratio(4, 0.8, "at least")
    assert ratio([0.4] * 3, [0.9] * 3) is None
    assert ratio(early, early, 0.7) is ratio(late, late, 0.75) is None  # both too soon, both never


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


def rows_for(arm, gain, persona="brisk"):
    """Rows of two cells of an arm whose win rate grows by `gain` a checkpoint."""
    point = {
        "ties": 1, "edits": 0, "on_topic": 1.0, "win_on_topic": None, "kl": 1.0, "asking_seconds": 1.0,
        "training_seconds": 1.0, "samples": 0, "peak_rss_mb": 500.0, "failed": None,
    }  # fmt: skip
    checkpoints = TIERS["full"].checkpoints
    return [
        {
            "model": "tiny", "tuning": False, "persona": persona, "noise": "0.25", "seed": seed, "arm": arm,
            "base_seconds": {"candidates": 30.0, "features": 10.0 + seed},
            "points": [
                point | {"labels": n, "person_minutes": n / 4, "win": 0.5 + gain * (place + 1)}
                for place, n in enumerate(checkpoints)
            ],
        }
        for seed in (10, 11)
    ]  # fmt: skip


def reported(*rows, personas=("brisk",), arms):
    return report.summary([one for some in rows for one in some], replace(TIERS["full"], personas=personas, arms=arms))


def test_the_report_counts_labels_and_minutes_and_never_guesses():
    found = reported(rows_for("offline-dpo", 0.05), rows_for("ours", 0.11), arms=("offline-dpo", "ours"))
    assert found["ratio_vs_online_random"] is None
    assert found["headline"]["arm"] == "ours"
    ratio = found["ratio_vs_offline_dpo"]
    assert ratio["at_win_rate"] == pytest.approx(0.7)
    assert ratio["ratio"] == pytest.approx(128 / 2 ** (4 + 9 / 11))
    assert ratio["minutes"]["ratio"] == pytest.approx(ratio["ratio"])
    assert (ratio["at"]["0.6"]["ratio"], ratio["at"]["0.6"]["censored"]) == (32 / 16, "at least")
    assert ratio["win_difference"] == pytest.approx([0.06, 0.12, 0.18, 0.24])
    dpo, ours = (found["groups"][0]["arms"][name] for name in ("offline-dpo", "ours"))
    assert (ours["labels_to_reach"]["0.6"], ours["labels_to_reach_censored"]["0.6"]) == (None, "<16")
    assert (ours["minutes_to_reach"]["0.6"], ours["minutes_to_reach_censored"]["0.6"]) == (None, "<4")
    assert (dpo["labels_to_reach"]["0.8"], dpo["labels_to_reach_censored"]["0.8"]) == (None, ">128")
    assert dpo["labels_to_reach"]["0.6"] == pytest.approx(32)
    text = tables.markdown(found)
    assert "| <16 |" in text
    assert "| >128 |" in text
    assert "at least 2.00" in text


def test_the_headline_is_what_a_run_can_do_where_that_was_run():
    arms = ("online-random", "offline-dpo-held", "ours", "ours-in-the-loop")
    found = reported(*(rows_for(name, 0.05 + 0.01 * place) for place, name in enumerate(arms)), arms=arms)
    assert found["headline"]["arm"] == "ours-in-the-loop"
    versus = found["groups"][0]["arms"]["ours-in-the-loop"]
    assert found["ratio_vs_online_random"] == versus["ratio_vs_online_random"]
    assert found["ratio_vs_offline_dpo_held"]["at_win_rate"] == pytest.approx(0.74)
    assert "| brisk | offline-dpo-held |" in tables.markdown(found)


def test_persons_are_averaged_within_a_seed_first():
    rows = [one for gain, who in ((0.02, "brisk"), (0.06, "concise")) for one in rows_for("ours", gain, who)]
    found = reported(rows, personas=("brisk", "concise"), arms=("ours",))
    pooled = found["groups"][0]["arms"]["ours"]
    assert (pooled["cells"], pooled["seeds"]) == (4, 2)
    assert pooled["win"] == pytest.approx([0.54, 0.58, 0.62, 0.66])
    assert pooled["win_low"] == pytest.approx(pooled["win"])  # seeds do not differ, though persons do


def test_peak_less_end_of_the_mean_curve_is_not_the_mean_of_cells_own():
    first, second = rows_for("ours", 0.1)
    for row, wins in ((first, (0.6, 0.8, 0.7, 0.7)), (second, (0.6, 0.7, 0.8, 0.7))):
        for point, win in zip(row["points"], wins, strict=True):
            point["win"] = win
    ours = reported([first, second], arms=("ours",))["groups"][0]["arms"]["ours"]
    assert ours["peak_minus_final_of_mean_curve"] == pytest.approx(0.05)
    assert ours["peak_minus_final_mean_of_cells"] == pytest.approx(0.1)
    for name in ("area", "kl_ratio", "peak_minus_final_of_mean_curve", "peak_minus_final_mean_of_cells"):
        assert {f"{name}_low", f"{name}_high"} <= set(ours)


def test_the_best_by_truth_needs_no_labels_and_has_no_ratio():
    arms = ("online-random", "best-of-8-true")
    found = reported(*(rows_for(name, 0.1) for name in arms), arms=arms)
    best = found["groups"][0]["arms"]["best-of-8-true"]
    assert best["labels_to_reach"] is best["minutes_to_reach"] is best["person_minutes"] is None
    assert "ratio_vs_online_random" not in best
    assert "| - | - | - | - |" in tables.markdown(found)


def test_what_the_base_draws_once_a_run_stands_by_itself():
    found = reported(rows_for("ours", 0.1), arms=("ours",))
    assert found["base_seconds"] == {"candidates": 30, "features": 20.5}
    assert "30 s, their features, 20 s" in tables.markdown(found)
