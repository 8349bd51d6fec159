"""Processes that write to one registry at the same time."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from gateline.registry.audit import AuditLog
from gateline.registry.store import Store

ROOT = Path(__file__).parents[3]
KEY = "key"
APPENDER = """
import sys
from gateline.contracts.event import Event
from gateline.registry.audit import AuditLog
from gateline.registry.store import Store
log = AuditLog(Store(sys.argv[1], "p"), "key")
print("ready", flush=True)
sys.stdin.readline()
for number in range(int(sys.argv[3])):
    log.append(Event(id=f"{sys.argv[2]}-{number}", source="/", type="t", time="2026-11-24T00:00:00Z"))
"""


def at_once(script: str, listed: Iterable[Iterable[str]], environ: Mapping[str, str] | None = None) -> None:
    """Run a script in one process for each list of arguments, all let go when the last has said that it is ready.

    Raises AssertionError where one of them fails.
    """
    running = [
        subprocess.Popen(
            [sys.executable, "-B", "-c", script, *arguments],
            cwd=ROOT,
            env=os.environ | (environ or {}),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        for arguments in listed
    ]
    for process in running:
        assert process.stdout is not None
        process.stdout.readline()
    for process in running:
        assert process.stdin is not None
        process.stdin.write(b"go\n")
        process.stdin.flush()
    for process in running:
        process.communicate()
    assert {process.returncode for process in running} == {0}


def append_at_once(registry: str, writers: int, each: int, environ: Mapping[str, str] | None = None) -> None:
    """Let writers append to one log, and see that every event stands in it once, in one chain."""
    at_once(APPENDER, ([registry, str(name), str(each)] for name in range(writers)), environ)
    log = AuditLog(Store(registry, "p"), KEY)
    assert log.verify((log.head(),)) == []
    ids = [entry.id for entry in log.events()]
    assert sorted(ids) == sorted(f"{name}-{number}" for name in range(writers) for number in range(each))
    assert log.head().count == writers * each
    switches = sum(before.split("-")[0] != after.split("-")[0] for before, after in zip(ids, ids[1:], strict=False))
    assert switches > writers, "the writers did not run at the same time: this test showed nothing"
