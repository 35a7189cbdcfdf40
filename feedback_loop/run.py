"""Run folders: the only code that commits a stage.

A stage folder is whole or absent. It is written under a temporary name, its manifest last, everything is synced, and
it is renamed once; after that nobody changes it.
"""

import hashlib
import json
import re
import secrets
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from feedback_loop import recipe as recipes
from feedback_loop.damage import MANIFEST, again, checked, sha256
from feedback_loop.durable import make_folder, sync_file, sync_folder, write_text
from feedback_loop.errors import LoopError, UsageError
from feedback_loop.records import Prompt, Record, now
from feedback_loop.versions import git_revision, packages

FORMAT = 2
STAGES = ("prompts", "comparisons", "rankings", "preferences", "reward", "policy", "evaluation", "duels", "promotion")
BATCH = re.compile(r"comparisons\.(more|chat)-\d{3,}")
"""Further comparisons beside the stage: sampled (`stages/more.py`), or corrected in a chat (`corrections.py`)."""
R = TypeVar("R", bound=Record)
Asked = Sequence[Prompt]


class Origin(Record):
    """The run that another one was branched from, and the last round that both have."""

    run: str
    """Its id."""
    round: int


class RunRecord(Record):
    """`run.json`: what a run is, written once."""

    format: int
    id: str
    created_at: str
    made_by: str
    branched_from: Origin | None = None


class Manifest(Record):
    """`manifest.json` of a stage folder, written last: its existence means that the stage is complete."""

    format: int
    stage: str
    round: int
    seed: int
    inputs: dict[str, str]
    """Path below the run folder -> sha256."""
    outputs: dict[str, str]
    """Path below the stage folder -> sha256."""
    recipe: str
    """sha256 of the recipe in force."""
    git_revision: str | None
    packages: dict[str, str]
    started_at: str
    finished_at: str
    facts: dict[str, Any]
    """Figures and choices of the stage: counts, metrics, the parent policy and so on."""


@dataclass(frozen=True)
class Run:
    """An open run: its folder and what it is. The recipe is read anew each time the run is opened."""

    path: Path
    record: RunRecord = field(repr=False)
    recipe: recipes.Recipe = field(repr=False)

    @property
    def id(self) -> str:
        """Short random name of the run, the same on every machine it is copied to."""
        return self.record.id

    @cached_property
    def recipe_digest(self) -> str:
        """sha256 of the recipe in force."""
        return recipes.digest(self.recipe)

    def round_folder(self, number: int) -> Path:
        """`RUN/rounds/007`."""
        return self.path / "rounds" / f"{number:03d}"

    @property
    def cache(self) -> Path:
        """`RUN/cache`: what is dear to compute, keyed by content. May be deleted."""
        return self.path / "cache"

    def resume_folder(self, number: int, stage: str) -> Path:
        """Where an unfinished stage leaves what it would go on from."""
        final = self.stage_folder(number, stage)
        return final.parent / f".resume-{final.name}"

    def stage_folder(self, number: int, stage: str) -> Path:
        """`RUN/rounds/007/5-reward`, or `2-comparisons.more-001` of a batch; whether or not it is there yet."""
        return self.round_folder(number) / f"{STAGES.index(stage.partition('.')[0]) + 1}-{stage}"

    def batches(self, number: int) -> list[str]:
        """Names of a round's complete batches, `comparisons.more-001` and on: beside the stage, each committed like one."""
        found = self.round_folder(number).glob(f"{STAGES.index('comparisons') + 1}-comparisons.*/manifest.json")
        return sorted(name for file in found if BATCH.fullmatch(name := file.parent.name.partition("-")[2]))

    def done(self, number: int, stage: str) -> bool:
        """Whether the stage is complete."""
        return (self.stage_folder(number, stage) / "manifest.json").exists()

    def manifest(self, number: int, stage: str) -> Manifest:
        """The manifest of a complete stage."""
        return read_record(self.stage_folder(number, stage) / MANIFEST, Manifest)

    def files(self, number: int, stage: str) -> list[Path]:
        """All files that a complete stage wrote, whether or not they are still there, and its manifest."""
        folder = self.stage_folder(number, stage)
        return [*(folder / name for name in self.manifest(number, stage).outputs), folder / MANIFEST]

    def rounds(self) -> list[int]:
        """Numbers of all rounds that have been started, in order."""
        folder = self.path / "rounds"
        return sorted(int(p.name) for p in folder.iterdir() if p.name.isdigit()) if folder.exists() else []

    def seed(self, number: int, stage: str) -> int:
        """The seed of a stage, drawn from the recipe's: 31 bits."""
        text = f"{self.recipe.seed}/{number}/{stage}"
        return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big") >> 1


def create(
    path: Path, recipe: recipes.Recipe, prompts: Asked, heldout: Asked, probes: Asked = (), brief: str = ""
) -> Run:
    """Make a run folder that holds all it needs; UsageError where the folder is already in use."""
    texts = {"recipe.toml": recipes.dump(recipe), "brief.md": brief}
    with new_folder(path) as making:
        (making / "rounds").mkdir()
        for name, asked in (("prompts", prompts), ("heldout", heldout), ("probes", probes)):
            write_jsonl(making / f"{name}.jsonl", asked)
        for name in filter(texts.get, texts):
            write_text(making / name, texts[name])
    return open_run(path)


@contextmanager
def new_folder(path: Path, branched_from: Origin | None = None) -> Iterator[Path]:
    """A folder to fill, which becomes the run at `path`, whole, at the end; UsageError where that is already in use."""
    refuse_used(path)
    made_by = f"feedback-loop {version('feedback-loop')}"
    record = RunRecord(
        format=FORMAT, id=secrets.token_hex(4), created_at=now(), made_by=made_by, branched_from=branched_from
    )
    make_folder(path.parent)
    making = path.parent / f".{path.name}.making-{record.id}"
    try:
        making.mkdir()
        yield making
        write_text(making / "run.json", record.model_dump_json(indent=2) + "\n")
        if path.exists():
            path.rmdir()
        making.rename(path)
    finally:
        shutil.rmtree(making, ignore_errors=True)
    sync_folder(path.parent)


def refuse_used(path: Path) -> None:
    """UsageError where a new run cannot be made there."""
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise UsageError(f"{path}: already there and not empty. Choose another folder for the run.")


def open_run(path: Path) -> Run:
    """Open a run, brought to the present format; UsageError where it is none, LoopError where a newer version made it."""
    file = path / "run.json"
    if not file.is_file():
        raise UsageError(f"{path}: no run there. Make one: feedback-loop init {path}")
    try:
        found = json.loads(file.read_text(encoding="utf-8"))["format"]
    except (ValueError, KeyError, TypeError) as error:
        raise LoopError(f"{file}: not readable as a run's record. Restore it from a copy of the run.") from error
    if found > FORMAT:
        raise LoopError(
            f"{path}: run format {found} is newer than this program's {FORMAT}. Upgrade: pip install -U feedback-loop"
        )
    if found < FORMAT:
        from feedback_loop.migrations import migrate

        migrate(path, FORMAT)
    return Run(path.absolute(), read_record(file, RunRecord), recipes.load(path / "recipe.toml"))


@dataclass
class Draft:
    """A stage folder while it is written: put files into `path`, figures into `facts`, sources into `inputs`."""

    path: Path
    work: Path
    """Scratch space, gone when the stage is done."""
    resume: Path
    """Survives a kill, so that a stage done again may go on; emptied by `resumed` and gone when the stage is done."""
    facts: dict[str, Any] = field(default_factory=dict)
    inputs: list[Path] = field(default_factory=list)
    _digests: dict[Path, str] = field(default_factory=dict)

    def read(self, file: Path, kind: type[R]) -> list[R]:
        """Read records and note the file among the stage's inputs; errors as in `use`."""
        self.use(file)
        return read_jsonl(file, kind)

    def use(self, *files: Path) -> None:
        """Note files among the stage's inputs; LoopError where one is not as the stage that made it wrote it.

        What is only put into `inputs` is looked at in the same way, but when the stage is done.
        """
        self.inputs += files
        for file in files:
            self.digest(file)

    def digest(self, file: Path) -> str:
        """sha256 of an input, taken once; LoopError as in `use`."""
        if file not in self._digests:
            self._digests[file] = checked(file)
        return self._digests[file]

    def resumed(self, key: str) -> Path:
        """The folder `resume`, with what an earlier attempt left there if it had the same key, else empty."""
        mark = self.resume / "key"
        if not mark.exists() or mark.read_text(encoding="utf-8") != key:
            shutil.rmtree(self.resume, ignore_errors=True)
            self.resume.mkdir(parents=True)
            write_text(mark, key)
        return self.resume


@contextmanager
def commit(run: Run, number: int, stage: str) -> Iterator[Draft]:
    """Write a stage: everything that is in the draft when the block ends becomes the stage folder, or nothing does."""
    final = run.stage_folder(number, stage)
    if final.exists():
        raise LoopError(f"{final}: already there. {again(final / MANIFEST)}")
    temporary, work = final.parent / f".making-{final.name}", final.parent / f".work-{final.name}"
    for folder in (temporary, work):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
    started = now()
    draft = Draft(temporary, work, run.resume_folder(number, stage))
    try:
        yield draft
    except Exception:
        for file in draft.inputs:
            draft.digest(file)  # where one is damaged, that is why
        raise
    finally:
        shutil.rmtree(work, ignore_errors=True)
    manifest = Manifest(
        format=FORMAT,
        stage=stage,
        round=number,
        seed=run.seed(number, stage),
        inputs={str(p.relative_to(run.path)): draft.digest(p) for p in draft.inputs},
        outputs={str(p.relative_to(temporary)): sha256(p) for p in files_below(temporary)},
        recipe=run.recipe_digest,
        git_revision=git_revision(),
        packages=packages(),
        started_at=started,
        finished_at=now(),
        facts=draft.facts,
    )
    keep_recipe(run)
    write_text(temporary / MANIFEST, manifest.model_dump_json(indent=2) + "\n")
    for file in files_below(temporary):
        sync_file(file)
    for folder in [*(p for p in temporary.rglob("*") if p.is_dir()), temporary]:
        sync_folder(folder)
    temporary.rename(final)
    for folder in (final.parent, final.parent.parent):  # the round's folder may be new
        sync_folder(folder)
    shutil.rmtree(draft.resume, ignore_errors=True)


def keep_recipe(run: Run) -> None:
    """`RUN/recipes/<sha256>.toml`: the recipe in force, which manifests name by its sum."""
    file = recipe_file(run, run.recipe_digest)
    if not file.exists():
        make_folder(file.parent)
        write_text(file, recipes.dump(run.recipe))


def recipe_file(run: Run, digest: str) -> Path:
    """Where the recipe of that sum is kept; stages that an older version made have none there."""
    return run.path / "recipes" / f"{digest}.toml"


def sweep(run: Run, number: int) -> None:
    """Remove what a batch left that was cut off and will not be made: its round's rankings are taken."""
    for kind in ("making", "work"):
        for folder in run.round_folder(number).glob(f".{kind}-{STAGES.index('comparisons') + 1}-comparisons.*"):
            shutil.rmtree(folder, ignore_errors=True)


def set_aside(path: Path, to: Path | None = None) -> Path | None:
    """Rename a folder or file out of the way, to that name where it is free; its new path, None where there was nothing."""
    if not path.exists():
        return None
    aside = free_name(path) if to is None or to.exists() else to
    path.rename(aside)
    sync_folder(path.parent)
    return aside


def free_name(path: Path) -> Path:
    """The name under which something would be set aside now: `5-reward.aside-1`."""
    number = 1
    while (aside := path.with_name(f"{path.name}.aside-{number}")).exists():
        number += 1
    return aside


def verify(run: Run, number: int, stage: str) -> None:
    """LoopError naming the first file of the stage that is missing or not as it was written."""
    for file in run.files(number, stage):
        checked(file)


def read_jsonl(path: Path, kind: type[R]) -> list[R]:
    """Read records; LoopError names the file and the line that is wrong."""
    records = []
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        advice = again(path, "Check the path and that it is UTF-8.")
        raise LoopError(f"{path}: cannot be read ({error}). {advice}") from error
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            records.append(kind.model_validate_json(line))
        except ValidationError as error:
            advice = again(path, "Correct that line.")
            raise LoopError(f"{path}, line {number}: {_first(error)}. {advice}") from error
    return records


def read_record(path: Path, kind: type[R]) -> R:
    """Read one record from a JSON file; LoopError names the file and the field that is wrong."""
    try:
        return kind.model_validate_json(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise LoopError(f"{path}: cannot be read ({error.strerror}). {again(path, '')}".rstrip()) from error
    except (ValidationError, UnicodeDecodeError) as error:
        advice = again(path, "Restore it from a copy of the run.")
        raise LoopError(f"{path}: {_first(error)}. {advice}") from error


def read_note(path: Path) -> dict[str, Any]:
    """A small JSON file of the moment that another process may be replacing, or that is not there."""
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found


def write_jsonl(path: Path, records: Iterable[BaseModel]) -> None:
    """Write records, one a line."""
    write_text(path, "".join(record.model_dump_json() + "\n" for record in records))


def write_json(path: Path, data: Mapping[str, Any] | Sequence[Any]) -> None:
    """Write plain data as indented JSON."""
    write_text(path, json.dumps(data, indent=2, ensure_ascii=False) + "\n")


def files_below(folder: Path) -> list[Path]:
    """All files below a folder, sorted."""
    return sorted(p for p in folder.rglob("*") if p.is_file())


def _first(error: ValidationError | UnicodeDecodeError) -> str:
    if isinstance(error, UnicodeDecodeError):
        return str(error)
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"])
    return f"{place}: {first['msg']}" if place else first["msg"]
