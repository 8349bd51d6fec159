"""What `status` says of commands that ended, sleep or work."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from socket import gethostname

import pytest

from gateline.contracts.slots import Slot
from infra.host.processes import started, stopped, wait_until
from infra.rollout.attention import attention
from infra.rollout.journal import Entry, Kind
from tests.infra.tiny_project import Site


@pytest.fixture
def command() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen([sys.executable, "-S", "-c", "import time; time.sleep(60)"]) as process:
        yield process
        process.kill()


def told(site: Site, kind: Kind, pid: int, born: str, host: str = "") -> str:
    """Return what is said of a change that this process left in its journal."""
    entry = Entry(kind=kind, phase="watch", release="a" * 64, started="now", pid=pid, born=born, host=host or gethostname())
    site.target().journal.write(entry)
    lines = attention(site.target(), site.target().engine.status())
    [line] = [line for line in lines if f"the {kind} begun" in line or f"a {kind} is under way" in line]
    return line


def test_of_one_that_works(site: Site, command: subprocess.Popen[bytes]) -> None:
    site.put(stable=site.release())
    said = told(site, "canary", command.pid, started(command.pid))
    assert said.startswith("a canary is under way since now") and "suspended" not in said


def test_of_one_that_is_suspended(site: Site, command: subprocess.Popen[bytes]) -> None:
    site.put(stable=site.release())
    os.kill(command.pid, signal.SIGSTOP)
    assert wait_until(lambda: stopped(command.pid), 30)
    assert f"it is suspended: let it go on (fg, or kill -CONT {command.pid})" in told(
        site, "deploy", command.pid, started(command.pid)
    )


@pytest.mark.parametrize("kind", ["deploy", "canary", "promote", "rollback"])
def test_of_one_that_ended(site: Site, kind: Kind) -> None:
    site.put(stable=site.release())
    said = told(site, kind, os.getpid(), "another start")
    assert said.startswith(f"the {kind} begun now was left in phase 'watch'")
    assert "has ended. next: invoke up --env=production " in said


def test_of_one_of_a_machine_that_is_renamed_the_locks_tell(site: Site) -> None:
    site.put(stable=site.release())
    assert "has ended" in told(site, "canary", 1, "x", "another-name")
    with site.target().exclusively("invoke canary", 1.0):
        assert "under way" in told(site, "canary", 1, "x", "another-name")
    assert "under way" in told(site, "rollback", 1, "x", "another-name")


def test_of_a_replica_that_does_not_run(site: Site) -> None:
    site.put(stable=site.release())
    running = site.target().engine.status()
    assert not any("do not run" in line for line in attention(site.target(), running))
    slot = running.slots[Slot.STABLE]
    first, *others = slot.replicas
    half = replace(running, slots={Slot.STABLE: replace(slot, replicas=(replace(first, alive=False), *others))})
    [line] = [line for line in attention(site.target(), half) if "do not run" in line]
    assert line == f"1 of {len(slot.replicas)} replicas of stable do not run. next: invoke up --env=production"


def test_what_hangs_is_not_said_to_have_ended(site: Site) -> None:
    site.put(stable=site.release())
    running = site.target().engine.status()
    [line] = attention(site.target(), replace(running, supervised=False, hung=("supervisor",)))
    assert line == "supervisor hangs: alive, and no answer. next: invoke up --env=production"
    lines = attention(site.target(), replace(running, proxy_alive=False, supervised=False, hung=("supervisor",)))
    assert lines[0].startswith("proxy not running") and lines[1].startswith("supervisor hangs")
    [line] = attention(site.target(), replace(running, proxy_alive=False, supervised=False, hung=("proxy", "supervisor")))
    assert line.startswith("proxy and supervisor hang: ")
