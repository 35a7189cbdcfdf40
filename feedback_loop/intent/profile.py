"""What people seem to want, as records: what the Intent page and `feedback-loop intent` show."""

from typing import Any, Literal

from feedback_loop.records import Record

State = Literal["proposed", "accepted", "dismissed"]
Confidence = Literal["likely", "perhaps", "quoted"]
"""`likely`: by chance alone anything as clear would come up in less than one of twenty runs; `perhaps`: in less than one of five;
`quoted`: people wrote so, and nobody has read it for them."""
COMMENT = "comment"


class Wish(Record):
    """One thing that answers can be asked to be like."""

    name: str
    """The sentence that says it (`sentences.py`); `comment` where people's own words stand for it."""
    check: str | None = None
    """How a program tells (docs/checks.md); None where none can."""
    value: Any = None
    phrase: str = ""
    """Words that answers begin or end with, or that comments hold."""

    @property
    def key(self) -> str:
        """Its name for decisions: the same while a number in it moves with what people choose."""
        return f"{self.name}:{self.phrase}" if self.phrase else self.name


class Evidence(Record):
    """What a wish rests on."""

    agree: int
    """Choices between answers that differ in it which went this way; of a comment, how many hold the words."""
    against: int
    alike_agree: int = 0
    """Of these choices those between answers that are alike in every other wish found, and in what the brief asks for;
    both are 0 where that is all of them, as it says nothing more."""
    alike_against: int = 0
    edits_agree: int
    """Answers that people rewrote, or wrote themselves, so that they meet it; these are not among the choices."""
    edits_against: int
    chosen: float
    """Share of all chosen answers that meet it."""
    rejected: float
    chance: float
    """Probability that any wish would look as clear by chance alone, beside all others found."""
    low: int | None = None
    """Of a number: others from here ..."""
    high: int | None = None
    """... to here explain the choices as well."""
    labels: tuple[str, ...]
    """For it, as COMPARISON@USER."""
    labels_against: tuple[str, ...]


class Example(Record):
    """A choice that shows a wish, and as little else as there is."""

    label: str
    request: str
    chosen: str
    rejected: str


class Quote(Record):
    """What somebody wrote beside an answer, as it stands."""

    label: str
    text: str


class Decided(Record):
    """`RUN/intent/000.json`: what somebody made of a wish; the last record of a key counts."""

    key: str
    state: Literal["accepted", "dismissed"]
    wish: Wish
    text: str
    """The line that came into the brief; of a dismissed one, what was proposed."""
    evidence: Evidence
    by: str
    at: str


class Proposal(Record):
    """A wish with its evidence, and what was decided about it."""

    number: int
    """From 1, in the order shown."""
    key: str
    wish: Wish
    state: State
    confidence: Confidence
    text: str
    """The line for the brief, with its check; empty for people's own words: whoever accepts those says what they mean."""
    evidence: Evidence
    example: Example | None = None
    quotes: tuple[Quote, ...] = ()
    decided: Decided | None = None


class Standing(Record):
    """A requirement of the brief with a check, and whether choices bear it out."""

    number: int
    text: str
    agree: int
    against: int
    verdict: Literal["borne out", "against", "unknown"]


class Profile(Record):
    """What a run's labels say of what people want."""

    labels: int
    """Answers that compare, of rounds whose snapshot is taken."""
    choices: int
    """Pairs of answers of which one was chosen, edits apart."""
    edits: int
    comments: int
    proposals: tuple[Proposal, ...]
    """What is proposed, then accepted, then dismissed."""
    brief: tuple[Standing, ...]
