"""Answers as people want them: what they wrote themselves, and what they ranked above others."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from feedback_loop import labels
from feedback_loop.policy_tables import DittoTable
from feedback_loop.preferences import disliked, preferences
from feedback_loop.records import Disliked, Message, Preference, Record
from feedback_loop.run import Run

Origin = Literal["edit", "written", "ranked"]
ORIGINS: tuple[Origin, ...] = ("edit", "written", "ranked")
"""From the surest to the least sure that it is what the person wants."""
Request = tuple[Message, ...]


class Demonstration(Record):
    """A request and an answer to it as somebody wants it."""

    request: tuple[Message, ...]
    """The chat that is answered."""
    text: str
    origin: Origin
    """An answer that somebody changed, one that they wrote from nothing, or a model's that they ranked above others."""
    comparison_id: str
    user_id: str
    """Whose words they are, or who was the last to choose it."""
    worth: float
    """Share of what was said of this answer that speaks for it, from 0 to 1; see `best`."""


@dataclass
class Tally:
    """What was said of one answer to one request, by weight."""

    won: float = 0.0
    lost: float = 0.0

    @property
    def worth(self) -> float:
        """Laplace's share: one win and one loss are added, so that a single win is worth less than many."""
        return (self.won + 1) / (self.won + self.lost + 2)


def demonstrations(run: Run, number: int | None = None) -> list[Demonstration]:
    """The demonstrations in all labels that count so far, or in those that round `number` learns from; see `best`."""
    said = labels.everything(run) if number is None else labels.learned(run, number)
    asked, given = [c for one in said for c in one.comparisons], [r for one in said for r in one.rankings]
    weights = run.recipe.preferences.weights
    return best(preferences(asked, given, weights), disliked(asked, given, weights))


def best(pairs: Sequence[Preference], poor: Sequence[Disliked]) -> list[Demonstration]:
    """The demonstrations among people's pairs (oldest first) and what they called no good; best first.

    One a request: of what people wrote to it, else of what they ranked, the answer of the highest worth. Edits come before
    answers written from nothing, and these before ranked ones; among equals the newest. An answer is ranked where it won more
    than it lost, by the annotators' weights, a tie being half of each; an answer called no good lost once more.
    """
    kept = dict[Request, Demonstration]()
    for one in sorted(_candidates(pairs, _tallies(pairs, poor)), key=lambda d: (ORIGINS.index(d.origin), -d.worth)):
        kept.setdefault(one.request, one)
    return list(kept.values())


def to_learn(found: Sequence[Demonstration], table: DittoTable) -> list[Demonstration]:
    """Those that DITTO learns from: people's own words alone where there are enough, as a ranked answer is the better of two."""
    own = [d for d in found if d.origin != "ranked"]
    return list(own if len(own) >= max(1, table.own) else found)[: table.demonstrations]


def _tallies(pairs: Sequence[Preference], poor: Sequence[Disliked]) -> defaultdict[tuple[Request, str], Tally]:
    found = defaultdict[tuple[Request, str], Tally](Tally)
    for pair in pairs:
        better, worse = (found[pair.prompt, side[-1].content] for side in (pair.chosen, pair.rejected))
        share = 0.5 if pair.tie else 1.0
        better.won += share * pair.weight
        better.lost += (1 - share) * pair.weight
        worse.won += (1 - share) * pair.weight
        worse.lost += share * pair.weight
    for one in poor:
        found[one.prompt, one.completion].lost += one.weight
    return found


def _candidates(
    pairs: Sequence[Preference], tallies: defaultdict[tuple[Request, str], Tally]
) -> Iterator[Demonstration]:
    """Of every pair its chosen answer, the newest first."""
    for pair in reversed(pairs):
        text = pair.chosen[-1].content
        tally = tallies[pair.prompt, text]
        origin: Origin = "ranked" if pair.source != "edit" else "edit" if pair.edit_of else "written"
        if not pair.tie and text.strip() and (origin != "ranked" or tally.won > tally.lost):
            yield Demonstration(
                request=pair.prompt,
                text=text,
                origin=origin,
                comparison_id=pair.comparison_id,
                user_id=pair.user_id,
                worth=tally.worth,
            )
