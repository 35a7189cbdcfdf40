"""Choose the demo's hyper-parameters: whole rounds in one process, on the tuning prompts and personas only.

    python -m benchmarks.tune_demo policy.trl.learning_rate=3e-3 policy.trl.num_train_epochs=6

prints, for each tuning persona and seed: after each round the true win rate against the base, the share on topic, the
KL from the base and the reward model's held-out accuracy.
"""

import argparse
import contextlib
import os
import random
import tempfile
import time
from pathlib import Path

from feedback_loop import prompts, recipe
from feedback_loop.evaluate import kl_estimate, mean, win_rate
from feedback_loop.personas import Persona, answer, gated, utility
from feedback_loop.personas import load as load_persona
from feedback_loop.preferences import preferences, split
from feedback_loop.progress import silent
from feedback_loop.prompts import DATA
from feedback_loop.recipe import Recipe
from feedback_loop.records import Completion, Preference, Prompt, Ranking
from feedback_loop.stages.asking import pair_up
from policies.base import Policy, load_policy
from policies.dpo import train_dpo
from policies.logprobs import completion_logprobs
from policies.sampler import sample
from reward.pseudo import rank_pairs
from reward.score import load_scorer
from reward.train import train_reward

ROUNDS = 3
POOL, HELDOUT = (prompts.load(DATA / "prompts" / f"tiny_tuning{end}.jsonl") for end in ("", "_heldout"))


def main() -> None:
    """Parse, run every cell, print a line each."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("settings", nargs="*", metavar="key=value")
    arguments.add_argument("--seeds", type=int, nargs="*", default=[0])
    arguments.add_argument("--personas", nargs="*", default=["plain", "chatty", "careful"])
    asked = arguments.parse_args()
    read = recipe.load(DATA / "recipes" / "demo.toml", asked.settings)
    last = []
    for name in asked.personas:
        for seed in asked.seeds:
            start = time.monotonic()
            with open(os.devnull, "w") as quiet, contextlib.redirect_stdout(quiet), contextlib.redirect_stderr(quiet):
                figures = cell(read, load_persona(DATA / "personas" / "tuning" / f"{name}.toml"), seed)
            last.append(figures[-1][:2])
            text = "  ".join(f"{w:.2f} topic {t:.2f} kl {k:4.1f} rm {a:.2f} |" for w, t, k, a in figures)
            print(f"{name:8} {seed}  {text}  {time.monotonic() - start:.0f} s", flush=True)
    print("MEAN", *(f"{mean(column):.3f}" for column in zip(*last, strict=True)), *asked.settings, flush=True)


def cell(read: Recipe, persona: Persona, seed: int) -> list[tuple[float, float, float, float]]:
    """(win rate against the base, share on topic, KL, reward accuracy) after each round."""
    base = load_policy(read.model, None, name="base")
    plain = [c.completion for c in draw(read, base, HELDOUT, 1, 7)]
    labels: list[Preference] = []
    adapter, used, figures = None, {}, []
    with tempfile.TemporaryDirectory() as folder:
        for number in range(ROUNDS):
            policy = load_policy(read.model, adapter, name=f"r{number}")
            asked = prompts.choose(POOL, used, read.prompts.per_round, seed * 100 + number)
            for p in asked:
                used[p.id] = used.get(p.id, 0) + 1
            labels += ask(read, persona, policy, asked, number, seed)
            out = Path(folder) / str(number)
            accuracy, pseudo = reward_step(read, policy, labels, out, seed, number)
            train_dpo(
                read.model, read.policy, [*labels, *pseudo], parent_adapter=adapter, out=out / "adapter",
                work=out, seed=seed, report=silent,
            )  # fmt: skip
            adapter = out / "adapter"
            figures.append((*judge(read, persona, load_policy(read.model, adapter, name="new"), plain), accuracy))
    return figures


def ask(
    read: Recipe, persona: Persona, policy: Policy, asked: list[Prompt], number: int, seed: int
) -> list[Preference]:
    """The persona's preferences on fresh pairs of the policy."""
    rng = random.Random(f"{seed}/{number}")
    pairs = pair_up(number, asked, draw(read, policy, asked, 2, seed * 100 + number), seed)[: read.rankings.needed]
    given = []
    for pair in pairs:
        status, choice = answer(persona, pair, rng)
        given.append(Ranking(comparison_id=pair.id, user_id="p", status=status, choice=choice, created_at=""))
    return preferences(pairs, given)


def reward_step(
    read: Recipe, policy: Policy, labels: list[Preference], out: Path, seed: int, number: int
) -> tuple[float, list[Preference]]:
    """Held-out accuracy of a reward model on all labels, and the pairs it ranks where the recipe asks for them."""
    out.mkdir()
    (out / "reward").mkdir()
    train, heldout = split(labels, read.preferences.heldout, seed)
    facts = train_reward(
        read.model, read.reward, train, heldout, out=out / "reward" / "adapter", work=out, seed=seed,
        thinking=False, report=silent,
    )  # fmt: skip
    pseudo: list[Preference] = []
    if read.policy.pseudo_pairs:
        asked = prompts.choose(POOL, {}, read.policy.pseudo_pairs, seed + number)
        drawn = draw(read, policy, asked, read.policy.pseudo_completions, seed * 1000 + number)
        score = load_scorer(policy.model, policy.tokenizer, [out / "reward" / "adapter"], thinking=False, batch_size=64)
        pseudo = rank_pairs(asked, drawn, score, round=number)
    return facts["accuracy"] or 0.0, pseudo


def draw(read: Recipe, policy: Policy, asked: list[Prompt], count: int, seed: int) -> list[Completion]:
    """Completions of the policy."""
    drawn = sample(policy, asked, read.sampling, completions=count, thinking=False, seed=seed, report=silent)
    return drawn.completions


def judge(read: Recipe, persona: Persona, policy: Policy, plain: list[str]) -> tuple[float, float, float]:
    """(true win rate against the base's answers, share on topic, KL) on the held-out prompts."""
    texts = [c.completion for c in draw(read, policy, HELDOUT, 1, 7)]
    worth = [[utility(persona, p, t) for p, t in zip(HELDOUT, ts, strict=True)] for ts in (texts, plain)]
    on_topic = mean([gated(persona, p, t) for p, t in zip(HELDOUT, texts, strict=True)])
    here, there = (
        completion_logprobs(policy, HELDOUT, texts, thinking=False, batch_size=64, base=base) for base in (False, True)
    )
    return win_rate(*worth), on_topic, kl_estimate(here, there)


if __name__ == "__main__":
    main()
