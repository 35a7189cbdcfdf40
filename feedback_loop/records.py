"""The nouns of the loop: frozen, validated, and the same in memory, on disk (JSONL) and between rooms."""

from datetime import UTC, datetime
from typing import Any, Literal, TypedDict

from pydantic import BaseModel, ConfigDict, Field

Role = Literal["system", "user", "assistant"]
Position = Literal["first", "second", "tie", "neither"]
Strength = Literal["slight", "much"]
Strategy = Literal["random", "uncertainty", "thompson", "drts", "deltaucb", "best_worst"]
"""How a pair was chosen among a prompt's candidates; see `reward/acquire.py`."""
Selection = Strategy | Literal["chat"]
"""How a comparison came to be asked: by a strategy, or since somebody corrected an answer in a chat (`corrections.py`)."""
Purpose = Literal["label", "duel", "repeat", "check"]
"""Why a comparison is asked: for its label, to judge a new policy against its parent (a label too), to see whether the same
person says the same again, or whether they read at all."""
SkipReason = Literal["unclear", "unsafe", "unknown"]
"""Why nothing was answered: the request is unclear, an answer should not be shown to anybody, or the person does not know."""
MOST_COMPLETIONS = 4
"""Completions that one comparison may show."""
MOST_SHOTS = 16
"""Examples that a prompt may show."""


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
    level: float | None = None
    """Share of the brief that stood before the request when it was written; None without a brief, and of `completions.jsonl`."""


class Comparison(Record):
    """Completions of one prompt, in the order in which people see them (drawn at random when made)."""

    id: str
    round: int = Field(ge=0)
    prompt: Prompt
    completions: tuple[Completion, ...] = Field(min_length=2, max_length=MOST_COMPLETIONS)
    selection: Selection = "random"
    """How this pair came to be asked. Only what was drawn at random measures a reward model honestly."""
    purpose: Purpose = "label"
    repeat_of: str | None = None
    """Of a `repeat`: the comparison that it shows again in another order, to those who answered that one."""
    expected: str | None = None
    """Of a `check`: the completion that whoever reads both prefers."""

    @property
    def prompt_id(self) -> str:
        """Id of the prompt; all completions answer it, except of a `check`."""
        return self.prompt.id

    @property
    def counts(self) -> bool:
        """Whether an answer to it is one of the rankings that a round needs; repeats and checks stand beside these."""
        return self.purpose in ("label", "duel")


class Answer(Record):
    """What a person says of a comparison."""

    status: Literal["submitted", "discarded"] = "submitted"
    """`discarded` is a skip: the person looked at it and gave no answer."""
    choice: str | None = None
    """A completion id, `tie` or `neither`; None where discarded. Never a side of the screen. With `order`, its best group."""
    order: tuple[tuple[str, ...], ...] | None = None
    """Of three or four completions: all their ids, best first, those of a group as good as each other."""
    strength: Strength | None = None
    """How much better the chosen completion is; None where it was not asked, or where none was chosen."""
    reason: SkipReason | None = None
    """Why it was skipped, where the person said so."""
    flagged: bool = False
    """Whether somebody should look at this comparison."""
    comment: str | None = None
    edit: str | None = None
    """The answer as the person would have written it."""
    edit_of: str | None = None
    """The completion that the edit was made from; None where the person wrote it from nothing."""
    seconds: float | None = Field(None, ge=0, allow_inf_nan=False)
    """From the comparison's being on the screen to the answer, as the page measured it."""


class Ranking(Answer):
    """One person's answer to one comparison."""

    comparison_id: str
    user_id: str
    created_at: str

    @property
    def label(self) -> str:
        """`COMPARISON@USER`, by which people name it."""
        return f"{self.comparison_id}@{self.user_id}"


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
    selection: Selection = "random"
    """How the comparison came to be asked."""
    weight: float = Field(1.0, gt=0)
    """How much this label counts, beside another's 1: its annotator's weight times `share`."""
    share: float = Field(1.0, gt=0)
    """How much of a whole label this pair is: an order gives more pairs than it holds choices; see `preferences`."""
    repeat: bool = False
    """Whether the same person had answered the same comparison before."""
    chosen_id: str | None = None
    """The chosen completion; None where it is the person's own words."""
    rejected_id: str | None = None
    edit_of: str | None = None
    """Of an edit: the completion that it was made from; None where it was written from nothing."""
    comment: str | None = None
    """What the person wrote beside the answer, of this comparison."""
    flagged: bool = False
    """Whether the person asked somebody to look at it."""


class Disliked(Record):
    """An answer that somebody saw and called no good, beside another one: a comparison answered `neither`."""

    prompt: tuple[Message, ...]
    completion: str
    prompt_id: str
    user_id: str
    round: int
    weight: float = Field(1.0, gt=0)
    """How much this label counts, beside another's 1."""
    comparison_id: str | None = None
    completion_id: str | None = None
    comment: str | None = None
    flagged: bool = False


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
    """`people` by the gate, `rule` by the reward model or a breach, or the name of who took the decision upon themselves."""
    decided_at: str
    evidence: dict[str, Any] = {}
    """The figures that it rests on: duels, win rate and interval, e-values, the reward model's win rate."""


def now() -> str:
    """The time in UTC, ISO 8601, to the millisecond."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")
