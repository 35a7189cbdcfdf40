"""What the app needs of the loop, as plain callables and one protocol."""

import threading
from collections.abc import Callable, Collection, Generator, Sequence
from dataclasses import dataclass
from typing import Protocol

from feedback_loop.brief.curve import Row
from feedback_loop.intent.profile import Profile
from feedback_loop.records import Answer, Comparison, Ranking
from feedback_loop.report.overview import Overview, Sample, Supply
from feedback_loop.soup import cells
from feedback_loop.store.courier import DeliveryState
from feedback_loop.store.desk import Progress
from feedback_loop.talk.talking import Ask, Choices, Correction, Said
from feedback_loop.taught.lessons import Taught
from feedback_loop.team.flags import Flag
from feedback_loop.team.team import Me, Team


class DeskPort(Protocol):
    """Shows comparisons and takes answers; see `feedback_loop.store.desk.Desk`."""

    def next(self, user_id: str, skip: Collection[str] = ()) -> Comparison | None:
        """What to show this user, other than those in `skip`."""

    def vote(self, user_id: str, comparison_id: str, answer: Answer, revise: bool = False) -> Ranking:
        """Store an answer durably, with `revise` in place of the one that stands; a UsageError where it cannot count."""

    def history(self, user_id: str, limit: int) -> list[tuple[Comparison, Ranking, int]]:
        """This user's last answers in the open round, newest first, and how often each was changed."""

    def find(self, comparison_id: str) -> Comparison:
        """A comparison that is asked or was; a UsageError where it is none."""

    def stands(self, user_id: str, comparison_id: str) -> Ranking | None:
        """This user's answer to such a comparison."""

    def undo(self, user_id: str) -> Comparison | None:
        """Take back this user's last answer, or change of one; where an earlier one stands again, `stands` says it."""

    def progress(self, user_id: str) -> Progress:
        """How far the open round is."""


@dataclass(frozen=True)
class RoundsPort:
    """What the Rounds page shows and does."""

    overview: Callable[[], Overview]
    samples: Callable[[int], Sequence[Sample]]
    """A round's held-out prompts, answered before and after; none before its evaluation."""
    taught: Callable[[int], Taught]
    """What a round's labels taught; LoopError where that cannot be said yet."""
    start: Callable[[], None]
    """Start a round's work outside the web process; LoopError says why not."""
    rollback: Callable[[str, str, str], None]
    """(policy, who, why): put another policy in force; LoopError says why not."""
    decide: Callable[[bool, str, str], None]
    """(promote, who, why): decide on the open round's policy; LoopError says why not."""
    delivery: Callable[[], DeliveryState]
    supply: Callable[[], Supply]
    """Whether there is something to rank, and what is done about it."""


@dataclass(frozen=True)
class SoupPort:
    """What each ingredient (brief, examples, training) is worth in this run."""

    command: str
    """What finds that out, to be typed in a terminal."""
    table: Callable[[], cells.Soup | None]
    """What was found last; None before."""
    samples: Callable[[], Sequence[cells.Sample]]
    """The requests that it was found on, with what each cell answered."""
    cooking: Callable[[], str | None]
    """Since when a new one is being made, in ISO 8601; None while none is."""
    curve: Callable[[], Sequence[Row]]
    """The half-a-word curve of every policy so far; empty where none is measured."""


@dataclass(frozen=True)
class IntentPort:
    """What people seem to want, and what is decided about it."""

    profile: Callable[[], Profile]
    accept: Callable[[str, str, str], object]
    """(key, line, who): put a proposal into the brief as this line; UsageError says why not."""
    dismiss: Callable[[str, str], object]
    """(key, who): let a proposal not come again."""


@dataclass(frozen=True)
class TeamPort:
    """How far the labels can be trusted."""

    everybody: Callable[[], Team]
    me: Callable[[str], Me]
    """What that person may know of their own answers."""
    flags: Callable[[], Sequence[Flag]]
    """What people flagged, the oldest first."""


@dataclass(frozen=True)
class ChatPort:
    """Talking to the run's policies."""

    choices: Callable[[], Choices]
    reply: Callable[[Ask, threading.Event], Generator[Said]]
    """What is said until the answer is done or has failed; setting the event ends it early, and so does closing this."""
    keep: Callable[[str, Correction], object]
    """(user, correction): store it durably as one of the open round's rankings; UsageError says why not."""
