"""The owner's log-in and the server's secret, drawn once and readable by this user alone."""

import json
import os
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path

from feedback_loop.errors import LoopError


@dataclass(frozen=True)
class Credentials:
    """Log-in of the owner (web UI: user name and password; API: key) and the secret that signs sessions."""

    username: str
    password: str
    api_key: str
    secret: str


def load(home: Path) -> Credentials | None:
    """The credentials kept in a home, or None; LoopError where the file is not readable."""
    file = home / "credentials.json"
    try:
        return Credentials(**json.loads(file.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError) as error:
        raise LoopError(
            f"{file}: not readable. Delete it for new ones: rm {file}; feedback-loop argilla start"
        ) from error


def ensure(home: Path) -> Credentials:
    """The credentials of a home, drawn on first use."""
    found = load(home)
    if found is not None:
        return found
    made = Credentials("owner", secrets.token_urlsafe(15), secrets.token_urlsafe(32), secrets.token_hex(32))
    making = home / ".credentials.writing"
    making.unlink(missing_ok=True)
    descriptor = os.open(making, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(json.dumps(asdict(made), indent=2) + "\n")
        file.flush()
        os.fsync(file.fileno())
    making.rename(home / "credentials.json")
    return made
