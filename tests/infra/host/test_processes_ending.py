"""A process that was started ends, whether it wants to or not."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from infra.host import processes as module
from infra.host.processes import end, interrupted_once

STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('on', flush=True); time.sleep(60)"


def test_one_that_is_asked_ends() -> None:
    assert end(subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]), 20.0) == -signal.SIGTERM


def test_one_that_ignores_it_is_killed() -> None:
    with subprocess.Popen([sys.executable, "-c", STUBBORN], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None and process.stdout.readline() == b"on\n"
        assert end(process, 0.2) == -signal.SIGKILL


def test_one_that_was_asked_already_is_waited_for() -> None:
    assert end(subprocess.Popen([sys.executable, "-c", "raise SystemExit(7)"]), 20.0, asked=True) == 7


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_interrupts_while_something_runs_and_is_itself_again_afterwards(number: signal.Signals) -> None:
    started_with = signal.signal(number, signal.SIG_DFL)  # under nohup, the tests are started to ignore one
    try:
        with pytest.raises(KeyboardInterrupt), interrupted_once():
            signal.raise_signal(number)
        assert signal.getsignal(number) == signal.SIG_DFL
    finally:
        signal.signal(number, started_with)


def test_the_second_signal_does_not_interrupt_what_puts_things_in_order(capfd: pytest.CaptureFixture[str]) -> None:
    in_order = []
    with pytest.raises(KeyboardInterrupt), interrupted_once():
        try:
            signal.raise_signal(signal.SIGINT)
        finally:
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGTERM)
            in_order.append(True)
    assert in_order and "being put in order" in capfd.readouterr().err


def test_one_that_takes_too_long_can_be_broken_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PATIENCE_SECONDS", 0.0)
    in_order = []
    with pytest.raises(KeyboardInterrupt), interrupted_once():
        try:
            signal.raise_signal(signal.SIGINT)
        finally:
            signal.raise_signal(signal.SIGINT)
            in_order.append(True)
    assert not in_order


def test_what_is_ignored_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with interrupted_once():
            signal.raise_signal(signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, before)
