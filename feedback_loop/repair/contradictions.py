"""Labels that contradict each other, and earlier labels that the present reward model surely contradicts.

Nothing is taken out for it: people change their minds, and a reward model may be wrong. Both are shown, by the labels' names,
so that somebody can look (`feedback-loop trace`) and discard what was a mistake (`feedback-loop discard`).
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pydantic import ConfigDict

from feedback_loop.labels import Said, learned
from feedback_loop.records import Record
from feedback_loop.run import Run, read_jsonl
from feedback_loop.scores import choice_logit
from feedback_loop.verdicts import UNDECIDED, given

SURE = 0.95
"""How probable the opposite of what somebody said must be for the reward model to contradict it."""


class Voice(Record):
    """A label, and whose and which round's it is."""

    label: str
    user_id: str
    round: int


class Direct(Record):
    """Two answers to one request of which the first was preferred by some, and the second by others or in another round."""

    request: str
    first: str
    second: str
    for_first: tuple[Voice, ...]
    for_second: tuple[Voice, ...]

    def concerns(self, number: int) -> bool:
        """Whether one of the labels is of that round."""
        return any(voice.round == number for voice in (*self.for_first, *self.for_second))


class Judged(Record):
    """A line of `checked.jsonl`: a pair scored by a reward model that did not learn from its prompt."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    margin: float
    spread: float
    tie: bool = False
    source: str = "ranking"
    user_id: str
    round: int
    comparison_id: str | None = None
    """None where an older version made the stage."""


class Measured(Record):
    """An earlier label of which the reward model, which did not learn from its prompt, finds the opposite true."""

    label: str
    user_id: str
    round: int
    probability: float
    """That anybody says so, by the reward model."""


class Contradictions(Record):
    """All contradictions of a run at one moment."""

    direct: tuple[Direct, ...]
    measured: tuple[Measured, ...]
    by_round: int | None
    """The round whose reward model they are measured by; None where there is none yet."""


def contradictions(run: Run) -> Contradictions:
    """Of all labels that count and were learned from so far."""
    made = [n for n in run.rounds() if run.done(n, "reward")]
    number = made[-1] if made else None
    latest = max(run.rounds(), default=0)
    found = judged(run, number) if number is not None else []
    counting = {r.label for one in learned(run, latest) for r in one.rankings}
    facts = {} if number is None else run.manifest(number, "reward").facts
    still = [m for m in measured(found, number or 0, facts) if m.label in counting]
    return Contradictions(direct=tuple(direct(learned(run, latest))), measured=tuple(still), by_round=number)


def direct(said: Iterable[Said]) -> list[Direct]:
    """The same two texts, put the other way round by different people or in different rounds; ties say nothing.

    What one person says twice in one round is in their consistency already.
    """
    found: dict[tuple[str, str, str], tuple[list[Voice], list[Voice]]] = {}
    requests: dict[tuple[str, str, str], str] = {}
    for one in said:
        for answer in given([c for c in one.comparisons if c.purpose != "check"], one.rankings):
            texts = {c.id: c.completion for c in answer.comparison.completions}
            voice = Voice(label=answer.ranking.label, user_id=answer.user, round=answer.comparison.round)
            for pair, best in answer.verdicts.items():
                if best not in UNDECIDED:
                    a, b = sorted(texts[name] for name in pair)
                    key = (str(answer.comparison.prompt.messages), a, b)
                    requests[key] = answer.comparison.prompt.request
                    found.setdefault(key, ([], []))[texts[best] == b].append(voice)
    return [
        Direct(request=requests[key], first=key[1], second=key[2], for_first=tuple(ours), for_second=tuple(theirs))
        for key, (ours, theirs) in found.items()
        if any((x.user_id, x.round) != (y.user_id, y.round) for x in ours for y in theirs)
    ]


def judged(run: Run, number: int) -> list[Judged]:
    """The pairs that a round's reward model was measured on; none before there is one."""
    file = run.stage_folder(number, "reward") / "checked.jsonl"
    return read_jsonl(file, Judged) if run.done(number, "reward") and file.exists() else []


def measured(found: Sequence[Judged], number: int, facts: Mapping[str, Any]) -> list[Measured]:
    """Labels of rounds before `number` that these judgements contradict, the surest first; an order's by its worst pair.

    `facts` are those of the reward model's stage; where an older version made it, they hold no tie threshold.
    """
    temperature, tie = facts.get("temperature"), facts.get("tie_threshold", 0.0)
    worst: dict[str, Measured] = {}
    for one in found:
        if one.round >= number or one.tie or one.source != "ranking" or one.comparison_id is None:
            continue
        label, chance = f"{one.comparison_id}@{one.user_id}", agreed(one.margin, one.spread, temperature, tie)
        if chance <= 1 - SURE and (label not in worst or chance < worst[label].probability):
            worst[label] = Measured(label=label, user_id=one.user_id, round=one.round, probability=chance)
    return sorted(worst.values(), key=lambda m: m.probability)


def agreed(margin: float, spread: float, temperature: float | None, tie: float) -> float:
    """Probability that whoever prefers one prefers an answer whose score is higher by `margin`, itself uncertain by `spread`.

    See `scores.choice_logit`; the temperature is what margins must be divided by to be logits.
    """
    scale = temperature or 1.0
    return 1 / (1 + math.exp(min(700.0, -float(choice_logit(margin / scale, spread / scale, tie)))))


def as_text(found: Contradictions) -> str:
    """The contradictions for the terminal."""
    lines = [line for one in found.direct for line in _lines(one)]
    if found.measured:
        lines.append(f"The reward model of round {found.by_round:03d} finds the opposite of what was said:")
        lines += [f"   {m.label} (round {m.round:03d}): probability {m.probability:.0%}" for m in found.measured]
    return "\n".join(lines) if lines else "No label contradicts another."


def _lines(one: Direct) -> list[str]:
    sides = ((one.first, one.for_first), (one.second, one.for_second))
    return [
        short(one.request),
        *(
            f"   {short(text)}: {', '.join(f'{v.label} (round {v.round:03d})' for v in voices)}"
            for text, voices in sides
        ),
    ]


def short(text: str, most: int = 90) -> str:
    """The text on one line, cut where it is long."""
    plain = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return plain if len(plain) <= most else plain[: most - 1] + "…"
