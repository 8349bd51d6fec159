"""The prediction log: what was scored when, by which release; no features. Written in the background, behind the answers."""

import os
import re
import threading
import time
from collections import deque
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from itertools import groupby, repeat
from math import ceil
from pathlib import Path
from typing import Any

import msgspec

WAITING_ROWS = 50_000
"""Most rows that wait to be written; beyond it lines are lost and counted."""
WAITING_SCORES = 1_000_000
"""Most scores of them: 32 MB."""
GATHER_SECONDS = 0.1
"""How long the writer waits for more: a call of the system, and a change of threads, for each request cost more than it."""
MOST_LINES = 4_096
"""Written at a time."""
FIELDS = 4
"""What waits of a row: its request's id, when it was answered, its place in the request, its score. They wait one after the
other in one queue: a container for each row would be followed by the garbage collector until it is written."""
FILE = re.compile(r"predictions-(\d{4}-\d\d-\d\d)\.jsonl")


class Line(msgspec.Struct, gc=False):
    """One row, as it stands in the file."""

    request_id: str
    time: str
    release: str
    row: int
    score: float | list[float]


class PredictionLog:
    """One JSON line a row, in one file a day (UTC) that every replica on the host appends to.

    A thread of its own writes. What cannot be written (full disk, missing folder, full queue) is lost and reported.
    """

    def __init__(self, folder: Path, release: str, retention_days: int, lost: Callable[[int], None]) -> None:
        """Start the writer. `lost` is told how many lines were lost, from any thread."""
        self._folder, self._release, self._lost = folder, release, lost
        self._retention = timedelta(days=retention_days)
        self._waiting: deque[Any] = deque()
        self._awake, self._closing = threading.Event(), threading.Event()
        self._is_told = False
        """Whether the writer was told that something waits, and has not looked since."""
        self._millisecond, self._told, self._most = 0, "", 0
        self._encoder = msgspec.json.Encoder()
        self._swept = ""
        self._cut = False
        self._thread = threading.Thread(target=self._run, name="prediction-log", daemon=True)
        self._thread.start()

    def write(self, request_id: str, scores: list[Any]) -> None:
        """Hand over the scores of one request, which nobody changes any more; returns at once."""
        millisecond = int(time.time() * 1000)
        if millisecond != self._millisecond:
            moment = datetime.fromtimestamp(millisecond / 1000, UTC)
            self._millisecond, self._told = millisecond, moment.isoformat(timespec="milliseconds")
            self._most = FIELDS * min(WAITING_ROWS, WAITING_SCORES // _width(scores[0]))
        waiting = self._waiting
        if len(waiting) >= self._most:
            return self._lost(len(scores))
        for row, score in enumerate(scores):
            waiting.extend((request_id, self._told, row, score))
        if not self._is_told:
            self._is_told = True
            self._awake.set()

    def close(self, seconds: float = 5.0) -> None:
        """Write what waits, for at most `seconds`."""
        self._closing.set()
        self._awake.set()
        self._thread.join(seconds)

    def _run(self) -> None:
        while not self._closing.is_set() or self._waiting:
            self._awake.wait()
            self._closing.wait(GATHER_SECONDS)
            self._awake.clear()
            self._is_told = False  # before it looks: what comes from here on tells it again
            # what comes meanwhile waits for the next time: to go on until nothing waits would write a few lines at a time
            for _ in range(ceil(len(self._waiting) / FIELDS / MOST_LINES)):
                for day, lines in groupby(self._taken(), key=_day):
                    self._write(day, self._encoder.encode_lines(list(lines)))
            if self._closing.is_set():
                self._awake.set()

    def _taken(self) -> list[Line]:
        """Return what waits, up to `MOST_LINES`."""
        count = min(len(self._waiting) // FIELDS, MOST_LINES)
        values = [self._waiting.popleft() for _ in range(FIELDS * count)]
        ids, times, rows, scores = (values[field::FIELDS] for field in range(FIELDS))
        return list(map(Line, ids, times, repeat(self._release), rows, scores))

    def _write(self, day: str, lines: bytes) -> None:
        written = 0
        try:
            written = self._append(day, lines)
        except OSError:
            pass
        if written < len(lines):
            self._lost(lines.count(b"\n") - lines[:written].count(b"\n"))

    def _append(self, day: str, lines: bytes) -> int:
        """Append in one system call, so that lines of several replicas do not mix, and return how many bytes were written.

        A cut line is ended before the next.
        """
        if self._swept != day:  # once a day, the files that are older than the retention are deleted
            for path in self._folder.iterdir():
                found = FILE.fullmatch(path.name)
                if found and date.fromisoformat(found[1]) <= date.fromisoformat(day) - self._retention:
                    path.unlink(missing_ok=True)
            self._swept = day
        path = self._folder / f"predictions-{day}.jsonl"
        handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o640)
        data = b"\n" + lines if self._cut else lines
        try:
            written = os.write(handle, data)
        finally:
            os.close(handle)
        if written:
            self._cut = data[written - 1 : written] != b"\n"
        return max(written - (len(data) - len(lines)), 0)


def _width(score: float | list[float]) -> int:
    return len(score) if isinstance(score, list) else 1


def _day(line: Line) -> str:
    return line.time[: len("2026-01-31")]
