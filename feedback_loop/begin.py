"""A new run: recipe, prompts and brief are read and checked, then copied into its folder."""

from collections.abc import Sequence
from pathlib import Path

from feedback_loop import prompts, recipe
from feedback_loop import run as runs
from feedback_loop.brief import brief
from feedback_loop.errors import UsageError
from feedback_loop.gate import probes
from feedback_loop.gate.probes import Probe
from feedback_loop.recipe import Recipe
from feedback_loop.records import Prompt
from feedback_loop.run import Run


def begin(
    path: Path, recipe_name: str | None, model: str | None, overrides: Sequence[str], brief_file: str = ""
) -> Run:
    """Make a run; UsageError in one line where recipe, prompts, brief or model are not fit, and then nothing is left behind.

    Without a recipe: `demo` for the shipped tiny model, `default` for any other.
    """
    runs.refuse_used(path)  # before the imports, which take seconds
    from feedback_loop.brief.brief_tokens import check_room
    from feedback_loop.models import check_model
    from policies.steps import check_options as check_policy
    from reward.train import check_options as check_reward

    file = shipped("recipes", recipe_name or ("demo" if model in (None, "tiny") else "default"), ".toml")
    named = [f"model.name={_literal(model)}"] if model is not None else []
    named += [f"brief.file={_literal(brief_file)}"] if brief_file else []
    read = _absolute(recipe.load(file, [*overrides, *named]))
    train, heldout = _prompts(read, file.parent)
    said = _brief(read, file.parent)
    if read.policy.step == "bake" and not read.brief.file:
        raise UsageError('policy.step = "bake" moves a brief into the adapter, and brief.file names none. Name one.')
    check_reward(read.reward)
    check_policy(read.policy)
    check_model(read.model)
    if said is not None:
        check_room(read, said, [*train, *heldout], read.brief.file)
    return runs.create(path, read, train, heldout, _probes(read, file.parent), said.text if said else "")


def shipped(kind: str, name: str, suffix: str) -> Path:
    """A file of the user's, or the one the project ships under that bare name in `data/`."""
    ours = prompts.DATA / kind / f"{name}{suffix}"
    return ours if not Path(name).exists() and ours.exists() else Path(name)


def _prompts(read: Recipe, beside: Path) -> tuple[list[Prompt], list[Prompt]]:
    table = read.prompts
    asked = prompts.load(_find(table.file, beside))
    if not table.heldout_file:
        return prompts.split(asked, table.heldout, read.seed)
    heldout = prompts.load(_find(table.heldout_file, beside))
    shared = {p.prompt for p in asked} & {p.prompt for p in heldout}
    if shared:
        text = min(shared)[-1].content
        raise UsageError(
            f"{table.heldout_file}: {text!r} is in {table.file} too. A held-out prompt must be in one only."
        )
    return asked, heldout


def _brief(read: Recipe, beside: Path) -> brief.Brief | None:
    return brief.read(_find(read.brief.file, beside, "briefs", ".md")) if read.brief.file else None


def _probes(read: Recipe, beside: Path) -> list[Probe]:
    """The project's probes, and the user's after them."""
    ours = probes.shipped()
    return probes.load(_find(read.guard.probes, beside, "probes"), ours) if read.guard.probes else ours


def _find(name: str, beside: Path, kind: str = "prompts", suffix: str = ".jsonl") -> Path:
    """A shipped name, a path from here, or a path from the recipe's own folder."""
    found = shipped(kind, name, suffix)
    return beside / name if not found.exists() and (beside / name).exists() else found


def _absolute(read: Recipe) -> Recipe:
    """A model folder, and a file of neutral chats, by their full paths, so that the run works from anywhere."""
    chats = Path(read.policy.neutral_file)
    if chats.is_file():
        read = read.model_copy(
            update={"policy": read.policy.model_copy(update={"neutral_file": str(chats.absolute())})}
        )
    folder = Path(read.model.name)
    if read.model.name == "tiny" or not folder.is_dir():
        return read
    return read.model_copy(update={"model": read.model.model_copy(update={"name": str(folder.absolute())})})


def _literal(text: str) -> str:
    return "'" + text + "'" if "'" not in text else text
