"""The nouns of the loop: frozen, validated, and the same in memory, on disk (JSONL) and between rooms."""

from datetime import UTC, datetime
from typing import Literal, TypedDict

from pydantic import BaseModel, ConfigDict, Field

Role = Literal["system", "user", "assistant"]
Position = Literal["first", "second", "tie", "neither"]
Strength = Literal["slight", "much"]
Strategy = Literal["random", "uncertainty", "thompson", "drts", "deltaucb", "best_worst"]
"""How a pair was chosen among a prompt's candidates; see `reward/acquire.py`."""


class ChatMessage(TypedDict):
    """A message as TRL and transformers spell it."""

    role: str
    content: str


class Record(BaseModel):
    """Base of every record: immutable, and a field it does not know is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Message(Record):
    """One turn of a chat."""

    role: Role
    content: str


class Prompt(Record):
    """What the model is asked: chat messages that end with the user's turn."""

    id: str = Field(min_length=1)
    prompt: tuple[Message, ...] = Field(min_length=1)

    @property
    def messages(self) -> list[ChatMessage]:
        """The chat as plain dictionaries."""
        return [{"role": m.role, "content": m.content} for m in self.prompt]

    @property
    def request(self) -> str:
        """The last user turn."""
        return next((m.content for m in reversed(self.prompt) if m.role == "user"), "")


class Completion(Record):
    """One answer that a policy wrote to a prompt."""

    id: str
    prompt_id: str
    completion: str
    policy: str
    """Name of the policy: `base`, or `round-000` for the adapter made in round 0."""
    seed: int


class Comparison(Record):
    """Completions of one prompt, in the order in which people see them (drawn at random when made)."""

    id: str
    round: int = Field(ge=0)
    prompt: Prompt
    completions: tuple[Completion, ...] = Field(min_length=2)
    selection: Strategy = "random"
    """How this pair came to be asked. Only what was drawn at random measures a reward model honestly."""

    @property
    def prompt_id(self) -> str:
        """Id of the prompt that all completions answer."""
        return self.prompt.id


class Ranking(Record):
    """One person's answer to one comparison."""

    comparison_id: str
    user_id: str
    status: Literal["submitted", "discarded"]
    """`discarded` is a skip: the person looked at it and gave no answer."""
    choice: str | None = None
    """A completion id, `tie` or `neither`; None where discarded. Never a side of the screen."""
    strength: Strength | None = None
    """How much better the chosen completion is; None where it was not asked, or where none was chosen."""
    comment: str | None = None
    edit: str | None = None
    """The chosen completion as the person would have written it."""
    created_at: str


class Preference(Record):
    """A training pair in TRL's conversational format, and where it came from."""

    prompt: tuple[Message, ...]
    chosen: tuple[Message, ...]
    rejected: tuple[Message, ...]
    prompt_id: str
    comparison_id: str
    user_id: str
    round: int
    tie: bool = False
    """Neither is better: the reward model learns it as such, the policy step leaves it out."""
    source: Literal["ranking", "edit", "reward_model"] = "ranking"
    strength: Strength | None = None
    chosen_first: bool | None = None
    """Whether the chosen completion (of a tie, the one spelled so) was shown first; None where it was not shown."""
    selection: Strategy = "random"
    """How the comparison came to be asked."""
    weight: float = Field(1.0, gt=0)
    """How much this label counts, beside another's 1."""


class Disliked(Record):
    """An answer that somebody saw and called no good, beside another one: a comparison answered `neither`."""

    prompt: tuple[Message, ...]
    completion: str
    prompt_id: str
    user_id: str
    round: int
    weight: float = Field(1.0, gt=0)
    """How much this label counts, beside another's 1."""


class Decision(Record):
    """Whether a round's policy is kept, on which evidence, and who said so."""

    round: int
    promoted: bool
    policy: str
    """The policy in force after the decision."""
    candidate: str
    parent: str
    reasons: tuple[str, ...]
    decided_by: str
    decided_at: str


def now() -> str:
    """The time in UTC, ISO 8601, to the millisecond."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")
