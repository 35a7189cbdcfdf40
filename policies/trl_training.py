"""What the steps by TRL's trainers share: the network they get, the measurements on the way, and what is left behind."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from feedback_loop import scores, training
from feedback_loop.errors import LoopError
from feedback_loop.evaluate import mean
from feedback_loop.models import device, dtype, load_tokenizer
from feedback_loop.policy_tables import TrlOptions
from feedback_loop.prompts import choose
from feedback_loop.scores import Members, Whitening
from policies import watch
from policies.base import Policy
from policies.held import base_answers, hold
from policies.logprobs import Row, batches
from policies.rollouts import roll_out, see
from policies.task import Curves, Task, precision
from policies.trainable import open_trainable, parent_needed, place, placed
from policies.watch import Reading, StepSample

MEASUREMENTS = 3
"""Measurements of a training, its start apart."""
TOKENS = 4096
"""Tokens that a measurement puts through the network at once."""
Build = Callable[[Any, Any, Any], Any]
"""(network, LoRA configuration still to be added or None, tokenizer) -> TRL trainer."""


@dataclass
class Watch:
    """What has been measured so far of a training by TRL."""

    task: Task
    policy: Policy
    members: Members
    curves: Curves
    white: Whitening | None = None
    good: dict[str, Any] = field(default_factory=dict)
    good_step: int = 0
    readings: list[Reading] = field(default_factory=list)
    shown: list[StepSample] = field(default_factory=list)
    stopped: str | None = None


def train(task: Task, name: str, build: Build, ready: Callable[[Any], None] = lambda _: None) -> dict[str, Any]:
    """Train with the trainer that `build` makes, write adapter, curves and samples to `out`; the facts that all share.

    `ready` is told of the trainer once its reference is in place. The learning rate, the number of steps and so on are
    TRL's business; where to start, what to stay near, measuring, the KL budget and keeping the last good adapter are ours.
    """
    import torch

    torch.manual_seed(task.seed)
    parent = parent_needed(task.policy, task.parent)
    network, fresh = open_trainable(task.model, task.policy, parent)
    tokenizer = load_tokenizer(task.model)
    trainer = build(network, fresh, tokenizer)
    if parent is not None:
        place(trainer.model, task.policy)
    ready(trainer)
    return run(task, name, trainer, tokenizer)


def run(task: Task, name: str, trainer: Any, tokenizer: Any) -> dict[str, Any]:
    """The same with a trainer whose network is in place."""
    if not len(trainer.train_dataset):
        raise LoopError(f"All prompts are longer than max_length = {trainer.args.max_length} tokens. Raise it.")
    curves, policy = Curves(task), Policy(name, trainer.model, tokenizer)
    trainer.add_callback(_recorder(task, curves))
    answers = base_answers(task, policy, task.neutral)
    if answers:
        trainer.add_callback(_holder(task, policy, answers, curves))
    watched = None
    if task.policy.probe and task.load_members is not None:
        members = task.load_members(trainer.model, tokenizer)
        watched = Watch(task, policy, members, curves)
        trainer.add_callback(_measurer(watched))
    trainer.train()
    steps: int = trainer.state.global_step
    if not steps:
        raise LoopError("Not one optimiser step was made. Lower the batch size, or give more prompts.")
    figures: dict[str, Any] = {"stopped": None}
    if watched is not None:
        watch.refuse_if_nothing_learned(watched.good_step, watched.stopped)
        if watched.stopped:
            watch.put_back(trainer.model, watched.good)
            steps = watched.good_step
        figures = watch.facts(next(r for r in watched.readings if r.step == watched.good_step), watched.stopped)
    training.save_adapter(trainer.model, task.out / "adapter")
    watch.write(task.out, curves.rows, watched.shown if watched else [])
    logged = [row for row in trainer.state.log_history if "loss" in row and row["step"] <= steps]
    last: dict[str, Any] = logged[-1] if logged else {}
    return {
        "step": name,
        **placed(task.policy, parent_needed(task.policy, task.parent)),
        "steps": steps,
        "loss": last.get("loss"),
        "margin": last.get("rewards/margins"),
        "held": len(answers),
        **figures,
    }


def options(task: Task, trl: TrlOptions, **defaults: Any) -> dict[str, Any]:
    """Keyword arguments for a TRL config: our defaults, the recipe's options, then the loop's own."""
    import torch

    return training.options(
        defaults | trl,
        work=task.work,
        seed=task.seed,
        device=device(task.model),
        bf16=dtype(task.model) == torch.bfloat16,
    )


def _recorder(task: Task, curves: Curves) -> Any:
    """A trainer callback: progress, and the trainer's own figures as they come (it sends them to W&B itself)."""
    from transformers import TrainerCallback

    class Recorder(TrainerCallback):
        def on_step_end(self, args: Any, state: Any, control: Any, **rest: Any) -> None:  # noqa: ARG002
            task.report(state.global_step, state.max_steps, "policy")

        def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **rest: Any) -> None:  # noqa: ARG002
            # TRL's own KL, entropy and reward are of other texts, or a token: they must not pass for ours.
            theirs = {
                f"trl/{k}" if k in Reading.model_fields else k: v for k, v in training.numbers(logs or {}).items()
            }
            if theirs:
                curves.add(theirs | {"step": state.global_step}, track=False)

    return Recorder()


def _holder(task: Task, policy: Policy, answers: Sequence[Row], curves: Curves) -> Any:
    """A trainer callback that holds before each optimiser step, while the gradients are still 0; `held_kl` on the curves."""
    from transformers import TrainerCallback

    seen: list[float] = []

    class Holder(TrainerCallback):
        def on_step_begin(self, args: Any, state: Any, control: Any, **rest: Any) -> None:  # noqa: ARG002
            seen.append(hold(task, policy, answers, state.global_step))

        def on_log(self, args: Any, state: Any, control: Any, **rest: Any) -> None:  # noqa: ARG002
            if seen:
                curves.add({"step": state.global_step, "held_kl": mean(seen)})
                seen.clear()

    return Holder()


def _measurer(watched: Watch) -> Any:
    """A trainer callback that measures the policy at the start and a few times on the way, and stops where it must."""
    from transformers import TrainerCallback

    class Measurer(TrainerCallback):
        def on_train_begin(self, args: Any, state: Any, control: Any, **rest: Any) -> None:  # noqa: ARG002
            _measure(watched, 0)
            watch.refuse_start(watched.readings, watched.stopped)

        def on_step_end(self, args: Any, state: Any, control: Any, **rest: Any) -> None:  # noqa: ARG002
            done, total = state.global_step, state.max_steps
            if done * MEASUREMENTS // total > (done - 1) * MEASUREMENTS // total:
                _measure(watched, done)
                control.should_training_stop |= watched.stopped is not None

    return Measurer()


def _measure(watched: Watch, step: int) -> None:
    """Draw a completion to each of a few prompts, the same each time, and see how the policy stands."""
    import torch

    task, network = watched.task, watched.policy.model
    asked = choose(task.prompts, {}, min(task.policy.probe, len(task.prompts)), task.seed)
    if not watch.is_alive(watched.policy, asked[0], thinking=task.model.thinking):
        watched.stopped = watch.DEAD
        return
    learning = network.training
    network.eval()
    with torch.random.fork_rng(), precision(task.model):
        rollouts = roll_out(
            watched.policy, asked, task.sampling, thinking=task.model.thinking, seed=task.seed, drawn=lambda _: None
        )
        opinions = watched.members(rollouts.prompts, rollouts.texts)
        watched.white = watched.white or scores.whitening(opinions)
        judged = scores.judge(opinions, watched.white, task.policy.caution)
        groups = list(batches(rollouts.rows, TOKENS))
        seen = see(watched.policy, rollouts.rows, groups, temperature=task.sampling.temperature, critic=None)
    network.train(learning)
    watched.readings.append(watch.reading(step, rollouts, seen, judged))
    shown = watch.samples(step, rollouts, seen, judged)
    watched.shown += shown
    watched.curves.add(watched.readings[-1].model_dump(), watched.shown)
    watched.stopped = watch.trouble(watched.readings, task.policy.max_kl)
    if watched.stopped is None:
        watched.good = watch.snapshot(network)
        watched.good_step = step
