"""The policy step by PPO (Schulman et al. 2017, arXiv 1707.06347) on one frozen base.

Everything that other implementations keep as a model of its own is a LoRA adapter here: `default` learns, `ref` is the
parent (or no adapter at all: the base), `reward0`, `reward1`, ... score, `value` may be the critic. A step draws rollouts,
judges them, and makes several epochs of clipped updates. All that it draws at random comes from the task's seed and the
step's number, so a step done again after a kill is the same step.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from feedback_loop import scores, training
from feedback_loop.adapters import active
from feedback_loop.policy_tables import PPOTable
from feedback_loop.scores import Judged, Whitening
from policies import ppo_math, watch
from policies.held import base_answers, hold
from policies.logprobs import Row, batches, read, states
from policies.ppo_state import Training, learning, open_training, save
from policies.rollouts import Critic, Rollouts, Seen, roll_out, see, step_seed, walk
from policies.task import Curves, Task, precision, refuse_equal, timed
from policies.trainable import LEARNING, parent_needed, placed

GAIN, REACH = 0.5, 0.2
"""The KL coefficient is multiplied by 1 + GAIN * error, the relative error of the KL held within +-REACH."""
Minibatches = list[list[list[int]]]
"""Minibatches of micro-batches of places among a step's rollouts."""


@dataclass(frozen=True)
class Experience:
    """A step's rollouts and what is known of them."""

    rollouts: Rollouts
    minibatches: Minibatches
    """How the first epoch goes through them; the old log-probabilities were read in just these batches."""
    seen: Seen
    judged: Judged


def train_ppo(task: Task) -> dict[str, Any]:
    """Train an adapter and write it to `out`, with curves.jsonl and samples.jsonl; returns the stage's facts.

    The KL penalty and the curves use the estimator k1 = log p - log q: in the reward, its gradient is that of the KL
    itself, which is not so for k3; evaluation reports the same. LoopError where not even one update was good, or
    where the reward model finds all answers equally good.
    """
    steps = task.policy.ppo.steps
    now, rows = open_training(task)
    held = base_answers(task, now.policy, task.neutral)
    curves, stopped = Curves(task, rows), None
    while True:
        if not watch.is_alive(now.policy, task.prompts[0], thinking=task.model.thinking):
            stopped = watch.DEAD
            break
        experience = _experience(task, now)
        figures: dict[str, float] = {}
        stopped = watch.trouble(now.readings, task.policy.max_kl)
        watch.refuse_start(now.readings, stopped)
        if stopped is None:
            now.good, now.good_step = watch.snapshot(now.policy.model), now.step
            if now.step < steps:
                figures, stopped = _update(task, now, experience, held)
        curves.add(now.readings[-1].model_dump() | figures, now.shown)
        if stopped or now.step == steps:
            break
        now.step += 1
        save(now, task.resume, curves.rows)
    watch.refuse_if_nothing_learned(now.good_step, stopped)
    watch.put_back(now.policy.model, now.good)
    training.save_adapter(now.policy.model, task.out / "adapter")
    watch.write(task.out, curves.rows, now.shown)
    return {
        "step": "ppo",
        "steps": now.good_step,
        "rollouts": task.policy.ppo.rollouts * len(now.readings),
        "held": len(held),
        "seconds": now.seconds,
        **placed(task.policy, parent_needed(task.policy, task.parent)),
        **watch.facts(now.readings[now.good_step], stopped),
    }


def _experience(task: Task, now: Training) -> Experience:
    """Rollouts of the policy as it is, judged; the reading is added to the training's."""
    ppo, count = task.policy.ppo, task.policy.ppo.rollouts
    asked = [task.prompts[i] for i in walk(len(task.prompts), task.seed, now.step * count, count)]
    total, before = 2 * count * (ppo.steps + 1), 2 * count * now.step
    now.policy.model.eval()
    with timed(now.seconds, "sampling"), precision(task.model):
        rollouts = roll_out(
            now.policy,
            asked,
            task.sampling,
            thinking=task.model.thinking,
            seed=step_seed(task.seed, now.step),
            drawn=lambda drawn: task.report(before + drawn, total, "policy"),
        )
    now.policy.model.train()
    with timed(now.seconds, "scoring"), precision(task.model):
        opinions = now.members(rollouts.prompts, rollouts.texts)
        first_time = now.white is None
        now.white = now.white or scores.whitening(opinions)
        if first_time and now.critic.adapter is not None:
            _whiten_critic(now.critic, now.white)
        judged = scores.judge(opinions, now.white, task.policy.caution)
        if first_time:
            refuse_equal(judged)
        minibatches = _minibatches(rollouts.rows, ppo, step_seed(task.seed, now.step))
        seen = see(
            now.policy,
            rollouts.rows,
            [batch for minibatch in minibatches for batch in minibatch],
            temperature=task.sampling.temperature,
            critic=now.critic,
        )
    now.readings.append(watch.reading(now.step, rollouts, seen, judged))
    now.shown += watch.samples(now.step, rollouts, seen, judged)
    return Experience(rollouts, minibatches, seen, judged)


def _update(
    task: Task, now: Training, experience: Experience, held: Sequence[Row]
) -> tuple[dict[str, float], str | None]:
    """Several epochs of clipped updates; the step's figures, and why it must stop where it must."""
    import torch

    ppo, seen = task.policy.ppo, experience.seen
    _adapt(now, ppo)
    for group in now.optimizer.param_groups:
        group["lr"] = ppo.learning_rate * (1 - now.step / ppo.steps)
    advantages, returns = _targets(task, now, experience)
    logged: list[dict[str, float]] = []
    with timed(now.seconds, "training"):
        for epoch in range(ppo.epochs):
            minibatches = experience.minibatches
            if epoch:
                minibatches = _minibatches(experience.rollouts.rows, ppo, step_seed(task.seed, now.step) + epoch)
            for minibatch in minibatches:
                figures = _learn(task, now, experience, advantages, returns, minibatch)
                if held:
                    turn = now.step * ppo.epochs * ppo.minibatches + len(logged)
                    figures["held_kl"] = hold(task, now.policy, held, turn)
                figures["grad_norm"] = float(torch.nn.utils.clip_grad_norm_(learning(now).values(), ppo.max_grad_norm))
                logged.append(figures)
                if not all(map(math.isfinite, figures.values())):
                    return {}, "the loss or its gradient became NaN or infinite"
                now.optimizer.step()
                now.optimizer.zero_grad()
            done = 2 * now.step + 1 + (epoch + 1) / ppo.epochs
            task.report(round(ppo.rollouts * done), 2 * ppo.rollouts * (ppo.steps + 1), "policy")
    means = {name: sum(row[name] for row in logged) / len(logged) for name in logged[0]}
    return means | {
        "explained_variance": ppo_math.explained_variance(seen.values, returns, seen.mask),
        "kl_coef": now.kl_coef,
        "learning_rate": now.optimizer.param_groups[0]["lr"],
    }, None


def _targets(task: Task, now: Training, experience: Experience) -> tuple[Any, Any]:
    """(advantages, returns) of every token, shape (rollouts, tokens), advantages whitened over the step."""
    import torch

    ppo, seen = task.policy.ppo, experience.seen
    worth = torch.tensor(experience.judged.cautious, device=seen.mask.device)
    worth -= task.policy.end_penalty * ~torch.tensor(experience.rollouts.ended, device=seen.mask.device)
    if ppo.floor:
        off = ((seen.reference < -ppo.floor) & seen.mask).any(1)
        worth = torch.where(off, worth.minimum(worth.min()), worth)
    kl = seen.logprobs - seen.reference
    rewards = ppo_math.token_rewards(worth, kl, seen.mask, kl_coef=now.kl_coef)
    advantages, returns = ppo_math.gae(rewards, seen.values, seen.mask, gamma=ppo.gamma, lam=ppo.lam)
    return ppo_math.whiten(advantages, seen.mask), returns


def _learn(
    task: Task, now: Training, experience: Experience, advantages: Any, returns: Any, minibatch: list[list[int]]
) -> dict[str, float]:
    """Add up the gradients of a minibatch, micro-batch by micro-batch, each weighted by its tokens; their figures."""
    ppo, seen, network = task.policy.ppo, experience.seen, now.policy.model
    pad, tokens = now.policy.tokenizer.pad_token_id, sum(int(seen.mask[batch].sum()) for batch in minibatch)
    totals = dict.fromkeys(("policy_loss", "clip_fraction", "value_loss", "value_clip_fraction", "update_kl"), 0.0)
    for batch in minibatch:
        rows = [experience.rollouts.rows[i] for i in batch]
        width = max(len(tail) for _, tail in rows)
        old, past, gain, goal, mask = (
            x[batch, :width] for x in (seen.logprobs, seen.values, advantages, returns, seen.mask)
        )
        share = int(mask.sum()) / tokens
        # Autocast keeps the weights it has cast until it ends, so it must not outlive an optimiser step.
        with active(network, LEARNING):
            with precision(task.model):
                new = read(network, rows, pad=pad, temperature=task.sampling.temperature)
                loss, clipped = ppo_math.policy_loss(new.logprobs, old, gain, mask, clip=ppo.clip)
                if now.critic.adapter is None:
                    worth = now.critic(new.states.hidden)
                    miss, held = ppo_math.value_loss(worth, past, goal, mask, clip=ppo.value_clip)
                    whole = loss + ppo.value_weight * miss
                else:
                    whole = loss
            (share * whole).backward()
        if now.critic.adapter is not None:
            # Backward inside, too: what is computed again on the way back must meet the same adapter.
            with active(network, now.critic.adapter):
                with precision(task.model):
                    worth = now.critic(states(network, rows, pad=pad).hidden)
                    miss, held = ppo_math.value_loss(worth, past, goal, mask, clip=ppo.value_clip)
                (share * ppo.value_weight * miss).backward()
        moved = ppo_math.k3(old, new.logprobs.detach(), mask)
        for name, value in zip(totals, (loss, clipped, miss, held, moved), strict=True):
            totals[name] += share * float(value.detach())
    return totals


def _adapt(now: Training, ppo: PPOTable) -> None:
    """Ziegler et al. 2019 (arXiv 1909.08593), section 2.2: raise the coefficient where the KL is above its target."""
    if ppo.kl_target:
        error = now.readings[-1].kl / ppo.kl_target - 1
        now.kl_coef *= 1 + GAIN * min(max(error, -REACH), REACH)


def _whiten_critic(critic: Critic, white: Whitening) -> None:
    """Make the reward model's head speak of whitened rewards."""
    import torch

    with torch.no_grad():
        critic.weight.div_(white.scale)
        critic.bias.sub_(white.means[0] / white.scale)


def _minibatches(rows: Sequence[Row], ppo: PPOTable, seed: int) -> Minibatches:
    """A random split of the rollouts, each part packed into micro-batches by token count."""
    import torch

    order = torch.randperm(len(rows), generator=torch.Generator().manual_seed(seed)).tolist()
    size = -(-len(rows) // ppo.minibatches)
    parts = [order[start : start + size] for start in range(0, len(order), size)]
    return [
        [[part[i] for i in batch] for batch in batches([rows[i] for i in part], ppo.batch_tokens)] for part in parts
    ]
