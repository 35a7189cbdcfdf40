"""What the Rounds page, `status` and the summary run in W&B show: read from the run's own files, nothing else."""

from typing import Literal

from feedback_loop.brief.curve import Needed, Row
from feedback_loop.gate.forgetting import Check
from feedback_loop.records import Decision, Record

StageState = Literal["done", "running", "waiting", "todo", "failed"]


class Supply(Record):
    """Whether there is something to rank, and what is done about it."""

    state: Literal["first", "ready", "writing", "ended", "duels", "working", "failed"]
    """`first`: the round's first answers are sampled. `ready`: nothing is sampled, as enough is there. `writing`: more is.
    `ended`: the round has no prompt that was not sampled. `duels`: old answers stand against new ones. `working`: the round is
    learned from. `failed`: see `message`."""
    done: int = 0
    total: int = 0
    """Answers of the group that is sampled now; 0 while the model is loaded."""
    seconds: float | None = None
    """Until the group can be ranked, by how long others took; None where nothing is measured yet."""
    message: str = ""
    """Why nothing is sampled, and what to type; empty unless `failed`."""


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


class Bin(Record):
    """A point of the reliability curve: pairs of which the reward model was about equally sure."""

    predicted: float
    """How sure it was, 0.5 to 1."""
    observed: float
    """How often people agreed, with a 90 % interval."""
    low: float
    high: float
    pairs: int


class Group(Record):
    """How often the reward model is right on some people's or some round's pairs that it never saw; 90 % interval."""

    name: str
    accuracy: float
    low: float
    high: float
    pairs: int


class Trust(Record):
    """How far a round's reward model can be trusted."""

    reliability: tuple[Bin, ...] = ()
    by_annotator: tuple[Group, ...] = ()
    by_round: tuple[Group, ...] = ()


class Truth(Record):
    """What a simulated annotator's true utility says of a round's new policy, kept or not: a line of RUN/simulated.jsonl."""

    round: int
    evaluation: str
    """When the evaluation that this was measured on was finished: one done again is another."""
    win_rate_base: float
    win_rate_parent: float
    persona: str = ""
    """Its name."""
    curve: tuple[Row, ...] = ()
    """The half-a-word curve by its true utility; empty without a brief."""


class Gate(Record):
    """Where people's duels of a new policy against its parent stand; see `gate.Standing`."""

    verdict: Literal["promote", "keep", "ask"]
    votes: int
    """Duels judged so far."""
    told: int
    """Of the first so many duels are the figures below."""
    most: int
    """Duels that are asked at most."""
    win_rate: float
    """Of the new policy, ties counting half."""
    estimate: float
    """The same with the reward model's help, where it helps; `low` to `high` is around it and holds whenever one looks."""
    low: float
    high: float
    model_weight: float
    reason: str


class RoundView(Record):
    """One round."""

    round: int
    policy: str
    """Name of the policy that this round makes: `round-000`."""
    stages: tuple[StageView, ...]
    labels: int
    """Rankings of this round so far, ties and neithers included."""
    comparisons: int = 0
    """What people can rank so far: more may be sampled meanwhile."""
    needed: int
    metrics: dict[str, float]
    """Of a finished evaluation: reward_accuracy, win_rate_base, kl, length, labels, ...; see `report.metrics`."""
    curves: tuple[Curve, ...]
    """Of the round's trainings, one under way included."""
    note: str
    """How the policy was trained, and why that stopped early where it did; empty before."""
    samples: tuple[Sample, ...]
    decision: Decision | None
    gate: Gate | None = None
    """None where people are not asked, or not yet."""
    brief_base: Needed | None = None
    """How much of the brief the base needs to match itself with all of it; None without a brief, or before the evaluation."""
    brief_needed: Needed | None = None
    """How much the new policy needs for that."""
    other_brief: bool = False
    """Whether that was another brief than the last measured round's: no curve over rounds holds both."""
    trust: Trust = Trust()
    contradictions: int = 0
    """Labels of this round that say the opposite of others, and earlier ones that its reward model contradicts."""
    alarms: tuple[str, ...] = ()
    """Why the reward model should be believed less, a line each, with what to do; see `alarms.py`."""
    checks: tuple[Check, ...] = ()
    """What the round's policy must not have become, each figure with its limit; see `forgetting.py`."""


class Mirror(Record):
    """Where Weights & Biases has the same curves."""

    url: str = ""
    """Of the summary, where it was sent to W&B; empty where it never was."""
    sync: str = ""
    """What to type to send the files that only lie in the run; empty where there are none."""
    view: str = ""
    """What to type to see them in a terminal."""


class Discarded(Record):
    """Labels that do not count: one discard that stands."""

    number: int
    """By which `restore` names it."""
    asked: str
    """What was to be discarded, such as `annotator ben` or `round 003`."""
    labels: int
    reason: str
    by: str
    at: str


class RolledBack(Record):
    """A policy that somebody put in force by hand."""

    round: int
    """The last round that was decided before it."""
    policy: str
    before: str
    """The policy that was in force till then."""
    by: str
    at: str
    reason: str
    """Empty where none was said."""


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
    """All rankings that count, those of duels and of rounds that a discard set aside too."""
    rounds: tuple[RoundView, ...]
    discarded: tuple[Discarded, ...] = ()
    rollbacks: tuple[RolledBack, ...] = ()
    """Those that count, in the order in which they were made."""
    supply: Supply = Supply(state="ready")
    curves: tuple[Curve, ...]
    """Over rounds: `loop/reward_accuracy`, `loop/win_rate_parent`, `loop/kl`, ...: `report.OVER_ROUNDS`; and of each check
    `guard/perplexity`, ..."""
    mirror: Mirror = Mirror()
