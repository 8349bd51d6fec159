"""Files written whole or not at all."""

from __future__ import annotations

import os
import uuid
from collections.abc import Mapping
from pathlib import Path

PARTIAL = ".partial-"
"""How the name of a file begins that is still being written; readers leave such names alone."""


def place(texts: Mapping[Path, str | bytes]) -> None:
    """Write every file beside its target first, and rename only when all are on disk. Raises OSError; nothing is half-done."""
    waiting: dict[Path, Path] = {}
    try:
        for target, text in texts.items():
            target.parent.mkdir(parents=True, exist_ok=True)
            waiting[target] = beside(target, text.encode() if isinstance(text, str) else text)
        for target, temporary in waiting.items():
            os.replace(temporary, target)
    finally:
        for temporary in waiting.values():
            temporary.unlink(missing_ok=True)


def beside(target: Path, data: bytes) -> Path:
    """Write `data` to a new file in the target's folder, down to the disk, and return its path. Raises OSError."""
    temporary = target.parent / f"{PARTIAL}{uuid.uuid4().hex}"
    try:
        with temporary.open("xb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    return temporary


def hand_on(**values: str) -> None:
    """Name values to the CI jobs that come next, in GitHub's `$GITHUB_OUTPUT`; nothing elsewhere. Raises OSError."""
    if os.environ.get("GITHUB_OUTPUT"):
        with open(os.environ["GITHUB_OUTPUT"], "a", encoding="utf-8") as stream:
            for name, value in values.items():
                stream.write(f"{name.replace('_', '-')}={' '.join(value.splitlines())}\n")


def sync_folder(folder: Path) -> None:
    """Bring a folder's entries down to the disk, so that a rename in it outlives a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
