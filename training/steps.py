"""Progress of a command, shown step by step."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from gateline.settings.terminal import Terminal

LONG = 10.0
"""A step that took longer than this many seconds last time shows how long it will take."""


class Steps:
    """Numbered steps on standard error: a line when one is done, a running clock while it is not (on a terminal)."""

    def __init__(self, total: int, console: Console | None = None) -> None:
        """Expect `total` steps."""
        self._console = console or Terminal(stderr=True)
        self._total, self._number = total, 0

    @contextmanager
    def step(self, text: str, expected: float = 0.0) -> Iterator[None]:
        """Show a step while the block runs; `expected` is the seconds it took last time, if that is known."""
        self._number += 1
        start = time.monotonic()
        with self._clock(f"[{self._number}/{self._total}] {text}", expected):
            yield
        line = f"[{self._number}/{self._total}] {text}: {time.monotonic() - start:.1f} s"
        self._console.print(line, style="dim", markup=False, highlight=False)

    @contextmanager
    def _clock(self, text: str, expected: float) -> Iterator[None]:
        about = f" of about {expected:.0f} s, as last time" if expected > LONG else ""
        columns = [
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            TimeElapsedColumn(),
            TextColumn(about),
        ]
        if not self._console.is_terminal:
            if about:
                self._console.print(f"{text}{about}", style="dim", markup=False, highlight=False)
            yield
            return
        with Progress(*columns, console=self._console, transient=True) as progress:
            progress.add_task(text, total=None)
            yield
