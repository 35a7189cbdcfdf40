"""Which program made a stage: versions of its parts, and the revision of its source."""

import subprocess
from importlib.metadata import version
from pathlib import Path

PACKAGES = ("feedback-loop", "torch", "transformers", "trl", "peft", "datasets", "accelerate")


def packages() -> dict[str, str]:
    """Versions of what a stage's outputs hang on."""
    return {name: version(name) for name in PACKAGES}


def git_revision() -> str | None:
    """Revision of the source this program runs from, with `+` where it was changed; None outside a checkout."""
    here = Path(__file__).parent
    command = ["git", "-C", str(here), "describe", "--always", "--abbrev=40", "--dirty=+", "--exclude=*"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() or None if done.returncode == 0 else None
