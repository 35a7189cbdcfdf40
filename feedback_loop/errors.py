"""The two ways this program fails. Each message is one line: what, where, what to type next."""


class LoopError(Exception):
    """Something failed while running (exit status 1)."""

    exit_status = 1


class UsageError(LoopError):
    """The user asked for something that cannot be (exit status 2)."""

    exit_status = 2
