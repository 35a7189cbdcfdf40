"""Files that are not as they were written: found by their checksum, named, and with the command that makes them again."""

import hashlib
import json
import re
from pathlib import Path

from feedback_loop.errors import LoopError

MANIFEST = "manifest.json"
PART = re.compile(r"\d+-[a-z]+(\.(more|chat)-\d{3,})?")
"""Name of the folder of a finished stage or batch."""


def checked(file: Path) -> str:
    """sha256 of a file; LoopError where it belongs to a finished stage and is missing, or not as that wrote it."""
    folder = _stage_folder(file)
    if folder is None or file.name == MANIFEST or not (folder / MANIFEST).exists():
        return sha256(file)
    found = sha256(file) if file.is_file() else None
    if found is None or found != _written(folder).get(str(file.relative_to(folder)), found):
        raise LoopError(f"{file}: damaged or missing (sha256 differs from the manifest). {again(file)}")
    return found


def written(file: Path) -> bool:
    """Whether a finished stage wrote this file, so that it must be there."""
    folder = _stage_folder(file)
    return folder is not None and (folder / MANIFEST).exists() and str(file.relative_to(folder)) in _written(folder)


def again(file: Path, otherwise: str = "") -> str:
    """What to type so that the stage of this file is made again; `otherwise` where it belongs to none."""
    folder = _stage_folder(file)
    if folder is None:
        return otherwise
    number, run = int(folder.parent.name), folder.parent.parent.parent
    return f"Make it again: feedback-loop redo {run} {folder.name.partition('-')[2].partition('.')[0]} --round {number}"


def sha256(path: Path) -> str:
    """sha256 of a file, hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _stage_folder(file: Path) -> Path | None:
    """`RUN/rounds/007/5-reward` of a file below it; None where it lies elsewhere."""
    for above in file.parents:
        if PART.fullmatch(above.name) and above.parent.name.isdigit() and above.parent.parent.name == "rounds":
            return above
    return None


def _written(folder: Path) -> dict[str, str]:
    """Files and checksums as the stage wrote them."""
    file = folder / MANIFEST
    try:
        outputs: dict[str, str] = json.loads(file.read_text(encoding="utf-8"))["outputs"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise LoopError(f"{file}: damaged. {again(file)}") from error
    return outputs
