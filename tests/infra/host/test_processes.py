"""A process is known by its id and its start, whatever the clock says."""

from __future__ import annotations

import builtins
import io
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from infra.host.processes import lives, started, stopped, wait_until

SLEEP = (sys.executable, "-S", "-c", "import time; time.sleep(60)")


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(SLEEP) as process:
        yield process
        process.kill()


def test_each_process_has_a_token_of_its_own(sleeper: subprocess.Popen[bytes]) -> None:
    token = started(sleeper.pid)
    assert token and token == started(sleeper.pid) and lives(sleeper.pid, token)
    assert not lives(sleeper.pid, "") and not lives(sleeper.pid, started(os.getpid()))


def test_one_that_ended_lives_no_more_even_before_it_is_reaped(sleeper: subprocess.Popen[bytes]) -> None:
    token = started(sleeper.pid)
    sleeper.kill()
    assert wait_until(lambda: started(sleeper.pid) == "", 30) and not lives(sleeper.pid, token)
    assert started(0) == "" and not lives(0, "")


def test_one_that_was_suspended_lives_and_is_told_apart(sleeper: subprocess.Popen[bytes]) -> None:
    token = started(sleeper.pid)
    assert not stopped(sleeper.pid)
    os.kill(sleeper.pid, signal.SIGSTOP)
    assert wait_until(lambda: stopped(sleeper.pid), 30) and lives(sleeper.pid, token)
    os.kill(sleeper.pid, signal.SIGCONT)
    assert wait_until(lambda: not stopped(sleeper.pid), 30) and not stopped(0)


@pytest.mark.skipif(sys.platform != "linux", reason="the boot time is read from /proc")
def test_a_clock_that_is_set_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """/proc/stat gives a boot time that moves with the clock, as psutil's create_time does; we must not."""
    before, real = started(os.getpid()), io.open

    def moved(file: Any, *arguments: Any, **options: Any) -> Any:
        if str(file) != "/proc/stat":
            return real(file, *arguments, **options)
        text = real("/proc/stat", "rb").read()
        return io.BytesIO(re.sub(rb"btime (\d+)", lambda found: b"btime %d" % (int(found[1]) + 600), text))

    monkeypatch.setattr(builtins, "open", moved)
    monkeypatch.setattr(io, "open", moved)
    assert started(os.getpid()) == before and lives(os.getpid(), before)
