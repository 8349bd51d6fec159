"""A process that is kept alive."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.engines.process.kept import Kept
from infra.engines.process.record import Seen
from infra.engines.readiness import wait_until
from infra.host.child import Child, Command


def command(source: str, folder: Path) -> Command:
    return Command(argv=(sys.executable, "-S", "-c", source), folder=folder, variables={})


def sleeper(folder: Path) -> Command:
    return command("import time; time.sleep(60)", folder)


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Kept]:
    kept = Kept(lambda: sleeper(tmp_path), tmp_path / "logs" / "a.log")
    try:
        yield kept
    finally:
        kept.send(signal.SIGKILL)
        wait_until(lambda: not kept.alive, 5)


def test_it_is_started_once_and_left_alone(kept: Kept) -> None:
    assert kept.seen is None and kept.tend() == ""
    first = kept.seen
    assert first and kept.tend() == "" and kept.seen == first and kept.alive and kept.restarts == 0


def test_it_is_started_again_soon_after_it_was_killed(kept: Kept) -> None:
    kept.tend()
    first = kept.seen
    assert first
    os.kill(first.pid, signal.SIGKILL)
    assert wait_until(lambda: not kept.alive, 5)
    died = time.monotonic()
    assert kept.tend() == "was ended by SIGKILL"
    assert wait_until(lambda: kept.tend() == "" and kept.alive, 5)
    assert time.monotonic() - died < 1.0
    assert kept.seen and kept.seen.pid != first.pid and kept.seen.restarts == 1


def test_pauses_grow_while_it_ends_at_once(tmp_path: Path) -> None:
    kept = Kept(lambda: command("raise SystemExit(3)", tmp_path), tmp_path / "a.log")
    died: list[float] = []

    def ended() -> bool:
        if kept.tend() == "ended with exit code 3":
            died.append(time.monotonic())
        return len(died) == 4

    assert wait_until(ended, 20)
    gaps = [later - earlier for earlier, later in zip(died, died[1:], strict=False)]
    assert gaps[0] >= 0.1 and gaps[1] >= 0.2 and gaps[2] >= 0.4 and kept.restarts == 4


def test_what_cannot_be_started_is_told_and_tried_again(tmp_path: Path) -> None:
    kept = Kept(lambda: Command(argv=("/no/such/program",), folder=tmp_path, variables={}), tmp_path / "a.log")
    told = kept.tend()
    assert told.startswith("cannot be started: ") and "/no/such/program" in told
    assert kept.restarts == 1 and kept.seen is None
    assert wait_until(lambda: kept.tend().startswith("cannot be started"), 5)


def test_a_living_process_of_an_earlier_supervisor_is_taken_over(kept: Kept, tmp_path: Path) -> None:
    kept.tend()
    assert kept.seen
    other = Kept(lambda: sleeper(tmp_path), tmp_path / "a.log", kept.seen)
    assert other.tend() == "" and other.seen == kept.seen


def test_a_dead_process_of_an_earlier_supervisor_counts_as_a_restart(tmp_path: Path) -> None:
    kept = Kept(lambda: sleeper(tmp_path), tmp_path / "a.log", Seen(pid=os.getpid(), born="another start", restarts=4))
    try:
        assert kept.tend() == "" and kept.seen and kept.seen.pid != os.getpid() and kept.seen.restarts == 5
    finally:
        kept.send(signal.SIGKILL)
        wait_until(lambda: not kept.alive, 5)


def test_a_process_is_known_by_id_and_start() -> None:
    me = Child.of_this_process()
    assert Child.find(me.pid, me.born) is not None
    assert Child.find(me.pid, "another start") is None
    assert Child.find(0, "") is None


def test_end_asks_and_then_kills(tmp_path: Path) -> None:
    source = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('on', flush=True); time.sleep(60)"
    )
    child = Child.spawn(command(source, tmp_path), tmp_path / "a.log")
    assert wait_until(lambda: (tmp_path / "a.log").read_text() == "on\n", 10)
    child.end(0.2)
    assert wait_until(lambda: not child.alive(), 5) and child.ending() == "was ended by SIGKILL"
