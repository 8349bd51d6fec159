"""Stages as processes: as many side by side as there are cores, each one's output kept, its time remembered."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import re
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from gateline.contracts.files import place
from gateline.settings import passing
from gateline.stages import Stage
from infra.host.processes import end

LOGS = Path("reports/pipeline")
TIMINGS = Path(".gateline/timings.json")
TAIL = 40
STOP_SECONDS = 30.0
TICK_SECONDS = 0.1
SHOWN_BYTES = 4096
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
    """One stage's process, with the output in a file of its own."""

    def __init__(self, stage: Stage) -> None:
        """Start it, in a process group of its own."""
        self.stage, self.log = stage, LOGS / f"{stage.words.replace(' ', '-')}.log"
        self._begun = time.monotonic()
        LOGS.mkdir(parents=True, exist_ok=True)
        with self.log.open("wb") as stream:
            self._process = subprocess.Popen(
                [sys.executable, "-m", *stage.command],
                stdout=stream,
                stderr=subprocess.STDOUT,
                env=passing.variables(stage.name) | {"PYTHONUNBUFFERED": "1"},
                start_new_session=True,
            )

    @property
    def seconds(self) -> float:
        """How long it has run."""
        return time.monotonic() - self._begun

    def ended(self) -> Result | None:
        """Return how it ended; None while it runs."""
        code = self._process.poll()
        if code is None:
            return None
        return Result(self.stage.words, " ".join(self.stage.command), code, self.seconds, self.log)

    def interrupt(self) -> None:
        """Press Ctrl-C for the stage and all that it started."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGINT)

    def end(self) -> None:
        """Wait for one that was interrupted, and kill it where that takes too long."""
        end(self._process, STOP_SECONDS, asked=True)

    def progress(self) -> str:
        """Return one line: the command, for how long it has run, and what it printed last."""
        with self.log.open("rb") as stream:
            stream.seek(max(0, os.fstat(stream.fileno()).st_size - SHOWN_BYTES))
            lines = stream.read().decode("utf-8", errors="replace").split("\n")
        last = next((line.strip() for line in reversed(lines) if line.strip()), "")
        return f"{' '.join(self.stage.command)} {self.seconds:.0f} s  [dim]{escape(textwrap.shorten(last, 60))}[/dim]"


class SideBySide:
    """Stages that run once what they need has passed, as many at a time as there are places."""

    def __init__(self, stages: Sequence[Stage], table: Sequence[Stage], console: Console, places: int) -> None:
        """Take the stages to run; of the others in `table`, a need of theirs stands for a need of them."""
        self._console, self._places, self._total = console, places, len(stages)
        self.waiting, self.results = list(stages), list[Result]()
        self._running: list[Run] = []
        self._needs = needs(stages, table)
        self._timings = Timings.read()

    def go(self) -> None:
        """Run until nothing runs and nothing can start: `results` then holds how each ended, `waiting` what was stopped.

        A failure stops what needs that stage; the others go on. Ctrl-C ends all that run.
        """
        with self._console.status("") as status:
            try:
                while self._start():
                    if self._console.is_terminal:
                        status.update("\n  ".join([self._left(), *(run.progress() for run in self._running)]))
                    time.sleep(TICK_SECONDS)
                    self._collect()
            finally:
                for run in self._running:
                    run.interrupt()
                for run in self._running:
                    run.end()

    def _start(self) -> bool:
        passed = {result.name for result in self.results if result.code == 0}
        ready = [stage for stage in self.waiting if self._needs[stage.words] <= passed]
        for stage in startable(ready, [run.stage for run in self._running], self._places):
            self.waiting.remove(stage)
            self._running.append(Run(stage))
        return bool(self._running)

    def _collect(self) -> None:
        for run in list(self._running):
            if (result := run.ended()) is not None:
                self._running.remove(run)
                self.results.append(result)
                self._timings.note(result)
                show(result, f"{len(self.results)}/{self._total}", self._console)

    def _left(self) -> str:
        """Say how long the rest will take, as far as is known: the first time nothing is."""
        spent = sum(min(run.seconds, self._timings.expected([run.stage.words]) or 0.0) for run in self._running)
        names = [run.stage.words for run in self._running] + [stage.words for stage in self.waiting]
        expected = self._timings.expected(names)
        left = f", about {(expected - spent) / self._places:.0f} s left" if expected is not None else ""
        return f"{len(self.results)}/{self._total}{left}"


def needs(stages: Collection[Stage], table: Iterable[Stage]) -> Mapping[str, frozenset[str]]:
    """Return what each stage waits for; one that is left out hands on what it would have waited for."""
    listed, known = {stage.words for stage in stages}, {stage.words: stage.needs for stage in table}

    def of(name: str) -> frozenset[str]:
        return frozenset().union(*(frozenset([need]) if need in listed else of(need) for need in known[name]))

    return {name: of(name) for name in listed}


def startable(ready: Sequence[Stage], running: Sequence[Stage], places: int) -> list[Stage]:
    """Return which of the stages that could run start now: long ones first where there is more than one place.

    One that measures time starts when nothing else runs or could, and nothing starts while it runs.
    """
    if any(stage.alone for stage in running):
        return []
    order = sorted(ready, key=lambda stage: places == 1 or not stage.long)
    together = [stage for stage in order if not stage.alone]
    return together[: places - len(running)] if together or running else order[:1]


def show(result: Result, position: str, console: Console) -> None:
    """Print how a stage ended: of one that failed the end of its output, of one that passed what it says of itself."""
    mark = "[green]pass[/green]" if result.code == 0 else f"[red]exit {result.code}[/red]"
    console.print(f"{position:>6}  {escape(result.command):<52} {mark}  {result.seconds:6.1f} s")
    lines = result.log.read_text(encoding="utf-8", errors="replace").splitlines()
    if result.code:
        console.print("\n".join(lines[-TAIL:]), markup=False, soft_wrap=True)
        return
    telling = (line.strip() for line in lines if TELLING.search(line) and not line.startswith("nox >"))
    for line in itertools.islice(telling, 1):
        told = escape(textwrap.shorten(line, 110, placeholder=" …"))
        console.print(f"          [dim]{told}[/dim]", soft_wrap=True)
