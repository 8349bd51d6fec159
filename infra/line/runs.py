"""Run one stage as a process: progress while it runs, its output kept, its time remembered for the next estimate."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import re
import signal
import subprocess
import textwrap
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from gateline.contracts.files import place
from gateline.settings import passing
from infra.host.ending import end

LOGS = Path("reports/pipeline")
TIMINGS = Path(".gateline/timings.json")
TAIL = 40
STOP_SECONDS = 30.0
TELLING = re.compile("recorded|nothing to|already|inconclusive|not judged")
"""Marks the line of a stage that passed which says that it passed otherwise than by doing its work."""


@dataclass(frozen=True)
class Result:
    """How one stage ended."""

    name: str
    command: str
    code: int
    seconds: float
    log: Path


class Timings:
    """Seconds that each stage took last time."""

    def __init__(self, seconds: dict[str, float]) -> None:
        """Keep what is known."""
        self._seconds = seconds

    @classmethod
    def read(cls) -> Timings:
        """Return what earlier runs noted; empty the first time."""
        try:
            return cls({str(k): float(v) for k, v in json.loads(TIMINGS.read_bytes()).items()})
        except (OSError, ValueError, TypeError, AttributeError):
            return cls({})

    def expected(self, names: Iterable[str]) -> float | None:
        """Return the seconds these stages will take, as far as is known; None the first time."""
        known = [self._seconds[name] for name in names if name in self._seconds]
        return sum(known) if known else None

    def note(self, result: Result) -> None:
        """Remember how long a stage that passed took."""
        if result.code == 0:
            self._seconds[result.name] = round(result.seconds, 2)
            place({TIMINGS: json.dumps(self._seconds, indent=1)})


class Run:
    """One stage's process."""

    def __init__(self, name: str, argv: list[str], command: tuple[str, ...], console: Console) -> None:
        """Prepare; nothing is started."""
        self._name, self._argv, self._console = name, argv, console
        self._command = " ".join(command)

    def go(self, position: str, left: float | None) -> Result:
        """Run to the end, showing what it does; on failure show the end of its output. Ctrl-C ends the stage too."""
        LOGS.mkdir(parents=True, exist_ok=True)
        log = LOGS / f"{self._name.replace(' ', '-')}.log"
        eta = f", about {left:.0f} s left" if left is not None else ""
        begun = time.monotonic()
        with self._console.status(f"{position} {self._command}{eta}"), log.open("wb") as stream:
            code = self._wait(stream.fileno())
        seconds = time.monotonic() - begun
        mark = "[green]pass[/green]" if code == 0 else f"[red]exit {code}[/red]"
        self._console.print(f"{position:>6}  {escape(self._command):<52} {mark}  {seconds:6.1f} s")
        self._show(log, code)
        return Result(self._name, self._command, code, seconds, log)

    def _wait(self, stream: int) -> int:
        environment = passing.variables(self._name.partition(" ")[0]) | {"PYTHONUNBUFFERED": "1"}
        process = subprocess.Popen(
            self._argv, stdout=stream, stderr=subprocess.STDOUT, env=environment, start_new_session=True
        )
        try:
            return process.wait()
        except KeyboardInterrupt:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGINT)
            end(process, STOP_SECONDS, asked=True)
            raise

    def _show(self, log: Path, code: int) -> None:
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
        if code:
            self._console.print("\n".join(lines[-TAIL:]), markup=False, soft_wrap=True)
            return
        telling = (line.strip() for line in lines if TELLING.search(line) and not line.startswith("nox >"))
        for line in itertools.islice(telling, 1):
            told = escape(textwrap.shorten(line, 110, placeholder=" …"))
            self._console.print(f"          [dim]{told}[/dim]", soft_wrap=True)
