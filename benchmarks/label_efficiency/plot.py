"""The curves as SVG."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

WIDTH, HEIGHT, LEFT, TOP, RIGHT, BOTTOM = 900, 460, 60, 40, 200, 50
COLOURS = ("#c0392b", "#2471a3", "#7d3c98", "#b7950b", "#117864", "#a04000", "#5d6d7e", "#1e8449", "#d68910", "#2e4053")


@dataclass(frozen=True)
class Curve:
    """A line with its band."""

    name: str
    x: Sequence[float]
    y: Sequence[float]
    low: Sequence[float | None]
    high: Sequence[float | None]


def write(summary: dict[str, Any], folder: Path) -> None:
    """label-efficiency-NOISE.svg, and -PERSONA where there are several: mean win rate against labels, with 90 % bands."""
    folder.mkdir(parents=True, exist_ok=True)
    for one in summary["groups"]:
        curves = [
            Curve(name, summary["checkpoints"], arm["win"], arm["win_low"], arm["win_high"])
            for name, arm in one["arms"].items()
        ]
        ending = "" if one["persona"] == "all" else f"-{one['persona']}"
        title = f"True win rate against the base, noise {one['noise']}, {one['persona']}"
        file = folder / f"label-efficiency-{one['noise']}{ending}.svg"
        file.write_text(draw(curves, title, "labels"), encoding="utf-8")


def draw(curves: Sequence[Curve], title: str, along: str) -> str:
    """An SVG of curves over a logarithmic axis; win rates from 0.4 to 1."""
    ticks = sorted({x for curve in curves for x in curve.x})
    first, last = math.log2(ticks[0]), math.log2(ticks[-1])

    def x(value: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * (math.log2(value) - first) / ((last - first) or 1)

    def y(value: float) -> float:
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * (min(1, max(0.4, value)) - 0.4) / 0.6

    def points(xs: Sequence[float], ys: Sequence[float]) -> str:
        return " ".join(f"{x(a):.1f},{y(b):.1f}" for a, b in zip(xs, ys, strict=True))

    parts = [_text(LEFT, 24, title, 15), _text(WIDTH - RIGHT, HEIGHT - 12, along, 12)]
    for level in (0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0):
        parts.append(f'<path d="M{LEFT} {y(level):.1f}H{WIDTH - RIGHT}" stroke="#ddd"/>')
        parts.append(_text(18, y(level) + 4, f"{level:.1f}", 12))
    parts += [_text(x(tick) - 8, HEIGHT - BOTTOM + 18, f"{tick:g}", 12) for tick in ticks]
    for place, curve in enumerate(curves):
        colour = COLOURS[place % len(COLOURS)]
        dashes = ' stroke-dasharray="5 4"' if place >= len(COLOURS) else ""
        lows, highs = ([v for v in side if v is not None] for side in (curve.low, curve.high))
        if len(lows) == len(highs) == len(curve.x):
            band = points([*curve.x, *reversed(curve.x)], [*lows, *reversed(highs)])
            parts.append(f'<polygon points="{band}" fill="{colour}" opacity="0.08"/>')
        line = points(curve.x, curve.y)
        parts.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"{dashes}/>')
        key = TOP + 18 * place
        parts.append(f'<path d="M{WIDTH - RIGHT + 14} {key}h22" stroke="{colour}" stroke-width="2"{dashes}/>')
        parts.append(_text(WIDTH - RIGHT + 42, key + 4, curve.name, 12))
    body = "\n".join(['<rect width="100%" height="100%" fill="white"/>', *parts])
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif">'
    return f"{head}\n{body}\n</svg>\n"


def _text(x: float, y: float, text: str, size: int) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" fill="#333">{escape(text)}</text>'
