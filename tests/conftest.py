"""What holds for all tests."""

from __future__ import annotations

import signal


def pytest_configure() -> None:
    """Answer Ctrl-C: a shell starts what runs in the background with SIGINT ignored, and every child inherits that."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
