"""A process that was started ends, whether it wants to or not."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from infra.ending import end, sigterm_as_ctrl_c

STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('on', flush=True); time.sleep(60)"


def test_one_that_is_asked_ends() -> None:
    assert end(subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]), 20.0) == -signal.SIGTERM


def test_one_that_ignores_it_is_killed() -> None:
    with subprocess.Popen([sys.executable, "-c", STUBBORN], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None and process.stdout.readline() == b"on\n"
        assert end(process, 0.2) == -signal.SIGKILL


def test_one_that_was_asked_already_is_waited_for() -> None:
    assert end(subprocess.Popen([sys.executable, "-c", "raise SystemExit(7)"]), 20.0, asked=True) == 7


def test_sigterm_interrupts_while_something_runs_and_is_itself_again_afterwards() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(KeyboardInterrupt), sigterm_as_ctrl_c():
        signal.raise_signal(signal.SIGTERM)
    assert signal.getsignal(signal.SIGTERM) == before
