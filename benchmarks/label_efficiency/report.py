"""From rows to the figures that answer the question, as plain data."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from benchmarks.label_efficiency import curves, spread
from benchmarks.label_efficiency.arms import ARMS, NOISE, RATIO_AT, SECONDS, SHARED, THRESHOLDS, Tier

Row = dict[str, Any]
Cells = dict[Any, list[Row]]
"""Points of an arm, by (persona, seed)."""
BASELINES = {
    "ratio_vs_online_random": "online-random",
    "ratio_vs_offline_dpo": "offline-dpo",
    "ratio_vs_offline_dpo_held": "offline-dpo-held",
}
HEADLINES = ("ours-in-the-loop", "ours")
"""The headline is of the first of them that was run: what a run can do goes before what only the benchmark can."""


def summary(rows: Sequence[Row], tier: Tier) -> dict[str, Any]:
    """Everything: the headline's ratios, all figures by annotator and persona, settings, and each cell."""
    groups = [
        group([r for r in rows if r["noise"] == noise and persona in ("all", r["persona"])], tier, noise, persona)
        for noise in tier.noise
        for persona in ("all", *tier.personas)
    ]
    main = next(g for g in groups if g["noise"] == ("0.25" if "0.25" in tier.noise else tier.noise[-1]))
    headline = next((name for name in HEADLINES if name in main["arms"]), HEADLINES[-1])
    ours = main["arms"].get(headline, {})
    return {
        **{name: ours.get(name) for name in BASELINES},
        "headline": {
            "arm": headline,
            "noise": main["noise"],
            "persona": "all",
            "cells": ours.get("cells", 0),
            "seeds": ours.get("seeds", 0),
        },
        "checkpoints": list(tier.checkpoints),
        "seconds_of_a_person": SECONDS,
        "base_seconds": _base_seconds(rows),
        "noise": {name: NOISE[name] for name in tier.noise},
        "settings": {name: asdict(ARMS[name]) for name in tier.arms} | {"shared": SHARED, "tier": asdict(tier)},
        "groups": groups,
        "cells": list(rows),
    }


def group(rows: Sequence[Row], tier: Tier, noise: str, persona: str) -> dict[str, Any]:
    """Figures of each arm over some cells, and against the baselines on the same cells."""
    cells = {name: {(r["persona"], r["seed"]): r["points"] for r in rows if r["arm"] == name} for name in tier.arms}
    cells = {name: found for name, found in cells.items() if found}
    arms = {name: _figures(name, found, tier) for name, found in cells.items()}
    for name, figures in arms.items():
        for key, baseline in BASELINES.items():
            if baseline in cells and name != baseline and _asks(name):
                figures[key] = _versus(cells[name], cells[baseline])
        if ARMS[name].edits and "ours" in cells:
            figures["edit_worth"] = _edit_worth(cells[name], cells["ours"])
    return {"noise": noise, "persona": persona, "arms": arms}


def _asks(name: str) -> bool:
    """Whether what the arm makes hangs on labels at all."""
    return ARMS[name].makes != "best-by-truth"


def _figures(name: str, cells: Cells, tier: Tier) -> dict[str, Any]:
    wins, kl, minutes = (_of(cells, figure) for figure in ("win", "kl", "person_minutes"))
    mean = wins.mean(0).tolist()
    rounds = _of(cells, "asking_seconds") + _of(cells, "training_seconds")
    places = range(len(mean))
    return {
        "cells": len(cells),
        "seeds": len(wins),
        **_bounded("win", mean, [spread.mean_interval(column) for column in wins.T]),
        "on_topic": _of(cells, "on_topic").mean(0).tolist(),
        "win_on_topic": [_mean(points[i]["win_on_topic"] for points in cells.values()) for i in places],
        **_to_reach("labels_to_reach", tier.checkpoints if _asks(name) else None, mean),
        **_to_reach("minutes_to_reach", minutes.mean(0).tolist() if _asks(name) else None, mean),
        **_shape(cells, wins, tier),
        "kl": kl.mean(0).tolist(),
        "frontier_kl": [curves.frontier_kl(win) for win in mean],
        **_over_frontier(kl, wins),
        "person_minutes": minutes.mean(0).tolist() if _asks(name) else None,
        "ties": _of(cells, "ties").mean(0).tolist(),
        "edits": _of(cells, "edits").mean(0).tolist(),
        "seconds_a_round": rounds.mean(0).tolist(),
        "samples": _of(cells, "samples").mean(0).tolist(),
        "peak_rss_mb": [_mean(points[i]["peak_rss_mb"] for points in cells.values()) for i in places],
        "failed": sum(bool(point["failed"]) for points in cells.values() for point in points),
    }


def _shape(cells: Cells, wins: np.ndarray, tier: Tier) -> dict[str, Any]:
    """Area, and peak less end in both ways, each with its interval over seeds."""
    areas = np.array([curves.area(tier.checkpoints, row) for row in wins.tolist()])
    own = [curves.fall([point["win"] for point in points]) for points in cells.values()]
    falls = spread.by_seed(np.array(own), [seed for _, seed in cells])

    def falling(pick: np.ndarray) -> spread.Span:
        return (curves.fall(wins[pick].mean(0).tolist()),) * 2

    of_mean = spread.resample(falling, len(wins))
    return {
        **_bounded("area", float(areas.mean()), spread.mean_interval(areas)),
        **_bounded("peak_minus_final_of_mean_curve", curves.fall(wins.mean(0).tolist()), of_mean),
        **_bounded("peak_minus_final_mean_of_cells", float(falls.mean()), spread.mean_interval(falls)),
    }


def _over_frontier(kl: np.ndarray, wins: np.ndarray) -> dict[str, Any]:
    """Mean KL over the frontier's at the mean win rate; endless in a resample that wins no more than half."""
    found = [curves.kl_ratio(float(k), float(w)) for k, w in zip(kl.mean(0), wins.mean(0), strict=True)]
    bounds = []
    for place in range(len(found)):

        def ratio(pick: np.ndarray, place: int = place) -> spread.Span:
            one = curves.kl_ratio(float(kl[pick, place].mean()), float(wins[pick, place].mean()))
            return (math.inf if one is None else one,) * 2

        bounds.append(spread.resample(ratio, len(wins)))
    return _bounded("kl_ratio", found, bounds)


def _to_reach(name: str, at: Sequence[float] | None, wins: Sequence[float]) -> dict[str, Any]:
    """Numbers, and the bounds where there are none; None for an arm without labels."""
    if at is None:
        return {name: None, f"{name}_censored": None}
    found = {f"{level:g}": curves.reach(at, wins, level) for level in THRESHOLDS}
    signs = {"at most": "<", "at least": ">"}
    return {
        name: {level: None if need.censored else need.value for level, need in found.items()},
        f"{name}_censored": {
            level: f"{signs[need.censored]}{need.value:.0f}" if need.censored else None for level, need in found.items()
        },
    }


def _versus(ours: Cells, other: Cells) -> dict[str, Any]:
    """Ratios of labels at the highest win rate that both reach and at others, of minutes, and differences by checkpoint."""
    both = sorted(set(ours) & set(other))
    if not both:
        return {}
    mine, theirs = ({cell: points[cell] for cell in both} for points in (ours, other))
    wins = [_of(cells, "win") for cells in (mine, theirs)]
    labels, minutes = ([_of(cells, name) for cells in (mine, theirs)] for name in ("labels", "person_minutes"))
    gaps = wins[0] - wins[1]
    return {
        **spread.compare(labels[0], wins[0], labels[1], wins[1]),
        "cells": len(both),
        "at": {f"{x:g}": spread.compare(labels[0], wins[0], labels[1], wins[1], level=x) for x in RATIO_AT},
        "minutes": spread.compare(minutes[0], wins[0], minutes[1], wins[1]),
        **_bounded("win_difference", gaps.mean(0).tolist(), [spread.mean_interval(column) for column in gaps.T]),
    }


def _edit_worth(edited: Cells, plain: Cells) -> dict[str, Any]:
    """Comparisons that a label with an edit is worth, by labels to the same win rate; `ratio` is that number."""
    both = sorted(set(edited) & set(plain))
    mine, theirs = ({cell: points[cell] for cell in both} for points in (edited, plain))
    share = float(_of(mine, "edits")[:, -1].mean() / _of(mine, "labels")[:, -1].mean()) if both else 0.0
    if not share:
        return {}
    at, wins, other_at, other = (_of(cells, name) for cells in (mine, theirs) for name in ("labels", "win"))
    return spread.compare(at, wins, other_at, other, figure=curves.edit_worth(share)) | {"share": share}


def _of(cells: Cells, name: str) -> np.ndarray:
    """One figure as an array (seeds, checkpoints): the mean over the persons of each seed."""
    values = np.array([[point[name] for point in points] for points in cells.values()], float)
    return spread.by_seed(values, [seed for _, seed in cells])


def _bounded(name: str, value: Any, bounds: Any) -> dict[str, Any]:
    """A figure and its interval's ends; lists where it is one a checkpoint."""
    low, high = map(list, zip(*bounds, strict=True)) if isinstance(bounds, list) else bounds
    return {name: value, f"{name}_low": low, f"{name}_high": high}


def _base_seconds(rows: Sequence[Row]) -> dict[str, float | None]:
    """What the base's answers and their features took, a run; cells of a seed share them."""
    seen = {(r["model"], r["tuning"], r["seed"]): r["base_seconds"] for r in rows if "base_seconds" in r}
    return {name: _mean(one[name] for one in seen.values()) for name in ("candidates", "features")}


def _mean(values: Iterable[float | None]) -> float | None:
    known = [v for v in values if v is not None]
    return float(np.mean(known)) if known else None
