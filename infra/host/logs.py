"""Log files that do not grow without end, though their writers never reopen them."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path
from typing import IO

LARGEST = 5 * 2**20
"""Bytes; one older file of this size is kept beside."""
KEPT_SECONDS = 30 * 86_400.0
"""A log that nobody wrote to for so long is removed."""


def trim(folder: Path) -> None:
    """Move what is in each log that is too long to `<name>.log.1`. A few lines written meanwhile may be lost.

    Logs of processes long gone are removed.
    """
    for path in folder.glob("*.log*"):
        if time.time() - path.stat().st_mtime > KEPT_SECONDS:
            path.unlink()
        elif path.suffix == ".log" and path.stat().st_size > LARGEST:
            older = path.with_suffix(".log.1")
            try:
                shutil.copyfile(path, older)
            except OSError:
                older.unlink(missing_ok=True)  # the disk is full: these lines are what it is full of
            os.truncate(path, 0)


def opened(path: Path) -> IO[bytes]:
    """Open a log to append to it. Where none can be made (a full disk) what is said is lost: better than not to run."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return path.open("ab")
    except OSError:
        return Path(os.devnull).open("ab")


def tail(path: Path, lines: int = 10) -> str:
    """Return the last lines of a log; empty if there is none."""
    try:
        with path.open("rb") as stream:
            stream.seek(max(0, path.stat().st_size - 16_384))
            text = stream.read().decode(errors="replace")
    except OSError:
        return ""
    return "\n".join(text.strip().splitlines()[-lines:])
