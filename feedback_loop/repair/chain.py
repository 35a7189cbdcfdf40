"""Which stage was made from which, also of those that were set aside: by the checksums in their manifests."""

from dataclasses import dataclass, field
from pathlib import Path

from feedback_loop.damage import sha256
from feedback_loop.errors import UsageError
from feedback_loop.run import STAGES, Manifest, Run, read_record

WEIGHTS = "adapter/adapter_model.safetensors"


@dataclass(frozen=True)
class Made:
    """A finished stage's folder, wherever it lies now."""

    path: Path
    manifest: Manifest = field(compare=False)
    live: bool = field(compare=False)
    """Whether it is the run's, and not set aside."""

    @property
    def round(self) -> int:
        """Of which round it was."""
        return self.manifest.round


def made(run: Run, stage: str) -> list[Made]:
    """All folders of a stage that a run ever made and still has, those of the run first."""
    prefix = f"{STAGES.index(stage) + 1}-{stage}"
    files = sorted((run.path / "rounds").glob(f"*/{prefix}*/manifest.json"))
    folders = [f.parent for f in files if f.parent.name.partition(".aside-")[0] == prefix]
    found = [Made(p, m := read_record(p / "manifest.json", Manifest), _is_live(run, p, m, stage)) for p in folders]
    return sorted(found, key=lambda one: not one.live)


def maker(run: Run, one: Made, stage: str) -> Made | None:
    """The folder of that stage which this one was made from; None where it read none, or where that is gone.

    Where it read several, that of its own round: an evaluation reads its parent's adapter too.
    """
    mark = f"/{STAGES.index(stage) + 1}-{stage}/"
    read: dict[str, dict[str, str]] = {}
    for name, digest in one.manifest.inputs.items():
        if mark in name:
            place, _, file = name.partition(mark)
            read.setdefault(place, {})[file] = digest
    if not read:
        return None
    own = f"rounds/{one.round:03d}"
    place = own if own in read else next(iter(read))
    found = [other for other in made(run, stage) if other.path != one.path and _holds(other, read[place])]
    there = run.path / (place + mark)  # where it lay then: two folders may hold the same
    return next((other for other in found if other.path == there), found[0] if found else None)


def made_by(run: Run, source: Made, stage: str) -> list[Made]:
    """The folders of that stage which read this one."""
    kind = source.manifest.stage
    return [
        one for one in made(run, stage) if (found := maker(run, one, kind)) is not None and found.path == source.path
    ]


def policy_of(run: Run, name: str) -> Made:
    """The policy stage of a policy in the run; UsageError where there is none of that name."""
    number = name.removeprefix("round-")
    found = [one for one in made(run, "policy") if one.live and number.isdigit() and one.round == int(number)]
    if not found:
        there = ", ".join(f"round-{one.round:03d}" for one in made(run, "policy") if one.live) or "none but the base"
        raise UsageError(f"{run.path}: no policy {name}. There are: {there}.")
    return found[0]


def policy_at(run: Run, folder: Path) -> Made:
    """The policy stage that an adapter's folder belongs to; UsageError where it is none."""
    for one in made(run, "policy"):
        if folder.resolve() in (one.path.resolve(), (one.path / "adapter").resolve()):
            return one
    raise UsageError(f"{folder}: no adapter that a policy stage of {run.path} made. Look: feedback-loop why {run.path}")


def run_around(path: Path) -> Path:
    """The run's folder that a path lies in; UsageError where it lies in none."""
    for folder in (path.absolute(), *path.absolute().parents):
        if (folder / "run.json").is_file():
            return folder
    raise UsageError(f"{path}: neither a run nor inside one.")


def _holds(one: Made, read: dict[str, str]) -> bool:
    def digest(name: str) -> str | None:
        return sha256(one.path / name) if name == "manifest.json" else one.manifest.outputs.get(name)

    return all(digest(name) == expected for name, expected in read.items())


def _is_live(run: Run, path: Path, manifest: Manifest, stage: str) -> bool:
    return path == run.stage_folder(manifest.round, stage)
