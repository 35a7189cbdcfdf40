import socket

import pytest
from fastapi import FastAPI

from feedback_loop.errors import UsageError
from ui.serve import serve


def test_a_taken_port_is_one_line_with_the_way_out():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(UsageError, match=f"--port {port + 1}") as refused:
            serve(FastAPI(), host="127.0.0.1", port=port, open_browser=False, ready=lambda url: None)
        assert "\n" not in str(refused.value)
