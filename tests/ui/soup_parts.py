"""A soup for tests of its page: four trainings, all of the brief or none of it, with examples and without."""

from itertools import product

from feedback_loop.brief.curve import Met, Row
from feedback_loop.soup.cells import Cell, Gain, Said, Sample, Soup, Tried
from ui.ports import SoupPort

MINUTES = {"none": (0.0, 0.0), "bake": (4.0, 0.0), "dpo": (1.5, 16.0), "bake+dpo": (5.5, 16.0)}
"""Training's and people's, by training."""
BASE_RATE = {"none": 0.08, "bake": 0.36, "dpo": 0.49, "bake+dpo": 0.58}
CELLS = [Cell(training=t, level=v, shots=n) for t, v, n in product(MINUTES, (0.0, 1.0), (0, 3))]
ASKED = (
    "Answer in at most forty words.",
    "Close with an offer to help further, <b>always</b>.",
    "Never use exclamation marks.",
)


def tried(cell: Cell) -> Tried:
    """A cell with figures that follow its ingredients: the brief helps whoever was not trained, and hurts a little else."""
    training, people = MINUTES[cell.training]
    brief = 0.42 if cell.training == "none" else 0.06
    rate = BASE_RATE[cell.training] + brief * cell.level + (0.05 if cell.shots else 0.0)
    shares = [min(0.97, rate + extra) for extra in (0.02, 0.2, 0.35)]
    return Tried(
        cell=cell,
        tokens=833 * cell.level + 290 * (cell.shots > 0),
        training_minutes=training,
        human_minutes=people + (4.5 if cell.shots else 0.0),
        win_rate=rate,
        low=max(0.0, rate - 0.11),
        high=min(1.0, rate + 0.12),
        judge="reward model",
        requests=24,
        requirements=tuple(
            Met(number=n, text=ASKED[n - 1], share=s, low=max(0, s - 0.1), high=min(1, s + 0.1))
            for n, s in enumerate(shares, 1)
        ),
    )


def gain(ingredient: str, of: Cell, over: Cell, points: float, spread: float) -> Gain:
    """What an ingredient adds, and what it costs more."""
    more, less = tried(of), tried(over)
    return Gain(
        ingredient=ingredient,
        of=of,
        over=over,
        gain=points,
        low=points - spread,
        high=points + spread,
        tokens=more.tokens - less.tokens,
        training_minutes=more.training_minutes - less.training_minutes,
        human_minutes=more.human_minutes - less.human_minutes,
    )


def place(training: str, level: float, shots: int) -> int:
    """Where the table has that cell."""
    return CELLS.index(Cell(training=training, level=level, shots=shots))


def soup() -> Soup:
    """Training helps more than anything that is pasted; examples help nobody surely."""
    bare, both = CELLS[0], CELLS[place("bake+dpo", 0, 0)]
    dpo, shown = CELLS[place("dpo", 0, 0)], CELLS[place("dpo", 0, 3)]
    said = (
        Said(key="add", values={"ingredient": "bake+dpo", "gain": 0.5, "low": 0.38, "high": 0.62, "cell": 0}),
        Said(
            key="cheaper",
            values={"cell": place("bake+dpo", 0, 3), "best": len(CELLS) - 1, "tokens": 290.0, "of": 1123.0},
        ),
        Said(key="minutes", values={"ingredient": "dpo", "gain": 0.0256, "other": "examples", "other_gain": 0.011}),
        Said(key="unneeded_then", values={"number": 2, "share": 0.95, "cell": place("bake+dpo", 0, 0)}),
        Said(key="unneeded_then", values={"number": 3, "share": 0.93, "cell": place("bake+dpo", 0, 0)}),
        Said(
            key="missed", values={"number": 1, "share": 0.6, "low": 0.5, "high": 0.69, "cell": place("bake+dpo", 0, 0)}
        ),
        Said(key="enough", values={"before": 0.74, "asked": 30, "few": 32, "after": 0.73, "tested": 52, "pairs": 64}),
    )
    return Soup(
        round=2,
        labels=64,
        demonstrations=11,
        requests=24,
        against="base with the whole brief",
        cells=tuple(map(tried, CELLS)),
        front=(place("bake+dpo", 0, 0), place("bake+dpo", 0, 3), place("bake+dpo", 1, 3)),
        gains=(
            gain("bake+dpo", both, bare, 0.5, 0.12),
            gain("dpo", dpo, bare, 0.41, 0.12),
            gain("brief", CELLS[place("none", 1, 0)], bare, 0.42, 0.12),
            gain("examples", shown, dpo, 0.05, 0.09),
            gain("brief", CELLS[place("dpo", 1, 0)], dpo, -0.14, 0.1),
        ),
        advice="Next: bake+dpo. It gains 50 points (38 to 62) over none, no brief, 0 examples.",
        next="bake+dpo",
        said=said,
    )


def samples(count: int = 6) -> list[Sample]:
    """Requests whose answers name their cell, but for the first, to which all answered the same."""
    same = Sample(prompt_id="p0", request="Question 0?", answers=("Same.",) * len(CELLS))
    told = [
        Sample(
            prompt_id=f"p{n}",
            request=f"Question {n}? <img src=x>",
            answers=tuple(f"**{c.training}** {c.level:.0f} {c.shots} <script>" for c in CELLS),
        )
        for n in range(1, count)
    ]
    return [same, *told]


def curve() -> list[Row]:
    """The base needs the whole brief; the last round's policy needs nothing."""
    rates = {"base": (0.5, 0.2, 0.12, 0.06), "round-001": (0.5, 0.44, 0.4, 0.36), "round-002": (0.47, 0.5, 0.52, 0.55)}
    return [
        Row(policy=policy, level=level, tokens=round(833 * level), win_rate=rate, low=max(0, rate - 0.11),
            high=rate + 0.12, judge="reward model", answers=32)
        for policy, found in rates.items()
        for level, rate in zip((1.0, 0.5, 0.1, 0.0), found, strict=True)
    ]  # fmt: skip


def soup_port() -> SoupPort:
    """A Soup page of all this."""
    return SoupPort(
        command="feedback-loop soup runs/test",
        table=soup,
        samples=samples,
        cooking=lambda: None,
        curve=curve,
    )
