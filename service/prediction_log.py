"""The prediction log: what was scored when, by which release; no features. Written in the background, behind the answers."""

import json
import os
import re
import threading
import time
from collections import deque
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

WAITING = 10_000
"""Most requests whose lines wait to be written; beyond it lines are lost and counted."""
WAITING_BYTES = 64 * 2**20
"""Most bytes of them."""
GATHER_SECONDS = 0.1
"""How long the writer waits for more: a call of the system, and a change of threads, for each request cost more than it."""
MOST_BYTES = 1_048_576
"""Written at a time, but for a longer request."""
FILE = re.compile(r"predictions-(\d{4}-\d\d-\d\d)\.jsonl")
Entry = tuple[date, str]


class PredictionLog:
    """One JSON line a row, in one file a day (UTC) that every replica on the host appends to.

    A thread of its own writes. What cannot be written (full disk, missing folder, full queue) is lost and reported.
    """

    def __init__(self, folder: Path, release: str, retention_days: int, lost: Callable[[int], None]) -> None:
        """Start the writer. `lost` is told how many lines were lost, from any thread."""
        self._folder, self._release, self._lost = folder, json.dumps(release), lost
        self._retention = timedelta(days=retention_days)
        self._entries: deque[Entry] = deque()
        self._put = self._took = 0
        """Bytes handed over, and taken by the writer: each is counted by one thread alone."""
        self._awake, self._closing = threading.Event(), threading.Event()
        self._is_told = False
        """Whether the writer was told that something waits, and has not looked since."""
        self._millisecond, self._day, self._shared = 0, date.min, ""
        self._swept: date | None = None
        self._cut = False
        self._thread = threading.Thread(target=self._run, name="prediction-log", daemon=True)
        self._thread.start()

    def write(self, request_id: str, scores: list[Any]) -> None:
        """Hand over the scores of one request, whose id needs no escape; returns at once."""
        if len(self._entries) >= WAITING or self._put - self._took >= WAITING_BYTES:
            return self._lost(len(scores))
        millisecond = int(time.time() * 1000)
        if millisecond != self._millisecond:
            moment = datetime.fromtimestamp(millisecond / 1000, UTC)
            self._millisecond, self._day = millisecond, moment.date()
            told = moment.isoformat(timespec="milliseconds")
            self._shared = f'", "time": "{told}", "release": {self._release}, "row": '
        # a list of floats is written as JSON writes it
        if len(scores) == 1:
            lines = f'{{"request_id": "{request_id}{self._shared}0, "score": {scores[0]!r}}}\n'
        else:
            first = f'{{"request_id": "{request_id}{self._shared}'
            lines = "".join([f'{first}{row}, "score": {score!r}}}\n' for row, score in enumerate(scores)])
        self._put += len(lines)
        self._entries.append((self._day, lines))
        if not self._is_told:
            self._is_told = True
            self._awake.set()

    def close(self, seconds: float = 5.0) -> None:
        """Write what waits, for at most `seconds`."""
        self._closing.set()
        self._awake.set()
        self._thread.join(seconds)

    def _run(self) -> None:
        while not self._closing.is_set() or self._entries:
            self._awake.wait()
            self._closing.wait(GATHER_SECONDS)
            self._awake.clear()
            self._is_told = False  # before it looks: what comes from here on tells it again
            for day, group in groupby(self._taken(), key=itemgetter(0)):
                self._write(day, "".join([lines for _, lines in group]).encode())
            if self._closing.is_set() or self._entries:
                self._awake.set()

    def _taken(self) -> list[Entry]:
        """Return what waits, up to `MOST_BYTES`."""
        taken, size = [], 0
        while self._entries and size < MOST_BYTES:
            taken.append(self._entries.popleft())
            size += len(taken[-1][1])
        self._took += size
        return taken

    def _write(self, day: date, lines: bytes) -> None:
        written = 0
        try:
            written = self._append(day, lines)
        except OSError:
            pass
        if written < len(lines):
            self._lost(lines.count(b"\n") - lines[:written].count(b"\n"))

    def _append(self, day: date, lines: bytes) -> int:
        """Append in one system call, so that lines of several replicas do not mix, and return how many bytes were written.

        A cut line is ended before the next.
        """
        if self._swept != day:  # once a day, the files that are older than the retention are deleted
            for path in self._folder.iterdir():
                found = FILE.fullmatch(path.name)
                if found and date.fromisoformat(found[1]) <= day - self._retention:
                    path.unlink(missing_ok=True)
            self._swept = day
        path = self._folder / f"predictions-{day.isoformat()}.jsonl"
        handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o640)
        data = b"\n" + lines if self._cut else lines
        try:
            written = os.write(handle, data)
        finally:
            os.close(handle)
        if written:
            self._cut = data[written - 1 : written] != b"\n"
        return max(written - (len(data) - len(lines)), 0)
