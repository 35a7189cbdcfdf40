"""The soup for the terminal: the table, what each ingredient gains, and the advice."""

from feedback_loop.soup.advice import named, sentences
from feedback_loop.soup.cells import Gain, Soup


def as_text(soup: Soup) -> str:
    """A line a cell, those of the front marked, a line a gain, then what to do next."""
    names = [named(tried.cell) for tried in soup.cells]
    wide = max(map(len, names))
    judge = soup.cells[0].judge
    given = f"{soup.requests} requests, {soup.labels} labels, {soup.demonstrations} demonstrations"
    lines = [f"{given}; wins against the {soup.against}, by the {judge}"]
    lines.append(f"  {'':<{wide}}  tokens  training  people  wins")
    for place, (name, t) in enumerate(zip(names, soup.cells, strict=True)):
        mark = "*" if place in soup.front else " "
        costs = f"{t.tokens:>6.0f}  {t.training_minutes:>4.1f} min  {t.human_minutes:>2.0f} min"
        lines.append(f"{mark} {name:<{wide}}  {costs}  {t.win_rate:>4.0%} ({t.low:.0%} to {t.high:.0%})")
    lines.append("* nothing else wins more often with as few tokens")
    if judge == "reward model":
        lines.append("the reward model learned from the same labels, and reads what was trained on them too high")
    shown = [gain for gain in soup.gains if not gain.over.level and not gain.over.shots]
    if shown:
        lines.append(
            "what an ingredient adds where nothing is pasted and nothing else differs, in points (--json has all)"
        )
        lines += [_line(gain) for gain in sorted(shown, key=lambda g: (g.ingredient, -g.gain))]
    lines += [f"not tried: {line}" for line in soup.left_out]
    return "\n".join([*lines, *sentences(soup.said, soup.cells)])


def _line(gain: Gain) -> str:
    how = f"{100 * gain.gain:+4.0f} ({100 * gain.low:+.0f} to {100 * gain.high:+.0f})"
    return f"  {gain.ingredient:<8}  {how:<22}  over {named(gain.over)}"
