"""Our arithmetic of PPO against TRL 1.12's, on what its trainer itself computed: `python -m benchmarks.ppo_vs_trl.correctness`.

A small random model in float32 is trained by PPOTrainer with prompts and answers of unequal length. At the second
update, where policy and reference have parted, its log-probabilities, values and scores go through `policies.ppo_math`;
the greatest absolute difference of each result is printed as Markdown. Exit status 1 where one is above 1e-5. TRL puts
the score one place after the last token where there is room, ours at the last token: it is the mask that says so.

A second table has the greatest distance from 1 of the probability ratio in the very first minibatch, where policy and
sampling policy are the same; exit status 1 also where ours has any. A minute.
"""

import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.ppo_vs_trl import make_model, trl112
from benchmarks.ppo_vs_trl.peer import LORA

MOST = 1e-5
MODES = ("full", "lora")
OPTIONS = (
    "--steps", 2, "--capture", 2, "--batch", 16, "--minibatches", 4, "--epochs", 3, "--dtype", "float32", "--ragged",
    "--prompt-length", 32, "--response-length", 24, "--clip", 0.05, "--value-clip", 0.05,
)  # fmt: skip
FIRST = ("--batch", 16, "--minibatches", 4, "--ragged", "--prompt-length", 32, "--response-length", 24)
LEARNING_RATE = {"full": 1e-5, "lora": 1e-4}
"""So that after one update answers still end at different places, and both clips are in force for a part of the tokens."""


def main() -> int:
    """Run both modes and print the table."""
    with tempfile.TemporaryDirectory() as folder:
        model = make_model.make("small", Path(folder) / "model", end=0.12)
        columns = {mode: column(mode, model, Path(folder) / mode) for mode in MODES}
        ratios = {dtype: first_ratios(dtype, model, Path(folder) / dtype) for dtype in ("float32", "bfloat16")}
    print(f"| greatest absolute difference | {' | '.join(f'TRL {mode}' for mode in MODES)} |")
    print("| --- | ---: | ---: |")
    for name in columns[MODES[0]][0]:
        print(f"| {name} | {' | '.join(f'{columns[mode][0][name]:.1e}' for mode in MODES)} |")
    print()
    for mode in MODES:
        print(f"- {mode}: {columns[mode][1]}")
    print(f"\n| first ratio's distance from 1 | ours | {' | '.join(f'TRL {mode}' for mode in MODES)} |")
    print("| --- | ---: | ---: | ---: |")
    for dtype, row in ratios.items():
        print(f"| {dtype} | {' | '.join(f'{off:.1e}' for off in row)} |")
    differ = any(difference > MOST for differences, _ in columns.values() for difference in differences.values())
    return int(differ or any(row[0] for row in ratios.values()))


def column(mode: str, model: Path, out: Path) -> tuple[dict[str, float], str]:
    """What one mode's run gives: differences by name, and a sentence on what was compared."""
    from safetensors.torch import load_file

    rate = LEARNING_RATE[mode]
    options = ("--mode", mode, "--model", model, "--learning-rate", rate, *OPTIONS)
    settings = trl112.run("benchmarks.ppo_vs_trl.peer", out, *options, peer=True)["settings"]
    rollout = load_file(out / "rollout.safetensors")
    captured = load_file(out / "minibatches.safetensors")
    places = [(e, m) for e in range(settings["num_ppo_epochs"]) for m in range(settings["num_mini_batches"])]
    found = differences_of_rollout(rollout, settings)
    for epoch, number in places:
        for name, value in differences_of_minibatch(rollout, captured, epoch, number, settings).items():
            found[name] = max(value, found.get(name, 0.0))
    return found, described(rollout, captured)


def differences_of_rollout(rollout: dict[str, Any], settings: dict[str, Any]) -> dict[str, float]:
    """Rewards, advantages and returns from TRL's log-probabilities, values and scores."""
    from policies.ppo_math import gae, token_rewards, whiten

    tokens, and_one = ~rollout["padding_mask"], ~rollout["padding_mask_p1"]
    kl = rollout["logprobs"] - rollout["ref_logprobs"]
    rewards = token_rewards(rollout["scores"], kl, and_one, kl_coef=settings["kl_coef"])
    advantages, returns = gae(rewards, rollout["values"], and_one, gamma=settings["gamma"], lam=settings["lam"])
    ours = {"rewards": rewards, "returns": returns, "advantages": whiten(advantages, tokens)}
    return {name: float((value - rollout[name]).abs().max()) for name, value in ours.items()}


def differences_of_minibatch(
    rollout: dict[str, Any], captured: dict[str, Any], epoch: int, number: int, settings: dict[str, Any]
) -> dict[str, float]:
    """Both losses and clip fractions of one minibatch, from TRL's new log-probabilities and values."""
    from policies.ppo_math import policy_loss, value_loss

    there = {name: captured[f"{epoch}.{number}.{name}"] for name in ("new_logprobs", "vpred", "pg_loss", "vf_loss")}
    rows = captured[f"{epoch}.{number}.micro_batch_inds"]
    old, values, advantages, returns = (rollout[k][rows] for k in ("logprobs", "values", "advantages", "returns"))
    tokens, and_one = ~rollout["padding_mask"][rows], ~rollout["padding_mask_p1"][rows]
    loss, clipped = policy_loss(there["new_logprobs"], old, advantages, tokens, clip=settings["cliprange"])
    value, held = value_loss(there["vpred"], values, returns, and_one, clip=settings["cliprange_value"])
    return {
        "policy loss": float((loss - there["pg_loss"]).abs()),
        "value loss": float((value - there["vf_loss"]).abs()),
        "policy clip fraction": float((clipped - captured["pg_clipfrac_stats"][epoch, number, 0]).abs()),
        "value clip fraction": float((held - captured["vf_clipfrac_stats"][epoch, number, 0]).abs()),
    }


def described(rollout: dict[str, Any], captured: dict[str, Any]) -> str:
    """What was in the batch."""
    lengths = sorted((~rollout["padding_mask"]).sum(1).tolist())
    kl = ((rollout["logprobs"] - rollout["ref_logprobs"]) * ~rollout["padding_mask"]).sum(1)
    clipped, held = (captured[f"{kind}_clipfrac_stats"].mean() for kind in ("pg", "vf"))
    return (
        f"answers of {', '.join(map(str, lengths))} tokens; KL {kl.min():.2f} to {kl.max():.2f} nats an answer; "
        f"clipped: policy {clipped:.0%}, value {held:.0%} of the tokens"
    )


def first_ratios(dtype: str, model: Path, out: Path) -> list[float]:
    """How far from 1 the ratio is in the first minibatch: ours, and TRL's in each mode."""
    from safetensors.torch import load_file

    reward = make_model.reward_adapter(model, out / "reward", rank=LORA["r"], alpha=LORA["lora_alpha"])
    options = ("--model", model, "--dtype", dtype, *FIRST)
    ours = trl112.run("benchmarks.ppo_vs_trl.ours", out / "ours", "--reward", reward, *options, peer=False)
    found = [float(ours["first_ratio_off"])]
    for mode in MODES:
        trl112.run("benchmarks.ppo_vs_trl.peer", out / mode, "--mode", mode, "--capture", 1, *options, peer=True)
        rollout, captured = (load_file(out / mode / f"{name}.safetensors") for name in ("rollout", "minibatches"))
        tokens = ~rollout["padding_mask"][captured["0.0.micro_batch_inds"]]
        found.append(float((captured["0.0.ratio"].float() - 1)[tokens].abs().max()))
    return found


if __name__ == "__main__":
    sys.exit(main())
