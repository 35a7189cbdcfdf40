import socket

import pytest
from fastapi import FastAPI

from feedback_loop.errors import UsageError
from ui.serve import _listen, serve


def test_a_taken_port_is_one_line_with_the_way_out():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(UsageError, match=f"--port {port + 1}") as refused:
            serve(FastAPI(), host="127.0.0.1", port=port, open_browser=False, ready=lambda url: None)
        assert "\n" not in str(refused.value)


def test_answers_are_sent_at_once():
    with _listen("127.0.0.1", 0) as listening:
        assert listening.proto == socket.IPPROTO_TCP  # by which asyncio decides whether to set TCP_NODELAY
