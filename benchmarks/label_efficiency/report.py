"""From rows to the figures that answer the question, as plain data and as Markdown."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from benchmarks.label_efficiency import curves
from benchmarks.label_efficiency.arms import ARMS, NOISE, SECONDS, SHARED, THRESHOLDS, Tier

Row = dict[str, Any]
BASELINES = {"ratio_vs_online_random": "online-random", "ratio_vs_offline_dpo": "offline-dpo"}
HEADLINE = "ours"


def summary(rows: Sequence[Row], tier: Tier) -> dict[str, Any]:
    """Everything: the headline's ratios, all figures by annotator and persona, settings, and each cell."""
    groups = [
        group([r for r in rows if r["noise"] == noise and persona in ("all", r["persona"])], tier, noise, persona)
        for noise in tier.noise
        for persona in ("all", *tier.personas)
    ]
    main = next(g for g in groups if g["noise"] == ("0.25" if "0.25" in tier.noise else tier.noise[-1]))
    ours = main["arms"].get(HEADLINE, {})
    return {
        **{name: ours.get(name) for name in BASELINES},
        "headline": {"arm": HEADLINE, "noise": main["noise"], "persona": "all", "cells": ours.get("cells", 0)},
        "checkpoints": list(tier.checkpoints),
        "seconds_of_a_person": SECONDS,
        "noise": {name: NOISE[name] for name in tier.noise},
        "settings": {name: asdict(ARMS[name]) for name in tier.arms} | {"shared": SHARED, "tier": asdict(tier)},
        "groups": groups,
        "cells": list(rows),
    }


def group(rows: Sequence[Row], tier: Tier, noise: str, persona: str) -> dict[str, Any]:
    """Figures of each arm over some cells, and against the baselines on the same cells."""
    cells = {name: {(r["persona"], r["seed"]): r["points"] for r in rows if r["arm"] == name} for name in tier.arms}
    cells = {name: found for name, found in cells.items() if found}
    arms = {name: _figures(found, tier) for name, found in cells.items()}
    for name, figures in arms.items():
        for key, baseline in BASELINES.items():
            if baseline in cells and name != baseline:
                figures[key] = _versus(cells[name], cells[baseline], tier)
        if ARMS[name].edits and HEADLINE in cells:
            figures["edit_worth"] = _edit_worth(cells[name], cells[HEADLINE])
    return {"noise": noise, "persona": persona, "arms": arms}


def markdown(found: dict[str, Any]) -> str:
    """The tables."""
    parts = [_headline(found)]
    for one in found["groups"]:
        parts += [f"### noise {one['noise']}, {one['persona']}", _table(one, found["checkpoints"])]
    return "\n\n".join(parts)


def _figures(cells: dict[Any, list[Row]], tier: Tier) -> dict[str, Any]:
    labels, wins = tier.checkpoints, _of(cells, "win")
    mean, minutes, kl = wins.mean(0).tolist(), _of(cells, "person_minutes").mean(0).tolist(), _of(cells, "kl").mean(0)
    frontier = [curves.frontier_kl(win) for win in mean]
    bounds = [curves.interval(column) for column in wins.T]
    return {
        "cells": len(cells),
        "win": mean,
        "win_low": [low for low, _ in bounds],
        "win_high": [high for _, high in bounds],
        "on_topic": _of(cells, "on_topic").mean(0).tolist(),
        "win_on_topic": [_mean(points[i]["win_on_topic"] for points in cells.values()) for i in range(len(labels))],
        "labels_to_reach": {f"{level:g}": curves.reach(labels, mean, level) for level in THRESHOLDS},
        "minutes_to_reach": {f"{level:g}": curves.reach(minutes, mean, level) for level in THRESHOLDS},
        "area": curves.area(labels, mean),
        "peak_minus_final": curves.fall(mean),
        "kl": kl.tolist(),
        "frontier_kl": frontier,
        "kl_ratio": [k / f if f else None for k, f in zip(kl.tolist(), frontier, strict=True)],
        "person_minutes": minutes,
        "ties": _of(cells, "ties").mean(0).tolist(),
        "edits": _of(cells, "edits").mean(0).tolist(),
        "seconds_a_round": (_of(cells, "asking_seconds") + _of(cells, "training_seconds")).mean(0).tolist(),
        "samples": _of(cells, "samples").mean(0).tolist(),
        "peak_rss_mb": [_mean(points[i]["peak_rss_mb"] for points in cells.values()) for i in range(len(labels))],
        "failed": sum(bool(point["failed"]) for points in cells.values() for point in points),
    }


def _versus(ours: dict[Any, list[Row]], other: dict[Any, list[Row]], tier: Tier) -> dict[str, Any]:
    both = sorted(set(ours) & set(other))
    mine, theirs = ({cell: points[cell] for cell in both} for points in (ours, other))
    if not both:
        return {}
    wins = [_of(cells, "win") for cells in (mine, theirs)]
    labels, minutes = ([_of(cells, name) for cells in (mine, theirs)] for name in ("labels", "person_minutes"))
    gaps = wins[0] - wins[1]
    bounds = [curves.interval(column) for column in gaps.T]
    return {
        **curves.compare(labels[0], wins[0], labels[1], wins[1]),
        "cells": len(both),
        "minutes": curves.compare(minutes[0], wins[0], minutes[1], wins[1]),
        "win_difference": gaps.mean(0).tolist(),
        "win_difference_low": [low for low, _ in bounds],
        "win_difference_high": [high for _, high in bounds],
    }


def _edit_worth(edited: dict[Any, list[Row]], plain: dict[Any, list[Row]]) -> dict[str, Any]:
    """Comparisons that a label with an edit is worth, by labels to the same win rate; `ratio` is that number."""
    both = sorted(set(edited) & set(plain))
    mine, theirs = ({cell: points[cell] for cell in both} for points in (edited, plain))
    share = float(_of(mine, "edits")[:, -1].mean() / _of(mine, "labels")[:, -1].mean()) if both else 0.0
    if not share:
        return {}
    sides = [_of(cells, name) for cells in (mine, theirs) for name in ("labels", "win")]
    return curves.compare(*sides, figure=curves.edit_worth(share)) | {"share": share}


def _of(cells: dict[Any, list[Row]], name: str) -> np.ndarray:
    """One figure as an array (cells, checkpoints)."""
    return np.array([[point[name] for point in points] for points in cells.values()], float)


def _mean(values: Iterable[float | None]) -> float | None:
    known = [v for v in values if v is not None]
    return float(np.mean(known)) if known else None


def _headline(found: dict[str, Any]) -> str:
    where = found["headline"]
    lines = [f"`{where['arm']}`, noise {where['noise']}, all personas, {where['cells']} cells:"]
    lines += [f"- {name}: {_ratio(found[name])}" for name in BASELINES]
    return "\n".join(lines)


def _table(one: dict[str, Any], checkpoints: Sequence[int]) -> str:
    last = checkpoints[-1]
    heads = ["arm", *(f"win at {n}" for n in checkpoints), "area", *(f"to {level:.0%}" for level in THRESHOLDS)]
    heads += ["peak - end", "on topic", "win on topic", "KL", "KL / frontier", "minutes", "s a round", "MiB"]
    heads += ["labels vs online-random", "labels vs offline-dpo"]
    lines = [f"| {' | '.join(heads)} |", f"|{' --- |' * len(heads)}"]
    for name, arm in one["arms"].items():
        shown = [name, *map(_share, arm["win"]), _share(arm["area"])]
        shown += [f">{last}" if n is None else f"{n:.0f}" for n in arm["labels_to_reach"].values()]
        shown += [_share(arm["peak_minus_final"]), _share(arm["on_topic"][-1]), _share(arm["win_on_topic"][-1])]
        ends = [("kl", ".2f"), ("kl_ratio", ".1f"), ("person_minutes", ".0f"), ("seconds_a_round", ".0f")]
        shown += [_number(arm[key][-1], digits) for key, digits in [*ends, ("peak_rss_mb", ".0f")]]
        shown += [_ratio(arm.get(key)) for key in BASELINES]
        lines.append(f"| {' | '.join(shown)} |")
    worth = [f"`{name}`: {_ratio(arm['edit_worth'])}" for name, arm in one["arms"].items() if arm.get("edit_worth")]
    return "\n".join([*lines, *(["", "A label with an edit in comparisons: " + "; ".join(worth)] if worth else [])])


def _share(value: float | None) -> str:
    return _number(value, ".3f")


def _number(value: float | None, digits: str) -> str:
    return "-" if value is None else f"{value:{digits}}"


def _ratio(found: dict[str, Any] | None) -> str:
    if not found or found["ratio"] is None:
        return "-"
    bounds = "" if found["low"] is None else f" [{found['low']:.2f}, {found['high']:.2f}]"
    bound = ", a bound" if found["censored"] else ""
    return f"{found['ratio']:.2f}{bounds} at {found['at_win_rate']:.3f}{bound}"
