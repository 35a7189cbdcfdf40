"""What the app remembers of what it gave to whom, while it runs: nothing of it is stored."""

import secrets
from collections import OrderedDict
from typing import Generic, TypeVar

from fastapi import HTTPException

REMEMBERED = 500
"""Things, of all people together."""
T = TypeVar("T")


class Memory(Generic[T]):
    """What was given to whom lately, by a name that nobody can guess."""

    def __init__(self, gone: str) -> None:
        self._gone = gone
        self._kept: OrderedDict[str, tuple[str, T]] = OrderedDict()

    def add(self, user: str, thing: T) -> str:
        """Its name."""
        name = secrets.token_urlsafe(12)
        self._kept[name] = (user, thing)
        while len(self._kept) > REMEMBERED:
            self._kept.popitem(last=False)
        return name

    def find(self, user: str, name: str) -> T:
        """What has that name; 404, with what to do next, where this user was given nothing of that name lately."""
        owner, thing = self._kept.get(name, (None, None))
        if thing is None or owner != user:
            raise HTTPException(404, self._gone)
        return thing
