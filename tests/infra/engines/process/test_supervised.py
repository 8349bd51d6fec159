"""A process that is started again when it ends."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.engines.process.record import Seen
from infra.engines.process.supervised import Supervised
from infra.host.processes import Child, Command, started, wait_until


def command(source: str, folder: Path) -> Command:
    return Command(argv=(sys.executable, "-S", "-c", source), folder=folder, variables={})


def sleeper(folder: Path) -> Command:
    return command("import time; time.sleep(60)", folder)


@pytest.fixture
def process(tmp_path: Path) -> Iterator[Supervised]:
    process = Supervised(lambda: sleeper(tmp_path), tmp_path / "logs" / "a.log")
    try:
        yield process
    finally:
        process.send(signal.SIGKILL)
        wait_until(lambda: not process.alive, 30)


def test_it_is_started_once_and_left_alone(process: Supervised) -> None:
    assert process.seen is None and process.supervise() == ""
    first = process.seen
    assert first and process.supervise() == "" and process.seen == first and process.alive and process.restarts == 0


def test_it_is_started_again_soon_after_it_was_killed(process: Supervised) -> None:
    process.supervise()
    first = process.seen
    assert first
    os.kill(first.pid, signal.SIGKILL)
    assert wait_until(lambda: not process.alive, 30)
    died = time.monotonic()
    assert process.supervise() == "was ended by SIGKILL"
    assert wait_until(lambda: process.supervise() == "" and process.alive, 30)
    assert time.monotonic() - died < 1.0
    assert process.seen and process.seen.pid != first.pid and process.seen.restarts == 1


def test_pauses_grow_while_it_ends_at_once(tmp_path: Path) -> None:
    process = Supervised(lambda: command("raise SystemExit(3)", tmp_path), tmp_path / "a.log")
    died: list[float] = []

    def ended() -> bool:
        if process.supervise() == "ended with exit code 3":
            died.append(time.monotonic())
        return len(died) == 4

    assert wait_until(ended, 30)
    gaps = [later - earlier for earlier, later in zip(died, died[1:], strict=False)]
    assert gaps[0] >= 0.1 and gaps[1] >= 0.2 and gaps[2] >= 0.4 and process.restarts == 4


def test_what_cannot_be_started_is_told_and_tried_again(tmp_path: Path) -> None:
    process = Supervised(lambda: Command(argv=("/no/such/program",), folder=tmp_path, variables={}), tmp_path / "a.log")
    told = process.supervise()
    assert told.startswith("cannot be started: ") and "/no/such/program" in told
    assert process.restarts == 1 and process.seen is None
    assert wait_until(lambda: process.supervise().startswith("cannot be started"), 30)


def test_a_living_process_of_an_earlier_supervisor_is_taken_over(process: Supervised, tmp_path: Path) -> None:
    process.supervise()
    assert process.seen
    other = Supervised(lambda: sleeper(tmp_path), tmp_path / "a.log", process.seen)
    assert other.supervise() == "" and other.seen == process.seen


def test_a_dead_process_of_an_earlier_supervisor_counts_as_a_restart(tmp_path: Path) -> None:
    dead = Seen(pid=os.getpid(), born="another start", restarts=4)
    process = Supervised(lambda: sleeper(tmp_path), tmp_path / "a.log", dead)
    try:
        assert process.supervise() == "" and process.seen and process.seen.pid != os.getpid() and process.seen.restarts == 5
    finally:
        process.send(signal.SIGKILL)
        wait_until(lambda: not process.alive, 30)


def test_a_process_is_known_by_id_and_start() -> None:
    me = Child(os.getpid(), started(os.getpid()))
    assert Child.find(me.pid, me.born) is not None
    assert Child.find(me.pid, "another start") is None
    assert Child.find(0, "") is None


def test_end_asks_and_then_kills(tmp_path: Path) -> None:
    source = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('on', flush=True); time.sleep(60)"
    )
    child = Child.spawn(command(source, tmp_path), tmp_path / "a.log")
    assert wait_until(lambda: (tmp_path / "a.log").read_text() == "on\n", 30)
    child.end(0.2)
    assert wait_until(lambda: not child.alive(), 30) and child.ending() == "was ended by SIGKILL"
