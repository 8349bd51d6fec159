"""Files written whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path


def place(texts: Mapping[Path, str]) -> None:
    """Write every text beside its target first, and rename only when all are on disk. Raises OSError; nothing is half-done."""
    waiting: dict[Path, Path] = {}
    try:
        for target, text in texts.items():
            target.parent.mkdir(parents=True, exist_ok=True)
            waiting[target] = _beside(target, text)
        for target, temporary in waiting.items():
            os.replace(temporary, target)
    finally:
        for temporary in waiting.values():
            temporary.unlink(missing_ok=True)


def _beside(target: Path, text: str) -> Path:
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=".partial-")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        os.chmod(name, 0o644)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    return Path(name)
