"""Our arm: `policies.ppo` as the loop runs it, on one base. `python -m benchmarks.ppo_vs_trl.ours --model FOLDER --out DIR
--reward FOLDER` writes result.json.

Nothing of it is changed: functions that it calls are wrapped. It draws and reads one batch more than it makes updates,
to measure the last one; that batch is not among the steps.
"""

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.ppo_vs_trl import prompts
from benchmarks.ppo_vs_trl.meter import Meter, imports
from benchmarks.ppo_vs_trl.peer import LORA, parser
from benchmarks.ppo_vs_trl.weights import own


def main() -> None:
    """Train and write what was measured."""
    options = parser()
    options.add_argument("--reward", type=Path, required=True, help="a saved reward model: adapter and head")
    options.add_argument("--value", choices=["trunk", "adapter"], default="trunk")
    asked = options.parse_args()

    from policies import ppo, ppo_math, trainable
    from reward import score

    imports()
    meter = Meter()
    sampled: dict[str, tuple[list[int], list[int]]] = {}
    first: list[float] = []
    _wrap(trainable, "load_base", lambda load: lambda model: own(load(model)))
    _wrap(ppo, "roll_out", lambda call: _phases(call, meter, sampled))
    # The reward model is given the tokens that were sampled: with random weights they are no text.
    _wrap(score, "token_ids", lambda _: lambda *args, **_: sampled[args[1].id])
    _wrap(ppo_math, "gae", lambda call: _before(call, lambda *_: meter.enter("training")))
    _wrap(ppo_math, "policy_loss", lambda call: _before(call, lambda *args: first.append(_off(*args))))
    began = time.perf_counter()
    facts = ppo.train_ppo(task(asked))
    result = {
        **meter.stop(),
        "train_seconds": time.perf_counter() - began,
        "value": asked.value,
        "facts": facts,
        "first_ratio_off": first[0],
        "tokens": [len(tail) for _, tail in sampled.values()],
    }
    result["steps"] = result["steps"][: asked.steps]
    (asked.out / "result.json").write_text(json.dumps(result, indent=1), encoding="utf-8")


def task(asked: argparse.Namespace) -> Any:
    """What the loop would hand to the policy step."""
    from feedback_loop.models import load_tokenizer
    from feedback_loop.policy_tables import PolicyTable, PPOTable
    from feedback_loop.progress import silent
    from feedback_loop.recipe import ModelTable, SamplingTable
    from policies.task import Task
    from reward.score import load_members

    model = ModelTable(name=asked.model, dtype=asked.dtype, device="cpu")
    ppo = PPOTable(
        steps=asked.steps,
        rollouts=asked.batch,
        epochs=asked.epochs,
        minibatches=asked.minibatches,
        learning_rate=asked.learning_rate,
        value=asked.value,
        activation_checkpointing=asked.checkpointing,
        batch_tokens=asked.batch
        * (asked.prompt_length + asked.response_length),  # a minibatch is never split, as there
    )
    folders = {name: asked.out / name for name in ("stage", "work", "resume", "cache")}
    for folder in folders.values():
        folder.mkdir(parents=True, exist_ok=True)
    return Task(
        model=model,
        policy=PolicyTable(
            step="ppo", start="base", reference="base", lora_rank=LORA["r"], lora_alpha=LORA["lora_alpha"], ppo=ppo
        ),
        sampling=SamplingTable(max_new_tokens=asked.response_length, batch_size=asked.batch),
        pairs=[],
        prompts=prompts.make(
            load_tokenizer(model), asked.batch * asked.steps, asked.prompt_length, ragged=asked.ragged
        ),
        parent=None,
        reward=asked.reward,
        load_members=lambda network, tokenizer: load_members(
            network, tokenizer, [asked.reward], thinking=False, batch_size=asked.batch
        ),
        accuracy=None,
        out=folders["stage"],
        work=folders["work"],
        resume=folders["resume"],
        cache=folders["cache"],
        seed=asked.seed,
        run_seed=asked.seed,
        report=silent,
        track=lambda *_: None,
    )


def _wrap(module: Any, name: str, by: Callable[[Callable[..., Any]], Callable[..., Any]]) -> None:
    """Put `by(f)` in the place of a module's function f."""
    setattr(module, name, by(getattr(module, name)))


def _phases(roll_out: Callable[..., Any], meter: Meter, sampled: dict[str, Any]) -> Callable[..., Any]:
    """Tell the meter what goes on, and keep the tokens that were drawn to each prompt."""

    def timed(*args: Any, **named: Any) -> Any:
        meter.enter("sampling")
        found = roll_out(*args, **named)
        meter.enter("scoring")
        sampled.update({prompt.id: row for prompt, row in zip(found.prompts, found.rows, strict=True)})
        return found

    return timed


def _before(call: Callable[..., Any], look: Callable[..., Any]) -> Callable[..., Any]:
    """`call`, but its positional arguments are shown to `look` first."""

    def wrapped(*args: Any, **named: Any) -> Any:
        look(*args)
        return call(*args, **named)

    return wrapped


def _off(new: Any, old: Any, _: Any, mask: Any) -> float:
    """How far the probability ratio is from 1, at most."""
    return float(((new.detach() - old).exp() - 1)[mask].abs().max())


if __name__ == "__main__":
    main()
