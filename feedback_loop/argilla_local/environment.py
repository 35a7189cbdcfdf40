"""The server's own Python environment, made on first use from `requirements.lock`."""

import hashlib
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from feedback_loop.argilla_local import places
from feedback_loop.errors import LoopError

LOCK = Path(__file__).with_name("requirements.lock")


def python(folder: Path) -> Path:
    """The environment's interpreter."""
    return folder / "bin" / "python"


def ensure(folder: Path, log: Path, report: Callable[[str], None]) -> None:
    """Make the environment where it is absent, half made or of another lock file; LoopError where that fails."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with places.locked(folder.with_name(folder.name + ".lock")):
        marker = folder / "complete"
        if marker.is_file() and marker.read_text(encoding="utf-8") == _fingerprint():
            return
        report("Installing Argilla into an environment of its own (once, about a minute)")
        shutil.rmtree(folder, ignore_errors=True)
        with log.open("a", encoding="utf-8") as out:
            _run([sys.executable, "-m", "venv", str(folder)], out, log)
            _run([str(python(folder)), *_INSTALL, "--requirement", str(LOCK)], out, log)
        marker.write_text(_fingerprint(), encoding="utf-8")


_INSTALL = ("-m", "pip", "install", "--no-deps", "--no-input", "--quiet", "--disable-pip-version-check")


def _fingerprint() -> str:
    return f"{sys.version_info.major}.{sys.version_info.minor} {hashlib.sha256(LOCK.read_bytes()).hexdigest()}"


def _run(command: list[str], out: object, log: Path) -> None:
    try:
        done = subprocess.run(command, stdout=out, stderr=subprocess.STDOUT, check=False)  # type: ignore[call-overload]
    except OSError as error:
        raise LoopError(
            f"{command[0]}: {error.strerror}. Argilla's environment could not be made; see {log}"
        ) from error
    if done.returncode != 0:
        raise LoopError(
            f"Argilla's environment could not be installed (pip's words are in {log}). "
            "Check the network and the disk, then: feedback-loop argilla start"
        )
