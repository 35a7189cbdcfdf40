"""The recipe: one TOML file that says how a run is done, a table a stage. Each key has one reader."""

import hashlib
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

import tomli_w
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from feedback_loop.errors import UsageError
from feedback_loop.records import MOST_COMPLETIONS, Strategy

TrlOptions = dict[str, Any]


Weight = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class Table(BaseModel):
    """A table of the recipe: immutable, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ModelTable(Table):
    """`[model]`: the base model."""

    name: str = "tiny"
    """A hub name, a folder, or `tiny` for the model shipped with the project."""
    dtype: Literal["auto", "float32", "bfloat16"] = "auto"
    """`auto`: bfloat16 on CUDA, and on a CPU that is quick at it for models above 100 M parameters."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    thinking: bool = False


class PromptsTable(Table):
    """`[prompts]`: which requests are asked."""

    file: str = "everyday"
    """JSONL of prompts, or the name of a shipped file in `data/prompts/`. Copied into the run when it is made."""
    heldout_file: str = ""
    """JSONL or shipped name of prompts kept for evaluation; empty: a share of `file` is kept aside."""
    heldout: float = Field(0.2, gt=0, lt=1)
    """Share of `file` kept for evaluation where there is no `heldout_file`."""
    per_round: int = Field(40, ge=1)
    """Comparisons made in a round, one a prompt; more than `rankings.needed` leaves room to skip. See `asking.ahead`."""


Level = Annotated[float, Field(ge=0, le=1)]


class BriefTable(Table):
    """`[brief]`: the instruction that somebody would otherwise paste, and how much of it is given; see docs/brief.md."""

    file: str = ""
    """Markdown or plain text, or a shipped name in `data/briefs/`; empty: none. Copied into the run when it is made."""
    levels: tuple[Level, ...] = (1.0, 0.5, 0.1, 0.0)
    """Shares of the brief, by words, with which each policy answers the held-out prompts for the curve."""
    sampled: Annotated[tuple[Level, ...], Field(min_length=1)] = (1.0, 0.0)
    """Shares with which the answers that people compare are written, in turn; what is trained is always without it."""
    prompts: int = Field(32, ge=0)
    """Held-out prompts that are answered at each level, of those that the evaluation asks; 0: no curve."""


class SamplingTable(Table):
    """`[sampling]`: how completions are drawn."""

    completions: int = Field(2, ge=2, le=16)
    """Candidates a prompt, of which `asking.strategy` picks those that people compare."""
    temperature: float = Field(1.0, gt=0)
    top_p: float = Field(1.0, gt=0, le=1)
    max_new_tokens: int = Field(256, ge=1)
    batch_size: int = Field(16, ge=1)


class RankingsTable(Table):
    """`[rankings]`: what people are asked for."""

    needed: int = Field(32, ge=1)
    """Rankings that complete a round, ties and neithers included, skips not."""
    per_comparison: int = Field(1, ge=1)
    """People who rank the same comparison."""


class AskingTable(Table):
    """`[asking]`: what a comparison shows, and what is asked beside the round's own comparisons."""

    answers: int = Field(2, ge=2, le=MOST_COMPLETIONS)
    """Answers that a comparison shows; of three or four, people give an order."""
    repeats: float = Field(0.06, ge=0, le=0.5)
    """Share of comparisons shown once more to those who answered them, in another order: does one agree with oneself?"""
    checks: float = Field(0.03, ge=0, le=0.5)
    """Share of comparisons, beside the round's own, whose answer is known: does one read them? They never train."""
    strategy: Strategy = "random"
    """How two of a prompt's candidates are picked, where there is a reward model to say what is worth asking; see
    docs/reward-model.md for what each is worth."""
    random_share: float = Field(0.3, ge=0, le=1)
    """Share of comparisons picked at random whatever the strategy: only they measure the reward model honestly."""
    ahead: int = Field(8, ge=0)
    """Unanswered comparisons kept ready for whoever ranks fastest, beyond `prompts.per_round` of further prompts; 0: none."""


class PreferencesTable(Table):
    """`[preferences]`: rankings to training pairs."""

    heldout: float = Field(0.2, ge=0, lt=1)
    """Share of prompts whose pairs only measure a LoRA reward model, and never train it; a head is cross-validated."""
    weights: dict[str, Weight] = {}
    """How much an annotator's labels count beside another's 1, by name."""
    decay: float = Field(1.0, gt=0, le=1)
    """What a label weighs beside one that is a round younger: 1 replays all alike, 0.5 halves with every round."""
    consistency: Literal["weigh", "ignore"] = "weigh"
    """`weigh`: the choices of whoever contradicts themselves on repeats, or misses checks, count less; see docs/team.md."""


class RewardTable(Table):
    """`[reward]`: the reward model."""

    form: Literal["lora", "head"] = "lora"
    """`lora`: LoRA and a score head, by TRL. `head`: a Bayesian linear head on the frozen base's states, fit in a second."""
    members: int = Field(1, ge=1, le=32)
    """Opinions of which the score is the mean: LoRA models on bootstrap samples, or draws from the head's posterior."""
    length: Literal["keep", "remove"] = "keep"
    """`remove` takes out of the score what an answer's length alone explains of it."""
    annotators: Literal["equal", "measured"] = "equal"
    """`measured`: whoever disagrees with what all labels together say counts less. For the head."""
    lora_rank: int = Field(16, ge=1)
    lora_alpha: int = Field(32, ge=1)
    trl: TrlOptions = {}
    """Passed to trl.RewardConfig word for word."""


class PPOTable(Table):
    """`[policy.ppo]`: proximal policy optimisation, `policies/ppo.py`. Rewards are in standard deviations."""

    steps: int = Field(24, ge=1)
    """Rollouts and updates in turn."""
    rollouts: int = Field(64, ge=2)
    """Completions drawn a step, each of another prompt where there are enough."""
    epochs: int = Field(4, ge=1)
    """Passes over a step's rollouts."""
    minibatches: int = Field(4, ge=1)
    """Optimiser steps an epoch."""
    learning_rate: float = Field(1e-4, gt=0)
    """At the start; it falls linearly to 0."""
    clip: float = Field(0.2, gt=0)
    """How far the probability ratio counts, on either side of 1."""
    value: Literal["trunk", "adapter"] = "trunk"
    """Values from the policy's own hidden states, or from an adapter that starts as the reward model."""
    value_clip: float = Field(0.2, gt=0)
    value_weight: float = Field(0.1, ge=0)
    """Weight of the value loss beside the policy's."""
    gamma: float = Field(1.0, gt=0, le=1)
    lam: float = Field(1.0, ge=0, le=1)
    """Lambda of generalised advantage estimation; below 1 it leans on a critic that has had little time to learn."""
    kl_coef: float = Field(0.2, ge=0)
    """Reward taken off for a nat of KL from the reference; the first value where `kl_target` adapts it."""
    kl_target: float = Field(0.0, ge=0)
    """Nats a completion that the coefficient is adapted towards; 0 leaves it fixed."""
    floor: float = Field(0.0, ge=0)
    """A token that the reference gives less than exp(-floor) costs the completion its reward; 0 is off."""
    max_grad_norm: float = Field(1.0, gt=0)
    batch_tokens: int = Field(2048, ge=1)
    """Most tokens, padding included, that go through the network at once; gradients add up over such batches."""
    activation_checkpointing: bool = False


class BonTable(Table):
    """`[policy.bon]`: best-of-n distillation."""

    prompts: int = Field(64, ge=1)
    """Training prompts that are answered; all of them where there are fewer."""
    completions: int = Field(16, ge=2)
    """n: completions a prompt, of which the reward model picks."""
    pool: Literal["base", "parent"] = "base"
    """Whose answers they are: the base's, drawn once a run, or those of the policy in force, drawn anew each round."""
    learn: Literal["sft", "dpo", "both"] = "dpo"
    """SFT on the best; DPO on the best against the worst; or DPO on these pairs and those of people's that it agrees with."""
    min_accuracy: float = Field(0.5, ge=0, le=1)
    """Lower bound (90 %) of the reward model's accuracy on pairs it never saw, below which people's pairs alone are learned."""


class BakeTable(Table):
    """`[policy.bake]`: the brief moved into the adapter, `policies/bake.py`."""

    steps: int = Field(40, ge=1)
    """Optimiser steps, each on answers that the policy writes for it."""
    rollouts: int = Field(32, ge=2)
    """Answers a step, each to another prompt where there are enough."""
    learning_rate: float = Field(1e-4, gt=0)
    """At the start; it falls linearly to 0."""
    strength: float = Field(1.0, ge=0, le=1)
    """How much of the brief: what is learned lies so far between the base without it and the base with it."""
    neutral: float = Field(0.5, ge=0, lt=1)
    """Share of the answers that are to chats which the brief has nothing to say of, where the policy is to stay the base."""
    neutral_file: str = "neutral"
    """JSONL of such chats, or the name of a shipped file in `data/prompts/`."""
    then: Literal["none", "dpo"] = "none"
    """`dpo`: people's pairs are learned on top, from the baked adapter, which is then the reference too."""
    max_grad_norm: float = Field(1.0, gt=0)
    batch_tokens: int = Field(4096, ge=1)
    """Most tokens, brief and padding included, that go through the network at once; gradients add up over such batches."""
    activation_checkpointing: bool = False


class PolicyTable(Table):
    """`[policy]`: the step that updates the adapter."""

    step: Literal["dpo", "ppo", "rloo", "bon", "kto", "sft", "bake"] = "dpo"
    start: Literal["parent", "base"] = "parent"
    """Where the weights start: the policy in force, or a fresh adapter on the base."""
    reference: Literal["parent", "base"] = "parent"
    """What the step is held near: the policy in force, or the base."""
    lora_rank: int = Field(16, ge=1)
    lora_alpha: int = Field(32, ge=1)
    caution: float = Field(1.0, ge=0)
    """Standard deviations of the reward model's members taken off their mean score before it is optimised."""
    end_penalty: float = Field(1.0, ge=0)
    """Standard deviations of reward taken off a completion that was cut at `sampling.max_new_tokens`."""
    max_kl: float = Field(30.0, gt=0)
    """KL budget: nats a completion from the reference at which the step stops and keeps its last good adapter."""
    probe: int = Field(16, ge=0)
    """Prompts answered at each measurement of a training by TRL or a baking (reward, KL, entropy, length); 0: none."""
    ppo: PPOTable = PPOTable()
    bon: BonTable = BonTable()
    bake: BakeTable = BakeTable()
    trl: TrlOptions = {}
    """Passed to trl.DPOConfig word for word, by the steps that use it: `dpo`, and `bon` that learns by it."""
    sft: TrlOptions = {}
    """The same for trl.SFTConfig."""
    kto: TrlOptions = {}
    """The same for trl.KTOConfig."""
    rloo: TrlOptions = {}
    """The same for trl.RLOOConfig."""


class EvaluationTable(Table):
    """`[evaluation]`: the new policy against its parent and the base on held-out prompts."""

    prompts: int = Field(64, ge=1)
    """Held-out prompts used, one completion each from every policy compared."""


class PromotionTable(Table):
    """`[promotion]`: the rule by which a new policy is kept; docs/gate.md says what the figures cost and miss."""

    judge: Literal["people", "reward"] = "people"
    """`people`: by duels, new answer against old one, among what people rank. `reward`: by the reward model, `min_win_rate`."""
    votes: int = Field(60, ge=1)
    """Duels that people are asked about at most; undecided after these, the parent stays."""
    false_rate: float = Field(0.05, gt=0, lt=0.5)
    """Most chance of promoting a policy that is not better than its parent, however often one looks."""
    miss_rate: float = Field(0.2, gt=0, lt=0.5)
    """Most chance of giving up early on one that wins at `margin`; that the votes run out comes on top."""
    margin: float = Field(0.6, gt=0.5, lt=1)
    """Win rate against the parent that is worth finding: asking ends when it is surely not reached."""
    unlabelled: int = Field(0, ge=0)
    """Further duels, for each that people judge, that the reward model alone judges; they sharpen people's votes."""
    min_win_rate: float = Field(0.5, ge=0, le=1)
    """Least win rate against the parent by the reward model, where that is the judge."""
    max_kl: float = Field(30.0, gt=0)
    """Most KL divergence from the base, nats a completion."""


class GuardTable(Table):
    """`[guard]`: what a policy must not unlearn or become, whatever it wins; docs/guard.md. Limits are against the base."""

    probes: str = ""
    """JSONL of further probes, beside those that come with the project. Copied into the run when it is made."""
    max_perplexity: float = Field(1.5, gt=1)
    """Most perplexity on neutral text, times the base's."""
    max_ability_loss: float = Field(0.1, ge=0, le=1)
    """Largest share of the probes that the base solves and the policy does not, less those that only the policy solves."""
    min_length: float = Field(0.1, ge=0, lt=1)
    """Fewest words an answer, times the base's. Wide: shorter answers may be what is wished."""
    max_length: float = Field(5.0, gt=1)
    """Most words an answer, times the base's."""
    max_repetition: float = Field(0.15, ge=0, le=1)
    """Largest share of an answer's runs of four words that were in it before, above the base's."""
    min_diversity: float = Field(0.4, ge=0, lt=1)
    """Least share of different pairs of words in equally many words, times the base's."""
    max_kl_parent: float = Field(60.0, gt=0)
    """Most KL divergence from the parent, nats a completion; from the base it is `promotion.max_kl`."""


class TrackingTable(Table):
    """`[tracking]`: Weights & Biases."""

    project: str = "feedback-loop"


class AppTable(Table):
    """`[app]`: the web app."""

    login: Literal["name", "accounts"] = "name"
    """`name`: whoever uses this machine says who they are. `accounts`: by invite and password, also from other machines."""


class Recipe(Table):
    """How a run is done. All keys have defaults; see `data/recipes/`."""

    seed: int = 0
    launcher: str = ""
    """Put in front of a stage's own process, such as `torchrun --nproc_per_node 2`."""
    model: ModelTable = ModelTable()
    prompts: PromptsTable = PromptsTable()
    brief: BriefTable = BriefTable()
    sampling: SamplingTable = SamplingTable()
    asking: AskingTable = AskingTable()
    rankings: RankingsTable = RankingsTable()
    preferences: PreferencesTable = PreferencesTable()
    reward: RewardTable = RewardTable()
    policy: PolicyTable = PolicyTable()
    evaluation: EvaluationTable = EvaluationTable()
    promotion: PromotionTable = PromotionTable()
    guard: GuardTable = GuardTable()
    tracking: TrackingTable = TrackingTable()
    app: AppTable = AppTable()


def load(path: Path | None, overrides: list[str] | tuple[str, ...] = ()) -> Recipe:
    """Read a recipe and apply `key=value` overrides; UsageError names the file and the key."""
    where = str(path) if path else "the default recipe"
    data: dict[str, Any] = {}
    if path is not None:
        try:
            data = tomllib.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise UsageError(f"{path}: cannot read the recipe ({error.strerror}). Check the path.") from error
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise UsageError(f"{path}: not valid TOML: {error}. Correct the file.") from error
    for override in overrides:
        _set(data, override)
    return parse(data, where)


def parse(data: dict[str, Any], where: str) -> Recipe:
    """A validated recipe from plain data; UsageError names the first wrong key and what is known there."""
    _without_pseudo_pairs(data, where)
    _without_shared_passwords(data, where)
    try:
        return Recipe.model_validate(data)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        if first["type"] == "extra_forbidden":
            raise UsageError(f"{where}: unknown key {key}. Known there: {_known(first['loc'][:-1])}.") from error
        raise UsageError(f"{where}: {key} = {first['input']!r}: {first['msg']}. Correct that key.") from error


def dump(recipe: Recipe) -> str:
    """The whole recipe as TOML."""
    return tomli_w.dumps(recipe.model_dump())


def digest(recipe: Recipe) -> str:
    """sha256 of the whole recipe, hexadecimal."""
    return hashlib.sha256(dump(recipe).encode()).hexdigest()


def _without_pseudo_pairs(data: dict[str, Any], where: str) -> None:
    """Take out keys that recipes had before best-of-n learned people's pairs too: runs carry every key there was."""
    policy = data.get("policy", {})
    if isinstance(policy, dict):
        if policy.pop("pseudo_pairs", 0):
            raise UsageError(
                f'{where}: policy.pseudo_pairs is gone. Set policy.step = "bon" and policy.bon.learn = "both".'
            )
        for key in ("pseudo_completions", "pseudo_accuracy"):
            policy.pop(key, None)


def _without_shared_passwords(data: dict[str, Any], where: str) -> None:
    """One password for all is gone: whoever knew it could answer under any name."""
    app = data.get("app")
    if isinstance(app, dict) and app.get("login") in ("password", "token"):
        raise UsageError(
            f'{where}: app.login = "{app["login"]}" is gone, since anybody could answer as another by it. '
            'Set app.login = "accounts"; serving the run then prints an invite for its owner.'
        )


def _set(data: dict[str, Any], override: str) -> None:
    key, equals, text = override.partition("=")
    if not equals or not key.strip():
        raise UsageError(f"--set {override}: write it as table.key=value, such as --set policy.trl.beta=0.05.")
    try:
        value = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        value = text
    *tables, last = key.strip().split(".")
    for table in tables:
        data = data.setdefault(table, {})
        if not isinstance(data, dict):
            raise UsageError(f"--set {override}: {table} is a value, not a table. See data/recipes/default.toml.")
    data[last] = value


def _known(location: tuple[int | str, ...]) -> str:
    table: type[BaseModel] = Recipe
    for part in location:
        annotation = table.model_fields[str(part)].annotation
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            table = annotation
    return ", ".join(table.model_fields)
