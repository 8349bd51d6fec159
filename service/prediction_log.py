"""The prediction log: what was scored when, by which release; no features. Written beside the answers, never before them."""

from __future__ import annotations

import json
import os
import queue
import re
import threading
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

WAITING = 10_000
"""Most requests whose lines wait to be written; beyond it lines are lost and counted."""
FILE = re.compile(r"predictions-(\d{4}-\d\d-\d\d)\.jsonl")
Entry = tuple[datetime, str, list[Any]]


class PredictionLog:
    """One JSON line a row, in one file a day (UTC) that every replica on the host appends to.

    A thread of its own writes. What cannot be written (full disk, missing folder, full queue) is lost and reported.
    """

    def __init__(self, folder: Path, release: str, retention_days: int, lost: Callable[[int], None]) -> None:
        """Start the writer. `lost` is told how many lines were lost, from any thread."""
        self._folder = folder
        self._release = release
        self._retention = timedelta(days=retention_days)
        self._lost = lost
        self._entries: queue.Queue[Entry | None] = queue.Queue(WAITING)
        self._swept: date | None = None
        self._cut = False
        self._thread = threading.Thread(target=self._run, name="prediction-log", daemon=True)
        self._thread.start()

    def write(self, request_id: str, scores: list[Any]) -> None:
        """Hand over the scores of one request; returns at once."""
        try:
            self._entries.put_nowait((datetime.now(UTC), request_id, scores))
        except queue.Full:
            self._lost(len(scores))

    def close(self, seconds: float = 5.0) -> None:
        """Write what waits, for at most `seconds`."""
        try:
            self._entries.put(None, timeout=seconds)
        except queue.Full:
            return
        self._thread.join(seconds)

    def _run(self) -> None:
        while (entry := self._entries.get()) is not None:
            moment, request_id, scores = entry
            try:
                self._append(moment.date(), self._lines(moment, request_id, scores))
            except OSError:
                self._lost(len(scores))

    def _lines(self, moment: datetime, request_id: str, scores: list[Any]) -> bytes:
        shared = {"request_id": request_id, "time": moment.isoformat(timespec="milliseconds"), "release": self._release}
        lines = (json.dumps(shared | {"row": row, "score": score}) for row, score in enumerate(scores))
        return "".join(f"{line}\n" for line in lines).encode()

    def _append(self, day: date, lines: bytes) -> None:
        """Append in one system call, so that lines of several replicas do not mix. A cut line is ended before the next."""
        if self._swept != day:
            self._sweep(day)
        path = self._folder / f"predictions-{day.isoformat()}.jsonl"
        handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o640)
        try:
            data = b"\n" + lines if self._cut else lines
            self._cut = os.write(handle, data) < len(data)
        finally:
            os.close(handle)
        if self._cut:
            raise OSError("the line was cut: no space is left")

    def _sweep(self, today: date) -> None:
        """Once a day, delete the files that are older than the retention."""
        for path in self._folder.iterdir():
            found = FILE.fullmatch(path.name)
            if found and date.fromisoformat(found[1]) <= today - self._retention:
                path.unlink(missing_ok=True)
        self._swept = today
