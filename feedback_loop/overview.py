"""What the Rounds page, `status` and the summary run in W&B show: read from the run's own files, nothing else."""

from typing import Literal

from feedback_loop.records import Decision, Record

StageState = Literal["done", "running", "waiting", "todo", "failed"]


class StageView(Record):
    """One stage of a round."""

    name: str
    state: StageState
    done: int = 0
    total: int = 0
    what: str = ""
    """What is being done now, such as `sampling`; empty unless running."""
    seconds: float | None = None


class Curve(Record):
    """One curve of a stage's training or of the loop: equal numbers of x and y."""

    name: str
    """Such as `reward/accuracy`, `policy/loss`, `policy/rewards/margins`, `loop/win_rate_parent`."""
    x: tuple[float, ...]
    y: tuple[float, ...]


class Sample(Record):
    """One held-out prompt answered before (the parent) and after (the new policy)."""

    prompt: str
    before: str
    after: str
    reward_before: float
    reward_after: float


class RoundView(Record):
    """One round."""

    round: int
    policy: str
    """Name of the policy that this round makes: `round-000`."""
    stages: tuple[StageView, ...]
    labels: int
    """Rankings of this round so far, ties and neithers included."""
    needed: int
    metrics: dict[str, float]
    """Of a finished evaluation: reward_accuracy, win_rate_base, win_rate_parent, kl, length, labels, ties, ..."""
    curves: tuple[Curve, ...]
    """Of the round's trainings, one under way included."""
    note: str
    """How the policy was trained, and why that stopped early where it did; empty before."""
    samples: tuple[Sample, ...]
    decision: Decision | None


class Overview(Record):
    """A whole run at one moment."""

    run: str
    folder: str
    model: str
    policy: str
    """The policy in force."""
    busy: bool
    """A process is working on the run now."""
    message: str
    """The last thing that `advance` said: what it waits for, or the one-line error it ended with."""
    failed: bool
    labels: int
    rounds: tuple[RoundView, ...]
    curves: tuple[Curve, ...]
    """Over rounds: `loop/reward_accuracy`, `loop/win_rate_parent`, `loop/kl`, `loop/labels`, ..."""
