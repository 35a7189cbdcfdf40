"""What the loop needs of the place where rankings are kept."""

from collections.abc import Collection, Sequence
from typing import Protocol

from feedback_loop.errors import LoopError
from feedback_loop.records import Comparison, Ranking


class RefusedError(LoopError):
    """The store is there, and does not take this one thing."""


class RankingStore(Protocol):
    """Keeps comparisons and people's rankings of them. Every method may be repeated without harm."""

    @property
    def url(self) -> str:
        """Where a person finds it."""

    @property
    def keeps(self) -> Collection[str]:
        """The fields of an answer that it holds, by name; the others the journal alone does."""

    def publish(self, comparisons: Sequence[Comparison]) -> None:
        """Make the comparisons known; those it already has are left as they are."""

    def submit(self, user_id: str, ranking: Ranking) -> str:
        """Create this user's answer to the comparison, or replace it; when, as `rankings` says it of this answer later."""

    def withdraw(self, user_id: str, comparison_id: str) -> None:
        """Take this user's answer back, if there is one."""

    def lacks(self, user_id: str, comparison_id: str) -> bool:
        """Whether the comparison is there, and of this user not even a draft of an answer to it."""

    def rankings(self, round: int) -> list[Ranking]:  # noqa: A002
        """All users' answers of a round, wherever they were given."""
