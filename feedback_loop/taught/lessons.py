"""What labels taught, as records: what the Rounds page, `feedback-loop taught` and W&B show of each trait."""

from typing import Literal

from feedback_loop.records import Record

Direction = Literal["more", "less"]
Head = Literal["wanted", "unasked", "leaning", "either", "unknown", "unseen"]
Wanted = Literal["more", "less", "either", "unknown", "unseen"]
"""What people's choices say of a trait: `either`, it makes no difference; `unseen`, the answers never differed in it."""
Verdict = Literal["wanted", "followed", "there", "not yet", "slipped", "against", "unasked", "leaning", "still"]
"""What became of it.

`wanted`: no new version is evaluated yet. Of a trait that people want: `followed`, the new version moved so against the base;
`there`, it need not; `not yet`; `slipped`, against its parent it went the other way; `against`, it did so against the base.
Of another trait: `unasked`, it moved although nobody said so; `leaning`, it moved as choices lean, which may be chance; `still`.
"""


class Difference(Record):
    """A trait's mean on some answers, less that on the answers they are paired with."""

    ours: float
    """Mean of the chosen answers, or of the new version's."""
    theirs: float
    value: float
    low: float
    """95 % interval, over prompts."""
    high: float
    chance: float
    """Probability that any of all traits would differ as clearly by chance alone."""

    @property
    def clear(self) -> Direction | None:
        """The direction that chance does not explain, all traits considered; None where it may."""
        return _direction(self.low, self.high) if self.chance < 0.05 else None

    @property
    def leans(self) -> Direction | None:
        """The direction of a mean beyond one standard error of 0: without any meaning one trait of three leans so."""
        error = (self.high - self.low) / (2 * 1.96)
        return _direction(self.value - error, self.value + error)


class Lesson(Record):
    """One trait: what people's choices say of it, and how the new version moved on it."""

    trait: str
    phrase: str = ""
    """Of `opens` and `ends`: the words that answers begin or end with."""
    kind: Literal["count", "share"]
    labels: Difference | None
    """Chosen less rejected, all rounds so far; None without a choice."""
    this_round: Difference | None
    parent: Difference | None
    """The new version less the one before, on the same held-out prompts; None before the evaluation."""
    base: Difference | None
    wanted: Wanted
    verdict: Verdict

    @property
    def head(self) -> Head:
        """What it is shown under."""
        if self.wanted in ("more", "less"):
            return "wanted"
        return self.verdict if self.verdict in ("unasked", "leaning") else self.wanted  # type: ignore[return-value]


class Taught(Record):
    """What the labels of a run's rounds up to this one taught, and what the policy made in this one learned of it."""

    round: int
    candidate: str
    """The policy made in this round."""
    parent: str
    """The policy it was made from; empty before the evaluation."""
    pairs: int
    """Preferences so far in which one answer beats another."""
    prompts: int
    """Prompts that they answer."""
    ties: int
    round_pairs: int
    heldout: int
    """Held-out prompts that the policies answered."""
    lessons: tuple[Lesson, ...]
    """What people want first, then what moved unasked, the clearest first; then all else."""


def _direction(low: float, high: float) -> Direction | None:
    return "more" if low > 0 else "less" if high < 0 else None
