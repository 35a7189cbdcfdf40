"""The figures as Markdown."""

from collections.abc import Sequence
from typing import Any

from benchmarks.label_efficiency.arms import CANDIDATES, RATIO_AT, THRESHOLDS
from benchmarks.label_efficiency.report import BASELINES, HEADLINES

ENDS = ("", "_low", "_high")
SIDES = {"at least": "at least ", "at most": "at most "}


def markdown(found: dict[str, Any]) -> str:
    """The tables."""
    parts = [_headline(found)]
    parts += [table for name in HEADLINES if (table := _by_person(found, name))]
    for one in found["groups"]:
        parts += [f"### noise {one['noise']}, {one['persona']}", _table(one, found["checkpoints"])]
    return "\n\n".join(parts)


def _headline(found: dict[str, Any]) -> str:
    where, took = found["headline"], found["base_seconds"]
    much = f"{where['cells']} cells of {where['seeds']} seeds, 90 % intervals"
    lines = [f"`{where['arm']}`, noise {where['noise']}, all personas, {much}:"]
    lines += [f"- labels, {name} / ours: {_ratio(found[key])}" for key, name in BASELINES.items() if found[key]]
    made = [_number(took[name], ".0f") for name in ("candidates", "features")]
    lines += [
        f"- in no arm's seconds: the base's {CANDIDATES} answers to every prompt, {made[0]} s, their features, {made[1]} s"
    ]
    return "\n".join(lines)


def _by_person(found: dict[str, Any], name: str) -> str:
    """An arm's ratios, person by person; empty where it was not run or has none."""
    heads = ["person", "against", "at the highest both reach", *(f"at {x:g}" for x in RATIO_AT), "minutes"]
    lines = [f"| {' | '.join(heads)} |", f"|{' --- |' * len(heads)}"]
    for one in found["groups"]:
        if one["noise"] != found["headline"]["noise"] or name not in one["arms"]:
            continue
        for key, baseline in BASELINES.items():
            if versus := one["arms"][name].get(key):
                ratios = [versus, *versus["at"].values(), versus["minutes"]]
                lines.append(f"| {' | '.join([one['persona'], baseline, *map(_ratio, ratios)])} |")
    title = f"### Times fewer labels, `{name}`, noise {found['headline']['noise']}"
    return "\n".join([title, "", *lines]) if len(lines) > 2 else ""


def _table(one: dict[str, Any], checkpoints: Sequence[int]) -> str:
    rivals = {key: name for key, name in BASELINES.items() if name in one["arms"]}
    heads = ["arm", *(f"win at {n}" for n in checkpoints), "area", *(f"to {level:.0%}" for level in THRESHOLDS)]
    heads += ["peak - end, mean curve", "peak - end, mean of cells", "on topic", "win on topic", "KL", "KL / frontier"]
    heads += ["minutes", "s a round", "MiB", *(f"labels vs {name}" for name in rivals.values())]
    lines = [f"| {' | '.join(heads)} |", f"|{' --- |' * len(heads)}"]
    for name, arm in one["arms"].items():
        cells = [name, *map(_share, arm["win"]), _bounded(arm, "area"), *_reached(arm)]
        cells += [_bounded(arm, f"peak_minus_final_{way}") for way in ("of_mean_curve", "mean_of_cells")]
        cells += [_share(arm["on_topic"][-1]), _share(arm["win_on_topic"][-1]), _number(arm["kl"][-1], ".2f")]
        cells += [_with([arm[f"kl_ratio{end}"][-1] for end in ENDS], ".1f", arm["seeds"])]
        cells += [_number(arm["person_minutes"][-1], ".0f") if arm["person_minutes"] else "-"]
        cells += [_number(arm[key][-1], ".0f") for key in ("seconds_a_round", "peak_rss_mb")]
        lines.append(f"| {' | '.join([*cells, *(_ratio(arm.get(key)) for key in rivals)])} |")
    worth = [f"`{name}`: {_ratio(arm['edit_worth'])}" for name, arm in one["arms"].items() if arm.get("edit_worth")]
    return "\n".join([*lines, *(["", "A label with an edit in comparisons: " + "; ".join(worth)] if worth else [])])


def _reached(arm: dict[str, Any]) -> list[str]:
    """Labels to each win rate: a number, a bound such as <16 or >128, or - for an arm without labels."""
    if arm["labels_to_reach"] is None:
        return ["-"] * len(THRESHOLDS)
    return [arm["labels_to_reach_censored"][x] or f"{n:.0f}" for x, n in arm["labels_to_reach"].items()]


def _share(value: float | None) -> str:
    return _number(value, ".3f")


def _number(value: float | None, digits: str) -> str:
    return "-" if value is None else f"{value:{digits}}"


def _bounded(arm: dict[str, Any], name: str) -> str:
    return _with([arm[f"{name}{end}"] for end in ENDS], ".3f", arm["seeds"])


def _with(figures: Sequence[float | None], digits: str, seeds: int) -> str:
    """A number and its interval, an end that is not known as "open"; of one seed the number alone."""
    value, *bounds = figures
    if value is None or seeds < 2:
        return _number(value, digits)
    ends = ["open" if end is None else f"{end:{digits}}" for end in bounds]
    return f"{value:{digits}} [{ends[0]}, {ends[1]}]"


def _ratio(found: dict[str, Any] | None) -> str:
    if not found or found["ratio"] is None:
        return "-"
    shown = _with([found[name] for name in ("ratio", "low", "high")], ".2f", found["seeds"])
    return f"{SIDES.get(found['censored'], '')}{shown} at {found['at_win_rate']:.3f}"
