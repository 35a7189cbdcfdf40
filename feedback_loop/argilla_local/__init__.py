"""The embedded Argilla: the real server in an environment of its own, on SQLite and Valkey, on this machine only."""

from feedback_loop.argilla_local.server import Connection, Status, connection, start, status, stop

__all__ = ["Connection", "Status", "connection", "start", "status", "stop"]
