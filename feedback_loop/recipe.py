"""The recipe: one TOML file that says how a run is done, a table a stage. Each key has one reader."""

import hashlib
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

import tomli_w
from pydantic import BaseModel, Field, ValidationError

from feedback_loop.errors import UsageError
from feedback_loop.policy_tables import PolicyTable, Table, TrlOptions
from feedback_loop.records import MOST_COMPLETIONS, MOST_SHOTS, Strategy

Weight = Annotated[float, Field(gt=0, allow_inf_nan=False)]


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
    """Held-out prompts that are answered at each level, first those that the evaluation asks; 0: no curve."""


class ExamplesTable(Table):
    """`[examples]`: answers that people wrote or ranked highest, shown before a chat as earlier turns; see docs/examples.md."""

    shots: int = Field(0, ge=0, le=MOST_SHOTS)
    """How many, of the requests nearest to the last one, where whoever chats does not say. A round's own answers see none."""


Training = Literal["none", "dpo", "ppo", "rloo", "bon", "kto", "sft", "ditto", "bake", "bake+dpo"]


class SoupTable(Table):
    """`[soup]`: what the soup bench tries, every training at each level and number of examples; docs/soup-bench.md."""

    trainings: tuple[Training, ...] = ()
    """Empty: the base and `dpo`, with a brief `bake` and `bake+dpo`, with a few answers that people wrote `sft`."""
    levels: tuple[Level, ...] = (1.0, 0.0)
    """Shares of the brief that are pasted; only nothing, where there is none."""
    shots: Annotated[tuple[Annotated[int, Field(ge=0, le=MOST_SHOTS)], ...], Field(min_length=1)] = (0, 3)
    """Examples shown before a request."""
    prompts: int = Field(24, ge=4)
    """Held-out requests that every cell answers."""


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
    weights: dict[str, Weight] = Field(default_factory=dict)
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
    trl: TrlOptions = Field(default_factory=dict)
    """Passed to trl.RewardConfig word for word."""


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
    max_instruction_loss: float = Field(0.2, ge=0, le=1)
    """The same of the probes whose chat states an instruction of its own (kind `instruction`)."""
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
    examples: ExamplesTable = ExamplesTable()
    soup: SoupTable = SoupTable()
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
    _without_neutral_shares(data, where)
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


def _without_neutral_shares(data: dict[str, Any], where: str) -> None:
    """Take out keys by which neutral chats were pairs, or a share of a baking's answers: each step is held by them now."""
    policy = data.get("policy", {})
    if isinstance(policy, dict):
        if policy.pop("neutral", 0):
            raise UsageError(f"{where}: policy.neutral is gone. Remove it; policy.hold, a weight, does more by itself.")
        if isinstance(policy.get("bake"), dict):
            policy["bake"].pop("neutral", None)


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
