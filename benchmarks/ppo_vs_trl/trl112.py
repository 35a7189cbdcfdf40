"""The peer's environment: TRL 1.12, the last release with PPO, in a folder of its own; all else is the project's."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

VERSION = "1.12.0"
ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "benchmarks" / ".peers" / "trl-1.12"


def install() -> Path:
    """The folder that holds TRL 1.12, made with pip where it is not there yet."""
    if not (FOLDER / f"trl-{VERSION}.dist-info").is_dir():
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
        subprocess.run([*pip, "--target", str(FOLDER), f"trl=={VERSION}"], check=True)
    return FOLDER


def run(module: str, out: Path, *options: object, peer: bool) -> dict[str, Any]:
    """`python -m MODULE --out OUT OPTIONS` in a process of its own, TRL 1.12 in front for the peer; its result.json.

    RuntimeError with the end of what it said where it fails.
    """
    out.mkdir(parents=True, exist_ok=True)
    environment = {"OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false", **os.environ}
    if peer:
        environment["PYTHONPATH"] = str(install())
    command = [sys.executable, "-m", module, "--out", str(out), *map(str, options)]
    log = out / "log.txt"
    with log.open("w", encoding="utf-8") as said:
        done = subprocess.run(command, check=False, cwd=ROOT, env=environment, stdout=said, stderr=said)
    if done.returncode:
        raise RuntimeError(f"{module} ended with {done.returncode}:\n{log.read_text(encoding='utf-8')[-3000:]}")
    found: dict[str, Any] = json.loads((out / "result.json").read_text(encoding="utf-8"))
    return found
